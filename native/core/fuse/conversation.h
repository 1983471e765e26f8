// Whether one program makes one call after the other, so that its next request to JavaScript is worth waiting for
// without sleeping (docs/design/0066, 0069): sleeping and waking take longer than its calls in between, which the
// session answers itself. Invariant: a wait is short where several programs ask, and where others want the processor.
// FUSE threads call `heard`; the rest is of the one thread that waits.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace packetfs::fuse {

class Conversation {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Wait {
    Time began{};
    Time looked{};
    Time end{};
    std::uint64_t last = 0;  // of what was heard
  };

  /// A request came from this thread of a program (fuse_in_header.pid; 0: the kernel's own, which tells nothing).
  void heard(std::uint32_t caller);

  [[nodiscard]] Wait begin(Time now) const;
  /// Called again and again, without a pause: one that was long was somebody else's turn on the processor.
  [[nodiscard]] bool goesOn(Wait& wait, Time now);

 private:
  std::atomic<std::uint64_t> last_{0};  // count << 32 | caller
  Time crowdedUntil_{};
};

}  // namespace packetfs::fuse
