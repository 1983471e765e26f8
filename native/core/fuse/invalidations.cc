// See invalidations.h. A failed notification needs no action: ENOENT says that the kernel had nothing cached, and any
// other error that the session is ending.
#include "invalidations.h"

#include <pthread.h>

#include <utility>

namespace packetfs::fuse {

void Invalidations::start(struct fuse_session* session, std::shared_ptr<ContentStore> contents,
                          std::shared_ptr<const UnderWay> replies) {
  stopping_ = false;
  contents_ = std::move(contents);
  replies_ = std::move(replies);
  thread_ = std::thread([this, session] { run(session); });
}

void Invalidations::stop() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
    queue_.clear();
    queued_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Invalidations::inode(fuse_ino_t inode, off_t offset, off_t length) {
  push({.inode = inode, .offset = offset, .length = length, .isEntry = false, .name = {}});
}

void Invalidations::entry(fuse_ino_t parent, std::string name) {
  push({.inode = parent, .offset = 0, .length = 0, .isEntry = true, .name = std::move(name)});
}

std::size_t Invalidations::queuedCount() const {
  std::lock_guard guard(mutex_);
  return queue_.size();
}

std::size_t Invalidations::HashOfItem::operator()(const Item& item) const {
  return std::hash<std::string>{}(item.name) ^ (item.inode * 0x9e3779b97f4a7c15U) ^
         static_cast<std::size_t>(item.offset);
}

void Invalidations::push(Item item) {
  {
    std::lock_guard guard(mutex_);
    if (stopping_) return;
    const auto [place, isNew] = queued_.insert(std::move(item));
    if (!isNew) return;
    queue_.push_back(&*place);
  }
  changed_.notify_one();
}

/// A growth shows when no page of before is left: the page of the old end had zeros behind it.
void Invalidations::invalidateInode(struct fuse_session* session, const Item& item) {
  constexpr off_t kAttributesAlone = -1;
  fuse_lowlevel_notify_inval_inode(session, item.inode, item.offset, item.length);
  if (item.offset == kAttributesAlone) return;
  if (contents_->reveal(item.inode)) fuse_lowlevel_notify_inval_inode(session, item.inode, kAttributesAlone, 0);
}

/// The listing that the kernel has kept of the directory goes too, and last: the entry waits for the directory's lock,
/// which a listing on its way holds until it is kept.
void Invalidations::invalidateEntry(struct fuse_session* session, const Item& item) {
  fuse_lowlevel_notify_inval_entry(session, item.inode, item.name.data(), item.name.size());
  fuse_lowlevel_notify_inval_inode(session, item.inode, 0, 0);
}

void Invalidations::run(struct fuse_session* session) {
  pthread_setname_np(pthread_self(), "pfs-fuse-inval");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    // Taken out before the kernel is told: what changes again meanwhile is queued again.
    const Item item = std::move(queued_.extract(queued_.find(*queue_.front())).value());
    queue_.pop_front();
    lock.unlock();
    replies_->awaitNone();
    if (item.isEntry) {
      invalidateEntry(session, item);
    } else {
      invalidateInode(session, item);
    }
    lock.lock();
  }
}

}  // namespace packetfs::fuse
