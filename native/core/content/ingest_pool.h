// Threads that bring runs of long sequential writes into the blob while their writers go on (docs/design/0055). Started
// with the first run; a content has at most one run here, so the queue is as long as there are writers at most.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace packetfs {

class IngestPool {
 public:
  IngestPool() = default;
  /// Finishes what is queued.
  ~IngestPool();
  IngestPool(const IngestPool&) = delete;
  IngestPool& operator=(const IngestPool&) = delete;

  void run(std::function<void()> work);

 private:
  void serve();

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<std::function<void()>> queue_{};
  bool ending_ = false;
  std::vector<std::thread> threads_{};
};

}  // namespace packetfs
