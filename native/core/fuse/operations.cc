// See operations.h. Each function packs one request as protocol.h lists it; the answer comes through replies.cc.
#include "operations.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string_view>

#include "content_operations.h"
#include "context.h"
#include "posted_changes.h"
#include "replies.h"
#include "reply_records.h"
#include "spliced_reply.h"
#include "submit.h"

namespace packetfs::fuse {

namespace {

constexpr unsigned kTransferBytesMax = 1U << 20;  // of one request other than a read; the kernel's own limit
constexpr unsigned kBackgroundMax = 64;           // readahead and asynchronous requests under way
constexpr unsigned kCongestionThreshold = 48;
constexpr std::size_t kForgottenPerRecord = 4096;

std::optional<AskedAttribute> askedAttribute(std::string_view name) {
  if (name == "security.capability") return AskedAttribute::capabilities;
  if (name == "system.posix_acl_access") return AskedAttribute::accessList;
  return std::nullopt;
}

/// A request that may change what is known of an inode, be it a file or a directory.
void submitInodeChange(fuse_req_t request, fuse_ino_t inode, Opcode opcode, const RequestRecord& record) {
  submitChange(request, {.inodes = {inode}, .answerTells = false}, opcode, record,
               {.fileNote = contextOf(request).knownFiles.changing(inode)});
}

/// kClearSetId where this request must clear such bits of the file, else 0.
std::uint32_t clearSetId(const Context& context, fuse_ino_t inode) {
  return requestClearsSetId() && context.setIdFiles.contains(inode) ? kClearSetId : 0;
}

void initialize(void*, struct fuse_conn_info* connection) {
  // Not wanted: locks (the kernel gets them right on one node), the writeback cache (the content store must see each
  // write, and O_APPEND stays right), data invalidation by changed times (remote changes invalidate explicitly), splice
  // by libfuse (spliced_reply.h has its own), the first version of killed privileges (killed_privileges.h: the second),
  // the kernel's choice of listings that take attributes (mount/operations/walkers.ts makes a better one), O_TRUNC at
  // open (without the writeback cache the kernel then does not wait for pages of a mapping that are being
  // written back, and one that comes after the truncation makes the file long again; a setattr does wait).
  connection->want &= ~static_cast<unsigned>(
      FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_LOCKS |
      FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
      FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_IOCTL_DIR | FUSE_CAP_ATOMIC_O_TRUNC);
  // DONT_MASK because a default ACL replaces the umask: JavaScript applies the one or the other.
  constexpr auto kWanted = static_cast<unsigned>(FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS |
                                                 FUSE_CAP_READDIRPLUS | FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK |
                                                 FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA);
  connection->want |= connection->capable & kWanted;
  connection->max_write = kTransferBytesMax;
  connection->max_read = kReadBytesMax;  // also told by a mount option
  connection->max_readahead = UINT_MAX;  // the kernel takes the smaller of this and its own
  connection->max_background = kBackgroundMax;
  connection->congestion_threshold = kCongestionThreshold;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Context& context = contextOf(request);
  const RequestRecord record(Opcode::lookup, parent, name);
  if (std::strlen(name) > kNameBytesMax) {  // JavaScript says so
    submit(request, Opcode::lookup, record);
    return;
  }
  const std::optional<ChangeNote> note = context.foreknowledge.lookingUp(parent, name);
  if (note.has_value()) {
    submit(request, Opcode::lookup, record, {.change = *note});
    return;
  }
  count(context.counters.foreknown);
  answerNoEntry(context, request);
}

void forgetMany(fuse_req_t request, std::size_t forgottenCount, struct fuse_forget_data* forgotten) {
  static_assert(sizeof *forgotten == 16, "pairs of inode and lookups, as protocol.h lists them");
  Context& context = contextOf(request);
  for (std::size_t i = 0; i < forgottenCount; i++) {
    releaseKept(context, forgotten[i].ino);
    context.foreknowledge.forget(forgotten[i].ino);
    context.knownFiles.forget(forgotten[i].ino);
    context.setIdFiles.forget(forgotten[i].ino);
  }
  for (std::size_t start = 0; start < forgottenCount; start += kForgottenPerRecord) {
    const std::size_t part = std::min(kForgottenPerRecord, forgottenCount - start);
    RequestRecord record(Opcode::forget, 0);
    record.u32(static_cast<std::uint32_t>(part)).u32(0);
    record.bytes({reinterpret_cast<const char*>(forgotten + start), part * sizeof *forgotten});
    context.queue.notify(record);
  }
  fuse_reply_none(request);
}

void forget(fuse_req_t request, fuse_ino_t inode, uint64_t lookups) {
  struct fuse_forget_data one = {.ino = inode, .nlookup = lookups};
  forgetMany(request, 1, &one);
}

void getAttributes(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info*) {
  Context& context = contextOf(request);
  if (const std::optional<struct stat> known = context.foreknowledge.directory(inode); known.has_value()) {
    count(context.counters.foreknown);
    fuse_reply_attr(request, &*known, context.attributeTimeoutSeconds);
    return;
  }
  if (answerKnownFile(context, request, inode)) {
    count(context.counters.foreknown);
    return;
  }
  const FileNote note = context.knownFiles.asking(inode);
  submit(request, Opcode::getAttributes, RequestRecord(Opcode::getAttributes, inode), {.fileNote = note});
}

void setAttributes(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int valid, struct fuse_file_info*) {
  if (postAttributes(request, inode, *wanted, valid)) return;
  RequestRecord record(Opcode::setAttributes, inode);
  record.u32(static_cast<std::uint32_t>(valid) | clearSetId(contextOf(request), inode))
      .u32(wanted->st_mode)
      .u32(wanted->st_uid)
      .u32(wanted->st_gid);
  record.u64(static_cast<std::uint64_t>(wanted->st_size));
  record.i64(nanosecondsOf(wanted->st_atim)).i64(nanosecondsOf(wanted->st_mtim));
  submitInodeChange(request, inode, Opcode::setAttributes, record);
}

void readLink(fuse_req_t request, fuse_ino_t inode) {
  submit(request, Opcode::readLink, RequestRecord(Opcode::readLink, inode));
}

void makeNode(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  RequestRecord record(Opcode::makeNode, parent, name);
  record.u32(mode).u32(static_cast<std::uint32_t>(device));
  submitChange(request, {.inodes = {parent}, .newName = name}, Opcode::makeNode, record);
}

void makeDirectory(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  RequestRecord record(Opcode::makeDirectory, parent, name);
  record.u32(mode).u32(0);
  submitChange(request, {.inodes = {parent}, .newName = name}, Opcode::makeDirectory, record);
}

void makeSymlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  RequestRecord record(Opcode::symlink, parent, name);
  record.u32(static_cast<std::uint32_t>(std::strlen(target))).u32(0).bytes(target);
  submitChange(request, {.inodes = {parent}, .newName = name}, Opcode::symlink, record);
}

void unlinkName(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const RequestRecord record(Opcode::unlink, parent, name);
  submitChange(request, {.inodes = {parent}, .removedName = name}, Opcode::unlink, record);
}

void removeDirectory(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const RequestRecord record(Opcode::removeDirectory, parent, name);
  submitChange(request, {.inodes = {parent}, .removedName = name}, Opcode::removeDirectory, record);
}

void linkInode(fuse_req_t request, fuse_ino_t inode, fuse_ino_t newParent, const char* newName) {
  RequestRecord record(Opcode::link, inode, newName);
  record.u64(newParent);
  submitChange(request, {.inodes = {newParent}, .newName = newName}, Opcode::link, record,
               {.fileNote = contextOf(request).knownFiles.changing(inode)});
}

void renameName(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t newParent, const char* newName,
                unsigned flags) {
  RequestRecord record(Opcode::rename, parent, name);
  record.u64(newParent).u32(flags).u32(static_cast<std::uint32_t>(std::strlen(newName))).bytes(newName);
  submitChange(request, {.inodes = {parent, newParent}, .newName = newName, .removedName = name}, Opcode::rename,
               record);
}

void openFile(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
  Context& context = contextOf(request);
  if (isForReading(*file)) {
    if (const std::optional<std::uint64_t> epoch = context.keptHandles.take(inode); epoch.has_value()) {
      count(context.counters.reopened);
      file->fh = *epoch;
      answerOpened(request, *file, true);
      return;
    }
  }
  file->fh = context.keptHandles.epoch();
  RequestRecord record(Opcode::open, inode);
  record.u32(static_cast<std::uint32_t>(file->flags)).u32(0);
  submit(request, Opcode::open, record, {.file = *file});
}

void createFile(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, struct fuse_file_info* file) {
  file->fh = contextOf(request).keptHandles.epoch();
  if (postCreation(request, parent, name, mode, *file)) return;
  RequestRecord record(Opcode::create, parent, name);
  record.u32(mode).u32(static_cast<std::uint32_t>(file->flags));
  submitChange(request, {.inodes = {parent}, .newName = name}, Opcode::create, record, {.file = *file});
}

// Opening a directory needs nothing but a handle: the first read takes the snapshot.
void openDirectory(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
  Context& context = contextOf(request);
  const bool keepsListing = context.foreknowledge.isSmall(inode);
  file->fh = context.directoryHandles.open(keepsListing);
  file->cache_readdir = keepsListing ? 1U : 0U;
  file->keep_cache = keepsListing ? 1U : 0U;
  fuse_reply_open(request, file);
}

void submitReadDirectory(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                         const struct fuse_file_info* file, bool withAttributes) {
  const auto sizeLimit = static_cast<std::uint32_t>(std::min<std::size_t>(size, kTransferBytesMax));
  RequestRecord record(Opcode::readDirectory, inode);
  record.u64(file->fh).u64(static_cast<std::uint64_t>(offset)).u32(sizeLimit);
  record.u32((withAttributes ? kReadWithAttributes : 0) | (DirectoryHandles::isKept(file->fh) ? kReadIsKept : 0));
  Context& context = contextOf(request);
  context.directoryHandles.reading(file->fh);
  submit(request, Opcode::readDirectory, record,
         {.sizeLimit = sizeLimit,
          .withAttributes = withAttributes,
          .listedWhole = offset == 0 ? inode : 0,
          .change = offset == 0 ? context.foreknowledge.listing(inode) : ChangeNote{}});
}

void readDirectory(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info* file) {
  submitReadDirectory(request, inode, size, offset, file, false);
}

void readDirectoryPlus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info* file) {
  submitReadDirectory(request, inode, size, offset, file, true);
}

void releaseDirectory(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
  Context& context = contextOf(request);
  if (context.directoryHandles.close(file->fh)) {
    RequestRecord record(Opcode::releaseDirectory, inode);
    record.u64(file->fh);
    context.queue.notify(record);
  }
  fuse_reply_err(request, 0);
}

void statistics(fuse_req_t request, fuse_ino_t inode) {
  submit(request, Opcode::statistics, RequestRecord(Opcode::statistics, inode));
}

void setExtendedAttribute(fuse_req_t request, fuse_ino_t inode, const char* name, const char* value, size_t size,
                          int flags) {
  const std::optional<AskedAttribute> asked = askedAttribute(name);
  if (asked == AskedAttribute::accessList && postAccessList(request, inode, {value, size})) return;
  RequestRecord record(Opcode::setExtendedAttribute, inode, name);
  record.u32(static_cast<std::uint32_t>(size)).u32(static_cast<std::uint32_t>(flags)).bytes({value, size});
  if (asked.has_value()) contextOf(request).knownFiles.forget(inode);
  submitInodeChange(request, inode, Opcode::setExtendedAttribute, record);
}

void getExtendedAttribute(fuse_req_t request, fuse_ino_t inode, const char* name, size_t size) {
  Context& context = contextOf(request);
  const std::optional<AskedAttribute> asked = askedAttribute(name);
  if (asked.has_value() && context.knownFiles.isAbsent(inode, *asked)) {
    count(context.counters.foreknown);
    fuse_reply_err(request, ENODATA);
    return;
  }
  RequestRecord record(Opcode::getExtendedAttribute, inode, name);
  record.u32(static_cast<std::uint32_t>(size)).u32(0);
  const FileNote note = asked.has_value() ? context.knownFiles.asking(inode, asked) : FileNote{};
  submit(request, Opcode::getExtendedAttribute, record, {.fileNote = note});
}

void listExtendedAttributes(fuse_req_t request, fuse_ino_t inode, size_t size) {
  RequestRecord record(Opcode::listExtendedAttributes, inode);
  record.u32(static_cast<std::uint32_t>(size)).u32(0);
  submit(request, Opcode::listExtendedAttributes, record);
}

void removeExtendedAttribute(fuse_req_t request, fuse_ino_t inode, const char* name) {
  const RequestRecord record(Opcode::removeExtendedAttribute, inode, name);
  submitInodeChange(request, inode, Opcode::removeExtendedAttribute, record);
}

}  // namespace

const struct fuse_lowlevel_ops& lowLevelOperations() {
  static const struct fuse_lowlevel_ops table = [] {
    struct fuse_lowlevel_ops operations {};
    operations.init = initialize;
    operations.lookup = lookup;
    operations.forget = forget;
    operations.forget_multi = forgetMany;
    operations.getattr = getAttributes;
    operations.setattr = setAttributes;
    operations.readlink = readLink;
    operations.mknod = makeNode;
    operations.mkdir = makeDirectory;
    operations.symlink = makeSymlink;
    operations.unlink = unlinkName;
    operations.rmdir = removeDirectory;
    operations.link = linkInode;
    operations.rename = renameName;
    operations.open = openFile;
    operations.create = createFile;
    operations.read = readFile;
    operations.write = writeFile;
    operations.lseek = seekFile;
    operations.fallocate = allocateFile;
    operations.copy_file_range = copyFileRange;
    operations.flush = flushFile;
    operations.release = releaseFile;
    operations.fsync = syncFile;
    operations.fsyncdir = syncFile;
    operations.opendir = openDirectory;
    operations.readdir = readDirectory;
    operations.readdirplus = readDirectoryPlus;
    operations.releasedir = releaseDirectory;
    operations.statfs = statistics;
    operations.setxattr = setExtendedAttribute;
    operations.getxattr = getExtendedAttribute;
    operations.listxattr = listExtendedAttributes;
    operations.removexattr = removeExtendedAttribute;
    return operations;
  }();
  return table;
}

}  // namespace packetfs::fuse
