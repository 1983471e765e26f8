// Random operations on the content of several files at once, with names that move between them, each result held
// against FileModel. What is undefined or left open by POSIX is not done: reads and writes through a mapping beyond the
// end of the file, SEEK_DATA while a mapping has bytes that were not synced, O_DIRECT that is not page-aligned.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "file_model.h"
#include "history.h"
#include "options.h"
#include "random.h"
#include "system.h"

namespace packetfs::checker {

class ContentChecker {
 public:
  explicit ContentChecker(const Options& options);

  /// Throws Mismatch.
  void run();
  [[nodiscard]] const History& history() const { return history_; }

 private:
  struct Descriptor {
    File file{};
    bool writes = false, appends = false, direct = false;
  };
  struct Subject {  // an inode
    std::uint64_t id = 0;
    FileModel model;
    std::vector<std::string> names{};
    std::vector<Descriptor> descriptors{};
    Mapping mapping{};
    bool mappingWritten = false;  // since the last msync
  };
  struct Range {
    std::uint64_t offset = 0, length = 0;
  };

  // content_operations.cc: bytes
  void read();
  void write();
  void append();
  void writeMapped();
  void readMapped();
  void mapPrivately();
  void unmap();
  void truncate();
  void allocate();
  void copyRange();
  void seekThrough();
  void sync();
  void writeSynchronously();
  void dropCaches();
  // content_names.cc: descriptors and names
  void openAnother();
  void openTruncating();
  void closeOne();
  void create();
  void link();
  void unlink();
  void renameOver();
  void stat();
  // content_checker.cc
  void perform();
  void remount();
  void crash();
  void verifyAll();
  void verifyNames();
  void verifyBytes(Subject& subject);
  void verifySurvivor(Subject& subject);
  void forgetNameless();
  void closeUnlinked(Subject& subject);

  Subject& anySubject() { return *random_.pick(subjects_); }
  Descriptor& open(Subject& subject, int flags);
  enum class Access { reading, writing, appending, mapping };
  Descriptor& descriptorFor(Subject& subject, Access access);
  Range range(const Subject& subject, bool aligned);
  void fill(std::uint64_t length);
  void compare(const Subject& subject, const char* how, const std::uint8_t* found, Range where) const;
  [[noreturn]] void mismatch(const Subject& subject, const std::string& sentence) const;
  void expectDone(const Subject& subject, bool done, const char* what) const;
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string freshName();
  void note(const Subject& subject, std::string what) { history_.note(subject.id, std::move(what)); }
  void dropName(const std::string& name);

  const Options& options_;
  std::string directory_;
  Random random_;
  History history_{};
  std::vector<std::shared_ptr<Subject>> subjects_{};
  std::map<std::string, std::shared_ptr<Subject>> names_{};
  std::uint64_t created_ = 0;
  AlignedBuffer buffer_;  // what is written, and what was read
};

}  // namespace packetfs::checker
