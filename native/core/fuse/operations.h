// The table of operations that libfuse calls: content operations are answered natively (content_operations.h), all the
// others are packed for JavaScript. Operations that are not in the table are left to the kernel: locks, ioctl, poll.
#pragma once
#include <fuse3/fuse_lowlevel.h>

namespace packetfs::fuse {

const struct fuse_lowlevel_ops& lowLevelOperations();

}  // namespace packetfs::fuse
