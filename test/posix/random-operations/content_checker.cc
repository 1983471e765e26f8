// Choosing operations, and what is checked of everything at once: names and bytes, after a remount, after a crash.
#include "content_checker.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

namespace packetfs::checker {
namespace {
constexpr std::size_t kSubjectsMin = 3;
constexpr std::uint64_t kProgressEvery = 100'000;
}  // namespace

ContentChecker::ContentChecker(const Options& options)
    : options_(options),
      directory_(options.directory + "/content-" + std::to_string(options.seed)),
      random_(options.seed),
      buffer_(options.sizeMax + kPageBytes) {
  if (::mkdir(directory_.c_str(), 0755) != 0) throw Mismatch(0, "cannot make " + directory_ + ": a new one is needed");
}

void ContentChecker::run() {
  for (std::uint64_t number = 1; number <= options_.operations; number++) {
    history_.startOperation(number);
    while (subjects_.size() < kSubjectsMin) create();
    perform();
    if (options_.remountEvery > 0 && number % options_.remountEvery == 0) remount();
    if (options_.killEvery > 0 && number % options_.killEvery == 0) crash();
    if (number % options_.verifyEvery == 0) verifyAll();
    if (number % kProgressEvery == 0) std::fprintf(stderr, "%llu operations\n", (unsigned long long)number);
  }
  verifyAll();
}

void ContentChecker::perform() {
  struct Choice {
    unsigned weight;  // of a thousand
    void (ContentChecker::*operation)();
  };
  static constexpr Choice kChoices[] = {
      {230, &ContentChecker::read},
      {230, &ContentChecker::write},
      {60, &ContentChecker::append},
      {70, &ContentChecker::writeMapped},
      {60, &ContentChecker::readMapped},
      {10, &ContentChecker::mapPrivately},
      {10, &ContentChecker::unmap},
      {60, &ContentChecker::truncate},
      {60, &ContentChecker::allocate},
      {40, &ContentChecker::copyRange},
      {20, &ContentChecker::seekThrough},
      {2, &ContentChecker::sync},
      {1, &ContentChecker::writeSynchronously},
      {15, &ContentChecker::dropCaches},
      {30, &ContentChecker::openAnother},
      {4, &ContentChecker::openTruncating},
      {40, &ContentChecker::closeOne},
      {6, &ContentChecker::create},
      {6, &ContentChecker::link},
      {8, &ContentChecker::unlink},
      {8, &ContentChecker::renameOver},
      {30, &ContentChecker::stat},
  };
  static constexpr unsigned kTotal = [] {
    unsigned sum = 0;
    for (const Choice& choice : kChoices) sum += choice.weight;
    return sum;
  }();
  std::uint64_t drawn = random_.below(kTotal);
  for (const Choice& choice : kChoices) {
    if (drawn < choice.weight) return (this->*choice.operation)();
    drawn -= choice.weight;
  }
}

void ContentChecker::mismatch(const Subject& subject, const std::string& sentence) const {
  throw Mismatch(subject.id, sentence);
}

void ContentChecker::expectDone(const Subject& subject, bool done, const char* what) const {
  if (!done) mismatch(subject, text("%s failed: %s", what, std::strerror(errno)));
}

void ContentChecker::compare(const Subject& subject, const char* how, const std::uint8_t* found, Range where) const {
  const std::uint8_t* expected = subject.model.at(where.offset);
  if (std::memcmp(found, expected, where.length) == 0) return;
  std::uint64_t first = 0, different = 0;
  for (std::uint64_t i = where.length; i-- > 0;) {
    if (found[i] == expected[i]) continue;
    first = i;
    different++;
  }
  mismatch(subject, text("%s of %llu bytes at %llu: %llu bytes differ, the first at %llu is 0x%02x, not 0x%02x", how,
                         where.length, where.offset, different, where.offset + first, found[first], expected[first]));
}

void ContentChecker::verifyBytes(Subject& subject) {
  const FileModel& model = subject.model;
  const std::uint64_t length = model.size() - model.base();
  const int fd = descriptorFor(subject, Access::mapping).file.get();
  struct stat attributes {};
  expectDone(subject, ::fstat(fd, &attributes) == 0, "fstat");
  if (static_cast<std::uint64_t>(attributes.st_size) != model.size()) {
    mismatch(subject, text("the size is %lld, not %llu", (long long)attributes.st_size, model.size()));
  }
  const ssize_t got = ::pread(fd, buffer_.get(), length + 1, static_cast<off_t>(model.base()));
  if (got != static_cast<ssize_t>(length)) {
    mismatch(subject, text("a read of everything gave %lld bytes of %llu", (long long)got, length));
  }
  compare(subject, "the whole content", buffer_.get(), {model.base(), length});
}

void ContentChecker::verifyNames() {
  std::set<std::string> found;
  DIR* listing = ::opendir(directory_.c_str());
  if (listing == nullptr) throw Mismatch(0, text("the directory cannot be listed: %s", std::strerror(errno)));
  while (const dirent* entry = ::readdir(listing)) found.insert(entry->d_name);
  ::closedir(listing);
  found.erase(".");
  found.erase("..");
  for (const auto& [name, subject] : names_) {
    if (found.erase(name) == 0) mismatch(*subject, name + " is not in its directory");
  }
  if (!found.empty()) throw Mismatch(0, *found.begin() + " is in the directory, but should not");
}

void ContentChecker::verifyAll() {
  verifyNames();
  for (const auto& subject : subjects_) verifyBytes(*subject);
}

/// Inodes that have neither names nor descriptors are gone.
void ContentChecker::forgetNameless() {
  std::erase_if(subjects_, [](const std::shared_ptr<Subject>& subject) {
    return subject->names.empty() && subject->descriptors.empty();
  });
}

void ContentChecker::remount() {
  history_.note(History::kEverything, "unmount and mount");
  for (const auto& subject : subjects_) {
    subject->mapping.unmap();
    subject->mappingWritten = false;
    for (Descriptor& descriptor : subject->descriptors) {
      expectDone(*subject, descriptor.file.close() == 0, "close");
    }
    subject->descriptors.clear();
    subject->model.settle();
  }
  forgetNameless();
  runHook(options_.remountCommand);
  verifyAll();
}

void ContentChecker::crash() {
  history_.note(History::kEverything, "kill and mount");
  runHook(options_.killCommand);
  for (const auto& subject : subjects_) {
    subject->mapping.unmap();
    subject->mappingWritten = false;
    subject->descriptors.clear();
  }
  forgetNameless();
  verifyNames();
  for (const auto& subject : subjects_) verifySurvivor(*subject);
}

/// After a crash: each byte is what was settled, or lies where something was written since.
void ContentChecker::verifySurvivor(Subject& subject) {
  FileModel& model = subject.model;
  if (model.isSettled()) return verifyBytes(subject);
  const int fd = descriptorFor(subject, Access::reading).file.get();
  struct stat attributes {};
  expectDone(subject, ::fstat(fd, &attributes) == 0, "fstat");
  const auto size = static_cast<std::uint64_t>(attributes.st_size);
  if (size < model.sizeLowest() || size > model.sizeHighest()) {
    mismatch(subject, text("after a crash the size is %llu, and never was below %llu or above %llu", size,
                           model.sizeLowest(), model.sizeHighest()));
  }
  const std::uint64_t length = size - model.base();
  const ssize_t got = ::pread(fd, buffer_.get(), length, static_cast<off_t>(model.base()));
  expectDone(subject, got == static_cast<ssize_t>(length), "reading what survived");
  const std::uint64_t wrong = model.firstUnexplained(buffer_.get(), length);
  if (wrong < length) {
    mismatch(subject, text("after a crash the byte at %llu is 0x%02x, which no write since it was synced explains",
                           model.base() + wrong, buffer_.get()[wrong]));
  }
  model.adopt(buffer_.get(), size);
}

}  // namespace packetfs::checker
