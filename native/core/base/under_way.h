// How many of something are under way, for whoever must wait until none is. Any thread may call anything.
#pragma once
#include <atomic>

namespace packetfs {

class UnderWay {
 public:
  void begin() { count_++; }
  void end() {
    count_--;
    count_.notify_all();
  }
  /// Of what has begun before; what begins meanwhile may be waited for too.
  void awaitNone() const {
    for (unsigned left = count_; left != 0; left = count_) count_.wait(left);
  }

 private:
  std::atomic<unsigned> count_{0};
};

}  // namespace packetfs
