// The journal under many threads: what was answered as durable is in the files, in the order of each thread.
#include <atomic>
#include <cstring>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "../../native/core/base/little_endian.h"
#include "../../native/core/chunk/hash.h"
#include "../../native/core/content/content_store.h"
#include "../../native/core/journal/journal.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

constexpr std::size_t kHeaderBytes = 28, kFrameBytes = 9;

std::vector<std::uint8_t> bytesOf(std::uint32_t thread, std::uint32_t number) {
  std::vector<std::uint8_t> bytes(8);
  storeLittle32(bytes.data(), thread);
  storeLittle32(bytes.data() + 4, number);
  return bytes;
}

Status appendOne(Journal& journal, std::span<const std::uint8_t> bytes) {
  const Journal::Record record{Journal::Kind::written, bytes};
  return journal.append({&record, 1}, false).status;
}

Status syncNow(Journal& journal) {
  std::promise<Status> outcome;
  journal.sync([&outcome](const Status& status) { outcome.set_value(status); });
  return outcome.get_future().get();
}

/// The payloads of the records that hold.
std::vector<std::vector<std::uint8_t>> recordsIn(const std::string& path) {
  const std::vector<std::uint8_t> bytes = fileBytes(path);
  std::vector<std::vector<std::uint8_t>> records;
  const std::uint32_t seed = loadLittle32(bytes.data() + 24);
  for (std::size_t at = kHeaderBytes; at + kFrameBytes <= bytes.size();) {
    const std::uint32_t length = loadLittle32(bytes.data() + at);
    if (length == 0 || length > bytes.size() - at - kFrameBytes) break;
    const std::uint32_t check = crc32c(bytes.data() + at + 8, length + 1, crc32c(bytes.data() + at, 4, seed));
    if (check != loadLittle32(bytes.data() + at + 4)) break;
    const auto* payload = bytes.data() + at + kFrameBytes;
    records.emplace_back(payload, payload + length);
    at += kFrameBytes + length;
  }
  return records;
}

TEST("threads append and sync while commits rotate") {
  constexpr std::uint32_t kThreads = 4, kRecords = 300, kRotations = 30;
  Scratch directory;
  Journal journal(directory.path(), 0);
  std::atomic<std::uint32_t> durable = 0;
  std::vector<std::vector<std::uint32_t>> seen(kThreads);
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < kThreads; thread++) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t number = 0; number < kRecords; number++) {
        if (appendOne(journal, bytesOf(thread, number)).ok() && syncNow(journal).ok()) durable++;
      }
    });
  }
  const auto collect = [&](std::uint64_t follows) {
    const std::string path = directory.path() + "/namespace.journal." + std::to_string(follows);
    if (!std::filesystem::exists(path)) return;
    for (const auto& record : recordsIn(path)) {
      seen[loadLittle32(record.data())].push_back(loadLittle32(record.data() + 4));
    }
  };
  for (std::uint32_t rotation = 0; rotation < kRotations; rotation++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const bool hadWritten = journal.rotate(rotation + 1);
    if (hadWritten) collect(rotation);
    journal.retire();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(durable == kThreads * kRecords);
  collect(kRotations);
  for (const auto& numbers : seen) {
    CHECK(numbers.size() == kRecords);
    for (std::uint32_t i = 0; i < numbers.size(); i++) CHECK(numbers[i] == i);
  }
}

TEST("after a failed append only one that catches up is taken") {
  Scratch directory;
  Journal journal(directory.path() + "/not-there", 0);
  const auto bytes = bytesOf(1, 1);
  const Journal::Record record{Journal::Kind::mutation, bytes};
  CHECK(journal.append({&record, 1}, true).status.error == ENOENT);
  std::filesystem::create_directory(directory.path() + "/not-there");
  CHECK(appendOne(journal, bytes).error == EAGAIN);
  CHECK(journal.append({&record, 1}, true).ok());
  CHECK(appendOne(journal, bytes).ok());
  CHECK(recordsIn(directory.path() + "/not-there/namespace.journal.0").size() == 2);
}

TEST("a refusing journal promises nothing") {
  Scratch directory;
  Journal journal(directory.path(), 0);
  const auto bytes = bytesOf(1, 1);
  CHECK(appendOne(journal, bytes).ok());
  journal.refuse();
  CHECK(appendOne(journal, bytes).error == EROFS);
  CHECK(syncNow(journal).error == EROFS);
}

bool makeDurable(ContentStore& contents, InodeNumber inode) {
  std::promise<bool> outcome;
  contents.makeDurable(inode, [&outcome](bool isDurable) { outcome.set_value(isDurable); });
  return outcome.get_future().get();
}

/// What the written records of a journal make of an empty file.
std::string written(const std::string& path) {
  constexpr std::size_t kWrittenHeaderBytes = 24, kRangeHeaderBytes = 16;
  std::string content;
  for (const auto& record : recordsIn(path)) {
    content.resize(loadLittle64(record.data() + 8));
    for (std::size_t at = kWrittenHeaderBytes; at < record.size();) {
      const std::uint64_t offset = loadLittle64(record.data() + at), length = loadLittle64(record.data() + at + 8);
      const auto* bytes = record.data() + at + kRangeHeaderBytes;
      std::copy(bytes, bytes + length, content.begin() + static_cast<std::ptrdiff_t>(offset));
      at += kRangeHeaderBytes + length;
    }
  }
  return content;
}

/// An open file, empty at first, whose fsyncs go to a journal.
struct JournaledFile {
  static constexpr InodeNumber kInode = 7;

  JournaledFile() {
    contents->useJournal(journal, 1000);
    contents->open(kInode, 0, {});
  }

  void write(std::uint64_t offset, const std::string& text) const {
    CHECK(contents->write(kInode, offset, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()).ok());
  }

  Scratch scratch{};
  std::shared_ptr<ContentStore> contents = ContentStore::create(openBlob(scratch.path() + "/blob").blob, 1 << 20);
  std::shared_ptr<Journal> journal = std::make_shared<Journal>(scratch.path(), 0);
};

TEST("what is in the journal before is carried over, also where the file is in the new one already") {
  JournaledFile file;
  file.write(0, "first ");
  CHECK(makeDurable(*file.contents, JournaledFile::kInode));
  CHECK(file.journal->rotate(1));
  file.write(6, "second");
  CHECK(makeDurable(*file.contents, JournaledFile::kInode));
  CHECK(file.contents->journaledBefore(1) == std::vector<InodeNumber>{JournaledFile::kInode});
  CHECK(file.contents->journalAgain(JournaledFile::kInode).ok());
  CHECK(file.contents->journaledBefore(1).empty());
  file.journal->retire();
  CHECK(written(file.scratch.path() + "/namespace.journal.1") == "first second");
}

TEST("what is journaled again hides nothing written since") {
  JournaledFile file;
  file.write(0, "first ");
  CHECK(makeDurable(*file.contents, JournaledFile::kInode));
  CHECK(file.contents->isWholeInJournal(JournaledFile::kInode));
  file.write(6, "second");
  CHECK(!file.contents->isWholeInJournal(JournaledFile::kInode));
  CHECK(file.journal->rotate(1));
  CHECK(file.contents->journaledBefore(1) == std::vector<InodeNumber>{JournaledFile::kInode});
  CHECK(file.contents->journalAgain(JournaledFile::kInode).ok());
  CHECK(file.contents->journaledBefore(1).empty());
  file.journal->retire();
  CHECK(makeDurable(*file.contents, JournaledFile::kInode));
  CHECK(written(file.scratch.path() + "/namespace.journal.1") == "first second");
}

TEST("a patch takes all that a journal holds, so that doing it again after the journal undoes nothing") {
  constexpr InodeNumber kInode = 7;
  Scratch scratch;
  auto contents = ContentStore::create(openBlob(scratch.path() + "/blob").blob, 1 << 20);
  contents->useJournal(std::make_shared<Journal>(scratch.path(), 0), 10'000);
  contents->open(kInode, 0, {});
  const std::vector<std::uint8_t> bytes(6000, 7);
  CHECK(contents->write(kInode, 0, bytes.data(), bytes.size()).ok());
  CHECK(makeDurable(*contents, kInode));
  CHECK(contents->truncate(kInode, 1500).ok());
  ContentPatch patch;
  CHECK(contents->takePatch(kInode, patch).value);
  CHECK(patch.size == 1500);
  CHECK(patch.ranges.size() == 1 && patch.ranges[0].offset == 0 && patch.ranges[0].length == 1500);
}

TEST("a close is not answered while a patch is neither dirty nor in the journal") {
  constexpr InodeNumber kInode = 7;
  Scratch scratch;
  auto contents = ContentStore::create(openBlob(scratch.path() + "/blob").blob, 1 << 20);
  auto journal = std::make_shared<Journal>(scratch.path(), 0);
  contents->useJournal(journal, 10'000);
  contents->open(kInode, 0, {});
  CHECK(contents->isSafe(kInode));
  const auto bytes = bytesOf(1, 1);
  CHECK(contents->write(kInode, 0, bytes.data(), bytes.size()).ok());
  CHECK(!contents->isSafe(kInode));
  CHECK(contents->ingest(kInode).ok());
  CHECK(!contents->isSafe(kInode));
  ContentPatch patch;
  CHECK(contents->takePatch(kInode, patch).value);
  CHECK(!contents->isSafe(kInode));
  const Journal::Record record{Journal::Kind::mutation, bytes};
  CHECK(journal->append({&record, 1}, true).ok());
  CHECK(contents->isSafe(kInode));
}

TEST("an fsync that the journal cannot answer is left to a commit") {
  constexpr InodeNumber kInode = 7;
  Scratch scratch;
  auto contents = ContentStore::create(openBlob(scratch.path() + "/blob").blob, 1 << 20);
  auto journal = std::make_shared<Journal>(scratch.path(), 0);
  contents->open(kInode, 0, {});
  CHECK(!makeDurable(*contents, kInode));  // no journal
  contents->useJournal(journal, 1000);
  const std::vector<std::uint8_t> much(1001, 7);
  CHECK(contents->write(kInode, 0, much.data(), much.size()).ok());
  CHECK(!makeDurable(*contents, kInode));
  CHECK(contents->ingest(kInode).ok());
  CHECK(!makeDurable(*contents, kInode));  // a patch has to be taken
  ContentPatch patch;
  CHECK(contents->takePatch(kInode, patch).value);
  CHECK(!makeDurable(*contents, kInode));  // and journaled
  const auto bytes = bytesOf(1, 1);
  const Journal::Record record{Journal::Kind::mutation, bytes};
  CHECK(journal->append({&record, 1}, true).ok());
  CHECK(!makeDurable(*contents, kInode));  // 1001 bytes that the blob has not synced
  contents->useJournal(journal, 1001);
  CHECK(makeDurable(*contents, kInode));
}

}  // namespace

int main() { return runTests(); }
