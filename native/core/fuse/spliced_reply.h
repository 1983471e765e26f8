// Answers to large reads that go from the page cache below to the kernel without passing through this process
// (docs/design/0068): a pipe holds the pages, libfuse has one for each thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "context.h"

namespace packetfs::fuse {

/// Of one read request: with its header it fits a pipe that needs no privilege.
constexpr unsigned kReadBytesMax = 512U << 10;

/// Whether pipes may be as large as they have to be.
bool canSplice();

/// True when the read is answered. False, and nothing is done, when it is better copied: too short, not wholly in the
/// page cache, or scattered.
bool replyBySplice(fuse_req_t request, fuse_ino_t inode, std::size_t size, std::uint64_t offset);

}  // namespace packetfs::fuse
