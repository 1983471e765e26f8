// A UDP socket for bulk transfer: large buffers, no fragmentation (path MTU probing), GSO and GRO. Sending is paced
// (paced_sender.h); receiving has a thread of its own.
#pragma once
#include <memory>

#include "paced_sender.h"
#include "udp_receiver.h"

namespace packetfs {

class UdpSocket {
 public:
  /// Binds to a numeric address; "::" takes IPv4 as well. Port 0 lets the kernel choose.
  static Result<std::unique_ptr<UdpSocket>> bind(const Endpoint& wanted);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  [[nodiscard]] const Endpoint& local() const { return local_; }
  [[nodiscard]] const UdpCounters& counters() const { return counters_; }
  /// What the kernel granted of the buffers asked for.
  [[nodiscard]] int bufferBytes(int option) const;
  /// Messages (one or more datagrams each) that found the receive buffer full.
  [[nodiscard]] std::uint64_t kernelDropped() const;

  /// `wake` is called on the receiving thread when take() has something after it had nothing.
  Status startReceiving(std::function<void()> wake);
  ReceivedBatch take() { return receiver_ == nullptr ? ReceivedBatch{} : receiver_->take(); }
  /// Joins the receiving thread.
  void stopReceiving() { receiver_.reset(); }
  /// Sends what waits, and joins the sending thread; nothing may be sent afterwards.
  void stopSending() { sender_.stop(); }

  Result<std::size_t> send(const Endpoint& destination, const std::uint8_t* bytes,
                           std::span<const std::uint32_t> datagrams, std::span<const std::uint32_t> delays = {});

 private:
  UdpSocket(FileDescriptor descriptor, int family)
      : descriptor_(std::move(descriptor)), family_(family), sender_(descriptor_.get(), counters_) {}
  Status configure(const Endpoint& wanted);

  FileDescriptor descriptor_;
  int family_;
  Endpoint local_{};
  UdpCounters counters_{};
  PacedSender sender_;
  std::unique_ptr<UdpReceiver> receiver_{};  // last: its thread ends first
};

}  // namespace packetfs
