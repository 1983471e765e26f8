// See spliced_reply.h.
#include "spliced_reply.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "../base/file.h"
#include "message.h"

namespace packetfs::fuse {

namespace {

constexpr std::size_t kSplicedLeast = 128U << 10;  // below, a copy costs no more than filling a pipe
constexpr int kPipeBytes = 1 << 20;                // what a process without CAP_SYS_RESOURCE may have
constexpr std::size_t kRunsMax = 4;
constexpr std::size_t kPageBytes = 4096;
// Each run may begin and end within a page, and the header takes one.
static_assert(kReadBytesMax + (2 * kRunsMax + 1) * kPageBytes <= kPipeBytes);

struct Pipe {
  Descriptor reading{}, writing{};
};

thread_local std::uint64_t requestNumber = 0;
thread_local Pipe pipeOfThread{};  // empty between answers

bool openPipe(Pipe& pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  pipe = {Descriptor(ends[0]), Descriptor(ends[1])};
  return ::fcntl(pipe.writing.fd(), F_SETPIPE_SZ, kPipeBytes) >= kPipeBytes;
}

/// False when not all of it got there: the end of the file, an error of the disk, a pipe that is full.
bool fillFromFile(const Pipe& pipe, const StoredRun& run) {
  auto offset = static_cast<off_t>(run.offset);
  for (std::uint64_t left = run.length; left > 0;) {
    const ssize_t moved = ::splice(run.fd, &offset, pipe.writing.fd(), nullptr, left, SPLICE_F_NONBLOCK);
    if (moved <= 0) return false;
    left -= static_cast<std::uint64_t>(moved);
  }
  return true;
}

/// The kernel takes an answer whole or not at all.
bool sendThrough(const Pipe& pipe, int device, const std::vector<StoredRun>& runs, std::uint64_t length) {
  const fuse_out_header header{
      .len = static_cast<std::uint32_t>(sizeof(fuse_out_header) + length), .error = 0, .unique = requestNumber};
  if (::write(pipe.writing.fd(), &header, sizeof header) != sizeof header) return false;
  for (const StoredRun& run : runs) {
    if (!fillFromFile(pipe, run)) return false;
  }
  return ::splice(pipe.reading.fd(), nullptr, device, nullptr, header.len, 0) == static_cast<ssize_t>(header.len);
}

}  // namespace

void noteRequestNumber(const struct fuse_buf& message) {
  requestNumber = messageAt<fuse_in_header>(message.mem, 0).unique;
}

bool replyBySplice(fuse_req_t request, fuse_ino_t inode, std::size_t size, std::uint64_t offset) {
  Context& context = contextOf(request);
  if (!context.splices.load(std::memory_order_relaxed) || size < kSplicedLeast) return false;
  std::vector<StoredRun> runs;
  const auto length = context.contents->locateCached(inode, offset, size, kRunsMax, runs);
  if (!length) return false;
  Pipe& pipe = pipeOfThread;
  if (!pipe.writing.isOpen() && !openPipe(pipe)) {  // the system allows no such pipes
    context.splices = false;
    pipe = {};
    return false;
  }
  if (!sendThrough(pipe, context.device, runs, *length)) {
    pipe = {};  // with what is in it
    return false;
  }
  fuse_reply_none(request);
  count(context.counters.reads);
  count(context.counters.readBytes, *length);
  count(context.counters.spliced);
  return true;
}

}  // namespace packetfs::fuse
