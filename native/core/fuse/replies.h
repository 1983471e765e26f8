// Answers requests from the packed replies of JavaScript (protocol.h). Attributes of open inodes get the size, the
// blocks and the times that the content store knows better than the namespace.
#pragma once
#include <cstdint>
#include <span>

#include "../base/result.h"
#include "context.h"

namespace packetfs::fuse {

/// Each record answers its request; a record that breaks the format answers EIO, and the rest of the batch is refused
/// with EINVAL (its requests stay pending until the session ends: a bug, not an operating error).
Status answerBatch(Context& context, std::span<const std::uint8_t> batch);

/// A file is open; `keepsCache`: what the kernel has of its content is still right.
void answerOpened(fuse_req_t request, struct fuse_file_info& file, bool keepsCache);

/// As answerOpened, of a file that has just been made.
void answerCreated(fuse_req_t request, const struct fuse_entry_param& entry, struct fuse_file_info& file);

/// What was written but not yet taken by JavaScript shows at once.
void showWritten(const ContentState& state, struct stat& attributes);

/// Answers with the attributes of an open file, where they are known; false where JavaScript has to be asked.
bool answerKnownFile(const Context& context, fuse_req_t request, fuse_ino_t node);

/// "There is no such name", which the kernel may remember.
void answerNoEntry(const Context& context, fuse_req_t request);

}  // namespace packetfs::fuse
