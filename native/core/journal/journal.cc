// See journal.h.
#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "../base/little_endian.h"
#include "../chunk/hash.h"

namespace packetfs {
namespace {

constexpr std::uint8_t kMagic[] = {'P', 'F', 'S', 'J'};
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHeaderBytes = 28;
constexpr std::size_t kHeaderChecksumAt = 24;
constexpr std::size_t kFrameBytes = 9;
constexpr std::size_t kFrameChecksumAt = 4;
constexpr std::size_t kFrameKindAt = 8;

/// Zeros that a sync writes behind a file that grew, so that the syncs after it change no file size: they need not wait
/// for the journal of the filesystem below.
constexpr std::size_t kGrowthBytes = 1U << 20;
/// A longer file is not kept to be written over.
constexpr std::uint64_t kSpareBytesMax = 32U << 20;

void append32(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  bytes.resize(bytes.size() + sizeof(value));
  storeLittle32(bytes.data() + bytes.size() - sizeof(value), value);
}

void append64(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  bytes.resize(bytes.size() + sizeof(value));
  storeLittle64(bytes.data() + bytes.size() - sizeof(value), value);
}

Status syncDirectory(const std::string& path) {
  auto directory = openFile(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return directory.status;
  return ::fsync(directory.value.fd()) == 0 ? Status::success() : systemFailure("sync", path);
}

}  // namespace

Status Journal::refuseIfUnusable() const {
  return refuses_ ? Status::failure(EROFS, "the journal is closed") : Status::success();
}

Result<std::uint64_t> Journal::append(std::span<const Record> records, bool catchesUp) {
  std::lock_guard lock(mutex_);
  Status status = refuseIfUnusable();
  if (!status.ok()) return status;
  if (records.empty()) return follows_;
  if (behind_ && !catchesUp) return Status::failure(EAGAIN, "records before these could not be written");
  behind_ = true;  // until it went well
  status = openFile();
  if (!status.ok()) return status;
  buffer_.clear();
  if (current_->size == 0) writeHeader(buffer_);
  for (const Record& record : records) frame(buffer_, record);
  // What a failed write leaves behind the records does not hold, and the next one begins at the same place.
  status = writeFully(current_->descriptor->fd(), buffer_.data(), buffer_.size(), current_->size);
  if (!status.ok()) return status;
  current_->size += buffer_.size();
  current_->hasWritten |= std::ranges::any_of(records, [](const Record& one) { return one.kind == Kind::written; });
  current_->fileBytes = std::max(current_->fileBytes, current_->size);
  behind_ = false;
  if (catchesUp) catchUps_++;
  return follows_;
}

/// The file of an earlier commit, or a new one.
Status Journal::openFile() {
  if (current_) return Status::success();
  const std::string path = directory_ + "/namespace.journal." + std::to_string(follows_);
  auto file = std::make_shared<File>();
  file->path = path;
  if (spare_) {
    if (::rename(spare_->path.c_str(), path.c_str()) != 0) return systemFailure("rename", spare_->path);
    file->descriptor = spare_->descriptor;
    file->fileBytes = spare_->fileBytes;
    spare_.reset();
  } else {
    auto created = packetfs::openFile(path, O_RDWR | O_CREAT | O_EXCL);
    if (!created.ok()) return created.status;
    file->descriptor = std::make_shared<Descriptor>(std::move(created.value));
  }
  current_ = std::move(file);
  return Status::success();
}

void Journal::writeHeader(std::vector<std::uint8_t>& bytes) {
  bytes.assign(std::begin(kMagic), std::end(kMagic));
  append32(bytes, kVersion);
  append64(bytes, follows_);
  append64(bytes, previousBytes_);
  current_->checksum = crc32c(bytes.data(), kHeaderChecksumAt);
  append32(bytes, current_->checksum);
}

/// The checksum begins with the header's, so that what the file held before never holds again.
void Journal::frame(std::vector<std::uint8_t>& bytes, const Record& record) const {
  const std::size_t start = bytes.size();
  append32(bytes, static_cast<std::uint32_t>(record.bytes.size()));
  append32(bytes, 0);
  bytes.push_back(static_cast<std::uint8_t>(record.kind));
  bytes.insert(bytes.end(), record.bytes.begin(), record.bytes.end());
  std::uint8_t* frame = bytes.data() + start;
  const std::uint32_t ofLength = crc32c(frame, kFrameChecksumAt, current_->checksum);
  storeLittle32(frame + kFrameChecksumAt, crc32c(frame + kFrameKindAt, 1 + record.bytes.size(), ofLength));
}

void Journal::sync(std::function<void(const Status&)> done) {
  std::unique_lock lock(mutex_);
  waiting_.push_back(std::move(done));
  if (syncing_) return;
  syncing_ = true;
  while (!waiting_.empty()) syncQueued(lock);
  syncing_ = false;
}

/// One sync for all who wait; the lock is not held meanwhile.
void Journal::syncQueued(std::unique_lock<std::mutex>& lock) {
  const auto waiting = std::exchange(waiting_, {});
  Status status = refuseIfUnusable();
  const std::vector<Target> targets = status.ok() ? unsynced() : std::vector<Target>{};
  lock.unlock();
  if (status.ok()) status = makeDurable(targets);
  lock.lock();
  for (const auto& [file, size] : targets) {
    if (status.ok()) file->syncedSize = std::max(file->syncedSize, size);
    if (status.ok()) file->isNamed = true;
    if (!status.ok()) file->isBroken = true;
  }
  lock.unlock();
  for (const auto& done : waiting) done(status);
  lock.lock();
}

std::vector<Journal::Target> Journal::unsynced() {
  std::vector<Target> targets;
  for (const auto& file : {retiring_, current_}) {
    if (!file || (file->syncedSize == file->size && !file->isBroken)) continue;
    if (file->fileBytes == file->size) grow(*file);
    targets.push_back({file, file->size});
  }
  return targets;
}

/// Only for speed: where there is no space, the records are what counts.
void Journal::grow(File& file) {
  const std::vector<std::uint8_t> zeros(kGrowthBytes);
  if (writeFully(file.descriptor->fd(), zeros.data(), zeros.size(), file.size).ok()) file.fileBytes += kGrowthBytes;
}

Status Journal::makeDurable(const std::vector<Target>& targets) const {
  for (const auto& [file, size] : targets) {
    if (file->isBroken) return Status::failure(EIO, "a sync of the journal has failed before");
    if (!file->isNamed) {
      Status status = syncDirectory(directory_);
      if (!status.ok()) return status;
    }
    if (::fdatasync(file->descriptor->fd()) != 0) return systemFailure("sync", file->path);
  }
  return Status::success();
}

bool Journal::rotate(std::uint64_t follows) {
  std::lock_guard lock(mutex_);
  previousBytes_ = (current_ ? current_->size : 0) + (behind_ ? 1 : 0);  // what was not written must be missed
  behind_ = false;
  follows_ = follows;
  if (!current_) return false;
  retiring_ = std::exchange(current_, nullptr);
  return retiring_->hasWritten;
}

void Journal::retire() {
  std::lock_guard lock(mutex_);
  if (!retiring_) return;
  retiring_->syncedSize = retiring_->size;
  if (!spare_ && !retiring_->isBroken && retiring_->fileBytes <= kSpareBytesMax) {
    spare_ = std::make_shared<File>();
    spare_->descriptor = retiring_->descriptor;
    spare_->path = retiring_->path;
    spare_->fileBytes = retiring_->fileBytes;
  } else {
    ::unlink(retiring_->path.c_str());  // opening the volume would do it too
  }
  retiring_.reset();
}

void Journal::refuse() {
  std::lock_guard lock(mutex_);
  refuses_ = true;
}

void Journal::close() {
  std::lock_guard lock(mutex_);
  refuses_ = true;
  if (spare_) ::unlink(spare_->path.c_str());
  spare_.reset();
  retiring_.reset();
  current_.reset();
}

}  // namespace packetfs
