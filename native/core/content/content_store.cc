// The map of open inodes and the bound on dirty bytes, see content_store.h. The map's lock is never held during I/O; at
// most one content's lock is held at a time, but for copyRange, which takes two in order of their memory.
#include <linux/falloc.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "../base/little_endian.h"
#include "content.h"
#include "ingest_pool.h"

namespace packetfs {
namespace {

Status notOpen() { return Status::failure(EBADF, "the inode is not open"); }

class ContentStoreCore final : public ContentStore {
 public:
  ContentStoreCore(std::shared_ptr<Blob> blob, std::uint64_t dirtyBytesMax, std::uint64_t streamRunBytes)
      : blob_(std::move(blob)), dirtyBytesMax_(dirtyBytesMax), streamRunBytes_(streamRunBytes) {}

  void open(InodeNumber inode, std::uint64_t size, ExtentList extents) override {
    std::unique_lock lock(mutex_);
    Entry& entry = entries_[inode];
    if (entry.references++ == 0) entry.content = std::make_shared<Content>(*blob_, size, extents, streamRunBytes_);
  }

  void close(InodeNumber inode) override {
    std::shared_ptr<Content> last;
    {
      std::unique_lock lock(mutex_);
      auto entry = entries_.find(inode);
      if (entry == entries_.end() || --entry->second.references > 0) return;
      last = std::move(entry->second.content);
      entries_.erase(entry);
    }
    const std::unique_lock lock = lockLanded(*last);
    last->discard();
    account(*last);
  }

  [[nodiscard]] bool isOpen(InodeNumber inode) const override { return find(inode) != nullptr; }

  void replace(InodeNumber inode, std::uint64_t size, ExtentList extents) override {
    auto content = find(inode);
    if (!content) return;
    const std::unique_lock lock = lockLanded(*content);
    content->replace(size, extents);
  }

  void resemble(InodeNumber inode, const ExtentList& extents) override {
    auto content = find(inode);
    if (!content) return;
    std::unique_lock lock(content->mutex());
    content->resemble(extents);
  }

  bool grow(InodeNumber inode, std::uint64_t size, ExtentList extents) override {
    auto content = find(inode);
    if (!content) return false;
    std::unique_lock lock(content->mutex());
    return content->grow(size, extents);
  }

  bool reveal(InodeNumber inode) override {
    auto content = find(inode);
    if (!content) return false;
    std::unique_lock lock(content->mutex());
    return content->reveal();
  }

  Result<std::size_t> read(InodeNumber inode, std::uint64_t offset, std::uint8_t* target, std::size_t length) override {
    auto content = find(inode);
    if (!content) return notOpen();
    std::shared_lock lock(content->mutex());
    return content->read(offset, target, length);
  }

  std::optional<std::uint64_t> locateCached(InodeNumber inode, std::uint64_t offset, std::uint64_t length,
                                            std::size_t runsMax, std::vector<StoredRun>& runs) override {
    auto content = find(inode);
    if (!content) return std::nullopt;
    std::shared_lock lock(content->mutex());
    return content->locateCached(offset, length, runsMax, runs);
  }

  Status write(InodeNumber inode, std::uint64_t offset, const std::uint8_t* bytes, std::size_t length) override {
    auto content = find(inode);
    if (!content) return notOpen();
    Status status = makeRoom(length);
    if (!status.ok()) return status;
    std::unique_lock lock(content->mutex());
    if (content->inFlight() && !content->mayWriteInFlight(offset)) content->awaitLanding(lock);
    status = content->write(offset, bytes, length);
    account(*content);
    if (content->takesOff()) ingestPool_.run([this, content] { fly(*content); });
    return status;
  }

  Status truncate(InodeNumber inode, std::uint64_t size) override {
    if (size > kFileSizeMax) return Status::failure(EFBIG, "beyond the largest file");
    return change(inode, [size](Content& content) {
      content.truncate(size);
      return Status::success();
    });
  }

  Status allocate(InodeNumber inode, int mode, std::uint64_t offset, std::uint64_t length) override {
    return change(inode, [=](Content& content) { return content.allocate(mode, offset, length); });
  }

  Result<std::uint64_t> seek(InodeNumber inode, std::uint64_t offset, int whence) override {
    auto content = find(inode);
    if (!content) return notOpen();
    std::shared_lock lock(content->mutex());
    return content->seek(offset, whence);
  }

  Result<std::uint64_t> copyRange(InodeNumber from, std::uint64_t fromOffset, InodeNumber to, std::uint64_t toOffset,
                                  std::uint64_t length) override;

  Status ingest(InodeNumber inode) override {
    return change(inode, [](Content& content) { return content.ingest(); });
  }

  Result<bool> takePatch(InodeNumber inode, ContentPatch& patch) override {
    auto content = find(inode);
    if (!content) return false;
    const std::unique_lock lock = lockLanded(*content);
    Result<bool> taken = content->takePatch(patch);
    account(*content);
    if (journal_ && taken.ok() && taken.value) content->notePatchTaken(journal_->catchUps());
    return taken;
  }

  Result<ContentState> state(InodeNumber inode) const override {
    auto content = find(inode);
    if (!content) return notOpen();
    std::shared_lock lock(content->mutex());
    return content->state();
  }

  void forgetModified(InodeNumber inode) override {
    auto content = find(inode);
    if (!content) return;
    std::unique_lock lock(content->mutex());
    content->forgetModified();
  }

  [[nodiscard]] std::vector<InodeNumber> dirtyInodes() const override {
    return inodesThat([](const Content& content) { return content.state().dirty; });
  }

  void useJournal(std::shared_ptr<Journal> journal, std::uint64_t bytesMax) override {
    journal_ = std::move(journal);
    journalBytesMax_ = bytesMax;
  }

  void makeDurable(InodeNumber inode, std::function<void(bool)> done) override {
    if (!journalHolds(inode)) {
      done(false);
      return;
    }
    journal_->sync([done = std::move(done)](const Status& status) { done(status.ok()); });
  }

  [[nodiscard]] bool isSafe(InodeNumber inode) const override {
    auto content = find(inode);
    if (!content) return true;
    std::shared_lock lock(content->mutex());
    if (!journal_) return !content->state().dirty;
    return content->isWholeInJournal() || content->isSettled(journal_->catchUps());
  }

  [[nodiscard]] bool isWholeInJournal(InodeNumber inode) const override {
    auto content = find(inode);
    if (!content) return false;
    std::shared_lock lock(content->mutex());
    return content->isWholeInJournal();
  }

  [[nodiscard]] std::shared_ptr<Journal> journal() const override { return journal_; }

  bool journalChanges(InodeNumber node, InodeNumber inode) override {
    constexpr std::size_t kExtentsMax = 4096;
    const auto content = find(node);
    if (!content || !journal_) return false;
    const std::unique_lock lock(content->mutex(), std::try_to_lock);
    if (!lock.owns_lock()) return false;
    const Result<bool> held = content->journalChanges(inode, *journal_, kExtentsMax);
    return held.ok() && held.value;
  }

  std::optional<ModifiedOverride> overrideModified(InodeNumber inode) override {
    const auto content = find(inode);
    if (!content || !journal_) return std::nullopt;
    const std::unique_lock lock(content->mutex(), std::try_to_lock);
    return lock.owns_lock() ? content->overrideModified(journal_->catchUps()) : std::nullopt;
  }

  void undoOverride(InodeNumber inode, const ModifiedOverride& override) override {
    const auto content = find(inode);
    if (!content) return;
    const std::unique_lock lock(content->mutex());
    content->undoOverride(override);
  }

  [[nodiscard]] std::vector<InodeNumber> journaledBefore(std::uint64_t commit) const override {
    return inodesThat([commit](const Content& content) { return content.isJournaledBefore(commit); });
  }

  Status journalAgain(InodeNumber inode) override {
    if (!find(inode)) return Status::success();
    return change(inode, [&](Content& content) { return content.journalAgain(inode, *journal_); });
  }

  [[nodiscard]] std::uint64_t dirtyBytes() const override { return dirtyBytes_.load(); }

 private:
  struct Entry {
    std::shared_ptr<Content> content{};
    std::uint64_t references = 0;
  };

  std::shared_ptr<Content> find(InodeNumber inode) const {
    std::shared_lock lock(mutex_);
    auto entry = entries_.find(inode);
    return entry == entries_.end() ? nullptr : entry->second.content;
  }

  template <typename Predicate>
  std::vector<InodeNumber> inodesThat(Predicate holds) const {
    std::vector<std::pair<InodeNumber, std::shared_ptr<Content>>> all;
    {
      std::shared_lock lock(mutex_);
      for (const auto& [inode, entry] : entries_) all.emplace_back(inode, entry.content);
    }
    std::vector<InodeNumber> inodes;
    for (const auto& [inode, content] : all) {
      std::shared_lock lock(content->mutex());
      if (holds(*content)) inodes.push_back(inode);
    }
    return inodes;
  }

  /// Appends what the journal lacks of the inode and of the blob; false where that is too much, or fails.
  bool journalHolds(InodeNumber inode) {
    if (!journal_) return false;
    if (const auto content = find(inode)) {
      const std::unique_lock lock = lockLanded(*content);
      const Result<bool> held = content->journal(inode, *journal_, journalBytesMax_);
      if (!held.ok() || !held.value) return false;
    }
    const auto keep = [this](LogNumber log, std::span<const Blob::Literal> literals) {
      return keepCopies(log, literals);
    };
    const Result<bool> copied = blob_->copyUnsynced(journalBytesMax_, keep);
    return copied.ok() && copied.value;
  }

  /// docs/format/namespace.md, Journal, a record of a literal.
  Status keepCopies(LogNumber log, std::span<const Blob::Literal> literals) {
    std::vector<std::vector<std::uint8_t>> payloads;
    for (const Blob::Literal& literal : literals) {
      auto& payload = payloads.emplace_back(sizeof(std::uint32_t));
      storeLittle32(payload.data(), log);
      payload.insert(payload.end(), literal.frame.begin(), literal.frame.end());
    }
    std::vector<Journal::Record> records;
    for (const auto& payload : payloads) records.push_back({Journal::Kind::literal, payload});
    return journal_->append(records, false).status;
  }

  static std::unique_lock<std::shared_mutex> lockLanded(Content& content) {
    std::unique_lock lock(content.mutex());
    content.awaitLanding(lock);
    return lock;
  }

  /// On a thread of the pool.
  void fly(Content& content) {
    Content::FlightOutcome outcome = content.fly();
    std::unique_lock lock(content.mutex());
    content.land(std::move(outcome));
    account(content);
  }

  template <typename Change>
  Status change(InodeNumber inode, Change apply) {
    auto content = find(inode);
    if (!content) return notOpen();
    const std::unique_lock lock = lockLanded(*content);
    Status status = apply(*content);
    account(*content);
    return status;
  }

  /// Brings the total up to date with one content; its lock is held.
  void account(Content& content) {
    const std::uint64_t now = content.isDiscarded ? 0 : content.dirtyBytes();
    const std::uint64_t before = content.accountedBytes.exchange(now);
    dirtyBytes_ += now - before;
  }

  /// Ingests the dirtiest inodes until `length` more bytes fit; this is the writers' back-pressure.
  Status makeRoom(std::uint64_t length) {
    while (dirtyBytes_.load() + length > dirtyBytesMax_) {
      std::shared_ptr<Content> dirtiest;
      {
        std::shared_lock lock(mutex_);
        for (const auto& [inode, entry] : entries_) {
          const std::uint64_t most = dirtiest ? dirtiest->accountedBytes.load() : 0;
          if (entry.content->accountedBytes.load() > most) dirtiest = entry.content;
        }
      }
      if (!dirtiest) return Status::success();  // one write larger than the bound
      const std::unique_lock lock = lockLanded(*dirtiest);
      Status status = dirtiest->ingest();
      account(*dirtiest);
      if (!status.ok()) return status;
    }
    return Status::success();
  }

  std::shared_ptr<Blob> blob_;
  std::uint64_t dirtyBytesMax_;
  mutable std::shared_mutex mutex_{};
  std::unordered_map<InodeNumber, Entry> entries_{};
  std::atomic<std::uint64_t> dirtyBytes_ = 0;
  std::uint64_t streamRunBytes_;
  std::shared_ptr<Journal> journal_{};
  std::uint64_t journalBytesMax_ = 0;
  IngestPool ingestPool_{};  // ends first
};

Result<std::uint64_t> ContentStoreCore::copyRange(InodeNumber from, std::uint64_t fromOffset, InodeNumber to,
                                                  std::uint64_t toOffset, std::uint64_t length) {
  auto source = find(from);
  auto target = find(to);
  if (!source || !target) return notOpen();
  if (toOffset > kFileSizeMax || length > kFileSizeMax - toOffset) {
    return Status::failure(EFBIG, "beyond the largest file");
  }
  std::unique_lock<std::shared_mutex> first;
  std::unique_lock<std::shared_mutex> second;
  for (;;) {
    first = std::unique_lock((source < target ? source : target)->mutex());
    if (source != target) second = std::unique_lock((source < target ? target : source)->mutex());
    if (!source->inFlight() && !target->inFlight()) break;
    // Waited for one at a time and without the other's lock, which a flight before it in the pool may need to land.
    if (second.owns_lock()) second.unlock();
    first.unlock();
    (void)lockLanded(*source);
    (void)lockLanded(*target);
  }

  if (fromOffset >= source->size()) return std::uint64_t{0};
  const std::uint64_t copied = std::min(length, source->size() - fromOffset);
  if (source == target && fromOffset < toOffset + copied && toOffset < fromOffset + copied) {
    return Status::failure(EINVAL, "the ranges overlap");
  }
  Status status = source->ingest();
  account(*source);
  if (!status.ok()) return status;
  ExtentList extents = source->extents(fromOffset, fromOffset + copied);
  for (Extent& extent : extents) extent.fileOffset = extent.fileOffset - fromOffset + toOffset;
  target->put(toOffset, copied, extents);
  account(*target);
  return copied;
}

}  // namespace

std::shared_ptr<ContentStore> ContentStore::create(std::shared_ptr<Blob> blob, std::uint64_t dirtyBytesMax,
                                                   std::uint64_t streamRunBytes) {
  return std::make_shared<ContentStoreCore>(std::move(blob), dirtyBytesMax, streamRunBytes);
}

}  // namespace packetfs
