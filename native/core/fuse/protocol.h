// The packed batches between the FUSE threads and JavaScript; the twin is mount/protocol.ts, and a test holds both
// together. The format lives only inside one process: it has no version, but a changed byte changes both twins.
// Everything is little-endian; every record starts at a multiple of 8 and its length, padding included, is one too.
//
// Request batch: records back to back.
//
//   offset size field
//   0      4    length of the record
//   4      2    opcode (Opcode below)
//   6      2    length of the first name
//   8      8    request id, 0 for what needs no answer (forget, release, releaseDirectory, synced, created,
//               changedAttributes, and a flush that has been answered)
//   16     8    inode (the parent, where the request is about a name)
//   24     4    caller's uid
//   28     4    caller's gid
//   32     4    caller's pid
//   36     4    caller's umask
//   40     …    fields of the opcode, then the bytes, unpadded between each other
//
//   opcode           fields (offset:size name)                                                   bytes
//   lookup           -                                                                           name
//   forget           40:4 count, 44:4 zero, then count x {8 inode, 8 lookups}                    -
//   getAttributes    -                                                                           -
//   setAttributes    40:4 valid (FUSE_SET_ATTR_*, or kClearSetId), 44:4 mode, 48:4 uid, 52:4 gid, 56:8 size,
//                    64:8 accessed ns, 72:8 modified ns                                          -
//   readLink         -                                                                           -
//   makeNode         40:4 mode, 44:4 device                                                      name
//   makeDirectory    40:4 mode, 44:4 zero                                                        name
//   symlink          40:4 length of the target, 44:4 zero                                        name, target
//   unlink, removeDirectory, removeExtendedAttribute                                             name
//   link             40:8 new parent (the header's inode is the one linked)                      name
//   rename           40:8 new parent, 48:4 flags (RENAME_*), 52:4 length of the new name         name, new name
//   open             40:4 flags (O_*), 44:4 zero                                                 -
//   create           40:4 mode, 44:4 flags (O_*)                                                 name ("/": nameless)
//   flush            -                                                                           -
//   release          40:4 flags (O_*), 44:4 errno of the ingest that went before                 -
//   fsync            40:4 data only, 44:4 zero                                                   -
//   readDirectory    40:8 handle, 48:8 offset, 56:4 size, 60:4 flags (kRead…)                    -
//   releaseDirectory 40:8 handle                                                                 -
//   statistics       -                                                                           -
//   setExtendedAttribute 40:4 length of the value, 44:4 flags (XATTR_*)                          name, value
//   getExtendedAttribute 40:4 size, 44:4 zero                                                    name
//   listExtendedAttributes 40:4 size, 44:4 zero                                                  -
//   synced           - (an fsync went by the journal: the next commit has something to do)       -
//   created          40:8 its inode, 48:8 time ns, 56:4 mode, 60:4 uid, 64:4 gid, 68:4 flags (O_*) name
//   changedAttributes 40:8 time ns, 48:4 valid (FUSE_SET_ATTR_MODE, _UID, _GID, _ATIME, _MTIME), 52:4 mode, 56:4 uid,
//                    60:4 gid, 64:8 accessed ns, 72:8 modified ns, 80:8 number of the override of the time of
//                    writing (ContentStore::overrideModified), 0 for none                        -
//
// The last two have been answered, and are in the journal (docs/design/0088).
//
// Reply batch: records back to back, in any order; each request id once.
//
//   offset size field
//   0      4    length of the record
//   4      2    kind (ReplyKind below)
//   6      2    flags: bit 0 keep the kernel's pages (open, create), bit 1 the inode is new (entry, create), bit 2 the
//               directory now lacks the name that the request took away (done), bit 3 the directory has no access
//               list for what is made in it (entry, create)
//   8      8    request id
//   16     4    done: errno, 0 or positive; directory, read from offset 0: what the whole listing takes of a
//   getdents(2)
//               buffer, where that is at most kSmallListingBytes; else 0
//   20     4    length of the bytes, or the count of entries, or the size (xattrSize); of done, entry and create, which
//               may have changed directories: 20:2 count of changed ones, 22:2 count of forgotten ones
//   24     …    by kind:
//
//   kind        payload
//   done        effects
//   entry       attributes record, effects
//   noEntry     - (a negative entry: the kernel may remember that the name is not there)
//   attributes  attributes record
//   create      attributes record, effects
//   open        -
//   bytes       bytes (link target, attribute value, list of names with NUL after each)
//   size        -
//   statistics  24:8 block size, 32:8 blocks, 40:8 free, 48:8 available, 56:8 files, 64:8 free
//   directory   count x {8 offset of the next, 2 length of the name, 2 flags: bit 0 attributes follow, bit 1 no lookup
//               is counted, 4 mode, 8 inode, [attributes record], name padded to 8}
//
//   effects: an attributes record of each directory that the request names and has changed, then 8 bytes for each
//   other inode whose attributes it has changed
//
//   attributes record, 80 bytes: 0:8 node (below), 8:8 generation, 16:4 mode, 20:4 links, 24:4 uid, 28:4 gid, 32:4
//   device, 36:4 zero, 40:8 size, 48:8 blocks of 512, 56:8 accessed ns, 64:8 modified ns, 72:8 changed ns
#pragma once
#include <cstddef>
#include <cstdint>

namespace packetfs::fuse {

enum class Opcode : std::uint16_t {
  lookup = 1,
  forget = 2,
  getAttributes = 3,
  setAttributes = 4,
  readLink = 5,
  makeNode = 6,
  makeDirectory = 7,
  symlink = 8,
  unlink = 9,
  removeDirectory = 10,
  link = 11,
  rename = 12,
  open = 13,
  create = 14,
  flush = 15,
  release = 16,
  fsync = 17,
  readDirectory = 18,
  releaseDirectory = 19,
  statistics = 20,
  setExtendedAttribute = 21,
  getExtendedAttribute = 22,
  listExtendedAttributes = 23,
  removeExtendedAttribute = 24,
  synced = 25,
  created = 26,
  changedAttributes = 27,
};

enum class ReplyKind : std::uint16_t {
  done = 0,
  entry = 1,
  noEntry = 2,
  attributes = 3,
  create = 4,
  open = 5,
  bytes = 6,
  size = 7,
  statistics = 8,
  directory = 9,
};

constexpr std::size_t kRecordAlignment = 8;
constexpr std::size_t kRequestHeaderBytes = 40;
constexpr std::size_t kReplyHeaderBytes = 24;
constexpr std::size_t kAttributesBytes = 80;
constexpr std::size_t kStatisticsBytes = 48;
constexpr std::size_t kDirectoryEntryBytes = 24;

/// The caller may not keep set-user-id and set-group-id bits of what it truncates or has written (FATTR_KILL_SUIDGID).
constexpr std::uint32_t kClearSetId = 2048;
/// Of readDirectory: the kernel asks for attributes too; it may keep what it reads.
constexpr std::uint32_t kReadWithAttributes = 1;
constexpr std::uint32_t kReadIsKept = 2;
constexpr std::uint16_t kReplyKeepCache = 1;
constexpr std::uint16_t kReplyNewInode = 2;
constexpr std::uint16_t kReplyNameMissing = 4;
constexpr std::uint16_t kReplyPlainDirectory = 8;
constexpr std::size_t kNameBytesMax = 255;
/// st_blksize of every inode.
constexpr std::uint32_t kPreferredBlockBytes = 4096;
/// The smallest buffer of getdents(2) that a C library has: musl's.
constexpr std::size_t kSmallListingBytes = 2048;
constexpr std::uint16_t kEntryHasAttributes = 1;
constexpr std::uint16_t kEntryUncounted = 2;

/// What the kernel knows as a node is an inode as of one of its versions (src/volume/nodes.ts, docs/design/0035); all
/// of them are shown as one inode.
constexpr std::uint64_t kNodeVersionMask = 0xfffULL << 36;
constexpr std::uint64_t inodeOfNode(std::uint64_t node) { return node & ~kNodeVersionMask; }

constexpr std::size_t alignRecord(std::size_t length) {
  return (length + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

}  // namespace packetfs::fuse
