// What the answer to INIT announces beyond what libfuse 3.14 puts there: that we clear set-id bits
// (FUSE_HANDLE_KILLPRIV_V2, killed_privileges.h), which it does not know; and that names of one directory may be looked
// up and listed at the same time (FUSE_PARALLEL_DIROPS), which it takes from us and does not pass on before 3.17
// (libfuse #861). Both are set in the raw message, where the kernel offers them.
#pragma once
#include <fuse3/fuse_lowlevel.h>

namespace packetfs::fuse {

/// Of a mounted session, before it is served.
void announceFeatures(struct fuse_session* session);

}  // namespace packetfs::fuse
