// Requests on their way to JavaScript: FUSE threads append packed records (protocol.h), JavaScript takes all of them at
// once. It is woken once, then takes until there is nothing: what arrives while it is busy joins the next batch, and
// waking costs more than most requests do.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conversation.h"
#include "foreknowledge.h"
#include "handed_reply.h"
#include "known_files.h"
#include "protocol.h"

namespace packetfs::fuse {

/// What a reply needs to know of its request.
struct PendingRequest {
  fuse_req_t request = nullptr;
  Opcode opcode = Opcode::lookup;
  std::uint32_t sizeLimit = 0;                // of readDirectory
  bool withAttributes = false;                // readDirectory
  struct fuse_file_info file {};              // of open and create
  fuse_ino_t listedWhole = 0;                 // of readDirectory from the start: the directory
  ChangeNote change{};                        // what the answer may teach of directories
  FileNote fileNote{};                        // and of a file
  std::optional<std::size_t> writtenBytes{};  // of setAttributes that ends a write; 0 ends a fallocate
  ReplyTurn turn{};                           // of a FUSE thread that waits for the reply, to send it
};

/// One record, field by field; the fields follow each other as protocol.h lists them.
class RequestRecord {
 public:
  RequestRecord(Opcode opcode, fuse_ino_t inode, std::string_view name = {});

  RequestRecord& u32(std::uint32_t value);
  RequestRecord& u64(std::uint64_t value);
  RequestRecord& i64(std::int64_t value) { return u64(static_cast<std::uint64_t>(value)); }
  /// Bytes after the first name.
  RequestRecord& bytes(std::string_view value);

 private:
  friend class RequestQueue;
  Opcode opcode_;
  fuse_ino_t inode_;
  std::string_view name_;
  std::string_view trailing_{};
  static constexpr std::size_t kFieldsBytesMax = 48;  // of changedAttributes
  std::array<std::uint8_t, kFieldsBytesMax> fields_{};
  std::size_t fieldsBytes_ = 0;
};

/// No record is longer, with a value of 64 KiB or as many forgotten inodes, and names: so much fits what takes records.
constexpr std::size_t kRecordBytesMax = 128 * 1024;

class RequestQueue {
 public:
  /// `wake` is called from FUSE threads, when JavaScript is not taking already; it must not block. False: it is gone.
  void open(std::function<bool()> wake);
  /// Requests pushed from now on are answered with ENODEV.
  void close();

  /// Whether JavaScript waits, on another processor than the caller's, for what this thread of a program asks next.
  [[nodiscard]] bool isAwaited(std::uint32_t thread) const;
  /// Appends a request that JavaScript must answer.
  void push(const RequestRecord& record, PendingRequest pending);
  /// Appends a message that needs no answer. It waits for the next request where JavaScript will look again by itself.
  void notify(const RequestRecord& record);

  /// Whether there is room for a message that nobody waits for: who asks has to wait where JavaScript is far behind.
  [[nodiscard]] bool hasRoom() const;
  [[nodiscard]] std::size_t waitingBytes() const;
  /// As notify, and JavaScript begins with it now. It then waits for this thread of a program, which has been answered,
  /// as if it had asked for it: what it does next is posted too.
  void post(const RequestRecord& record, std::uint32_t thread);

  /// Copies as many whole records as fit, the oldest first, and gives their length. With 0 JavaScript stops taking:
  /// what comes next wakes it, or notifications do not, where `looksAgain` says that it will take once more without
  /// being woken. Who looks again anyway is in the middle of work, and a program's next request often comes within the
  /// time that sleeping and waking take, or that a few other calls take: it is waited for first, without sleeping, for
  /// up to a millisecond (conversation.h). `isBusy`: JavaScript has to do with something else soon; then not for long.
  std::size_t take(std::span<std::uint8_t> target, bool looksAgain, bool isBusy);
  /// Removes and returns a pending request; `request` is null when there is none (answered, or ended).
  PendingRequest resolve(std::uint64_t id);
  /// Takes every pending request, to fail them at the end of the session.
  std::vector<PendingRequest> drain();
  [[nodiscard]] std::size_t pendingCount() const;

  /// A request came from the kernel, for JavaScript or not, from this thread.
  void heard(std::uint32_t thread) { conversation_.heard(thread); }

 private:
  void append(const RequestRecord& record, std::uint64_t id, const struct fuse_ctx* caller);
  void pollForNext(bool isBusy);
  void noteAsker(std::uint32_t thread);
  bool becomesAwake();
  std::size_t wholeRecords(std::size_t room) const;

  mutable std::mutex mutex_{};
  std::function<bool()> wake_{};
  bool closed_ = true;
  bool awake_ = false;       // JavaScript has been woken, and takes until it gets nothing
  bool looksAgain_ = false;  // it takes once more in some milliseconds
  std::uint64_t nextId_ = 1;
  std::vector<std::uint8_t> batch_{};
  std::size_t taken_ = 0;                 // bytes at the start of the batch
  std::atomic<bool> isEmpty_{true};       // nothing is left of it
  std::optional<std::uint32_t> asker_{};  // the thread whose requests came since the last wait; 0: several
  Conversation conversation_{};
  std::atomic<std::uint32_t> awaited_{0};  // the thread whose request JavaScript waits for; 0: it does not wait
  std::atomic<int> processor_{-1};         // where it waits
  std::unordered_map<std::uint64_t, PendingRequest> pending_{};
};

}  // namespace packetfs::fuse
