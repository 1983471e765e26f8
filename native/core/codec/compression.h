// zstd, one context per thread. Decompression never writes more than the size the caller allows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../base/result.h"

namespace packetfs {

/// Compresses at `level` (1 … 19), with an optional prefix (ZSTD_CCtx_refPrefix) that the reader must also have.
Result<std::vector<std::uint8_t>> compress(const std::uint8_t* bytes, std::size_t length, int level,
                                           const std::uint8_t* prefix = nullptr, std::size_t prefixLength = 0);

/// Fails with EBADMSG when the frame is damaged or would unpack to anything but `expectedLength` bytes.
Result<std::vector<std::uint8_t>> decompress(const std::uint8_t* frame, std::size_t length, std::size_t expectedLength,
                                             const std::uint8_t* prefix = nullptr, std::size_t prefixLength = 0);

}  // namespace packetfs
