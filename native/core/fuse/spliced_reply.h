// Answers to large reads that go from the page cache below to the kernel without passing through this process
// (docs/design/0068). Each thread has a pipe for them, which holds a whole answer before any of it goes on: what fails
// until then is answered in the ordinary way, with the error or the bytes that that finds.
#pragma once
#include <cstddef>
#include <cstdint>

#include "context.h"

namespace packetfs::fuse {

/// Of one read request: with its header it fits a pipe that needs no privilege.
constexpr unsigned kReadBytesMax = 512U << 10;

/// Called with each raw message on the thread that serves it, before: libfuse does not tell a request's number.
void noteRequestNumber(const struct fuse_buf& message);

/// True when the read is answered. False, and nothing is sent, when it has to be copied: too short, not wholly in the
/// page cache, scattered, or the pipe did not take it.
bool replyBySplice(fuse_req_t request, fuse_ino_t inode, std::size_t size, std::uint64_t offset);

}  // namespace packetfs::fuse
