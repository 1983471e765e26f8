// CPU detection (simd.h). No NEON kernels exist in this build: on ARM the portable ones run.
#include "simd.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace packetfs {

namespace {

constexpr std::array<Simd, 4> kBestFirst = {Simd::kAvx512, Simd::kAvx2, Simd::kNeon, Simd::kPortable};

}  // namespace

const char* nameOf(Simd simd) {
  switch (simd) {
    case Simd::kPortable:
      return "portable";
    case Simd::kAvx2:
      return "avx2";
    case Simd::kAvx512:
      return "avx512";
    case Simd::kNeon:
      return "neon";
  }
  return "unknown";
}

bool isAvailable(Simd simd) {
  switch (simd) {
    case Simd::kPortable:
      return true;
#if defined(__x86_64__)
    case Simd::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case Simd::kAvx512:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512bw") != 0;
#endif
    default:
      return false;
  }
}

Result<Simd> chooseSimd(const char* forced) {
  if (forced == nullptr || *forced == '\0') {
    for (Simd simd : kBestFirst) {
      if (isAvailable(simd)) return simd;
    }
  }
  for (Simd simd : kBestFirst) {
    if (forced == nullptr || std::strcmp(forced, nameOf(simd)) != 0) continue;
    if (isAvailable(simd)) return simd;
    return Status::failure(ENOTSUP, std::string("PFS_SIMD=") + forced + " is not available here: unset it");
  }
  return Status::failure(EINVAL, std::string("PFS_SIMD=") + forced + " is none of portable, avx2, avx512, neon");
}

const Result<Simd>& simdChoice() {
  static const Result<Simd> choice = chooseSimd(std::getenv("PFS_SIMD"));
  return choice;
}

Simd activeSimd() {
  const Result<Simd>& choice = simdChoice();
  if (!choice.ok()) {
    std::fprintf(stderr, "%s\n", choice.status.what.c_str());
    std::abort();
  }
  return choice.value;
}

}  // namespace packetfs
