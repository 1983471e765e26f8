// See write_back.h.
#include "write_back.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace packetfs {

WriteBack::~WriteBack() {
  {
    std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WriteBack::begin(std::shared_ptr<Segment> segment, Segment::OffsetRange range) {
  std::lock_guard guard(mutex_);
  if (!queue_.empty() && queue_.back().segment == segment && queue_.back().range.second == range.first) {
    queue_.back().range.second = range.second;  // the disk is slower than who appends
    return;
  }
  queue_.push_back({std::move(segment), range});
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  changed_.notify_one();
}

void WriteBack::serve() {
  sigset_t all;  // the signals of the process stay with Node's main thread
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), "pfs-write-back");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (ending_) return;
    const Task task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    task.segment->writeBack(task.range);
    lock.lock();
  }
}

}  // namespace packetfs
