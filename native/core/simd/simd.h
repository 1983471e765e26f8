// Which instruction set the kernels of core use: the best that the CPU has, or the one that PFS_SIMD forces
// (portable | avx2 | avx512 | neon). Decided once per process; every kernel has a portable twin with equal results.
#pragma once
#include "../base/result.h"

namespace packetfs {

enum class Simd { kPortable, kAvx2, kAvx512, kNeon };

/// What PFS_SIMD asks for, or the best available. EINVAL for an unknown name, ENOTSUP for one that this CPU lacks (or
/// that this build has no kernels for).
Result<Simd> chooseSimd(const char* forced);

/// chooseSimd(getenv("PFS_SIMD")), asked once; the addon refuses to load when it failed.
const Result<Simd>& simdChoice();

/// The choice; a process that went on after a failed one is stopped here.
Simd activeSimd();

bool isAvailable(Simd simd);
const char* nameOf(Simd simd);

}  // namespace packetfs
