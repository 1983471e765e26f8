// The support of native tests: plain executables under sanitizers. A test is a TEST block; CHECK records a failure and
// goes on. `int main() { return runTests(); }` runs them and prints `N passed, N failed`. Random tests draw from
// seededRandom(), which prints its seed and honours PFS_SEED.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

namespace packetfs::test {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {  // of the running test
  static int count = 0;
  return count;
}

inline bool registerTest(const char* name, void (*body)()) {
  tests().push_back({name, body});
  return true;
}

inline void check(bool condition, const char* expression, const char* file, int line) {
  if (condition) return;
  failures()++;
  std::fprintf(stderr, "  %s:%d: %s\n", file, line, expression);
}

inline std::mt19937_64 seededRandom() {
  const char* forced = std::getenv("PFS_SEED");
  const std::uint64_t seed =
      forced != nullptr ? std::strtoull(forced, nullptr, 10) : static_cast<std::uint64_t>(time(nullptr));
  std::printf("  PFS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

inline std::vector<std::uint8_t> randomBytes(std::mt19937_64& random, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

inline int runTests() {
  int failed = 0;
  for (const Test& test : tests()) {
    failures() = 0;
    std::printf("%s\n", test.name);
    std::fflush(stdout);
    test.body();
    if (failures() > 0) {
      failed++;
      std::printf("  FAILED: %s\n", test.name);
    }
  }
  std::printf("%zu passed, %d failed\n", tests().size() - static_cast<std::size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace packetfs::test

#define PFS_JOIN2(a, b) a##b
#define PFS_JOIN(a, b) PFS_JOIN2(a, b)
#define TEST(name)                                                      \
  static void PFS_JOIN(testBody, __LINE__)();                           \
  [[maybe_unused]] static const bool PFS_JOIN(testKnown, __LINE__) =    \
      packetfs::test::registerTest(name, PFS_JOIN(testBody, __LINE__)); \
  static void PFS_JOIN(testBody, __LINE__)()
#define CHECK(condition) packetfs::test::check((condition), #condition, __FILE__, __LINE__)
