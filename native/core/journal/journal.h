// The namespace's journal (docs/format/namespace.md, Journal; docs/design/0060): records of what was changed since a
// commit, in one file per commit under way. JavaScript appends what it changed before it answers; the content store
// appends written bytes on FUSE threads, which then needs no commit to be durable. Thread-safe.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "../base/file.h"
#include "../base/result.h"

namespace packetfs {

class Journal {
 public:
  enum class Kind : std::uint8_t {
    mutation = 0,  // a change of the namespace
    literal = 1,   // bytes that the blob has not synced
    written = 2    // bytes that a file got and the blob does not have yet
  };
  struct Record {
    Kind kind = Kind::mutation;
    std::span<const std::uint8_t> bytes{};
  };
  static constexpr std::size_t kRecordBytesMax = 64U << 20;

  /// Records follow commit `follows`, until a rotation. Nothing is created before the first record.
  Journal(std::string directory, std::uint64_t follows) : directory_(std::move(directory)), follows_(follows) {}
  ~Journal() { close(); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// One write; gives the commit that the records follow. After a failure nothing of them holds, and until an append
  /// that `catchesUp` (one that has all that was lost in it) succeeds, or a rotation, every other one is EAGAIN.
  Result<std::uint64_t> append(std::span<const Record> records, bool catchesUp);
  /// How many appends that catch up have gone well.
  [[nodiscard]] std::uint64_t catchUps() const { return catchUps_.load(); }
  /// Calls `done` once everything that was appended before is durable, on this thread or on one that is syncing
  /// already. A file whose sync has failed stays so: only a commit tells what is on the disk then.
  void sync(std::function<void(const Status&)> done);
  /// From here on records follow commit `follows`, in another file. True where the one until now has written bytes.
  bool rotate(std::uint64_t follows);
  /// The commit that was begun with the last rotation is durable: the file before it may be written over.
  void retire();
  /// The volume writes no more: every later append and sync is EROFS.
  void refuse();
  void close();

 private:
  struct File {
    std::shared_ptr<Descriptor> descriptor{};  // a spare shares it with a sync under way
    std::string path{};
    std::uint64_t size = 0;        // end of the records; 0 before the header is written
    std::uint64_t syncedSize = 0;  // of these, durable
    std::uint64_t fileBytes = 0;   // how long the file is, beyond the records too
    std::uint32_t checksum = 0;    // of the header
    bool hasWritten = false;       // a record of that kind
    bool isNamed = false;          // its name is durable
    bool isBroken = false;         // a sync of it has failed
  };
  struct Target {
    std::shared_ptr<File> file{};
    std::uint64_t size = 0;
  };

  Status refuseIfUnusable() const;
  Status openFile();
  void writeHeader(std::vector<std::uint8_t>& bytes);
  void frame(std::vector<std::uint8_t>& bytes, const Record& record) const;
  static void grow(File& file);
  std::vector<Target> unsynced();
  Status makeDurable(const std::vector<Target>& targets) const;
  void syncQueued(std::unique_lock<std::mutex>& lock);

  const std::string directory_;
  std::mutex mutex_{};
  std::uint64_t follows_;
  std::uint64_t previousBytes_ = 0;
  std::shared_ptr<File> current_{};
  std::shared_ptr<File> retiring_{};
  std::shared_ptr<File> spare_{};
  std::atomic<std::uint64_t> catchUps_ = 0;
  bool behind_ = false;
  bool refuses_ = false;
  bool syncing_ = false;
  std::vector<std::uint8_t> buffer_{};
  std::deque<std::function<void(const Status&)>> waiting_{};
};

}  // namespace packetfs
