// Whether one thread of a program makes one call after the other, so that its next request to JavaScript is worth
// waiting for without sleeping (docs/design/0066, 0069): sleeping and waking take longer than its calls in between,
// which the session answers itself. Invariant: a wait is short unless all that is heard in it comes from the thread
// that JavaScript just answered, and where others want the processor or long waits have been for nothing; while most
// waits are for nothing, there is none but now and then (docs/design/0086). FUSE threads call `heard`; the rest is of
// the one thread that waits.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

namespace packetfs::fuse {

class Conversation {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// With one processor nobody goes on asking while this thread waits.
  explicit Conversation(bool hasSeveralProcessors = std::thread::hardware_concurrency() > 1)
      : hasSeveralProcessors_(hasSeveralProcessors) {}

  /// A request came from this thread (fuse_in_header.pid; 0, where nobody waits or none that is seen here, is ignored).
  void heard(std::uint32_t thread);

  /// A wait begins. `asker`: the thread that JavaScript, or the session for it (docs/design/0088), answered since the
  /// last one, 0 for several. Empty: it only took other messages, so that a wait that they interrupted goes on.
  /// `isBusy`: it has to do with something else soon.
  void begin(Time now, std::optional<std::uint32_t> asker, bool isBusy);
  /// Called again and again, without a pause: one that was long was somebody else's turn on the processor. False at
  /// once where waiting is not worth it.
  [[nodiscard]] bool goesOn(Time now);
  /// Whose next request it waits for; 0: that of several, or of nobody.
  [[nodiscard]] std::uint32_t asker() const { return wait_.asker; }

 private:
  struct Wait {
    Time began{};
    Time looked{};
    Time end{};
    std::uint64_t lastHeard = 0;
    std::uint32_t asker = 0;
    bool isShort = true;  // and stays so
    bool wasLong = false;
    bool hasEnded = true;
  };

  void makeShort();
  void endForNothing();
  bool isWorthWaiting();

  /// Of waits that were for nothing; with none left waits are spared.
  static constexpr unsigned kCreditMax = 16;

  const bool hasSeveralProcessors_;
  std::atomic<std::uint64_t> lastHeard_{0};  // count << 32 | thread
  Wait wait_{};
  Time shortUntil_{};
  unsigned fruitlessWaits_ = 0;  // long ones in a row
  unsigned credit_ = kCreditMax;
  unsigned spared_ = 0;  // waits that were not tried since one was
};

}  // namespace packetfs::fuse
