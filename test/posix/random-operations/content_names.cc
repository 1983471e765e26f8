// Operations on descriptors and names: which inode a name is, how many names it has, what an unlinked one still holds.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "content_checker.h"

namespace packetfs::checker {
namespace {
constexpr std::size_t kSubjectsMax = 8;
constexpr std::size_t kDescriptorsMax = 4;
constexpr std::size_t kNamesMax = 14;
/// Far into a file, where offsets need more than 32 and more than 42 bits; ext4 ends at 2^44.
constexpr std::uint64_t kFarBases[] = {(1ULL << 32) - 4 * kPageBytes, (1ULL << 43) - 16 * kPageBytes};
}  // namespace

std::string ContentChecker::freshName() {
  std::string name;
  do name = "name-" + std::to_string(random_.below(4 * kNamesMax));
  while (names_.contains(name));
  return name;
}

ContentChecker::Descriptor& ContentChecker::open(Subject& subject, int flags) {
  if (subject.names.empty()) mismatch(subject, "an unlinked file has no name to open");
  const std::string& name = random_.pick(subject.names);
  note(subject, text("open %s, flags 0%o", name.c_str(), static_cast<unsigned>(flags)));
  File file(::open(path(name).c_str(), flags | O_CLOEXEC));
  expectDone(subject, file.get() >= 0, "open");
  subject.descriptors.push_back({.file = std::move(file),
                                 .writes = (flags & O_ACCMODE) != O_RDONLY,
                                 .appends = (flags & O_APPEND) != 0,
                                 .direct = (flags & O_DIRECT) != 0});
  return subject.descriptors.back();
}

/// One that is open and fits, or a new one; an unlinked file always has one that reads and writes.
ContentChecker::Descriptor& ContentChecker::descriptorFor(Subject& subject, Access access) {
  std::vector<Descriptor*> fitting;
  for (Descriptor& descriptor : subject.descriptors) {
    const bool plain = descriptor.writes && !descriptor.appends;
    if ((access == Access::reading && (descriptor.writes || !subject.names.empty())) ||
        (access == Access::writing && plain) || (access == Access::appending && descriptor.appends) ||
        (access == Access::mapping && plain && !descriptor.direct)) {
      fitting.push_back(&descriptor);
    }
  }
  if (!fitting.empty()) return *random_.pick(fitting);
  return open(subject, O_RDWR | (access == Access::appending ? O_APPEND : 0));
}

void ContentChecker::openAnother() {
  static constexpr int kFlags[] = {O_RDWR,   O_RDWR,  O_RDWR, O_RDWR | O_APPEND, O_RDWR | O_APPEND, O_RDWR | O_DIRECT,
                                   O_RDONLY, O_RDONLY};
  Subject& subject = anySubject();
  if (subject.names.empty() || subject.descriptors.size() >= kDescriptorsMax) return closeOne();
  open(subject, kFlags[random_.below(std::size(kFlags))]);
}

void ContentChecker::openTruncating() {
  Subject& subject = anySubject();
  if (subject.names.empty()) return;
  const std::string name = random_.pick(subject.names);
  note(subject, "open and truncate " + name);
  const File file(::open(path(name).c_str(), O_RDWR | O_TRUNC | (random_.chance(50) ? O_CREAT : 0), 0644));
  expectDone(subject, file.get() >= 0, "open");
  struct stat attributes {};
  expectDone(subject, ::fstat(file.get(), &attributes) == 0, "fstat");
  if (attributes.st_size != 0) mismatch(subject, text("%lld bytes after O_TRUNC", (long long)attributes.st_size));
  const std::uint64_t base = subject.model.base();
  if (base > 0) expectDone(subject, ::ftruncate(file.get(), static_cast<off_t>(base)) == 0, "ftruncate");
  subject.model.resize(base);
}

/// close(2) makes a crash keep what was written.
void ContentChecker::closeOne() {
  Subject& subject = anySubject();
  if (subject.descriptors.empty()) return;
  if (subject.names.empty()) return closeUnlinked(subject);
  const std::size_t index = random_.below(subject.descriptors.size());
  const bool wrote = subject.descriptors[index].writes;
  note(subject, wrote ? "close" : "close a reading one");
  expectDone(subject, subject.descriptors[index].file.close() == 0, "close");
  subject.descriptors.erase(subject.descriptors.begin() + static_cast<std::ptrdiff_t>(index));
  if (wrote) {
    subject.model.settle();
    subject.mappingWritten = false;
  }
}

void ContentChecker::closeUnlinked(Subject& subject) {
  note(subject, "close the unlinked file");
  subject.mapping.unmap();
  subject.descriptors.clear();
  forgetNameless();
}

void ContentChecker::create() {
  if (subjects_.size() >= kSubjectsMax || names_.size() >= kNamesMax) return unlink();
  const std::string name = freshName();
  const std::uint64_t farBase = kFarBases[random_.below(std::size(kFarBases))];
  const std::uint64_t base = random_.below(100) < options_.farPercent ? farBase : 0;
  auto subject = std::make_shared<Subject>(Subject{.id = ++created_, .model = FileModel(base)});
  note(*subject, text("create %s, base %llu", name.c_str(), base));
  File file(::open(path(name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  expectDone(*subject, file.get() >= 0, "create");
  if (base > 0) expectDone(*subject, ::ftruncate(file.get(), static_cast<off_t>(base)) == 0, "ftruncate");
  expectDone(*subject, file.close() == 0, "close");
  subject->names.push_back(name);
  names_[name] = subject;
  subjects_.push_back(std::move(subject));
}

void ContentChecker::link() {
  if (names_.size() >= kNamesMax) return unlink();
  Subject& subject = anySubject();
  if (subject.names.empty()) return;
  const std::string from = random_.pick(subject.names), to = freshName();
  note(subject, "link " + from + " as " + to);
  expectDone(subject, ::link(path(from).c_str(), path(to).c_str()) == 0, "link");
  for (const auto& each : subjects_) {
    if (each.get() == &subject) names_[to] = each;
  }
  subject.names.push_back(to);
}

void ContentChecker::dropName(const std::string& name) {
  const std::shared_ptr<Subject> subject = names_.at(name);
  names_.erase(name);
  std::erase(subject->names, name);
  if (!subject->names.empty()) return;
  const bool complete = std::ranges::any_of(subject->descriptors, [](const Descriptor& descriptor) {
    return descriptor.writes && !descriptor.appends && !descriptor.direct;
  });
  if (!complete) closeUnlinked(*subject);  // no descriptor that every operation could go on with
}

void ContentChecker::unlink() {
  Subject& subject = anySubject();
  if (subject.names.empty()) return closeOne();
  const std::string name = random_.pick(subject.names);
  note(subject, "unlink " + name);
  expectDone(subject, ::unlink(path(name).c_str()) == 0, "unlink");
  dropName(name);
}

void ContentChecker::renameOver() {
  Subject& subject = anySubject();
  if (subject.names.empty()) return;
  const std::string from = random_.pick(subject.names);
  Subject& other = anySubject();
  const std::string to = other.names.empty() || random_.chance(30) ? freshName() : random_.pick(other.names);
  note(subject, "rename " + from + " to " + to);
  if (names_.contains(to)) note(*names_.at(to), "overwritten by a rename of " + from + " to " + to);
  expectDone(subject, ::rename(path(from).c_str(), path(to).c_str()) == 0, "rename");
  const std::shared_ptr<Subject> moved = names_.at(from);
  if (names_.contains(to)) {
    if (names_.at(to) == moved) return;  // two names of one file: rename(2) does nothing
    dropName(to);
  }
  names_.erase(from);
  std::erase(moved->names, from);
  moved->names.push_back(to);
  names_[to] = moved;
}

void ContentChecker::stat() {
  Subject& subject = anySubject();
  struct stat attributes {};
  const bool byName = !subject.names.empty() && random_.chance(50);
  const int failed = byName ? ::lstat(path(random_.pick(subject.names)).c_str(), &attributes)
                            : ::fstat(descriptorFor(subject, Access::reading).file.get(), &attributes);
  note(subject, "stat");
  expectDone(subject, failed == 0, "stat");
  if (static_cast<std::uint64_t>(attributes.st_size) != subject.model.size()) {
    mismatch(subject, text("stat tells a size of %lld, not %llu", (long long)attributes.st_size, subject.model.size()));
  }
  if (attributes.st_nlink != subject.names.size()) {
    mismatch(subject, text("stat tells %llu links, not %llu", (unsigned long long)attributes.st_nlink,
                           (unsigned long long)subject.names.size()));
  }
}

}  // namespace packetfs::checker
