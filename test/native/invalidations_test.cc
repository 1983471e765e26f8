// What tells the kernel to forget never overtakes a reply that was made before.
#include "../../native/core/fuse/invalidations.h"

#include <linux/fuse.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../../native/core/fuse/message.h"
#include "check.h"

using namespace packetfs;
using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

constexpr fuse_ino_t kInode = 7;
constexpr off_t kAttributesAlone = -1;

/// A session of libfuse whose kernel is the test.
class Kernel {
 public:
  Kernel() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    kernel_ = ends[0];
    device_ = ends[1];
    char name[] = "test";
    char* values[] = {name, nullptr};
    struct fuse_args arguments = FUSE_ARGS_INIT(1, values);
    static const struct fuse_lowlevel_ops none {};
    session_ = fuse_session_new(&arguments, &none, sizeof none, nullptr);
    fuse_opt_free_args(&arguments);
    static const struct fuse_custom_io io = {
        .writev = [](int fd, struct iovec* parts, int count, void*) { return ::writev(fd, parts, count); },
        .read = [](int fd, void* target, std::size_t length, void*) { return ::read(fd, target, length); },
        .splice_receive = nullptr,
        .splice_send = nullptr};
    if (session_ == nullptr || fuse_session_custom_io(session_, &io, device_) != 0) std::abort();
    initialize();
  }
  ~Kernel() {
    fuse_session_destroy(session_);  // with its end of the device
    ::close(kernel_);
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] struct fuse_session* session() const { return session_; }

  /// As a FUSE thread sends a reply.
  void sendReply(std::uint64_t unique) const {
    const struct fuse_out_header header { .len = sizeof header, .error = 0, .unique = unique };
    if (::write(device_, &header, sizeof header) != sizeof header) std::abort();
  }

  [[nodiscard]] bool hears(int withinMs) const {
    struct pollfd waiting {
      .fd = kernel_, .events = POLLIN, .revents = 0
    };
    return ::poll(&waiting, 1, withinMs) == 1;
  }

  /// The number of the request that the next message answers; 0 for what nobody asked for.
  [[nodiscard]] std::uint64_t next() const {
    std::array<std::uint8_t, 4096> bytes{};
    if (::read(kernel_, bytes.data(), bytes.size()) < 0) std::abort();
    return messageAt<struct fuse_out_header>(bytes.data(), 0).unique;
  }

 private:
  /// libfuse sends no notification before.
  void initialize() const {
    struct {
      struct fuse_in_header header;
      struct fuse_init_in body;
    } request{};
    request.header.len = sizeof request;
    request.header.opcode = FUSE_INIT;
    request.header.unique = 1;
    request.body.major = FUSE_KERNEL_VERSION;
    request.body.minor = FUSE_KERNEL_MINOR_VERSION;
    if (::write(kernel_, &request, sizeof request) != sizeof request) std::abort();
    struct fuse_buf buffer {};
    if (fuse_session_receive_buf(session_, &buffer) <= 0) std::abort();
    fuse_session_process_buf(session_, &buffer);
    free(buffer.mem);
    if (next() != 1) std::abort();
  }

  int kernel_ = -1;
  int device_ = -1;
  struct fuse_session* session_ = nullptr;
};

TEST("the kernel is told to forget after the replies that are on their way, and at once where there are none") {
  constexpr std::uint64_t kAsked = 9;
  constexpr int kSoonMs = 5000;
  constexpr int kAWhileMs = 100;
  const Kernel kernel;
  const auto replies = std::make_shared<UnderWay>();
  Invalidations invalidations;
  invalidations.start(kernel.session(), nullptr, replies);

  invalidations.inode(kInode, kAttributesAlone, 0);
  CHECK(kernel.hears(kSoonMs));
  CHECK(kernel.next() == 0);

  replies->begin();
  invalidations.inode(kInode, kAttributesAlone, 0);
  CHECK(!kernel.hears(kAWhileMs));
  kernel.sendReply(kAsked);
  replies->end();
  CHECK(kernel.next() == kAsked);
  CHECK(kernel.hears(kSoonMs));
  CHECK(kernel.next() == 0);
  invalidations.stop();
}

}  // namespace

int main() { return runTests(); }
