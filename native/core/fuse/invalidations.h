// Invalidations of the kernel's caches, on a thread of their own.
//
// Why never on a thread that serves requests, nor on JavaScript's: notify_inval_entry takes the lock of the parent
// directory in the kernel, and a lookup or create in that directory holds it while it waits for our answer. The thread
// that would give the answer must not be the one that waits for the lock. notify_inval_inode likewise waits for pages
// that a read of ours may hold. JavaScript may not wait for it either, so a push always succeeds. What bounds the
// queue: what is queued already is not queued again, and whoever applies a peer's changes waits, without blocking
// anything, while too much is queued (src/volume/invalidations.ts).
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "../base/under_way.h"
#include "../content/content_store.h"

namespace packetfs::fuse {

class Invalidations {
 public:
  ~Invalidations() { stop(); }

  /// `replies`: of requests answered before, on their way to the kernel, which must not come after what takes them
  /// back.
  void start(struct fuse_session* session, std::shared_ptr<ContentStore> contents,
             std::shared_ptr<const UnderWay> replies);
  /// Drops what is queued and joins the thread. Requests must still be answered meanwhile (see above).
  void stop();

  void inode(fuse_ino_t inode, off_t offset, off_t length);
  void entry(fuse_ino_t parent, std::string name);
  [[nodiscard]] std::size_t queuedCount() const;

 private:
  struct Item {
    fuse_ino_t inode = 0;  // the parent, for an entry
    off_t offset = 0;
    off_t length = 0;
    bool isEntry = false;
    std::string name{};

    bool operator==(const Item&) const = default;
  };
  struct HashOfItem {
    std::size_t operator()(const Item& item) const;
  };

  void push(Item item);
  void run(struct fuse_session* session);
  static void invalidateEntry(struct fuse_session* session, const Item& item);
  void invalidateInode(struct fuse_session* session, const Item& item);

  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::unordered_set<Item, HashOfItem> queued_{};
  std::deque<const Item*> queue_{};  // of `queued_`, in their order
  bool stopping_ = true;
  std::shared_ptr<ContentStore> contents_{};
  std::shared_ptr<const UnderWay> replies_{};
  std::thread thread_{};
};

}  // namespace packetfs::fuse
