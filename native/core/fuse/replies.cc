// See replies.h.
#include "replies.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "reply_records.h"

namespace packetfs::fuse {

namespace {

constexpr std::uint64_t kBlockBytes = 512;  // st_blocks
constexpr fuse_ino_t kUncountedInode = 0;   // an entry without a lookup count (`.` and `..`)

bool isBefore(const struct timespec& left, const struct timespec& right) {
  return left.tv_sec != right.tv_sec ? left.tv_sec < right.tv_sec : left.tv_nsec < right.tv_nsec;
}

/// Of an open file.
std::optional<ContentState> stateOf(const Context& context, const FileAttributes& file) {
  if (!S_ISREG(file.attributes.st_mode)) return std::nullopt;
  const Result<ContentState> state = context.contents->state(file.node);
  return state.ok() ? std::optional(state.value) : std::nullopt;
}

struct fuse_entry_param readEntry(const Context& context, Reader& reader, std::size_t at) {
  FileAttributes file = readAttributes(reader, at);
  if (const auto state = stateOf(context, file)) showWritten(*state, file.attributes);
  context.setIdFiles.learn(file.node, file.attributes);
  struct fuse_entry_param entry {};
  entry.ino = file.node;
  entry.generation = file.generation;
  entry.attr = file.attributes;
  entry.attr_timeout = context.attributeTimeoutSeconds;
  entry.entry_timeout = context.entryTimeoutSeconds;
  return entry;
}

/// Appends one entry to the kernel's buffer; false when it does not fit any more.
bool addDirectoryEntry(const Context& context, const PendingRequest& pending, Reader& reader, std::size_t& at,
                       std::vector<char>& target, std::size_t& used) {
  const auto nextOffset = reader.at<std::int64_t>(at);
  const auto nameLength = reader.at<std::uint16_t>(at + 8);
  const auto flags = reader.at<std::uint16_t>(at + 10);
  const auto mode = reader.at<std::uint32_t>(at + 12);
  const auto inode = reader.at<std::uint64_t>(at + 16);
  at += kDirectoryEntryBytes;
  struct fuse_entry_param entry {};
  if ((flags & kEntryHasAttributes) != 0) {
    entry = readEntry(context, reader, at);
    at += kAttributesBytes;
  } else {
    entry.attr.st_ino = inode;
    entry.attr.st_mode = mode;
  }
  if ((flags & kEntryUncounted) != 0) entry.ino = kUncountedInode;
  const std::span<const std::uint8_t> nameBytes = reader.slice(at, nameLength);
  at += alignRecord(nameLength);
  if (reader.broken()) return false;

  const std::string name(nameBytes.begin(), nameBytes.end());
  const std::size_t room = target.size() - used;
  const std::size_t needed =
      pending.withAttributes
          ? fuse_add_direntry_plus(pending.request, target.data() + used, room, name.c_str(), &entry, nextOffset)
          : fuse_add_direntry(pending.request, target.data() + used, room, name.c_str(), &entry.attr, nextOffset);
  if (needed > room) return false;
  used += needed;
  return true;
}

void answerDirectory(Context& context, const PendingRequest& pending, Reader& reader) {
  if (pending.listedWhole != 0) {
    context.foreknowledge.learnListing(pending.listedWhole, reader.at<std::uint32_t>(16), pending.change.number);
  }
  const auto entryCount = reader.at<std::uint32_t>(20);
  std::vector<char> target(pending.sizeLimit);
  std::size_t used = 0;
  std::size_t at = kReplyHeaderBytes;
  for (std::uint32_t i = 0; i < entryCount; i++) {
    if (!addDirectoryEntry(context, pending, reader, at, target, used)) break;
  }
  if (reader.broken()) {
    fuse_reply_err(pending.request, EIO);
  } else {
    fuse_reply_buf(pending.request, target.data(), used);
  }
}

void answerBytes(const PendingRequest& pending, Reader& reader) {
  const std::span<const std::uint8_t> bytes = reader.slice(kReplyHeaderBytes, reader.at<std::uint32_t>(20));
  if (reader.broken()) {
    fuse_reply_err(pending.request, EIO);
  } else if (pending.opcode == Opcode::readLink) {
    fuse_reply_readlink(pending.request, std::string(bytes.begin(), bytes.end()).c_str());
  } else {
    fuse_reply_buf(pending.request, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
}

/// How many bytes come before the effects of an answer that has them; undefined for the others.
std::optional<std::size_t> bytesBeforeEffects(ReplyKind kind) {
  if (kind == ReplyKind::done) return kReplyHeaderBytes;
  if (kind == ReplyKind::entry || kind == ReplyKind::create) return kReplyHeaderBytes + kAttributesBytes;
  return std::nullopt;
}

void learnNames(Foreknowledge& foreknowledge, const ChangeNote& change, Reader& reader, ReplyKind kind) {
  if (change.made.has_value()) foreknowledge.learnMade(*change.made);
  const bool isMissing = kind == ReplyKind::noEntry || (reader.at<std::uint16_t>(6) & kReplyNameMissing) != 0;
  if (isMissing && change.missing.has_value()) foreknowledge.learnMissing(*change.missing, change.number);
}

void learnNewFile(KnownFiles& knownFiles, const FileAttributes& made, const std::optional<ContentState>& state,
                  bool isPlain) {
  const FileNote note = knownFiles.asking(made.node, AskedAttribute::capabilities);
  knownFiles.learnAbsence(note);
  if (isPlain) knownFiles.learnAbsence(knownFiles.asking(made.node, AskedAttribute::accessList));
  if (!state.has_value()) return;  // made without being opened
  knownFiles.learnMade(made.node);
  knownFiles.learnAttributes(note, {.node = made.node, .attributes = made.attributes, .takes = state->takes});
}

/// Before the answer leaves, because the kernel asks at once.
void learnEffects(Context& context, const PendingRequest& pending, Reader& reader, ReplyKind kind) {
  Foreknowledge& foreknowledge = context.foreknowledge;
  const std::optional<std::size_t> start = bytesBeforeEffects(kind);
  if (!start.has_value()) return;
  const auto directoryCount = reader.at<std::uint16_t>(20);
  const auto forgottenCount = reader.at<std::uint16_t>(22);
  std::size_t at = *start;
  for (std::uint16_t i = 0; i < directoryCount; i++, at += kAttributesBytes) {
    const FileAttributes directory = readAttributes(reader, at);
    if (!reader.broken()) foreknowledge.learnAttributes(directory.attributes, pending.change.number);
  }
  for (std::uint16_t i = 0; i < forgottenCount; i++, at += sizeof(std::uint64_t)) {
    const auto forgotten = reader.at<std::uint64_t>(at);
    foreknowledge.forgetAttributes(forgotten);
    context.knownFiles.forgetAttributes(forgotten);
  }
  const auto flags = reader.at<std::uint16_t>(6);
  if ((flags & kReplyNewInode) == 0) return;
  const FileAttributes made = readAttributes(reader, kReplyHeaderBytes);
  if (reader.broken()) return;
  const bool isPlain = (flags & kReplyPlainDirectory) != 0;
  if (isPlain && pending.change.made.has_value()) {
    foreknowledge.learnPlain(pending.change.made->directory, pending.change.number);
  }
  if (S_ISDIR(made.attributes.st_mode)) foreknowledge.learnNew(made.attributes, isPlain);
  if (S_ISREG(made.attributes.st_mode)) learnNewFile(context.knownFiles, made, stateOf(context, made), isPlain);
}

/// What the answer says of the file that the request names.
void learnFile(Context& context, const PendingRequest& pending, Reader& reader, ReplyKind kind) {
  const FileNote& note = pending.fileNote;
  if (note.inode == 0) return;
  if (kind == ReplyKind::attributes) {
    const FileAttributes told = readAttributes(reader, kReplyHeaderBytes);
    if (reader.broken()) return;
    const std::optional<ContentState> state = stateOf(context, told);
    if (!state.has_value()) {
      if (note.isChange) context.knownFiles.forgetAttributes(note.inode);
      return;
    }
    context.knownFiles.learnAttributes(note, {.node = told.node, .attributes = told.attributes, .takes = state->takes});
  } else if (note.isChange) {
    context.knownFiles.forget(note.inode);
  } else if (kind == ReplyKind::done && reader.at<std::int32_t>(16) == ENODATA) {
    context.knownFiles.learnAbsence(note);  // of the extended attribute that was asked for
  }
}

void prepareOpened(struct fuse_file_info& file, bool keepsCache) {
  file.keep_cache = keepsCache ? 1U : 0U;
  // Closing a descriptor that cannot write changes nothing: the kernel need not tell us.
  file.noflush = isForReading(file) ? 1U : 0U;
}

void answerOpen(Context& context, PendingRequest& pending, Reader& reader, ReplyKind kind) {
  const bool keepsCache = (reader.at<std::uint16_t>(6) & kReplyKeepCache) != 0;
  if (kind == ReplyKind::open) {
    answerOpened(pending.request, pending.file, keepsCache);
    return;
  }
  prepareOpened(pending.file, keepsCache);
  const struct fuse_entry_param entry = readEntry(context, reader, kReplyHeaderBytes);
  const bool isNew = (reader.at<std::uint16_t>(6) & kReplyNewInode) != 0;
  if (!isNew) context.knownFiles.forgetAttributes(entry.ino);  // set-id bits went with what the file held
  if (reader.broken()) {
    fuse_reply_err(pending.request, EIO);
  } else {
    fuse_reply_create(pending.request, &entry, &pending.file);
  }
}

/// The write that had to clear bits is done; the kernel still believes in the bits.
void answerClearingWrite(Context& context, const PendingRequest& pending, fuse_ino_t inode) {
  if (*pending.writtenBytes == 0) {
    fuse_reply_err(pending.request, 0);
  } else {
    fuse_reply_write(pending.request, *pending.writtenBytes);
  }
  constexpr off_t kAttributesOnly = -1;
  context.invalidations.inode(inode, kAttributesOnly, 0);
}

void answerEntryOrAttributes(Context& context, const PendingRequest& pending, Reader& reader, ReplyKind kind) {
  const struct fuse_entry_param entry = readEntry(context, reader, kReplyHeaderBytes);
  if (reader.broken()) {
    fuse_reply_err(pending.request, EIO);
  } else if (pending.writtenBytes) {
    answerClearingWrite(context, pending, entry.ino);
  } else if (kind == ReplyKind::entry) {
    fuse_reply_entry(pending.request, &entry);
  } else {
    fuse_reply_attr(pending.request, &entry.attr, context.attributeTimeoutSeconds);
  }
}

void answer(Context& context, PendingRequest& pending, Reader& reader) {
  const auto kind = static_cast<ReplyKind>(reader.at<std::uint16_t>(4));
  learnNames(context.foreknowledge, pending.change, reader, kind);
  learnEffects(context, pending, reader, kind);
  learnFile(context, pending, reader, kind);
  switch (kind) {
    case ReplyKind::done: {
      const auto error = reader.at<std::int32_t>(16);
      if (error == ENOSPC || error == EIO) context.knownFiles.forgetAllAttributes();  // it may have been done in part
      fuse_reply_err(pending.request, error);
      return;
    }
    case ReplyKind::noEntry:
      answerNoEntry(context, pending.request);
      return;
    case ReplyKind::entry:
    case ReplyKind::attributes:
      answerEntryOrAttributes(context, pending, reader, kind);
      return;
    case ReplyKind::create:
    case ReplyKind::open:
      answerOpen(context, pending, reader, kind);
      return;
    case ReplyKind::bytes:
      answerBytes(pending, reader);
      return;
    case ReplyKind::size:
      fuse_reply_xattr(pending.request, reader.at<std::uint32_t>(20));
      return;
    case ReplyKind::statistics: {
      const struct statvfs result = readStatistics(reader);
      if (reader.broken()) {
        fuse_reply_err(pending.request, EIO);
      } else {
        fuse_reply_statfs(pending.request, &result);
      }
      return;
    }
    case ReplyKind::directory:
      answerDirectory(context, pending, reader);
      return;
  }
  fuse_reply_err(pending.request, EIO);
}

}  // namespace

void showWritten(const ContentState& state, struct stat& attributes) {
  attributes.st_size = static_cast<off_t>(state.size);
  attributes.st_blocks = static_cast<blkcnt_t>((state.allocatedBytes + kBlockBytes - 1) / kBlockBytes);
  if (state.modifiedNs == 0) return;
  attributes.st_mtim = timeOf(state.modifiedNs);
  if (isBefore(attributes.st_ctim, attributes.st_mtim)) attributes.st_ctim = attributes.st_mtim;
}

void answerCreated(fuse_req_t request, const struct fuse_entry_param& entry, struct fuse_file_info& file) {
  prepareOpened(file, false);
  fuse_reply_create(request, &entry, &file);
}

void answerOpened(fuse_req_t request, struct fuse_file_info& file, bool keepsCache) {
  prepareOpened(file, keepsCache);
  fuse_reply_open(request, &file);
}

bool answerKnownFile(const Context& context, fuse_req_t request, fuse_ino_t node) {
  const Result<ContentState> state = context.contents->state(node);  // first: it may wait for a long ingest
  std::optional<KnownFiles::Attributes> known = context.knownFiles.attributes(node);
  if (!state.ok() || !known.has_value() || state.value.takes != known->takes) return false;
  showWritten(state.value, known->attributes);
  fuse_reply_attr(request, &known->attributes, context.attributeTimeoutSeconds);
  return true;
}

void answerNoEntry(const Context& context, fuse_req_t request) {
  struct fuse_entry_param entry {};
  entry.entry_timeout = context.entryTimeoutSeconds;
  fuse_reply_entry(request, &entry);
}

Status answerBatch(Context& context, std::span<const std::uint8_t> batch) {
  std::size_t at = 0;
  while (at < batch.size()) {
    Reader header(batch.subspan(at));
    const std::size_t length = header.at<std::uint32_t>(0);
    if (length < kReplyHeaderBytes || length % kRecordAlignment != 0 || length > batch.size() - at) {
      return Status::failure(EINVAL, "a reply record's length is wrong");
    }
    Reader reader(batch.subspan(at, length));
    at += length;
    PendingRequest pending = context.queue.resolve(reader.at<std::uint64_t>(8));
    if (pending.request == nullptr) {
      count(context.counters.strayReplies);  // the session ended meanwhile, or a bug answered twice
      continue;
    }
    count(context.counters.replies);
    const HandingOver handing(pending.turn);
    answer(context, pending, reader);
  }
  return Status::success();
}

}  // namespace packetfs::fuse
