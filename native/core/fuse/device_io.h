// How libfuse reads and writes the session's device. Two things happen on the way that libfuse 3.14 cannot be asked
// for:
//
// - the answer to INIT announces, where the kernel offers them, that we clear set-id bits (FUSE_HANDLE_KILLPRIV_V2,
//   killed_privileges.h), and that names of one directory may be looked up and listed at the same time
//   (FUSE_PARALLEL_DIROPS, which it takes from us and does not pass on before 3.17: libfuse #861);
// - a reply that a FUSE thread waits for goes to that thread (handed_reply.h).
#pragma once
#include <fuse3/fuse_lowlevel.h>

namespace packetfs::fuse {

/// Of a mounted session, before it is served.
void useDeviceIo(struct fuse_session* session);

}  // namespace packetfs::fuse
