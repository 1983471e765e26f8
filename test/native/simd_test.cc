// The choice of instruction set.
#include "../../native/core/simd/simd.h"

#include "check.h"

using namespace packetfs;
using namespace packetfs::test;

TEST("without a wish the best available is chosen") {
  const auto choice = chooseSimd(nullptr);
  CHECK(choice.ok() && isAvailable(choice.value));
  CHECK(chooseSimd("").ok() && chooseSimd("").value == choice.value);
}

TEST("a forced set is chosen or refused, never replaced") {
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512, Simd::kNeon}) {
    const auto choice = chooseSimd(nameOf(simd));
    if (isAvailable(simd)) {
      CHECK(choice.ok() && choice.value == simd);
    } else {
      CHECK(choice.status.error == ENOTSUP);
    }
  }
}

TEST("an unknown name is refused") { CHECK(chooseSimd("sse9").status.error == EINVAL); }

int main() { return runTests(); }
