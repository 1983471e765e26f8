// See posted_changes.h. JavaScript's own rules are in src/volume/directories.ts, src/volume/attributes.ts and
// mount/operations/access-control-lists.ts; what these make of less common changes (set-id bits, lists of more than a
// mode) is left to them.
#include "posted_changes.h"

#include <sys/stat.h>

#include <cstring>
#include <optional>
#include <vector>

#include "../base/little_endian.h"
#include "../base/wall_time.h"
#include "../journal/mutation_record.h"
#include "replies.h"
#include "reply_records.h"

namespace packetfs::fuse {

namespace {

constexpr mode_t kPermissions = 0777;
constexpr mode_t kModeBits = 07777;
constexpr mode_t kSetIdBits = S_ISUID | S_ISGID;
constexpr std::string_view kNoName = "/";  // O_TMPFILE

bool isInJournal(const Context& context, std::span<const std::uint8_t> mutation) {
  const Journal::Record record{Journal::Kind::mutation, mutation};
  return context.contents->journal()->append({&record, 1}, false).ok();
}

std::uint32_t threadOf(fuse_req_t request) { return static_cast<std::uint32_t>(fuse_req_ctx(request)->pid); }

bool mayPost(const Context& context) { return context.contents->journal() != nullptr && context.queue.hasRoom(); }

/// posix_acl_xattr.h: a header of 4 bytes, then entries {tag 2, permissions 2, id 4}. The mode of a list of three
/// entries; nothing for any other list.
std::optional<mode_t> modeOfList(std::string_view value) {
  constexpr std::size_t kHeaderBytes = 4;
  constexpr std::size_t kEntryBytes = 8;
  constexpr std::uint32_t kVersion = 2;
  constexpr std::uint16_t kTags[] = {0x01, 0x04, 0x20};  // owner, group, others
  constexpr unsigned kBitsPerTag = 3;
  if (value.size() != kHeaderBytes + std::size(kTags) * kEntryBytes) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(value.data());
  if (loadLittle32(bytes) != kVersion) return std::nullopt;
  mode_t mode = 0;
  for (std::size_t i = 0; i < std::size(kTags); i++) {
    std::uint16_t tag = 0;
    std::uint16_t permissions = 0;
    std::memcpy(&tag, bytes + kHeaderBytes + i * kEntryBytes, sizeof tag);
    std::memcpy(&permissions, bytes + kHeaderBytes + i * kEntryBytes + sizeof tag, sizeof permissions);
    if (tag != kTags[i] || permissions > S_IRWXO) return std::nullopt;
    mode = (mode << kBitsPerTag) | permissions;
  }
  return mode;
}

struct stat attributesOfNew(const CreatedInode& created, std::int64_t nowNs) {
  struct stat attributes {};
  attributes.st_ino = created.inode;
  attributes.st_mode = created.mode;
  attributes.st_nlink = 1;
  attributes.st_uid = created.uid;
  attributes.st_gid = created.gid;
  attributes.st_blksize = kPreferredBlockBytes;
  attributes.st_atim = attributes.st_mtim = attributes.st_ctim = timeOf(nowNs);
  return attributes;
}

void learnNew(Context& context, const struct stat& attributes) {
  KnownFiles& known = context.knownFiles;
  const fuse_ino_t inode = attributes.st_ino;
  known.learnMade(inode);
  known.learnAbsence(known.asking(inode, AskedAttribute::capabilities));
  known.learnAbsence(known.asking(inode, AskedAttribute::accessList));
  const Result<ContentState> state = context.contents->state(inode);
  known.learnAttributes(known.asking(inode), {.node = inode, .attributes = attributes, .takes = state.value.takes});
}

struct AttributeTimes {
  std::optional<std::int64_t> accessedNs{}, modifiedNs{};
};

AttributeTimes timesOf(const struct stat& wanted, int valid, std::int64_t nowNs) {
  const auto chosen = [&](int set, int setNow, const struct timespec& time) -> std::optional<std::int64_t> {
    if ((valid & setNow) != 0) return nowNs;
    return (valid & set) != 0 ? std::optional(nanosecondsOf(time)) : std::nullopt;
  };
  return {chosen(FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, wanted.st_atim),
          chosen(FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, wanted.st_mtim)};
}

void show(const ChangedAttributes& changed, std::int64_t nowNs, struct stat& attributes) {
  if (changed.mode) attributes.st_mode = *changed.mode;
  if (changed.uid) attributes.st_uid = *changed.uid;
  if (changed.gid) attributes.st_gid = *changed.gid;
  if (changed.accessedNs) attributes.st_atim = timeOf(*changed.accessedNs);
  if (changed.modifiedNs) attributes.st_mtim = timeOf(*changed.modifiedNs);
  attributes.st_ctim = timeOf(nowNs);
}

RequestRecord messageOf(const ChangedAttributes& changed, std::int64_t nowNs, std::uint64_t override) {
  const auto bit = [](bool isSet, int value) { return isSet ? static_cast<std::uint32_t>(value) : 0; };
  RequestRecord record(Opcode::changedAttributes, changed.inode);
  record.i64(nowNs)
      .u32(bit(changed.mode.has_value(), FUSE_SET_ATTR_MODE) | bit(changed.uid.has_value(), FUSE_SET_ATTR_UID) |
           bit(changed.gid.has_value(), FUSE_SET_ATTR_GID) | bit(changed.accessedNs.has_value(), FUSE_SET_ATTR_ATIME) |
           bit(changed.modifiedNs.has_value(), FUSE_SET_ATTR_MTIME))
      .u32(changed.mode.value_or(0))
      .u32(changed.uid.value_or(0))
      .u32(changed.gid.value_or(0))
      .i64(changed.accessedNs.value_or(0))
      .i64(changed.modifiedNs.value_or(0))
      .u64(override);
  return record;
}

/// Of a file as madeFile tells it; gives what is known of it afterwards. An explicit time counts from before the
/// journal has it, so that what is taken meanwhile does not bring the one of before. The change is known only when the
/// message is in the queue, so that the answer to a question before it teaches nothing.
std::optional<KnownFiles::Attributes> change(fuse_req_t request, KnownFiles::Attributes known,
                                             const ChangedAttributes& changed, std::int64_t nowNs) {
  Context& context = contextOf(request);
  std::optional<ModifiedOverride> override;
  if (changed.modifiedNs) {
    override = context.contents->overrideModified(changed.inode);
    if (!override) return std::nullopt;
    known.takes = override->takes;
  }
  if (!isInJournal(context, mutationRecord(nowNs, changed))) {
    if (override) context.contents->undoOverride(changed.inode, *override);
    return std::nullopt;
  }
  show(changed, nowNs, known.attributes);
  context.queue.post(messageOf(changed, nowNs, override ? override->number : 0), threadOf(request));
  context.knownFiles.learnAttributes(context.knownFiles.changing(changed.inode), known);
  count(context.counters.posted);
  return known;
}

/// Before the gate, because it may wait for somebody's long ingest.
std::optional<ContentState> stateOf(const Context& context, fuse_ino_t inode) {
  const Result<ContentState> state = context.contents->state(inode);
  return state.ok() ? std::optional(state.value) : std::nullopt;
}

/// What is known of an open file that was made through this mount, if nothing is special about it, and this is its
/// state.
std::optional<KnownFiles::Attributes> ordinaryFile(const Context& context, fuse_ino_t inode,
                                                   const ContentState& state) {
  std::optional<KnownFiles::Attributes> known = context.knownFiles.madeFile(inode);
  if (!known || state.takes != known->takes) return std::nullopt;
  if (!S_ISREG(known->attributes.st_mode) || (known->attributes.st_mode & kSetIdBits) != 0) return std::nullopt;
  return known->attributes.st_nlink == 1 ? known : std::nullopt;
}

/// Makes the file and opens it; gives its attributes.
std::optional<struct stat> makeFile(fuse_req_t request, CreatedInode created, const struct stat& directory,
                                    int openFlags) {
  Context& context = contextOf(request);
  created.inode = context.posts.takeInode();
  if (created.inode == 0) return std::nullopt;
  if ((directory.st_mode & S_ISGID) != 0) created.gid = directory.st_gid;
  const std::int64_t nowNs = wallNs();
  if (!isInJournal(context, mutationRecord(nowNs, created))) {
    context.posts.returnInode(created.inode);
    return std::nullopt;
  }
  context.contents->open(created.inode, 0, {});
  const struct stat attributes = attributesOfNew(created, nowNs);
  learnNew(context, attributes);
  RequestRecord record(Opcode::created, created.parent, created.name);
  record.u64(created.inode).i64(nowNs).u32(created.mode).u32(created.uid).u32(created.gid);
  record.u32(static_cast<std::uint32_t>(openFlags));
  context.queue.post(record, threadOf(request));
  count(context.counters.posted);
  return attributes;
}

}  // namespace

bool postCreation(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, struct fuse_file_info& file) {
  Context& context = contextOf(request);
  const struct fuse_ctx& caller = *fuse_req_ctx(request);
  const std::string_view nameBytes = name;
  const bool isUsual = nameBytes.size() <= kNameBytesMax && nameBytes != kNoName && (mode & kSetIdBits) == 0;
  if (!isUsual || !mayPost(context)) return false;
  CreatedInode created{.parent = parent, .name = nameBytes, .uid = caller.uid, .gid = caller.gid};
  created.mode = S_IFREG | (mode & kModeBits & ~caller.umask);
  std::optional<struct stat> made;
  const auto perform = [&] {
    const std::optional<NewFile> fresh = context.foreknowledge.makingFile(parent, nameBytes);
    if (!fresh) return false;
    made = makeFile(request, created, fresh->directory, file.flags);
    if (made) {
      context.foreknowledge.fileMade(*fresh, made->st_ctim);
    } else {
      context.foreknowledge.fileNotMade(*fresh);
    }
    return made.has_value();
  };
  if (!context.posts.post(perform)) return false;
  struct fuse_entry_param entry {};
  entry.ino = made->st_ino;
  entry.attr = *made;
  entry.attr_timeout = context.attributeTimeoutSeconds;
  entry.entry_timeout = context.entryTimeoutSeconds;
  answerCreated(request, entry, file);
  return true;
}

bool postAttributes(fuse_req_t request, fuse_ino_t inode, const struct stat& wanted, int valid) {
  constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
  constexpr int kOwner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
  constexpr int kPosted = FUSE_SET_ATTR_MODE | kOwner | kTimes;
  constexpr int kWithoutEffect = FUSE_SET_ATTR_CTIME | static_cast<int>(kClearSetId);  // on a file without such bits
  Context& context = contextOf(request);
  if ((valid & kPosted) == 0 || (valid & ~(kPosted | kWithoutEffect)) != 0 || !mayPost(context)) return false;
  const bool setsMode = (valid & FUSE_SET_ATTR_MODE) != 0;
  if (setsMode &&
      ((wanted.st_mode & kSetIdBits) != 0 || !context.knownFiles.isAbsent(inode, AskedAttribute::accessList))) {
    return false;
  }
  const std::optional<ContentState> state = stateOf(context, inode);
  if (!state) return false;
  std::optional<KnownFiles::Attributes> told;
  const auto perform = [&] {
    const std::optional<KnownFiles::Attributes> known = ordinaryFile(context, inode, *state);
    if (!known) return false;
    const std::int64_t nowNs = wallNs();
    const AttributeTimes times = timesOf(wanted, valid, nowNs);
    ChangedAttributes changed{.inode = inode, .accessedNs = times.accessedNs, .modifiedNs = times.modifiedNs};
    if (setsMode) changed.mode = (known->attributes.st_mode & S_IFMT) | (wanted.st_mode & kModeBits);
    if ((valid & FUSE_SET_ATTR_UID) != 0) changed.uid = wanted.st_uid;
    if ((valid & FUSE_SET_ATTR_GID) != 0) changed.gid = wanted.st_gid;
    told = change(request, *known, changed, nowNs);
    return told.has_value();
  };
  if (!context.posts.post(perform)) return false;
  ContentState shown = *state;
  if (told->takes != state->takes) shown.modifiedNs = 0;  // the explicit time counts
  showWritten(shown, told->attributes);
  fuse_reply_attr(request, &told->attributes, context.attributeTimeoutSeconds);
  return true;
}

bool postAccessList(fuse_req_t request, fuse_ino_t inode, std::string_view value) {
  Context& context = contextOf(request);
  const std::optional<mode_t> mode = modeOfList(value);
  if (!mode || !mayPost(context) || !context.knownFiles.isAbsent(inode, AskedAttribute::accessList)) return false;
  const std::optional<ContentState> state = stateOf(context, inode);
  if (!state) return false;
  const auto perform = [&] {
    const std::optional<KnownFiles::Attributes> known = ordinaryFile(context, inode, *state);
    if (!known) return false;
    const mode_t wanted = (known->attributes.st_mode & ~kPermissions) | *mode;
    if (wanted == known->attributes.st_mode) return true;
    return change(request, *known, {.inode = inode, .mode = wanted}, wallNs()).has_value();
  };
  if (!context.posts.post(perform)) return false;
  fuse_reply_err(request, 0);
  return true;
}

bool postFlush(fuse_req_t request, fuse_ino_t node) {
  Context& context = contextOf(request);
  if (!mayPost(context)) return false;
  const auto perform = [&] {
    if (!context.contents->journalChanges(node, inodeOfNode(node))) return false;
    context.queue.post(RequestRecord(Opcode::flush, node), threadOf(request));
    return true;
  };
  if (!context.posts.post(perform)) return false;
  count(context.counters.posted);
  fuse_reply_err(request, 0);
  return true;
}

}  // namespace packetfs::fuse
