// A thread that receives datagrams in batches (recvmmsg, UDP_GRO) into a ReceiveQueue.
#pragma once
#include <functional>
#include <memory>
#include <thread>

#include "../base/file_descriptor.h"
#include "counters.h"
#include "receive_queue.h"

namespace packetfs {

class UdpReceiver {
 public:
  /// `wake` is called on the receiving thread when the queue stopped being empty.
  static Result<std::unique_ptr<UdpReceiver>> start(int socket, UdpCounters& counters, std::function<void()> wake);
  /// Ends and joins the thread; `wake` is not called any more.
  ~UdpReceiver();
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;

  ReceivedBatch take() { return queue_.take(); }

 private:
  UdpReceiver(int socket, FileDescriptor stop, UdpCounters& counters, std::function<void()> wake)
      : socket_(socket), stop_(std::move(stop)), counters_(counters), wake_(std::move(wake)) {}

  struct Buffers;
  void run();
  bool waitForDatagrams();
  bool receive(Buffers& buffers);
  void accept(Buffers& buffers, std::size_t index);
  void end(int errorNumber);

  int socket_;
  FileDescriptor stop_;  // an eventfd
  UdpCounters& counters_;
  std::function<void()> wake_;
  ReceiveQueue queue_{};
  std::thread thread_{};
};

}  // namespace packetfs
