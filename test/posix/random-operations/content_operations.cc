// Operations on bytes: reads, writes, mappings, sizes, holes, copies.
#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>

#include "content_checker.h"

namespace packetfs::checker {
namespace {
using Number = unsigned long long;

constexpr std::uint64_t kTinyBytesMax = 16;
constexpr std::uint64_t kOddBytesMax = 5000;
constexpr std::uint64_t kPagesMax = 8;
}  // namespace

/// Tiny, odd, page-aligned or big; within what a file may have.
ContentChecker::Range ContentChecker::range(const Subject& subject, bool aligned) {
  const std::uint64_t base = subject.model.base();
  // Mostly where there is something, sometimes behind it.
  const std::uint64_t reach = random_.chance(85) ? subject.model.size() - base + 1 : options_.sizeMax;
  std::uint64_t offset = std::min(random_.below(reach), options_.sizeMax - 1);
  std::uint64_t length = 0;
  const std::uint64_t shape = random_.below(100);
  if (shape < 35) {
    length = 1 + random_.below(kTinyBytesMax);
  } else if (shape < 70) {
    length = 1 + random_.below(kOddBytesMax);
  } else if (shape < 96) {
    aligned = true;
    length = kPageBytes * (1 + random_.below(kPagesMax));
  } else {
    length = 1 + random_.below(options_.sizeMax);
  }
  if (aligned) {
    offset = roundDown(offset);
    length = roundUp(length);
  }
  return {base + offset, std::min(length, options_.sizeMax - offset)};
}

/// Fresh bytes, zeros, or a repetition of what some file holds.
void ContentChecker::fill(std::uint64_t length) {
  std::uint8_t* bytes = buffer_.get();
  const std::uint64_t kind = random_.below(10);
  if (kind == 0) {
    std::memset(bytes, 0, length);
    return;
  }
  std::uint64_t filled = 0;
  if (kind <= 3) {
    const FileModel& model = anySubject().model;
    const std::uint64_t held = model.size() - model.base();
    const std::uint64_t skipped = random_.below(held);
    filled = std::min(length, held - skipped);
    if (filled > 0) std::memcpy(bytes, model.at(model.base() + skipped), filled);
  }
  for (; filled < length; filled++) {
    if (filled % 8 == 0 && filled + 8 <= length) {
      const std::uint64_t word = random_.next();
      std::memcpy(bytes + filled, &word, sizeof word);
      filled += 7;
    } else {
      bytes[filled] = static_cast<std::uint8_t>(random_.next());
    }
  }
}

void ContentChecker::read() {
  Subject& subject = anySubject();
  const Descriptor& descriptor = descriptorFor(subject, Access::reading);
  const Range where = range(subject, descriptor.direct);
  const std::uint64_t size = subject.model.size();
  const std::uint64_t expected = where.offset >= size ? 0 : std::min(where.length, size - where.offset);
  note(subject, text("read%s %llu at %llu", descriptor.direct ? " directly" : "", where.length, where.offset));
  const ssize_t got = ::pread(descriptor.file.get(), buffer_.get(), where.length, static_cast<off_t>(where.offset));
  expectDone(subject, got >= 0, "read");
  if (static_cast<std::uint64_t>(got) != expected) {
    mismatch(subject, text("a read of %llu at %llu gave %lld bytes; the size is %llu", where.length, where.offset,
                           (long long)got, size));
  }
  if (expected > 0) compare(subject, "a read", buffer_.get(), {where.offset, expected});
}

void ContentChecker::write() {
  Subject& subject = anySubject();
  const Descriptor& descriptor = descriptorFor(subject, Access::writing);
  const Range where = range(subject, descriptor.direct);
  fill(where.length);
  note(subject, text("write%s %llu at %llu", descriptor.direct ? " directly" : "", where.length, where.offset));
  const ssize_t put = ::pwrite(descriptor.file.get(), buffer_.get(), where.length, static_cast<off_t>(where.offset));
  expectDone(subject, put == static_cast<ssize_t>(where.length), "write");
  subject.model.write(where.offset, buffer_.get(), where.length);
}

void ContentChecker::append() {
  Subject& subject = anySubject();
  const std::uint64_t size = subject.model.size();
  const std::uint64_t room = options_.sizeMax - (size - subject.model.base());
  const std::uint64_t length = std::min(room, 1 + random_.below(random_.chance(80) ? 300 : 20'000));
  if (length == 0 || subject.names.empty()) return truncate();
  const Descriptor& descriptor = descriptorFor(subject, Access::appending);
  fill(length);
  note(subject, text("append %llu at %llu", length, size));
  const ssize_t put = ::write(descriptor.file.get(), buffer_.get(), length);
  expectDone(subject, put == static_cast<ssize_t>(length), "append");
  subject.model.write(size, buffer_.get(), length);
}

void ContentChecker::writeMapped() {
  Subject& subject = anySubject();
  FileModel& model = subject.model;
  const std::uint64_t length = model.size() - model.base();
  if (length == 0) return write();
  if (!subject.mapping.ok()) {
    const int fd = descriptorFor(subject, Access::mapping).file.get();
    subject.mapping = Mapping(fd, model.base(), roundUp(options_.sizeMax), PROT_READ | PROT_WRITE, MAP_SHARED);
    expectDone(subject, subject.mapping.ok(), "mmap");
  }
  Range where = range(subject, false);
  where.offset = std::min(where.offset, model.size() - 1);
  where.length = std::min(where.length, model.size() - where.offset);
  fill(where.length);
  note(subject, text("write %llu at %llu through a mapping", where.length, where.offset));
  std::memcpy(subject.mapping.bytes() + (where.offset - model.base()), buffer_.get(), where.length);
  model.write(where.offset, buffer_.get(), where.length);
  subject.mappingWritten = true;
  if (random_.chance(30)) {
    const bool waits = random_.chance(5);
    note(subject, waits ? "msync" : "msync later");
    expectDone(subject, subject.mapping.sync(waits ? MS_SYNC : MS_ASYNC) == 0, "msync");
    if (waits) subject.mappingWritten = false;
  }
}

void ContentChecker::readMapped() {
  Subject& subject = anySubject();
  const FileModel& model = subject.model;
  if (!subject.mapping.ok() || model.size() == model.base()) return read();
  Range where = range(subject, false);
  where.offset = std::min(where.offset, model.size() - 1);
  where.length = std::min(where.length, model.size() - where.offset);
  note(subject, text("read %llu at %llu through a mapping", where.length, where.offset));
  compare(subject, "a mapped read", subject.mapping.bytes() + (where.offset - model.base()), where);
}

/// What is written to a private mapping stays private.
void ContentChecker::mapPrivately() {
  Subject& subject = anySubject();
  const FileModel& model = subject.model;
  const std::uint64_t length = model.size() - model.base();
  if (length == 0) return read();
  const int fd = descriptorFor(subject, Access::reading).file.get();
  const Mapping mapping(fd, model.base(), length, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  expectDone(subject, mapping.ok(), "mmap");
  note(subject, "map privately and change the copy");
  compare(subject, "a private mapping", mapping.bytes(), {model.base(), length});
  mapping.bytes()[random_.below(length)] ^= 0xff;
}

void ContentChecker::unmap() {
  Subject& subject = anySubject();
  if (!subject.mapping.ok()) return readMapped();
  note(subject, "munmap");
  subject.mapping.unmap();
}

void ContentChecker::truncate() {
  Subject& subject = anySubject();
  FileModel& model = subject.model;
  const std::uint64_t held = model.size() - model.base();
  std::uint64_t wanted = random_.below(options_.sizeMax + 1);
  if (random_.chance(40)) wanted = random_.below(held + 1);
  if (random_.chance(20)) wanted = roundDown(wanted);
  const std::uint64_t size = model.base() + wanted;
  note(subject, text("truncate from %llu to %llu", model.size(), size));
  const bool byName = !subject.names.empty() && random_.chance(30);
  const int failed = byName ? ::truncate(path(subject.names.front()).c_str(), static_cast<off_t>(size))
                            : ::ftruncate(descriptorFor(subject, Access::writing).file.get(), static_cast<off_t>(size));
  expectDone(subject, failed == 0, "truncate");
  model.resize(size);
}

void ContentChecker::allocate() {
  struct Mode {
    int flags;
    const char* name;
  };
  static constexpr Mode kModes[] = {{0, "allocate"},
                                    {FALLOC_FL_KEEP_SIZE, "allocate, keeping the size,"},
                                    {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch"},
                                    {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch"},
                                    {FALLOC_FL_ZERO_RANGE, "zero"},
                                    {FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, "zero, keeping the size,"}};
  Subject& subject = anySubject();
  FileModel& model = subject.model;
  const Mode& mode = kModes[random_.below(std::size(kModes))];
  const Range where = range(subject, random_.chance(40));
  const std::uint64_t end = where.offset + where.length;
  note(subject, text("%s %llu at %llu", mode.name, where.length, where.offset));
  const int fd = descriptorFor(subject, Access::writing).file.get();
  const int failed = ::fallocate(fd, mode.flags, static_cast<off_t>(where.offset), static_cast<off_t>(where.length));
  expectDone(subject, failed == 0, "fallocate");
  if (mode.flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) model.zero(where.offset, end);
  if ((mode.flags & FALLOC_FL_KEEP_SIZE) == 0 && end > model.size()) model.resize(end);
}

void ContentChecker::copyRange() {
  Subject& source = anySubject();
  Subject& target = random_.chance(25) ? source : anySubject();
  const Range from = range(source, random_.chance(40));
  const std::uint64_t targetOffset = range(target, random_.chance(40)).offset;
  const std::uint64_t room = target.model.base() + options_.sizeMax - targetOffset;
  const std::uint64_t wanted = std::min(from.length, room);
  const std::uint64_t size = source.model.size();
  const std::uint64_t available = from.offset >= size ? 0 : std::min(wanted, size - from.offset);
  const bool overlap =
      &source == &target && targetOffset < from.offset + available && from.offset < targetOffset + available;
  const int targetFd = descriptorFor(target, Access::mapping).file.get();
  const int sourceFd = descriptorFor(source, Access::mapping).file.get();
  const std::string what = text("copy %llu from file %llu at %llu to file %llu at %llu", wanted, (Number)source.id,
                                from.offset, (Number)target.id, targetOffset);
  note(source, what);
  if (&source != &target) note(target, what);
  auto sourceAt = static_cast<off64_t>(from.offset), targetAt = static_cast<off64_t>(targetOffset);
  const ssize_t copied = ::copy_file_range(sourceFd, &sourceAt, targetFd, &targetAt, wanted, 0);
  if (overlap) {
    if (copied == -1 && errno == EINVAL) return;
    mismatch(target, text("a copy onto itself gave %lld, not EINVAL", (long long)copied));
  }
  expectDone(target, copied >= 0, "copy_file_range");
  const auto count = static_cast<std::uint64_t>(copied);
  if (count > available || (count == 0 && available > 0)) {
    mismatch(target, text("%llu bytes were copied of %llu", (Number)count, (Number)available));
  }
  if (count == 0) return;
  const std::vector<std::uint8_t> bytes(source.model.at(from.offset), source.model.at(from.offset) + count);
  target.model.write(targetOffset, bytes.data(), count);
}

/// Walks the file by SEEK_DATA and SEEK_HOLE: what is told to be a hole reads as zeros.
void ContentChecker::seekThrough() {
  Subject& subject = anySubject();
  const FileModel& model = subject.model;
  const int fd = descriptorFor(subject, Access::reading).file.get();
  if (subject.mappingWritten) {
    if (subject.mapping.ok()) expectDone(subject, subject.mapping.sync(MS_SYNC) == 0, "msync");
    if (!subject.mapping.ok()) expectDone(subject, ::fsync(fd) == 0, "fsync");
    subject.mappingWritten = false;
  }
  note(subject, "seek data and holes");
  std::uint64_t position = random_.chance(50) ? 0 : model.base() + random_.below(model.size() - model.base() + 1);
  while (position < model.size()) {
    const off_t found = ::lseek(fd, static_cast<off_t>(position), SEEK_DATA);
    if (found < 0 && errno != ENXIO) expectDone(subject, false, "SEEK_DATA");
    const std::uint64_t data = found < 0 ? model.size() : static_cast<std::uint64_t>(found);
    if (data < position || data > model.size() || !model.isZero(position, data)) {
      mismatch(subject, text("SEEK_DATA from %llu gave %llu, but there are bytes between", position, data));
    }
    if (found < 0) return;
    const off_t hole = ::lseek(fd, found, SEEK_HOLE);
    if (hole < found || static_cast<std::uint64_t>(hole) > model.size()) {
      mismatch(subject, text("SEEK_HOLE from %llu gave %lld", data, (long long)hole));
    }
    // Zeros that were written may become a hole at any time, between two calls too; then they are one from now on.
    if (hole == found && ::lseek(fd, found, SEEK_DATA) == found) {
      mismatch(subject, text("%llu is told to be data and a hole", data));
    }
    position = static_cast<std::uint64_t>(hole);
  }
  if (::lseek(fd, static_cast<off_t>(model.size()), SEEK_DATA) != -1 || errno != ENXIO) {
    mismatch(subject, "SEEK_DATA at the end of the file is not ENXIO");
  }
}

void ContentChecker::sync() {
  Subject& subject = anySubject();
  const bool whole = random_.chance(50);
  note(subject, whole ? "fsync" : "fdatasync");
  const int fd = descriptorFor(subject, Access::writing).file.get();
  expectDone(subject, (whole ? ::fsync(fd) : ::fdatasync(fd)) == 0, "fsync");
  subject.mappingWritten = false;
  subject.model.settle();
}

void ContentChecker::writeSynchronously() {
  Subject& subject = anySubject();
  if (subject.names.empty()) return sync();
  const Range where = range(subject, false);
  fill(where.length);
  note(subject, text("write %llu at %llu with O_DSYNC", where.length, where.offset));
  const File file(::open(path(random_.pick(subject.names)).c_str(), O_RDWR | O_DSYNC));
  expectDone(subject, file.get() >= 0, "open");
  const ssize_t put = ::pwrite(file.get(), buffer_.get(), where.length, static_cast<off_t>(where.offset));
  expectDone(subject, put == static_cast<ssize_t>(where.length), "write");
  subject.model.write(where.offset, buffer_.get(), where.length);
  subject.model.settle();  // by closing at the latest
}

void ContentChecker::dropCaches() {
  Subject& subject = anySubject();
  note(subject, "drop the cached pages");
  const int fd = descriptorFor(subject, Access::reading).file.get();
  expectDone(subject, ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, "posix_fadvise");
}

}  // namespace packetfs::checker
