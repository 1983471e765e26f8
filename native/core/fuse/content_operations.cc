// See content_operations.h. Offsets and sizes come from the kernel, which keeps them in 0 … 2^63-1.
#include "content_operations.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "context.h"
#include "posted_changes.h"
#include "spliced_reply.h"
#include "submit.h"

namespace packetfs::fuse {

namespace {

std::uint64_t unsignedOffset(off_t offset) { return static_cast<std::uint64_t>(offset); }

bool isDirty(ContentStore& contents, fuse_ino_t inode) {
  if (!contents.isOpen(inode)) return false;
  const Result<ContentState> state = contents.state(inode);
  return state.ok() && state.value.dirty;
}

/// errno of bringing the inode's dirty bytes into the blob, 0 when that went well or there were none.
int ingestDirty(Context& context, fuse_ino_t inode) {
  count(context.counters.ingests);
  const Status status = context.contents->ingest(inode);
  if (!status.ok()) count(context.counters.ingestFailures);
  return status.error;
}

/// Whether JavaScript answers what has been written, because set-id bits must go first.
bool clearsSetId(fuse_req_t request, fuse_ino_t inode, std::size_t writtenBytes) {
  Context& context = contextOf(request);
  if (!requestClearsSetId() || !context.setIdFiles.contains(inode)) return false;
  RequestRecord record(Opcode::setAttributes, inode);
  record.u32(kClearSetId).u32(0).u32(0).u32(0).u64(0).u64(0).u64(0);
  enqueue(request, Opcode::setAttributes, record,
          {.fileNote = context.knownFiles.changing(inode), .writtenBytes = writtenBytes});
  return true;
}

/// Whether JavaScript need not hear of a release, because the handle stays open for the next reader. A writer's release
/// takes a kept handle with it: a version of what was written is made at the last release.
bool keepsHandle(Context& context, fuse_ino_t inode, const struct fuse_file_info& file) {
  constexpr std::uint64_t kExtentsMax = 16;  // as many cost no more memory than the rest of an open file
  if (!isForReading(file)) {
    releaseKept(context, inode);
    return false;
  }
  const Result<ContentState> state = context.contents->state(inode);
  if (!state.ok() || state.value.dirty || state.value.extents > kExtentsMax) return false;
  const KeptHandles::Kept kept = context.keptHandles.keep(inode, file.fh);
  if (kept.displaced.has_value()) notifyRelease(context, *kept.displaced, O_RDONLY, 0);
  // A writer may have written and gone meanwhile, and have found nothing to take along.
  if (kept.isKept && isDirty(*context.contents, inode)) releaseKept(context, inode);
  return kept.isKept;
}

void syncByCommit(fuse_req_t request, fuse_ino_t inode, int dataOnly) {
  Context& context = contextOf(request);
  const int error = isDirty(*context.contents, inode) ? ingestDirty(context, inode) : 0;
  if (error != 0) {
    fuse_reply_err(request, error);
    return;
  }
  RequestRecord record(Opcode::fsync, inode);
  record.u32(dataOnly != 0 ? 1U : 0U).u32(0);
  enqueue(request, Opcode::fsync, record);
}

}  // namespace

void notifyRelease(Context& context, fuse_ino_t inode, int flags, int ingestError) {
  RequestRecord record(Opcode::release, inode);
  record.u32(static_cast<std::uint32_t>(flags)).u32(static_cast<std::uint32_t>(ingestError));
  context.queue.notify(record);
}

void releaseKept(Context& context, fuse_ino_t inode) {
  if (context.keptHandles.drop(inode)) notifyRelease(context, inode, O_RDONLY, 0);
}

void readFile(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info*) {
  if (replyBySplice(request, inode, size, unsignedOffset(offset))) return;
  Context& context = contextOf(request);
  thread_local std::vector<std::uint8_t> target;  // one per FUSE thread; grows to the kernel's largest read, 512 KiB
  if (target.size() < size) target.resize(size);
  const Result<std::size_t> result = context.contents->read(inode, unsignedOffset(offset), target.data(), size);
  if (!result.ok()) {
    fuse_reply_err(request, result.status.error);
    return;
  }
  count(context.counters.reads);
  count(context.counters.readBytes, result.value);
  fuse_reply_buf(request, reinterpret_cast<const char*>(target.data()), result.value);
}

void writeFile(fuse_req_t request, fuse_ino_t inode, const char* bytes, size_t size, off_t offset,
               struct fuse_file_info*) {
  Context& context = contextOf(request);
  const auto* source = reinterpret_cast<const std::uint8_t*>(bytes);
  const Status status = context.contents->write(inode, unsignedOffset(offset), source, size);
  if (!status.ok()) {
    fuse_reply_err(request, status.error);
    return;
  }
  count(context.counters.writes);
  count(context.counters.writtenBytes, size);
  if (!clearsSetId(request, inode, size)) fuse_reply_write(request, size);
}

void seekFile(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence, struct fuse_file_info*) {
  const Result<std::uint64_t> result = contextOf(request).contents->seek(inode, unsignedOffset(offset), whence);
  if (result.ok()) {
    fuse_reply_lseek(request, static_cast<off_t>(result.value));
  } else {
    fuse_reply_err(request, result.status.error);
  }
}

void allocateFile(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length, struct fuse_file_info*) {
  const Status status =
      contextOf(request).contents->allocate(inode, mode, unsignedOffset(offset), unsignedOffset(length));
  if (!status.ok() || !clearsSetId(request, inode, 0)) fuse_reply_err(request, status.error);
}

void copyFileRange(fuse_req_t request, fuse_ino_t from, off_t fromOffset, struct fuse_file_info*, fuse_ino_t to,
                   off_t toOffset, struct fuse_file_info*, size_t length, int) {
  constexpr std::uint64_t kCopiedBytesMax = 0xfffff000;  // the answer has 32 bits; a shorter copy is allowed
  const Result<std::uint64_t> result = contextOf(request).contents->copyRange(
      from, unsignedOffset(fromOffset), to, unsignedOffset(toOffset), std::min<std::uint64_t>(length, kCopiedBytesMax));
  if (result.ok()) {
    if (result.value == 0 || !clearsSetId(request, to, result.value)) fuse_reply_write(request, result.value);
  } else {
    fuse_reply_err(request, result.status.error);
  }
}

void flushFile(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info*) {
  Context& context = contextOf(request);
  if (context.contents->isSafe(inode)) {
    count(context.counters.nativeFlushes);
    fuse_reply_err(request, 0);
    return;
  }
  const int error = ingestDirty(context, inode);
  if (error != 0) {
    fuse_reply_err(request, error);
    return;
  }
  if (!postFlush(request, inode)) submit(request, Opcode::flush, RequestRecord(Opcode::flush, inode));
}

// Nobody waits for a release: close(2) was answered with the flush before it.
void releaseFile(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
  Context& context = contextOf(request);
  // A failure cannot reach the caller any more; JavaScript logs it and still releases.
  const bool mustIngest = isDirty(*context.contents, inode) && !context.contents->isWholeInJournal(inode);
  const int error = mustIngest ? ingestDirty(context, inode) : 0;
  context.knownFiles.forget(inode);
  if (!keepsHandle(context, inode, *file)) notifyRelease(context, inode, file->flags, error);
  fuse_reply_err(request, 0);
}

// Where the journal holds all that is to be durable, JavaScript only hears of it, for the next commit.
void syncFile(fuse_req_t request, fuse_ino_t inode, int dataOnly, struct fuse_file_info*) {
  Context& context = contextOf(request);
  context.syncs.begin();
  context.contents->makeDurable(inode, [&context, request, inode, dataOnly](bool isDurable) {
    if (isDurable) {
      count(context.counters.nativeSyncs);
      context.queue.notify(RequestRecord(Opcode::synced, inode));
      fuse_reply_err(request, 0);
    } else {
      syncByCommit(request, inode, dataOnly);
    }
    context.syncs.end();
  });
}

}  // namespace packetfs::fuse
