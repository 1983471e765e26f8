// The wall clock, in nanoseconds since 1970.
#pragma once
#include <cstdint>
#include <ctime>

namespace packetfs {

inline std::int64_t wallNs() {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

}  // namespace packetfs
