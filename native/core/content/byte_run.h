// The bytes of one dirty run: like a vector, but both ends move without copying what stays. Runs of a long sequential
// write take their memory from a small pool of equal buffers: allocated anew for each, the kernel would have to zero
// and map their pages again and again (docs/design/0055).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace packetfs {

class ByteRun {
 public:
  /// Room of a pooled buffer: what a stream collects before it is ingested, one more write, and what is put in front.
  static constexpr std::size_t kFrontBytes = 128U << 10;
  static constexpr std::size_t kStreamBytes = (2U << 20) + kFrontBytes;
  static constexpr std::size_t kPooledBuffersMax = 16;

  ByteRun() = default;
  explicit ByteRun(std::span<const std::uint8_t> bytes) { append(bytes); }
  ~ByteRun();
  ByteRun(ByteRun&& other) noexcept;
  ByteRun& operator=(ByteRun&& other) noexcept;
  ByteRun(const ByteRun&) = delete;
  ByteRun& operator=(const ByteRun&) = delete;

  /// Empty, with the room of a pooled buffer.
  static ByteRun forStream();

  void append(std::span<const std::uint8_t> bytes);
  void prepend(std::span<const std::uint8_t> bytes);
  /// Gives a pooled buffer back when little is left.
  void dropFront(std::size_t count);
  void keepFront(std::size_t count) { end_ = begin_ + count; }

  [[nodiscard]] std::uint8_t* data() { return memory_.get() + begin_; }
  [[nodiscard]] const std::uint8_t* data() const { return memory_.get() + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {data(), size()}; }

 private:
  void move(std::size_t capacity, std::size_t front);
  void release();

  std::unique_ptr<std::uint8_t[]> memory_{};
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace packetfs
