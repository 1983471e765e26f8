// See ingest_pool.h.
#include "ingest_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

namespace packetfs {
namespace {
constexpr unsigned kThreadsMax = 4;
}

IngestPool::~IngestPool() {
  {
    std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void IngestPool::run(std::function<void()> work) {
  std::lock_guard guard(mutex_);
  queue_.push_back(std::move(work));
  const std::size_t wanted = std::clamp(std::thread::hardware_concurrency(), 1U, kThreadsMax);
  if (threads_.size() < wanted) threads_.emplace_back([this] { serve(); });
  changed_.notify_one();
}

void IngestPool::serve() {
  sigset_t all;  // the signals of the process stay with Node's main thread
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_setname_np(pthread_self(), "pfs-ingest");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace packetfs
