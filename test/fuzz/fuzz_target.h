// The frame of a libFuzzer target (test/fuzz/*_fuzz.cc): the target defines `seeds`, valid inputs made by the encoders,
// and `fuzzOne`, which decodes an input and checks what must hold; REQUIRE ends the run, and libFuzzer keeps the input.
// The seeds are written into the corpus directory, the first parameter that is no option, before libFuzzer reads it.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "../../native/core/base/little_endian.h"

namespace packetfs::fuzz {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> seeds();
void fuzzOne(std::span<const std::uint8_t> input);

inline void require(bool condition, const char* expression, const char* file, int line) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, expression);
  std::abort();
}

/// Takes the parameters of a case off the front of an input; past its end everything is 0.
class Parameters {
 public:
  explicit Parameters(std::span<const std::uint8_t> input) : rest_(input) {}

  std::uint32_t take(std::size_t byteCount) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < byteCount && !rest_.empty(); i++) {
      value |= std::uint32_t{rest_.front()} << (8 * i);
      rest_ = rest_.subspan(1);
    }
    return value;
  }
  [[nodiscard]] std::span<const std::uint8_t> rest() const { return rest_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::span<const std::uint8_t> rest_;
};

inline void append32(Bytes& bytes, std::uint32_t value) {
  bytes.resize(bytes.size() + sizeof(value));
  storeLittle32(bytes.data() + bytes.size() - sizeof(value), value);
}

/// Bytes that compress a little and are the same on every run.
inline Bytes pattern(std::size_t length) {
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; i++) bytes[i] = static_cast<std::uint8_t>(i % 7 == 0 ? i * 31 / 7 : i / 64);
  return bytes;
}

}  // namespace packetfs::fuzz

#define REQUIRE(condition) packetfs::fuzz::require((condition), #condition, __FILE__, __LINE__)

// Not inline: a target is one source, and libFuzzer looks for these by name.
extern "C" int LLVMFuzzerInitialize(int* count, char*** parameters) {
  for (int i = 1; i < *count; i++) {
    const std::filesystem::path corpus = (*parameters)[i];
    if (corpus.native().starts_with("-")) continue;
    if (std::filesystem::is_regular_file(corpus)) break;  // one input is to be run again
    std::filesystem::create_directories(corpus);
    int number = 0;
    for (const packetfs::fuzz::Bytes& seed : packetfs::fuzz::seeds()) {
      std::ofstream file(corpus / ("seed-" + std::to_string(number++)), std::ios::binary);
      file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t length) {
  packetfs::fuzz::fuzzOne({bytes, length});
  return 0;
}
