// See session.h. How it ends, in this order, because each step needs the one before:
//   1. somebody unmounted (every worker reads ENODEV), or stop() did and asked for the end;
//   2. the queue closes: requests that JavaScript has not answered fail with ENODEV, and so do new ones;
//   3. the invalidation thread is joined: it may have waited for a directory lock that a request of step 2 held;
//   4. the workers are joined: a signal gets those out of read(2) that no unmount woke (lazy unmount, busy mount);
//   5. fsyncs that other threads answer have ended;
//   6. the session is destroyed: closing /dev/fuse severs what is still connected.
#include "session.h"

#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "content_operations.h"
#include "device_io.h"
#include "message.h"
#include "operations.h"
#include "replies.h"
#include "spliced_reply.h"

extern char** environ;

namespace packetfs::fuse {

namespace {

/// Interrupts a worker's read(2); real-time signals are used by nobody else in this process.
int wakeSignal() { return SIGRTMIN + 5; }

void installWakeSignal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigemptyset(&action.sa_mask);
  sigaction(wakeSignal(), &action, nullptr);  // without SA_RESTART: read(2) returns EINTR
}

/// Workers take no signals but ours, so that those of the process stay with Node's main thread.
void blockOtherSignals() {
  sigset_t blocked;
  sigfillset(&blocked);
  sigdelset(&blocked, wakeSignal());
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

/// FUSE_TMPFILE has the fields of FUSE_CREATE and the name "/", which no file can have: libfuse 3.14, which does not
/// know it, hands it to `create` in that guise.
void translateRequest(const struct fuse_buf& buffer) {
  auto* header = static_cast<struct fuse_in_header*>(buffer.mem);
  if (buffer.size >= sizeof *header && header->opcode == FUSE_TMPFILE) header->opcode = FUSE_CREATE;
}

/// Of the program that made it, as this process sees it.
std::uint32_t threadOfRequest(const struct fuse_buf& buffer) { return messageAt<fuse_in_header>(buffer.mem, 0).pid; }

/// The set-uid helper, for those who may not umount(2).
int unmountWithHelper(const std::string& mountPoint, bool lazily) {
  std::string program = "fusermount3", action = lazily ? "-uz" : "-u", separator = "--", target = mountPoint;
  char* arguments[] = {program.data(), action.data(), separator.data(), target.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  if (failed != 0) return failed;
  int outcome = 0;
  while (waitpid(child, &outcome, 0) == -1) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0 ? 0 : EBUSY;
}

int unmount(const std::string& mountPoint, bool lazily) {
  if (umount2(mountPoint.c_str(), (lazily ? MNT_DETACH : 0) | UMOUNT_NOFOLLOW) == 0) return 0;
  return errno == EPERM ? unmountWithHelper(mountPoint, lazily) : errno;
}

}  // namespace

Session::Session(SessionOptions options, std::shared_ptr<ContentStore> contents) : options_(std::move(options)) {
  context_.contents = std::move(contents);
  context_.attributeTimeoutSeconds = options_.attributeTimeoutSeconds;
  context_.entryTimeoutSeconds = options_.entryTimeoutSeconds;
}

Session::~Session() {
  stop(true);
  join();
}

Status Session::mount() {
  std::string all = options_.mountOptions;
  all += (all.empty() ? "max_read=" : ",max_read=") + std::to_string(kReadBytesMax);
  if (options_.readOnly) all += ",ro";
  std::string program = "packetfs", flag = "-o";
  char* values[] = {program.data(), flag.data(), all.data(), nullptr};
  struct fuse_args arguments = FUSE_ARGS_INIT(3, values);
  session_ = fuse_session_new(&arguments, &lowLevelOperations(), sizeof(struct fuse_lowlevel_ops), &context_);
  fuse_opt_free_args(&arguments);
  if (session_ == nullptr) return Status::failure(EINVAL, "libfuse refused the mount options: " + all);
  errno = 0;
  if (fuse_session_mount(session_, options_.mountPoint.c_str()) != 0) {
    const int error = errno == 0 ? EIO : errno;
    fuse_session_destroy(session_);
    session_ = nullptr;
    return Status::failure(error, "could not mount on " + options_.mountPoint);
  }
  useDeviceIo(session_);
  context_.device = fuse_session_fd(session_);
  return Status::success();
}

Status Session::start(std::function<bool()> wake, std::function<void(int)> ended) {
  std::lock_guard guard(mutex_);
  if (started_) return Status::failure(EALREADY, "the session was started before");
  Status mounted = mount();
  if (!mounted.ok()) return mounted;
  started_ = true;
  installWakeSignal();
  context_.queue.open(std::move(wake));
  context_.invalidations.start(session_, context_.contents, context_.handedReplies);
  activeWorkers_ = options_.threads;
  for (unsigned i = 0; i < options_.threads; i++) workers_.emplace_back([this] { serve(); });
  supervisor_ = std::thread([this, ended = std::move(ended)] { supervise(ended); });
  return Status::success();
}

void Session::serve() {
  blockOtherSignals();
  pthread_setname_np(pthread_self(), "pfs-fuse");
  struct fuse_buf buffer {};
  int failure = 0;
  while (!workersStop_.load()) {
    const int received = fuse_session_receive_buf(session_, &buffer);
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received < 0) failure = -received;
    if (received <= 0) break;
    context_.queue.heard(threadOfRequest(buffer));
    translateRequest(buffer);
    noteRequest(buffer);
    noteRequestNumber(buffer);
    fuse_session_process_buf(session_, &buffer);
  }
  free(buffer.mem);
  std::lock_guard guard(mutex_);
  activeWorkers_--;
  if (failure != 0) {
    failure_ = failure;
    stopRequested_ = true;
  }
  changed_.notify_all();
}

void Session::endWorkers() {
  constexpr auto kSignalInterval = std::chrono::milliseconds(5);
  workersStop_.store(true);
  std::unique_lock lock(mutex_);
  // Again and again, because a worker may have been just before its read(2) when the signal came.
  while (activeWorkers_ != 0) {
    for (std::thread& worker : workers_) pthread_kill(worker.native_handle(), wakeSignal());
    changed_.wait_for(lock, kSignalInterval, [this] { return activeWorkers_ == 0; });
  }
  lock.unlock();
  for (std::thread& worker : workers_) worker.join();
}

void Session::supervise(std::function<void(int)> ended) {
  pthread_setname_np(pthread_self(), "pfs-fuse-main");
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopRequested_ || activeWorkers_ == 0; });
  }
  context_.posts.close();  // what has been answered is in the queue
  context_.queue.close();
  for (const PendingRequest& pending : context_.queue.drain()) fuse_reply_err(pending.request, ENODEV);
  context_.invalidations.stop();
  endWorkers();
  context_.syncs.awaitNone();
  int failure = 0;
  {
    std::lock_guard guard(mutex_);
    ended_ = true;
    failure = failure_;
    // Not fuse_session_unmount, which would unmount whatever is at that path by now.
    fuse_session_destroy(session_);
    session_ = nullptr;
  }
  ended(failure);
}

std::size_t Session::takeRequests(std::span<std::uint8_t> target, bool looksAgain, bool isBusy) {
  const std::size_t length = context_.queue.take(target, looksAgain, isBusy);
  if (length > 0) count(context_.counters.batches);
  taker_.prefer(length > 0);
  return length;
}

Status Session::reply(std::span<const std::uint8_t> batch) {
  std::lock_guard guard(mutex_);  // against destroying the session meanwhile
  if (ended_ || session_ == nullptr) return Status::success();
  return answerBatch(context_, batch);
}

std::size_t Session::closePosts() {
  context_.posts.close();
  return context_.queue.waitingBytes();
}

void Session::invalidateInode(std::uint64_t inode, std::int64_t offset, std::int64_t length) {
  count(context_.counters.invalidations);
  context_.foreknowledge.forget(inode);
  context_.knownFiles.forget(inode);
  if (context_.keptHandles.dropChanged(inode)) notifyRelease(context_, inode, O_RDONLY, 0);
  context_.invalidations.inode(inode, offset, length);
}

void Session::invalidateEntry(std::uint64_t parent, std::string name) {
  count(context_.counters.invalidations);
  context_.foreknowledge.forget(parent);
  context_.invalidations.entry(parent, std::move(name));
}

Status Session::stop(bool force) {
  {
    std::lock_guard guard(mutex_);
    if (!started_ || ended_ || stopRequested_) return Status::success();
    if (activeWorkers_ == 0) return Status::success();  // somebody unmounted; the end is under way
  }
  const int error = unmount(options_.mountPoint, force);
  if (error != 0 && error != EINVAL) {  // EINVAL: not mounted any more
    if (!force) return Status::failure(error, "could not unmount " + options_.mountPoint);
  }
  std::lock_guard guard(mutex_);
  stopRequested_ = true;
  changed_.notify_all();
  return Status::success();
}

void Session::join() {
  if (supervisor_.joinable()) supervisor_.join();
}

std::vector<std::pair<const char*, std::uint64_t>> Session::counters() const {
  const Counters& all = context_.counters;
  return {
      {"reads", all.reads},
      {"readBytes", all.readBytes},
      {"writes", all.writes},
      {"writtenBytes", all.writtenBytes},
      {"nativeFlushes", all.nativeFlushes},
      {"nativeSyncs", all.nativeSyncs},
      {"ingests", all.ingests},
      {"ingestFailures", all.ingestFailures},
      {"requests", all.requests},
      {"posted", all.posted},
      {"foreknown", all.foreknown},
      {"reopened", all.reopened},
      {"spliced", all.spliced},
      {"batches", all.batches},
      {"replies", all.replies},
      {"handed", all.handed},
      {"strayReplies", all.strayReplies},
      {"invalidations", all.invalidations},
      {"invalidationsQueued", context_.invalidations.queuedCount()},
      {"requestsPending", context_.queue.pendingCount()},
      {"inodesGranted", context_.posts.grantedInodes()},
  };
}

}  // namespace packetfs::fuse
