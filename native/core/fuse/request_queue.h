// Requests on their way to JavaScript: FUSE threads append packed records (protocol.h), JavaScript takes all of them at
// once. JavaScript is woken once per batch: what arrives while it is busy joins the next one.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol.h"

namespace packetfs::fuse {

/// What a reply needs to know of its request.
struct PendingRequest {
  fuse_req_t request = nullptr;
  Opcode opcode = Opcode::lookup;
  std::uint32_t sizeLimit = 0;    // of readDirectory
  bool withAttributes = false;    // readDirectory
  struct fuse_file_info file {};  // of open and create
  std::uint64_t creation = 0;     // of create: its number (foreknowledge.h)
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
  std::vector<std::uint8_t> fields_{};
};

class RequestQueue {
 public:
  /// `wake` is called from FUSE threads, once per batch; it must not block. False: JavaScript is gone.
  void open(std::function<bool()> wake);
  /// Requests pushed from now on are answered with ENODEV.
  void close();

  /// Appends a request that JavaScript must answer.
  void push(const RequestRecord& record, PendingRequest pending);
  /// Appends a message that needs no answer.
  void notify(const RequestRecord& record);

  /// All records so far; called by JavaScript after a wake.
  std::vector<std::uint8_t> take();
  /// Removes and returns a pending request; `request` is null when there is none (answered, or ended).
  PendingRequest resolve(std::uint64_t id);
  /// Takes every pending request, to fail them at the end of the session.
  std::vector<PendingRequest> drain();
  [[nodiscard]] std::size_t pendingCount() const;

 private:
  void append(const RequestRecord& record, std::uint64_t id, const struct fuse_ctx* caller);

  mutable std::mutex mutex_{};
  std::function<bool()> wake_{};
  bool closed_ = true;
  bool wakePending_ = false;
  std::uint64_t nextId_ = 1;
  std::vector<std::uint8_t> batch_{};
  std::unordered_map<std::uint64_t, PendingRequest> pending_{};
};

}  // namespace packetfs::fuse
