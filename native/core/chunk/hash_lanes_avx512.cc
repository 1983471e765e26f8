// See hash_lanes.h. Sixteen lanes fill a register; two such groups run in turn, since each step of one waits for the
// step before, and the rest of the machine would be idle meanwhile. Their 32 words of state are the 32 registers.
#if defined(__x86_64__)
// GCC 12 takes _mm512_undefined_epi32 in its own header for a mistake of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "hash_lanes.h"

extern "C" {  // the library's own header of its parts has none
#include <blake3_impl.h>
}

#define PFS_TARGET __attribute__((target("avx512f,avx512bw")))
#define PFS_INLINE PFS_TARGET __attribute__((always_inline)) inline
#define PFS_UNROLL _Pragma("GCC unroll 16")

namespace packetfs {
namespace {

constexpr int kLanes = 16;  // of a group
constexpr int kWords = 16;  // of a state, and of a block
constexpr int kValueWords = 8;
constexpr int kColumns = 4;
constexpr int kRounds = 7;

using Words = __m512i[kWords];  // each the same word of all lanes of a group

/// Which words of a state a quarter of a half round mixes: columns first, then diagonals.
struct Quarter {
  int a, b, c, d;
};
constexpr Quarter kColumnQuarters[kColumns] = {{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}};
constexpr Quarter kDiagonalQuarters[kColumns] = {{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}};

/// Rows that are lanes become rows that are words, and the other way round.
PFS_INLINE void transpose(Words& rows) {
  Words quads;
  PFS_UNROLL for (int i = 0; i < kWords; i += 4) {
    const __m512i low = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    const __m512i high = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    const __m512i nextLow = _mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]);
    const __m512i nextHigh = _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]);
    quads[i] = _mm512_unpacklo_epi64(low, nextLow);
    quads[i + 1] = _mm512_unpackhi_epi64(low, nextLow);
    quads[i + 2] = _mm512_unpacklo_epi64(high, nextHigh);
    quads[i + 3] = _mm512_unpackhi_epi64(high, nextHigh);
  }
  PFS_UNROLL for (int i = 0; i < kColumns; i++) {
    const __m512i even = _mm512_shuffle_i32x4(quads[i], quads[4 + i], 0x88);
    const __m512i odd = _mm512_shuffle_i32x4(quads[i], quads[4 + i], 0xdd);
    const __m512i nextEven = _mm512_shuffle_i32x4(quads[8 + i], quads[12 + i], 0x88);
    const __m512i nextOdd = _mm512_shuffle_i32x4(quads[8 + i], quads[12 + i], 0xdd);
    rows[i] = _mm512_shuffle_i32x4(even, nextEven, 0x88);
    rows[4 + i] = _mm512_shuffle_i32x4(odd, nextOdd, 0x88);
    rows[8 + i] = _mm512_shuffle_i32x4(even, nextEven, 0xdd);
    rows[12 + i] = _mm512_shuffle_i32x4(odd, nextOdd, 0xdd);
  }
}

PFS_INLINE void add(__m512i& to, __m512i value) { to = _mm512_add_epi32(to, value); }

template <int kBits>
PFS_INLINE void xorRotated(__m512i& to, __m512i value) {
  to = _mm512_ror_epi32(_mm512_xor_si512(to, value), kBits);
}

/// Step by step over all quarters of all groups, so that what follows in time does not wait for what precedes it.
template <int kGroups>
PFS_INLINE void halfRound(Words (&state)[kGroups], const Words (&block)[kGroups], const Quarter (&quarters)[kColumns],
                          const std::uint8_t* order) {
#define PFS_STEP(expression)                                 \
  PFS_UNROLL for (int group = 0; group < kGroups; group++) { \
    PFS_UNROLL for (int i = 0; i < kColumns; i++) {          \
      Words& v = state[group];                               \
      [[maybe_unused]] const Words& m = block[group];        \
      const Quarter& q = quarters[i];                        \
      expression;                                            \
    }                                                        \
  }
  PFS_STEP(add(v[q.a], m[order[2 * i]]))
  PFS_STEP(add(v[q.a], v[q.b]))
  PFS_STEP(xorRotated<16>(v[q.d], v[q.a]))
  PFS_STEP(add(v[q.c], v[q.d]))
  PFS_STEP(xorRotated<12>(v[q.b], v[q.c]))
  PFS_STEP(add(v[q.a], m[order[2 * i + 1]]))
  PFS_STEP(add(v[q.a], v[q.b]))
  PFS_STEP(xorRotated<8>(v[q.d], v[q.a]))
  PFS_STEP(add(v[q.c], v[q.d]))
  PFS_STEP(xorRotated<7>(v[q.b], v[q.c]))
#undef PFS_STEP
}

/// What differs between the lanes of a group.
struct LaneWords {
  alignas(64) std::uint32_t counterLow[kLanes];
  alignas(64) std::uint32_t counterHigh[kLanes];
  alignas(64) std::uint32_t blocks[kLanes];
  alignas(64) std::uint32_t lastLength[kLanes];
  alignas(64) std::uint32_t lastFlags[kLanes];

  void set(int lane, const LaneInput& input, std::uint32_t flags) {
    counterLow[lane] = static_cast<std::uint32_t>(input.counter);
    counterHigh[lane] = static_cast<std::uint32_t>(input.counter >> 32);
    blocks[lane] = input.blocks;
    lastLength[lane] = input.lastLength;
    lastFlags[lane] = flags | input.lastFlags;
  }
};

/// The state before the only block of joints.
PFS_INLINE void beginJoints(Words& state, const __m512i (&values)[kValueWords], std::uint32_t flags) {
  PFS_UNROLL for (int i = 0; i < kValueWords; i++) state[i] = values[i];
  PFS_UNROLL for (int i = 0; i < kColumns; i++) state[8 + i] = _mm512_set1_epi32(static_cast<int>(IV[i]));
  state[12] = state[13] = _mm512_setzero_si512();
  state[14] = _mm512_set1_epi32(BLAKE3_BLOCK_LEN);
  state[15] = _mm512_set1_epi32(static_cast<int>(flags));
}

/// The state before block `index` of leaves, and which lanes have such a block.
PFS_INLINE __mmask16 beginLeaves(Words& state, const __m512i (&values)[kValueWords], const LaneWords& lanes,
                                 std::size_t index, std::uint32_t flags) {
  const std::uint32_t all = flags | (index == 0 ? CHUNK_START : 0);
  const __m512i allFlags = _mm512_set1_epi32(static_cast<int>(all));
  const __m512i count = _mm512_set1_epi32(static_cast<int>(index + 1));
  const __m512i blocks = _mm512_load_si512(lanes.blocks);
  const __mmask16 last = _mm512_cmpeq_epu32_mask(blocks, count);
  PFS_UNROLL for (int i = 0; i < kValueWords; i++) state[i] = values[i];
  PFS_UNROLL for (int i = 0; i < kColumns; i++) state[8 + i] = _mm512_set1_epi32(static_cast<int>(IV[i]));
  state[12] = _mm512_load_si512(lanes.counterLow);
  state[13] = _mm512_load_si512(lanes.counterHigh);
  state[14] = _mm512_mask_mov_epi32(_mm512_set1_epi32(BLAKE3_BLOCK_LEN), last, _mm512_load_si512(lanes.lastLength));
  state[15] = _mm512_mask_or_epi32(allFlags, last, allFlags, _mm512_load_si512(lanes.lastFlags));
  return _mm512_cmpge_epu32_mask(blocks, count);
}

PFS_TARGET void storeValues(const __m512i (&values)[kValueWords], std::span<const LaneInput> inputs) {
  Words rows;
  for (int i = 0; i < kWords; i++) rows[i] = i < kValueWords ? values[i] : _mm512_setzero_si512();
  transpose(rows);
  for (std::size_t i = 0; i < std::min<std::size_t>(kLanes, inputs.size()); i++) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(inputs[i].result), _mm512_castsi512_si256(rows[i]));
  }
}

/// Of up to as many inputs as the groups have lanes; those that are left over do the first one's work again.
template <int kGroups, bool kJoints>
PFS_TARGET void hashGroups(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs) {
  const std::uint8_t* bytes[kGroups * kLanes];
  LaneWords lanes[kGroups];
  __m512i values[kGroups][kValueWords];
  std::size_t blocks = 1;
  for (int i = 0; i < kGroups * kLanes; i++) {
    const LaneInput& input = inputs[static_cast<std::size_t>(i) < inputs.size() ? static_cast<std::size_t>(i) : 0];
    bytes[i] = input.bytes;
    if constexpr (!kJoints) {
      lanes[i / kLanes].set(i % kLanes, input, flags);
      blocks = std::max<std::size_t>(blocks, input.blocks);
    }
  }
  PFS_UNROLL for (int i = 0; i < kGroups * kValueWords; i++) {
    values[i / kValueWords][i % kValueWords] = _mm512_set1_epi32(static_cast<int>(key[i % kValueWords]));
  }
  for (std::size_t index = 0; index < blocks; index++) {
    Words block[kGroups];
    Words state[kGroups];
    __mmask16 active[kGroups];
    PFS_UNROLL for (int group = 0; group < kGroups; group++) {
      PFS_UNROLL for (int i = 0; i < kLanes; i++) {
        block[group][i] = _mm512_loadu_si512(bytes[group * kLanes + i] + index * BLAKE3_BLOCK_LEN);
      }
      transpose(block[group]);
    }
    asm volatile("" : : : "memory");  // words of blocks are operands in memory, as states take all registers
    PFS_UNROLL for (int i = 0; i < kGroups; i++) {
      if constexpr (kJoints) {
        beginJoints(state[i], values[i], flags);
      } else {
        active[i] = beginLeaves(state[i], values[i], lanes[i], index, flags);
      }
    }
    PFS_UNROLL for (int round = 0; round < kRounds; round++) {
      halfRound<kGroups>(state, block, kColumnQuarters, MSG_SCHEDULE[round]);
      halfRound<kGroups>(state, block, kDiagonalQuarters, MSG_SCHEDULE[round] + kValueWords);
    }
    PFS_UNROLL for (int group = 0; group < kGroups; group++) {
      PFS_UNROLL for (int i = 0; i < kValueWords; i++) {
        const __m512i value = _mm512_xor_si512(state[group][i], state[group][kValueWords + i]);
        values[group][i] = kJoints ? value : _mm512_mask_mov_epi32(values[group][i], active[group], value);
      }
    }
  }
  for (std::size_t i = 0; i < kGroups && i * kLanes < inputs.size(); i++) {
    storeValues(values[i], inputs.subspan(i * kLanes));
  }
}

template <bool kJoints>
void hashAll(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs) {
  while (inputs.size() > kLanes) {
    const std::size_t count = std::min<std::size_t>(2 * kLanes, inputs.size());
    hashGroups<2, kJoints>(key, flags, inputs.first(count));
    inputs = inputs.subspan(count);
  }
  if (!inputs.empty()) hashGroups<1, kJoints>(key, flags, inputs);
}

}  // namespace

void hashLeavesAvx512(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs) {
  hashAll<false>(key, flags, inputs);
}

void hashJointsAvx512(const std::uint32_t* key, std::uint32_t flags, std::span<const LaneInput> inputs) {
  hashAll<true>(key, flags, inputs);
}

}  // namespace packetfs
#endif
