// UDP sockets over the loopback of a network namespace of the test's own, with a small MTU (needs root; without it
// these tests run on the machine's loopback, and the two that need the namespace say so).
#include "../../native/core/udp/udp_socket.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <chrono>
#include <condition_variable>
#include <cstring>

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr int kMtu = 1400;
bool isolated = false;

/// A namespace with lo up, an MTU of kMtu, and no other route; it ends with this process.
bool isolate() {
  if (unshare(CLONE_NEWNET) != 0) return false;
  const FileDescriptor control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) return false;
  request.ifr_mtu = kMtu;
  return ioctl(control.get(), SIOCSIFMTU, &request) == 0;
}

Endpoint endpoint(const char* address, std::uint16_t port) {
  const auto parsed = Endpoint::parse(address, port);
  CHECK(parsed.ok());
  return parsed.value;
}

/// A bound socket that collects what it receives.
class Collector {
  std::mutex mutex_{};  // before the socket, whose thread uses it to the end
  std::condition_variable condition_{};
  bool woken_ = false;

 public:
  explicit Collector(const char* address) {
    auto bound = UdpSocket::bind(endpoint(address, 0));
    CHECK(bound.ok());
    socket = std::move(bound.value);
    CHECK(socket
              ->startReceiving([this] {
                const std::lock_guard lock(mutex_);
                woken_ = true;
                condition_.notify_one();
              })
              .ok());
  }

  /// Waits until `count` datagrams are here, or five seconds.
  void collect(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (sizes.size() < count) {
      std::unique_lock lock(mutex_);
      if (!condition_.wait_until(lock, deadline, [this] { return woken_; })) return;
      woken_ = false;
      lock.unlock();
      const ReceivedBatch batch = socket->take();
      for (std::size_t i = 0; i < batch.datagrams.size(); i += 3) {
        sizes.push_back(batch.datagrams[i + 1]);
        const auto* start = batch.bytes.data() + batch.datagrams[i];
        bytes.insert(bytes.end(), start, start + batch.datagrams[i + 1]);
        last = batch.sources[batch.datagrams[i + 2]];
      }
    }
  }

  std::unique_ptr<UdpSocket> socket{};
  std::vector<std::size_t> sizes{};
  std::vector<std::uint8_t> bytes{};
  Endpoint last{};
};

std::vector<std::uint32_t> backToBack(const std::vector<std::uint32_t>& sizes) {
  std::vector<std::uint32_t> datagrams;
  std::uint32_t offset = 0;
  for (const std::uint32_t size : sizes) {
    datagrams.insert(datagrams.end(), {offset, size});
    offset += size;
  }
  return datagrams;
}

void exchange(const char* from, const char* to, const char* seenAs) {
  auto random = seededRandom();
  Collector receiver(to);
  const auto sender = UdpSocket::bind(endpoint(from, 0));
  CHECK(sender.ok());
  std::vector<std::uint32_t> sizes(100, 1200);  // two GSO messages; then what breaks runs
  sizes.insert(sizes.end(), {700, 0, 900, 900, 1, 1300, 1200, 1200, 1200});
  const auto datagrams = backToBack(sizes);
  const auto bytes = randomBytes(random, 200 * 1300);
  const auto taken = sender.value->send(endpoint(seenAs, receiver.socket->local().port()), bytes.data(), datagrams);
  CHECK(taken.ok() && taken.value == sizes.size());
  receiver.collect(sizes.size());
  CHECK(std::equal(sizes.begin(), sizes.end(), receiver.sizes.begin(), receiver.sizes.end()));
  CHECK(std::equal(receiver.bytes.begin(), receiver.bytes.end(), bytes.begin()));
  CHECK(receiver.last.port() == sender.value->local().port());
  CHECK(receiver.last.address() == seenAs);
  CHECK(sender.value->counters().gsoBatches > 0 && receiver.socket->counters().groBatches > 0);
  CHECK(sender.value->counters().packetsSent == sizes.size());
  CHECK(receiver.socket->counters().packetsReceived == sizes.size());
}

}  // namespace

TEST("runs of datagrams arrive whole and in order over IPv4") { exchange("127.0.0.1", "127.0.0.1", "127.0.0.1"); }
TEST("runs of datagrams arrive whole and in order over IPv6") { exchange("::1", "::1", "::1"); }
TEST("a socket bound to :: receives IPv4, and sees plain addresses") { exchange("127.0.0.1", "::", "127.0.0.1"); }
TEST("a socket bound to :: sends IPv4") { exchange("::", "127.0.0.1", "127.0.0.1"); }

TEST("a socket for all addresses tells which one was asked, and answers from it") {
  for (const char* bound : {"0.0.0.0", "::"}) {
    Collector server(bound);
    Collector client("127.0.0.1");
    const std::vector<std::uint8_t> bytes(4000, 1);
    const Endpoint asked = endpoint("127.0.0.5", server.socket->local().port());
    CHECK(client.socket->send(asked, bytes.data(), backToBack({100})).ok());
    server.collect(1);
    CHECK(server.last.hasLocal() && server.last.localAddress() == "127.0.0.5");
    const auto taken = server.socket->send(server.last, bytes.data(), backToBack({700, 700, 300}));
    CHECK(taken.ok() && taken.value == 3);
    client.collect(3);
    CHECK((client.sizes == std::vector<std::size_t>{700, 700, 300}));
    CHECK(client.last.address() == "127.0.0.5");
    CHECK(!client.last.hasLocal());
  }
}

TEST("what is to leave from an address that is gone is lost, not an error") {
  for (const char* bound : {"0.0.0.0", "::"}) {
    Collector receiver("127.0.0.1");
    const auto sender = UdpSocket::bind(endpoint(bound, 0));
    CHECK(sender.ok());
    const std::vector<std::uint8_t> bytes(4000, 1);
    const Endpoint gone = endpoint("127.0.0.1", receiver.socket->local().port()).from(endpoint("192.0.2.1", 0));
    const auto taken = sender.value->send(gone, bytes.data(), backToBack({700, 700, 300}));
    CHECK(taken.ok() && taken.value == 3);
    CHECK(sender.value->counters().sendErrors == 3);
  }
}

TEST("datagrams longer than the interface allows are lost and counted, the others arrive") {
  if (!isolated) return;
  Collector receiver("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const std::vector<std::uint8_t> bytes(20 * kMtu, 1);
  const auto datagrams = backToBack({kMtu, kMtu, kMtu, 1000, 1000, 1000});
  const auto taken =
      sender.value->send(endpoint("127.0.0.1", receiver.socket->local().port()), bytes.data(), datagrams);
  CHECK(taken.ok() && taken.value == 6);
  CHECK(sender.value->counters().sendErrors == 3 && sender.value->counters().packetsSent == 3);
  receiver.collect(3);
  CHECK((receiver.sizes == std::vector<std::size_t>{1000, 1000, 1000}));
}

TEST("a datagram that is too long among others does not end their joining") {
  if (!isolated) return;
  Collector receiver("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
  const std::vector<std::uint8_t> bytes(20 * kMtu, 1);
  const auto taken = sender.value->send(destination, bytes.data(), backToBack({1000, 1000, 8952, 1000, 1000, 1000}));
  CHECK(taken.ok() && taken.value == 6);
  CHECK(sender.value->counters().sendErrors == 1 && sender.value->counters().packetsSent == 5);
  CHECK(sender.value->counters().gsoFallbacks == 0 && sender.value->counters().gsoBatches == 2);
  receiver.collect(5);
  CHECK((receiver.sizes == std::vector<std::size_t>(5, 1000)));
}

TEST("a destination without a route is loss, not an error") {
  if (!isolated) return;
  const auto sender = UdpSocket::bind(endpoint("0.0.0.0", 0));
  const std::vector<std::uint8_t> bytes(4000, 1);
  const auto taken = sender.value->send(endpoint("192.0.2.1", 9), bytes.data(), backToBack({1000, 1000, 500}));
  CHECK(taken.ok() && taken.value == 3);
  CHECK(sender.value->counters().sendErrors == 3 && sender.value->counters().packetsSent == 0);
}

TEST("an IPv6 destination on an IPv4 socket is an error") {
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const std::uint8_t byte = 1;
  CHECK(sender.value->send(endpoint("::1", 9), &byte, backToBack({1})).status.error == EAFNOSUPPORT);
}

TEST("a port in use is refused, a name is not an address") {
  const auto first = UdpSocket::bind(endpoint("127.0.0.1", 0));
  CHECK(UdpSocket::bind(endpoint("127.0.0.1", first.value->local().port())).status.error == EADDRINUSE);
  CHECK(Endpoint::parse("localhost", 1).status.error == EINVAL);
  CHECK(Endpoint::parse("", 1).status.error == EINVAL);
}

TEST("a receiver that is destroyed while datagrams pour in ends at once") {
  for (int round = 0; round < 20; round++) {
    Collector receiver("127.0.0.1");
    const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
    const std::vector<std::uint8_t> bytes(64 * 1200, 1);
    const auto datagrams = backToBack(std::vector<std::uint32_t>(64, 1200));
    const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
    for (int i = 0; i < 5; i++) CHECK(sender.value->send(destination, bytes.data(), datagrams).ok());
  }
}

TEST("datagrams wait until they are due, and what comes later waits behind them") {
  Collector receiver("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
  const std::vector<std::uint8_t> bytes(10'000, 1);
  const std::vector<std::uint32_t> delays = {0, 20'000, 20'000, 60'000};
  const auto start = std::chrono::steady_clock::now();
  CHECK(sender.value->send(destination, bytes.data(), backToBack({100, 200, 300, 400}), delays).value == 4);
  CHECK(sender.value->send(destination, bytes.data(), backToBack({500})).value == 1);
  receiver.collect(1);
  receiver.collect(3);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20));
  receiver.collect(4);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(60));
  receiver.collect(5);
  CHECK((receiver.sizes == std::vector<std::size_t>{100, 200, 300, 400, 500}));
  CHECK(sender.value->counters().packetsSent == 5);
}

TEST("one destination does not wait for another") {
  Collector first("127.0.0.1");
  Collector second("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const std::vector<std::uint8_t> bytes(100, 1);
  const std::vector<std::uint32_t> late = {900'000};
  const std::vector<std::uint32_t> soon = {1000};
  const Endpoint slow = endpoint("127.0.0.1", first.socket->local().port());
  const Endpoint fast = endpoint("127.0.0.1", second.socket->local().port());
  const auto start = std::chrono::steady_clock::now();
  CHECK(sender.value->send(slow, bytes.data(), backToBack({100}), late).ok());
  CHECK(sender.value->send(fast, bytes.data(), backToBack({100}), soon).ok());
  CHECK(sender.value->send(fast, bytes.data(), backToBack({50})).ok());
  second.collect(2);
  CHECK(second.sizes.size() == 2);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(900));
  first.collect(1);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(900));
}

TEST("what waits when the socket is closed leaves at once") {
  Collector receiver("127.0.0.1");
  const std::vector<std::uint8_t> bytes(1000, 1);
  const std::vector<std::uint32_t> delays = {1'000'000, 1'000'000};
  {
    const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
    const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
    CHECK(sender.value->send(destination, bytes.data(), backToBack({500, 500}), delays).value == 2);
  }
  receiver.collect(2);
  CHECK(receiver.sizes.size() == 2);
}

TEST("a full socket buffer holds back what waits, and loses none of it") {
  if (!isolated) return;
  CHECK(std::system("tc qdisc add dev lo root tbf rate 200mbit burst 64kb limit 64mb") == 0);
  Collector receiver("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
  const std::vector<std::uint8_t> bytes(1000 * 1000, 1);
  const auto datagrams = backToBack(std::vector<std::uint32_t>(1000, 1000));
  std::size_t sent = 0;
  std::size_t settled = 1000;
  while (settled == 1000 && sent < 100'000) {
    settled = sender.value->send(destination, bytes.data(), datagrams).value;
    sent += settled;
  }
  CHECK(settled < 1000);
  const std::vector<std::uint32_t> delays(1000, 1);
  CHECK(sender.value->send(destination, bytes.data(), datagrams, delays).value == 1000);
  receiver.collect(sent + 1000);
  CHECK(receiver.sizes.size() == sent + 1000);
  CHECK(sender.value->counters().sendErrors == 0);
  CHECK(std::system("tc qdisc del dev lo root") == 0);
}

TEST("of what waits no more is kept than the bound; the rest is handed back") {
  Collector receiver("127.0.0.1");
  const auto sender = UdpSocket::bind(endpoint("127.0.0.1", 0));
  const Endpoint destination = endpoint("127.0.0.1", receiver.socket->local().port());
  const std::vector<std::uint8_t> bytes(1000 * 1000, 1);
  const auto datagrams = backToBack(std::vector<std::uint32_t>(1000, 1000));
  const std::vector<std::uint32_t> delays(1000, 1'000'000);
  std::size_t taken = 0;
  for (int i = 0; i < 10; i++) taken += sender.value->send(destination, bytes.data(), datagrams, delays).value;
  CHECK(taken == PacedSender::kQueuedBytesMost / 1000);
  CHECK(sender.value->counters().sendErrors == 0);
}

TEST("the queue drops what is beyond its bound, counting empty datagrams and sources") {
  ReceiveQueue queue;
  const std::vector<std::uint8_t> bytes(60000, 1);
  bool wake = false;
  std::size_t kept = 0;
  while (queue.append(endpoint("127.0.0.1", 1), bytes.data(), bytes.size(), 1200, wake) == 0) kept++;
  CHECK(kept > 500 && kept * bytes.size() <= kQueueBytesMost);
  CHECK(queue.take().datagrams.size() == kept * 50 * 3);
  std::size_t empty = 0;
  for (std::uint32_t i = 0; i < 1'000'000; i++) {
    sockaddr_storage forged{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&forged);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = i;
    empty += queue.append(Endpoint::of(forged), bytes.data(), 0, 0, wake) == 0;
  }
  CHECK(empty > 10'000 && empty < 200'000);
  CHECK(queue.take().sources.size() == empty);
}

TEST("the queue wakes its taker once for what comes before the take") {
  ReceiveQueue queue;
  const std::uint8_t byte = 1;
  bool wake = false;
  queue.append(endpoint("127.0.0.1", 1), &byte, 1, 1, wake);
  CHECK(wake);
  queue.append(endpoint("127.0.0.1", 2), &byte, 1, 1, wake);
  CHECK(!wake && !queue.fail(EIO));
  const ReceivedBatch batch = queue.take();
  CHECK(batch.sources.size() == 2 && batch.failure == EIO);
  queue.append(endpoint("127.0.0.1", 1), &byte, 1, 1, wake);
  CHECK(wake);
}

int main() {
  isolated = isolate();
  if (!isolated) std::printf("no network namespace: the tests of a small MTU and of a missing route do nothing\n");
  return runTests();
}
