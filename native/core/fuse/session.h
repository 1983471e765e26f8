// A mounted libfuse3 low-level session: mounts, serves requests on its own threads, ends on umount, abort or stop.
// Content is served natively (content_operations.h); the rest goes to JavaScript in batches (request_queue.h).
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../base/result.h"
#include "../base/thread_priority.h"
#include "../content/content_store.h"
#include "context.h"

namespace packetfs::fuse {

struct SessionOptions {
  std::string mountPoint{};
  std::string mountOptions{};  // as libfuse takes them, comma-separated
  unsigned threads = 4;
  double attributeTimeoutSeconds = 0;
  double entryTimeoutSeconds = 0;
  bool readOnly = false;
};

class Session {
 public:
  Session(SessionOptions options, std::shared_ptr<ContentStore> contents);
  /// Unmounts lazily and joins, if that did not happen before.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Mounts and starts the threads. `wake` (any thread, must not block) says that requests wait for takeRequests,
  /// which is then called until it gives nothing; it returns false when JavaScript is gone. `ended` is called once,
  /// from the session's thread, with the errno of a failure or 0. A session starts once.
  Status start(std::function<bool()> wake, std::function<void(int)> ended);
  /// As RequestQueue::take, always on the same thread: it is preferred to others until it gets nothing.
  std::size_t takeRequests(std::span<std::uint8_t> target, bool looksAgain, bool isBusy);
  Status reply(std::span<const std::uint8_t> batch);
  /// The gate of posts.h.
  /// Gives how many bytes wait for takeRequests then.
  std::size_t closePosts();
  void openPosts() { context_.posts.open(); }
  void grantInodes(std::uint64_t first, std::uint64_t count) { context_.posts.grantInodes(first, count); }
  void invalidateInode(std::uint64_t inode, std::int64_t offset, std::int64_t length);
  void invalidateEntry(std::uint64_t parent, std::string name);

  /// Unmounts (EBUSY when in use and not `force`; lazily when `force`) and lets the threads end; `ended` follows.
  Status stop(bool force);
  /// Waits for the threads; after stop, or for somebody to unmount.
  void join();

  [[nodiscard]] std::vector<std::pair<const char*, std::uint64_t>> counters() const;

 private:
  Status mount();
  void supervise(std::function<void(int)> ended);
  void serve();
  void endWorkers();

  SessionOptions options_;
  Context context_{};
  ThreadPriority taker_{};
  struct fuse_session* session_ = nullptr;

  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  bool started_ = false;
  bool stopRequested_ = false;  // guarded by mutex_
  bool ended_ = false;          // guarded by mutex_
  unsigned activeWorkers_ = 0;  // guarded by mutex_
  int failure_ = 0;             // guarded by mutex_
  std::atomic<bool> workersStop_{false};
  std::vector<std::thread> workers_{};
  std::thread supervisor_{};
};

}  // namespace packetfs::fuse
