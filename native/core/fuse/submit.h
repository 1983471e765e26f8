// Requests on their way to JavaScript's queue, and who sends their replies: the FUSE thread that asked, where that is
// worth waiting for (handed_reply.h), else JavaScript's.
#pragma once
#include <fuse3/fuse_lowlevel.h>

#include "context.h"

namespace packetfs::fuse {

/// `pending` has all but the request and its opcode. Returns when the reply is sent, or will be by JavaScript's thread:
/// without a lock that making it needs. For the session's own threads.
void submit(fuse_req_t request, Opcode opcode, const RequestRecord& record, PendingRequest pending = {});

/// A request that changes directories, or one that may change the attributes of any inode.
void submitChange(fuse_req_t request, const DirectoryChange& change, Opcode opcode, const RequestRecord& record,
                  PendingRequest pending = {});

/// For requests that JavaScript answers later (fsync), and for any thread: returns at once.
void enqueue(fuse_req_t request, Opcode opcode, const RequestRecord& record, PendingRequest pending = {});

}  // namespace packetfs::fuse
