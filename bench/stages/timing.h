// How the bench of the stages measures.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>

namespace packetfs::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename Work>
double secondsOf(const Work& work) {
  const double begun = now();
  work();
  return now() - begun;
}

/// The best of as many rounds as `seconds` hold, at least two: the others were disturbed. In units a second.
template <typename Round>
double speedOf(double units, double seconds, const Round& round) {
  double best = secondsOf(round);
  const double end = now() + seconds;
  do best = std::min(best, secondsOf(round));
  while (now() < end);
  return units / best;
}

/// Keeps the compiler from leaving out what nobody uses.
template <typename Value>
void use(const Value& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace packetfs::bench
