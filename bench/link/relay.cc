// The link lab's relay: one TUN device in each of two network namespaces and, between them, an emulated link
// (emulated_direction.h) for each direction. One thread, one timer; it ends when it is told to, and within a second
// after the name of one of its namespaces was removed.
//   relay SEED CONTROL_SOCKET NAMESPACE_A NAMESPACE_B DEVICE
// A connection to the control socket carries one line and gets one line of JSON back:
//   set a|b|ab KEY=NUMBER…   conditions of what a sends, b sends, or both; keys as in kKeys below
//   counters                 what became of the packets of each direction
//   stop
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
#include <string>

#include "emulated_direction.h"

using packetfs::bench::Conditions;
using packetfs::bench::Counters;
using packetfs::bench::EmulatedDirection;

namespace {

constexpr std::size_t kPacketBytesMost = 65536;
constexpr int kReadsPerTurn = 64;  // of one device, before what has arrived is delivered
constexpr std::int64_t kTimerSlackNs = 50'000;
constexpr int kRequestMs = 1000;
constexpr std::int64_t kWaitMostNs = 1'000'000'000;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "relay: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

std::int64_t monotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::string pathOf(const std::string& networkNamespace) { return "/run/netns/" + networkNamespace; }

int openTun(const std::string& networkNamespace, const std::string& device) {
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = open(pathOf(networkNamespace).c_str(), O_RDONLY | O_CLOEXEC);
  if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0) die("namespace " + networkNamespace);
  const int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tun < 0) die("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device.c_str());
  if (ioctl(tun, TUNSETIFF, &request) != 0) die("device " + device);
  if (setns(home, CLONE_NEWNET) != 0) die("own namespace");
  close(home);
  close(there);
  return tun;
}

int listenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) die("the control socket's path is too long");
  std::strcpy(address.sun_path, path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 8) != 0) {
    die(path);
  }
  return listener;
}

/// One condition by its name on the control socket. Times come in milliseconds, `cut` as 0 or 1.
bool setCondition(Conditions& conditions, const std::string& key, double value) {
  const auto nanoseconds = static_cast<std::int64_t>(value * 1e6);
  if (key == "rate" && value > 0)
    conditions.rate = value;
  else if (key == "delay" && value >= 0)
    conditions.delay = nanoseconds;
  else if (key == "queue" && value > 0)
    conditions.queueBytes = value;
  else if (key == "loss" && value >= 0 && value < 1)
    conditions.loss = value;
  else if (key == "burst" && value >= 1)
    conditions.lossBurst = value;
  else if (key == "reorder" && value >= 0 && value <= 1)
    conditions.reorder = value;
  else if (key == "reorder-delay" && value >= 0)
    conditions.reorderDelay = nanoseconds;
  else if (key == "duplicate" && value >= 0 && value <= 1)
    conditions.duplicate = value;
  else if (key == "corrupt" && value >= 0 && value <= 1)
    conditions.corrupt = value;
  else if (key == "cut" && (value == 0 || value == 1))
    conditions.cut = value == 1;
  else
    return false;
  return true;
}

std::string describe(const Counters& counters) {
  std::ostringstream json;
  json << "{\"offeredPackets\":" << counters.offeredPackets << ",\"offeredBytes\":" << counters.offeredBytes
       << ",\"deliveredPackets\":" << counters.deliveredPackets << ",\"deliveredBytes\":" << counters.deliveredBytes
       << ",\"queueDrops\":" << counters.queueDrops << ",\"lost\":" << counters.lost
       << ",\"cutDrops\":" << counters.cutDrops << ",\"reordered\":" << counters.reordered
       << ",\"duplicated\":" << counters.duplicated << ",\"corrupted\":" << counters.corrupted
       << ",\"queueBytesMost\":" << counters.queueBytesMost << "}";
  return json.str();
}

struct Options {
  std::uint64_t seed;
  std::string control;
  std::array<std::string, 2> namespaces;
  std::string device;
};

class Relay {
 public:
  explicit Relay(const Options& options)
      : namespaces_(options.namespaces),
        devices_{openTun(namespaces_[0], options.device), openTun(namespaces_[1], options.device)},
        listener_(listenAt(options.control)),
        directions_{EmulatedDirection(options.seed), EmulatedDirection(~options.seed)} {}

  void run() {
    while (!stopped_) {
      wait();
      for (std::size_t end = 0; end < devices_.size(); end++) take(end);
      for (std::size_t end = 0; end < devices_.size(); end++) deliver(end);
      // Last, so that an answer tells of all that was sent before it was asked for.
      if (isAsked_) answerOne();
    }
  }

 private:
  void wait() {
    const std::int64_t now = monotonicNs();
    const std::int64_t next = std::min(directions_[0].nextArrival(), directions_[1].nextArrival());
    const std::int64_t left = next == EmulatedDirection::kNever ? kWaitMostNs : std::clamp(next - now, 0L, kWaitMostNs);
    const timespec limit{left / 1'000'000'000, left % 1'000'000'000};
    std::array<pollfd, 3> waits = {{{devices_[0], POLLIN, 0}, {devices_[1], POLLIN, 0}, {listener_, POLLIN, 0}}};
    if (ppoll(waits.data(), waits.size(), &limit, nullptr) < 0 && errno != EINTR) die("ppoll");
    isAsked_ = (waits[2].revents & POLLIN) != 0;
    if (now < lookAt_) return;
    lookAt_ = now + kWaitMostNs;
    for (const std::string& name : namespaces_) {
      if (access(pathOf(name).c_str(), F_OK) != 0) stopped_ = true;
    }
  }

  /// What one end sent comes to its direction of the link.
  void take(std::size_t end) {
    for (int i = 0; i < kReadsPerTurn; i++) {
      const ssize_t length = read(devices_[end], packet_.data(), packet_.size());
      if (length < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        if (errno == EIO) return;  // not up yet
        die("reading from a device");
      }
      directions_[end].offer(monotonicNs(), std::span(packet_.data(), static_cast<std::size_t>(length)));
    }
  }

  void deliver(std::size_t from) {
    const int to = devices_[1 - from];
    directions_[from].arrive(monotonicNs(), [to](std::span<const std::uint8_t> packet) {
      // A device that is down, or a packet whose header was corrupted: gone, as on a real link.
      if (write(to, packet.data(), packet.size()) < 0 && errno == EBADFD) die("writing to a device");
    });
  }

  void answerOne() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::array<char, 1024> line{};
    pollfd waiting{client, POLLIN, 0};
    const ssize_t length = poll(&waiting, 1, kRequestMs) > 0 ? read(client, line.data(), line.size() - 1) : 0;
    const std::string answer = (length > 0 ? handle(line.data()) : "{\"error\":\"no request\"}") + "\n";
    // A client that has gone needs no answer.
    (void)!send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(client);
  }

  std::string handle(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "counters") {
      return "{\"a\":" + describe(directions_[0].counters()) + ",\"b\":" + describe(directions_[1].counters()) + "}";
    }
    if (verb == "stop") {
      stopped_ = true;
      return "{}";
    }
    if (verb != "set") return "{\"error\":\"the requests are set, counters and stop\"}";
    std::string ends;
    words >> ends;
    if (ends != "a" && ends != "b" && ends != "ab") return "{\"error\":\"set a, b or ab\"}";
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      char* rest = nullptr;
      const double value = equals == std::string::npos ? 0 : std::strtod(word.c_str() + equals + 1, &rest);
      const bool isNumber = rest != nullptr && *rest == '\0' && word.size() > equals + 1;
      for (std::size_t end = 0; end < 2; end++) {
        if (ends.find(end == 0 ? 'a' : 'b') == std::string::npos) continue;
        if (!isNumber || !setCondition(directions_[end].conditions, word.substr(0, equals), value)) {
          return "{\"error\":\"not a condition: " + word + "\"}";
        }
      }
    }
    return "{}";
  }

  std::array<std::string, 2> namespaces_;
  std::array<int, 2> devices_;
  int listener_;
  std::array<EmulatedDirection, 2> directions_;  // what a sends, what b sends
  std::int64_t lookAt_ = 0;                      // whether the namespaces still have their names
  std::array<std::uint8_t, kPacketBytesMost> packet_{};
  bool isAsked_ = false;
  bool stopped_ = false;
};

}  // namespace

int main(int count, char** parameters) {
  if (count != 6) {
    std::fprintf(stderr, "usage: relay SEED CONTROL_SOCKET NAMESPACE_A NAMESPACE_B DEVICE\n");
    return 1;
  }
  Relay relay({.seed = std::strtoull(parameters[1], nullptr, 10),
               .control = parameters[2],
               .namespaces = {parameters[3], parameters[4]},
               .device = parameters[5]});
  // The wire does not wait for the programs at its ends.
  if (setpriority(PRIO_PROCESS, 0, -20) != 0) std::perror("relay: priority");
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  std::printf("ready\n");
  std::fflush(stdout);
  relay.run();
  unlink(parameters[2]);
}
