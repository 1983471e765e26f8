// What the operations, the replies and the session share: the queue to JavaScript, the content store, the options and
// the counters. libfuse carries a pointer to it with every request.
#pragma once
#include <fcntl.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "../base/under_way.h"
#include "../content/content_store.h"
#include "directory_handles.h"
#include "foreknowledge.h"
#include "invalidations.h"
#include "kept_handles.h"
#include "killed_privileges.h"
#include "known_files.h"
#include "posts.h"
#include "request_queue.h"

namespace packetfs::fuse {

struct Counters {
  std::atomic<std::uint64_t> reads{0}, readBytes{0}, writes{0}, writtenBytes{0};
  std::atomic<std::uint64_t> nativeFlushes{0}, nativeSyncs{0}, ingests{0}, ingestFailures{0};
  std::atomic<std::uint64_t> requests{0}, posted{0}, batches{0}, replies{0}, foreknown{0}, reopened{0}, spliced{0},
      handed{0}, strayReplies{0}, invalidations{0};
};

struct Context {
  std::shared_ptr<ContentStore> contents{};
  RequestQueue queue{};
  Foreknowledge foreknowledge{};
  KnownFiles knownFiles{};
  Posts posts{};
  KeptHandles keptHandles{};
  DirectoryHandles directoryHandles{};
  Invalidations invalidations{};
  mutable SetIdFiles setIdFiles{};  // learned from every answer
  UnderWay syncs{};                 // whose answers may come from threads that are not the session's
  std::shared_ptr<UnderWay> handedReplies = std::make_shared<UnderWay>();
  int device = -1;                  // the session's /dev/fuse
  std::atomic<bool> splices{true};  // until a pipe cannot be had
  double attributeTimeoutSeconds = 0;
  double entryTimeoutSeconds = 0;
  Counters counters{};
};

inline Context& contextOf(fuse_req_t request) { return *static_cast<Context*>(fuse_req_userdata(request)); }

inline bool isForReading(const struct fuse_file_info& file) { return (file.flags & O_ACCMODE) == O_RDONLY; }

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace packetfs::fuse
