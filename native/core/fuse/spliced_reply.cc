// See spliced_reply.h.
#include "spliced_reply.h"

#include <fcntl.h>
#include <unistd.h>

#include <new>
#include <vector>

#include "../base/file.h"

namespace packetfs::fuse {

namespace {

constexpr std::size_t kSplicedLeast = 128U << 10;  // below, a copy costs no more than filling a pipe
constexpr int kPipeBytes = 1 << 20;                // what a process without CAP_SYS_RESOURCE may have
constexpr std::size_t kRunsMax = 4;
constexpr std::size_t kPageBytes = 4096;
// Each run may begin and end within a page, the header takes one, and libfuse counts one more.
static_assert(kReadBytesMax + (2 * kRunsMax + 2) * kPageBytes <= kPipeBytes);

}  // namespace

bool canSplice() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  return ::fcntl(writing.fd(), F_SETPIPE_SZ, kPipeBytes) >= kPipeBytes;
}

bool replyBySplice(fuse_req_t request, fuse_ino_t inode, std::size_t size, std::uint64_t offset) {
  Context& context = contextOf(request);
  if (!context.splices || size < kSplicedLeast) return false;
  std::vector<StoredRun> runs;
  const auto length = context.contents->locateCached(inode, offset, size, kRunsMax, runs);
  if (!length) return false;
  alignas(fuse_bufvec) std::byte memory[sizeof(fuse_bufvec) + (kRunsMax - 1) * sizeof(fuse_buf)]{};
  auto* parts = new (memory) fuse_bufvec{};
  parts->count = runs.size();
  for (std::size_t i = 0; i < runs.size(); i++) {
    auto* part = new (&parts->buf[i]) fuse_buf{};
    part->flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    part->size = runs[i].length;
    part->fd = runs[i].fd;
    part->pos = static_cast<off_t>(runs[i].offset);
  }
  count(context.counters.reads);
  count(context.counters.readBytes, *length);
  count(context.counters.spliced);
  fuse_reply_data(request, parts, static_cast<fuse_buf_copy_flags>(0));
  return true;
}

}  // namespace packetfs::fuse
