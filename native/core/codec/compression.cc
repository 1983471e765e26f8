// zstd behind compression.h. Frames carry their size and a checksum, so that damage is found before the bytes are used.
#include "compression.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace packetfs {

namespace {

constexpr int kLevelMost = 19;
constexpr int kWindowLogMost = 27;  // ZSTD_WINDOWLOG_LIMIT_DEFAULT: readers need no special permission

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  return context.get();
}

Status failureOf(std::size_t code, const char* doing) {
  const bool memory = ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation;
  return Status::failure(memory ? ENOMEM : EBADMSG, std::string(doing) + ": " + ZSTD_getErrorName(code));
}

/// The window must reach over the whole prefix; without one zstd chooses by level.
std::size_t prepare(ZSTD_CCtx* context, int level, const std::uint8_t* prefix, std::size_t prefixLength,
                    std::size_t length) {
  std::size_t code = ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  if (ZSTD_isError(code)) return code;
  code = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  if (ZSTD_isError(code)) return code;
  code = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (ZSTD_isError(code) || prefixLength == 0) return code;
  const auto reach = static_cast<int>(std::bit_width(prefixLength + length));
  code = ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, std::clamp(reach, 10, kWindowLogMost));
  if (ZSTD_isError(code)) return code;
  return ZSTD_CCtx_refPrefix(context, prefix, prefixLength);
}

}  // namespace

Result<std::vector<std::uint8_t>> compress(const std::uint8_t* bytes, std::size_t length, int level,
                                           const std::uint8_t* prefix, std::size_t prefixLength) {
  if (level < 1 || level > kLevelMost) return Status::failure(EINVAL, "the compression level must be from 1 to 19");
  ZSTD_CCtx* context = compressor();
  if (context == nullptr) return Status::failure(ENOMEM, "no memory for a zstd context");
  std::size_t code = prepare(context, level, prefix, prefixLength, length);
  if (ZSTD_isError(code)) return failureOf(code, "compressing");
  std::vector<std::uint8_t> frame(ZSTD_compressBound(length));
  code = ZSTD_compress2(context, frame.data(), frame.size(), bytes, length);
  if (ZSTD_isError(code)) return failureOf(code, "compressing");
  frame.resize(code);
  return frame;
}

Result<std::vector<std::uint8_t>> decompress(const std::uint8_t* frame, std::size_t length, std::size_t expectedLength,
                                             const std::uint8_t* prefix, std::size_t prefixLength) {
  if (length == 0 || ZSTD_getFrameContentSize(frame, length) != expectedLength) {
    return Status::failure(EBADMSG, "the zstd frame does not hold the expected number of bytes");
  }
  const std::size_t frameLength = ZSTD_findFrameCompressedSize(frame, length);
  if (ZSTD_isError(frameLength)) return failureOf(frameLength, "decompressing");
  if (frameLength != length) return Status::failure(EBADMSG, "bytes follow the zstd frame");
  ZSTD_DCtx* context = decompressor();
  if (context == nullptr) return Status::failure(ENOMEM, "no memory for a zstd context");
  std::size_t code = ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters);
  if (ZSTD_isError(code)) return failureOf(code, "decompressing");
  if (prefixLength > 0) {
    code = ZSTD_DCtx_refPrefix(context, prefix, prefixLength);
    if (ZSTD_isError(code)) return failureOf(code, "decompressing");
  }
  std::vector<std::uint8_t> bytes(expectedLength);
  code = ZSTD_decompressDCtx(context, bytes.data(), bytes.size(), frame, length);
  if (ZSTD_isError(code)) return failureOf(code, "decompressing");
  if (code != expectedLength) return Status::failure(EBADMSG, "the zstd frame is short");
  return bytes;
}

}  // namespace packetfs
