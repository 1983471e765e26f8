// Changes whose outcome the session knows, so that it answers them itself: it puts them into the journal, as JavaScript
// would, shows them in what it knows, and posts them to JavaScript, which does them in its own time (docs/design/0088).
// Each function is false, with nothing done, where JavaScript has to be asked. For the session's own threads.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include "context.h"

namespace packetfs::fuse {

/// A file under a name that its directory never had.
bool postCreation(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, struct fuse_file_info& file);
/// Mode, owner and times of a file that was made through this mount and has been open since.
bool postAttributes(fuse_req_t request, fuse_ino_t inode, const struct stat& wanted, int valid);
/// An access list that says no more than a mode, of such a file.
bool postAccessList(fuse_req_t request, fuse_ino_t inode, std::string_view value);
/// A close of what has been brought into the blob.
bool postFlush(fuse_req_t request, fuse_ino_t inode);

}  // namespace packetfs::fuse
