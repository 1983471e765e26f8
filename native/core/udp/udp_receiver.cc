// recvmmsg and GRO (udp_receiver.h). With GRO the kernel joins datagrams of one source and size into up to 64 KiB and
// tells the size in a control message (udp(7)); another one tells which local address they were sent to.
#include "udp_receiver.h"

#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <array>
#include <cstring>
#include <vector>

#include "passing_errors.h"

namespace packetfs {

namespace {

constexpr std::size_t kMessages = 32;
constexpr std::size_t kMessageBytes = 64UL << 10;
constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo));

}  // namespace

struct UdpReceiver::Buffers {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(kMessages * kMessageBytes);
  std::array<mmsghdr, kMessages> messages{};
  std::array<iovec, kMessages> vectors{};
  std::array<sockaddr_storage, kMessages> sources{};
  struct alignas(cmsghdr) Control {
    std::uint8_t bytes[kControlBytes];
  };
  std::array<Control, kMessages> controls{};

  void prepare() {
    for (std::size_t i = 0; i < kMessages; i++) {
      vectors[i] = {bytes.data() + i * kMessageBytes, kMessageBytes};
      messages[i] = {};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &sources[i];
      header.msg_namelen = sizeof sources[i];
      header.msg_iov = &vectors[i];
      header.msg_iovlen = 1;
      header.msg_control = controls[i].bytes;
      header.msg_controllen = kControlBytes;
    }
  }
};

Result<std::unique_ptr<UdpReceiver>> UdpReceiver::start(int socket, UdpCounters& counters, std::function<void()> wake) {
  FileDescriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.ok()) return Status::failure(errno, "no eventfd to stop the receiving thread with");
  std::unique_ptr<UdpReceiver> receiver(new UdpReceiver(socket, std::move(stop), counters, std::move(wake)));
  receiver->thread_ = std::thread([raw = receiver.get()] { raw->run(); });
  pthread_setname_np(receiver->thread_.native_handle(), "pfs-udp-receive");
  return receiver;
}

UdpReceiver::~UdpReceiver() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void UdpReceiver::run() {
  const auto buffers = std::make_unique<Buffers>();
  while (waitForDatagrams()) {
    if (!receive(*buffers)) return;
  }
}

bool UdpReceiver::waitForDatagrams() {
  std::array<pollfd, 2> waits = {{{socket_, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  while (poll(waits.data(), waits.size(), -1) < 0) {
    if (errno == EINTR) continue;
    end(errno);
    return false;
  }
  return waits[1].revents == 0;
}

bool UdpReceiver::receive(Buffers& buffers) {
  buffers.prepare();
  const int received = recvmmsg(socket_, buffers.messages.data(), kMessages, MSG_DONTWAIT, nullptr);
  if (received < 0) {
    if (errno == EAGAIN || errno == EINTR) return true;
    count(counters_.receiveErrors);
    if (isPassingError(errno)) return true;
    end(errno);
    return false;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); i++) accept(buffers, i);
  return true;
}

void UdpReceiver::accept(Buffers& buffers, std::size_t index) {
  msghdr& header = buffers.messages[index].msg_hdr;
  const std::size_t length = buffers.messages[index].msg_len;
  std::size_t segment = length;
  Endpoint source = Endpoint::of(buffers.sources[index]);
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      int size = 0;
      std::memcpy(&size, CMSG_DATA(control), sizeof size);
      if (size > 0) segment = static_cast<std::size_t>(size);
    } else if (control->cmsg_level == SOL_IP && control->cmsg_type == IP_PKTINFO) {
      in_pktinfo information{};
      std::memcpy(&information, CMSG_DATA(control), sizeof information);
      source = source.from(mappedAddress(information.ipi_spec_dst));
    } else if (control->cmsg_level == SOL_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo information{};
      std::memcpy(&information, CMSG_DATA(control), sizeof information);
      source = source.from(information.ipi6_addr);
    }
  }
  const std::size_t datagrams = segment == 0 ? 1 : (length + segment - 1) / segment;
  count(counters_.packetsReceived, datagrams);
  count(counters_.bytesReceived, length);
  if (datagrams > 1) count(counters_.groBatches);
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    count(counters_.receiveDropped, datagrams);
    return;
  }
  bool wake = false;
  const auto* bytes = static_cast<const std::uint8_t*>(header.msg_iov->iov_base);
  const std::size_t dropped = queue_.append(source, bytes, length, segment, wake);
  if (dropped > 0) count(counters_.receiveDropped, dropped);
  if (wake) wake_();
}

void UdpReceiver::end(int errorNumber) {
  if (queue_.fail(errorNumber)) wake_();
}

}  // namespace packetfs
