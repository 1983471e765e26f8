// The requests that are answered here without JavaScript: bytes of open inodes. Also what flush, fsync and release do
// before they go to JavaScript: they bring dirty bytes into the blob on the FUSE thread.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include "context.h"

namespace packetfs::fuse {

void readFile(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info* file);
void writeFile(fuse_req_t request, fuse_ino_t inode, const char* bytes, size_t size, off_t offset,
               struct fuse_file_info* file);
void seekFile(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence, struct fuse_file_info* file);
void allocateFile(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
                  struct fuse_file_info* file);
void copyFileRange(fuse_req_t request, fuse_ino_t from, off_t fromOffset, struct fuse_file_info* fromFile,
                   fuse_ino_t to, off_t toOffset, struct fuse_file_info* toFile, size_t length, int flags);

void flushFile(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file);
void releaseFile(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file);
/// Tells JavaScript; nobody waits. `ingestError`: errno of what went before, or 0.
void notifyRelease(Context& context, fuse_ino_t inode, int flags, int ingestError);
/// The kept handle of the node goes, if there is one.
void releaseKept(Context& context, fuse_ino_t inode);
void syncFile(fuse_req_t request, fuse_ino_t inode, int dataOnly, struct fuse_file_info* file);

}  // namespace packetfs::fuse
