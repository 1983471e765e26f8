// The filesystem operations of the faulty disk, for libfuse's path interface.
#pragma once
#include <fuse3/fuse.h>

#include "disk.h"

namespace faulty {

/// The Disk is the mount's private data.
const struct fuse_operations& operations();

}  // namespace faulty
