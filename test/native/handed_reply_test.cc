// Replies that a FUSE thread sends for JavaScript's: each once, whoever sends it, and none that was not expected.
#include "../../native/core/fuse/handed_reply.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

using namespace packetfs;
using namespace packetfs::fuse;
using packetfs::test::runTests;
using packetfs::test::seededRandom;

namespace {

/// What a session's device gets.
class Device {
 public:
  Device() {
    if (::pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC) != 0) std::abort();
  }
  ~Device() {
    for (const int end : ends_) ::close(end);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] int fd() const { return ends_[1]; }
  [[nodiscard]] std::string received() const {
    std::array<char, 65536> bytes{};
    const ssize_t length = ::read(ends_[0], bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(length > 0 ? length : 0)};
  }

 private:
  std::array<int, 2> ends_{};
};

struct Parts {
  explicit Parts(std::string head, std::string body = {}) : texts{std::move(head), std::move(body)} {}
  std::array<std::string, 2> texts;
  [[nodiscard]] std::array<struct iovec, 2> vectors() {
    return {{{.iov_base = texts[0].data(), .iov_len = texts[0].size()},
             {.iov_base = texts[1].data(), .iov_len = texts[1].size()}}};
  }
};

bool accept(HandedReply& reply, std::uint64_t turn, Parts parts) {
  auto vectors = parts.vectors();
  return reply.accept(turn, vectors.data(), static_cast<int>(vectors.size()));
}

bool handOver(Parts parts) {
  auto vectors = parts.vectors();
  return packetfs::fuse::handOver(vectors.data(), static_cast<int>(vectors.size()));
}

struct Scene {
  std::shared_ptr<UnderWay> underWay = std::make_shared<UnderWay>();
  std::shared_ptr<HandedReply> reply = std::make_shared<HandedReply>(underWay);
  Device device{};
};

TEST("a reply that is handed over is sent whole by who waits for it") {
  const Scene scene;
  const std::uint64_t turn = scene.reply->expect();
  CHECK(accept(*scene.reply, turn, Parts("head", "body")));
  CHECK(scene.device.received().empty());
  CHECK(scene.reply->sendTo(scene.device.fd()));
  CHECK(scene.device.received() == "headbody");
  scene.underWay->awaitNone();
}

TEST("what is handed over is under way until it is sent") {
  const Scene scene;
  const std::uint64_t turn = scene.reply->expect();
  CHECK(accept(*scene.reply, turn, Parts("reply")));
  std::atomic<bool> isSent{false};
  std::string seen;
  std::thread invalidations([&] {
    scene.underWay->awaitNone();
    CHECK(isSent.load());
    seen = scene.device.received();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  isSent = true;
  CHECK(scene.reply->sendTo(scene.device.fd()));
  invalidations.join();
  CHECK(seen == "reply");
}

TEST("who has waited long enough gets no reply any more") {
  const Scene scene;
  const std::uint64_t turn = scene.reply->expect();
  CHECK(!scene.reply->sendTo(scene.device.fd()));
  CHECK(!accept(*scene.reply, turn, Parts("late")));
  CHECK(scene.device.received().empty());
}

TEST("a late reply does not take the turn of the next request") {
  const Scene scene;
  const std::uint64_t given = scene.reply->expect();
  CHECK(!scene.reply->sendTo(scene.device.fd()));
  const std::uint64_t turn = scene.reply->expect();
  CHECK(!accept(*scene.reply, given, Parts("late")));
  CHECK(accept(*scene.reply, turn, Parts("next")));
  CHECK(scene.reply->sendTo(scene.device.fd()));
  CHECK(scene.device.received() == "next");
}

TEST("nobody waits on for a reply that is too long to be handed over, or that is not to be sent") {
  using Clock = std::chrono::steady_clock;
  const Scene scene;
  const auto waits = [&scene] {
    const Clock::time_point began = Clock::now();
    CHECK(!scene.reply->sendTo(scene.device.fd()));
    return Clock::now() - began >= HandedReply::kWaitMax;
  };
  const std::uint64_t tooLong = scene.reply->expect();
  CHECK(!accept(*scene.reply, tooLong, Parts(std::string(4096, 'x'))));
  CHECK(!waits());
  const ReplyTurn unanswered{.reply = scene.reply, .number = scene.reply->expect()};
  { const HandingOver handing(unanswered); }
  CHECK(!waits());
  scene.underWay->awaitNone();
}

TEST("only the next message of the thread that hands over, and only while it does") {
  const Scene scene;
  CHECK(!handOver(Parts("before")));
  const ReplyTurn turn{.reply = scene.reply, .number = scene.reply->expect()};
  {
    const HandingOver handing(turn);
    std::thread([] { CHECK(!handOver(Parts("of another thread"))); }).join();
    CHECK(handOver(Parts("reply")));
    CHECK(!handOver(Parts("second")));
  }
  CHECK(!handOver(Parts("after")));
  CHECK(scene.reply->sendTo(scene.device.fd()));
  CHECK(scene.device.received() == "reply");
}

TEST("with two threads that race, each reply is sent exactly once") {
  constexpr unsigned kReplies = 20'000;
  const Scene scene;
  std::atomic<std::uint64_t> queued{0};  // the turn that is to be answered; 0: none
  std::atomic<unsigned> answeredByMaker{0};
  std::atomic<bool> isOver{false};
  const std::uint64_t seed = seededRandom()();
  std::thread maker([&] {
    std::mt19937_64 random(seed);
    while (!isOver.load()) {
      const std::uint64_t turn = queued.exchange(0);
      if (turn == 0) continue;
      const auto pause = std::chrono::microseconds(random() % 8 == 0 ? random() % 200 : 0);
      const auto until = std::chrono::steady_clock::now() + pause;
      while (std::chrono::steady_clock::now() < until) continue;
      if (!accept(*scene.reply, turn, Parts("r"))) answeredByMaker++;
    }
  });
  unsigned sent = 0;
  std::size_t received = 0;
  for (unsigned i = 0; i < kReplies; i++) {
    const unsigned before = answeredByMaker;
    queued = scene.reply->expect();
    if (scene.reply->sendTo(scene.device.fd())) {
      sent++;
    } else {
      while (answeredByMaker == before) continue;
    }
    received += scene.device.received().size();
  }
  isOver = true;
  maker.join();
  CHECK(received == sent);
  CHECK(sent + answeredByMaker == kReplies);
  CHECK(sent > 0);
  scene.underWay->awaitNone();
}

}  // namespace

int main() { return runTests(); }
