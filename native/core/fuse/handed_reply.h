// A reply that JavaScript's thread makes and the FUSE thread of the request sends (docs/design/0081). While that thread
// waits for it without sleeping, the processor that the program runs on does not go idle, so that the program, which is
// woken from there, need not wait until a halted processor is back. Invariants: a reply is sent once, by the one or by
// the other; a FUSE thread waits for at most kWaitMax, and for one reply at a time.
#pragma once
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "../base/under_way.h"

namespace packetfs::fuse {

class HandedReply {
 public:
  /// More than most replies take; who waits longer is answered by JavaScript's thread.
  static constexpr std::chrono::microseconds kWaitMax{100};

  /// `underWay`: replies that were handed over and are not sent yet.
  explicit HandedReply(std::shared_ptr<UnderWay> underWay) : underWay_(std::move(underWay)) {}

  /// The FUSE thread expects one from now on; gives the number of its turn.
  std::uint64_t expect();
  /// The FUSE thread waits, and sends the reply to the device; false where none came in time, and none will.
  bool sendTo(int device);
  /// JavaScript's thread hands over a whole message; false where nobody waits for this turn, or it is too long: then
  /// nobody waits any more.
  bool accept(std::uint64_t turn, const struct iovec* parts, int count);
  /// There is nothing to send.
  void release(std::uint64_t turn);

 private:
  enum Phase : std::uint64_t { idle, expected, filling, made };
  static constexpr std::uint64_t kPhases = 4;
  static constexpr std::size_t kBytesMax = 512;  // every reply about one inode

  bool awaitMade();
  bool leave(std::uint64_t turn, Phase next);

  std::shared_ptr<UnderWay> underWay_;
  std::atomic<std::uint64_t> state_{idle};  // turn * kPhases + Phase
  std::array<std::uint8_t, kBytesMax> bytes_{};
  std::size_t length_ = 0;
};

/// A reply that is to be handed over, if it can be.
struct ReplyTurn {
  std::shared_ptr<HandedReply> reply{};
  std::uint64_t number = 0;
};

/// The next message that this thread sends goes to `turn`, while it lives.
class HandingOver {
 public:
  explicit HandingOver(const ReplyTurn& turn);
  ~HandingOver();
  HandingOver(const HandingOver&) = delete;
  HandingOver& operator=(const HandingOver&) = delete;
};

/// Before this thread sends a message: false where it is to send it itself.
bool handOver(const struct iovec* parts, int count);

}  // namespace packetfs::fuse
