// See device_io.h.
#include "device_io.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "handed_reply.h"
#include "message.h"

namespace packetfs::fuse {

namespace {

constexpr std::uint32_t kFeatures = FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS;

// INIT is the first request of a session, read and answered on one thread.
thread_local std::uint64_t initUnique = 0;  // of an INIT that is not answered, 0: none
thread_local std::uint32_t offered = 0;     // of the features, by that INIT

ssize_t readMessage(int fd, void* target, size_t length, void*) {
  const ssize_t received = ::read(fd, target, length);
  constexpr std::size_t kFlags = sizeof(fuse_in_header) + offsetof(fuse_init_in, flags);
  if (received < static_cast<ssize_t>(kFlags + sizeof offered)) return received;
  const auto header = messageAt<fuse_in_header>(target, 0);
  if (header.opcode != FUSE_INIT) return received;
  initUnique = header.unique;
  offered = messageAt<std::uint32_t>(target, kFlags) & kFeatures;
  return received;
}

std::size_t lengthOf(const struct iovec* parts, int count) {
  std::size_t total = 0;
  for (int i = 0; i < count; i++) total += parts[i].iov_len;
  return total;
}

ssize_t writeMessage(int fd, struct iovec* parts, int count, void*) {
  if (handOver(parts, count)) return static_cast<ssize_t>(lengthOf(parts, count));
  if (initUnique != 0 && count > 1 && messageAt<fuse_out_header>(parts[0].iov_base, 0).unique == initUnique) {
    initUnique = 0;
    if (parts[1].iov_len >= offsetof(fuse_init_out, flags) + sizeof offered) {
      static_cast<fuse_init_out*>(parts[1].iov_base)->flags |= offered;
    }
  }
  return ::writev(fd, parts, count);
}

}  // namespace

void useDeviceIo(struct fuse_session* session) {
  static const struct fuse_custom_io io = {
      .writev = writeMessage, .read = readMessage, .splice_receive = nullptr, .splice_send = nullptr};
  fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

}  // namespace packetfs::fuse
