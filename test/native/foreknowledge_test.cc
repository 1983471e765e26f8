// What a mount's session knows of names without asking JavaScript: never that a name is missing which a later request,
// or one that is answered late, has made.
#include "../../native/core/fuse/foreknowledge.h"
#include "../../native/core/fuse/protocol.h"

#include <optional>
#include <string>

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

constexpr fuse_ino_t kDirectory = 2;
constexpr std::size_t kFewBytes = kSmallListingBytes - 300;

struct stat attributesOf(fuse_ino_t inode) {
  struct stat attributes {};
  attributes.st_ino = inode;
  return attributes;
}

void learnNew(Foreknowledge& known, bool isPlain = true) { known.learnNew(attributesOf(kDirectory), isPlain); }

/// Whether a file may be made there without JavaScript, and is then, at this time.
bool makes(Foreknowledge& known, std::string_view name, const struct timespec& now = {.tv_sec = 1, .tv_nsec = 0}) {
  const std::optional<NewFile> file = known.makingFile(kDirectory, name);
  if (file.has_value()) known.fileMade(*file, now);
  return file.has_value();
}

ChangeNote change(Foreknowledge& known, std::string_view made, std::string_view removed = {}) {
  ChangeNote result;
  known.changing({.inodes = {kDirectory}, .newName = made, .removedName = removed},
                 [&result](const ChangeNote& note) { result = note; });
  return result;
}

/// As an answer that says that what the request took away is missing now.
void succeed(Foreknowledge& known, const ChangeNote& note) {
  if (note.made.has_value()) known.learnMade(*note.made);
  if (note.missing.has_value()) known.learnMissing(*note.missing, note.number);
}

bool lacks(const Foreknowledge& known, std::string_view name) { return !known.lookingUp(kDirectory, name).has_value(); }

ChangeNote lookUp(const Foreknowledge& known, std::string_view name) {
  return known.lookingUp(kDirectory, name).value();  // throws where JavaScript is not asked
}

TEST("a new directory lacks every name but those that it gets") {
  Foreknowledge known;
  CHECK(!lacks(known, "a"));
  learnNew(known);
  CHECK(lacks(known, "a"));
  succeed(known, change(known, "a"));
  CHECK(!lacks(known, "a"));
  CHECK(lacks(known, "b"));
}

TEST("a name is missing once its removal is answered and until it may be made again") {
  Foreknowledge known;
  const ChangeNote removal = change(known, {}, "a");
  CHECK(!lacks(known, "a"));
  succeed(known, removal);
  CHECK(lacks(known, "a"));
  CHECK(!lacks(known, "b"));
  const ChangeNote creation = change(known, "a");
  CHECK(!lacks(known, "a"));
  succeed(known, creation);
  CHECK(!lacks(known, "a"));
}

TEST("a removal says nothing of what was queued behind it") {
  Foreknowledge known;
  const ChangeNote removal = change(known, {}, "a");
  const ChangeNote creation = change(known, "a");
  succeed(known, removal);
  CHECK(!lacks(known, "a"));
  succeed(known, creation);
  CHECK(!lacks(known, "a"));
}

TEST("a rename that is answered late has made its name") {
  Foreknowledge known;
  const ChangeNote rename = change(known, "new", "old");
  const ChangeNote lookup = lookUp(known, "new");
  const ChangeNote removal = change(known, {}, "new");
  succeed(known, lookup);  // both while the rename waits for written bytes
  succeed(known, removal);
  CHECK(lacks(known, "new"));
  succeed(known, rename);
  CHECK(!lacks(known, "new"));
  CHECK(lacks(known, "old"));
}

TEST("a negative look-up teaches only what no later request may have made") {
  Foreknowledge known;
  succeed(known, lookUp(known, "a"));
  CHECK(!lacks(known, "a"));  // nothing has changed in the directory: it is not kept
  succeed(known, change(known, "other"));
  const ChangeNote early = lookUp(known, "a");
  const ChangeNote late = lookUp(known, "b");
  change(known, "a");
  succeed(known, early);
  succeed(known, late);
  CHECK(!lacks(known, "a"));
  CHECK(lacks(known, "b"));
}

TEST("what a peer changed is not known nor learned from answers to earlier requests") {
  Foreknowledge known;
  learnNew(known);
  const ChangeNote removal = change(known, {}, "a");
  known.forget(kDirectory);
  succeed(known, removal);
  CHECK(!lacks(known, "a"));
  change(known, "b");
  succeed(known, removal);
  CHECK(!lacks(known, "a"));
  CHECK(!lacks(known, "c"));
}

TEST("what does not fit is not known") {
  constexpr int kMoreThanFits = 300'000;
  Foreknowledge known;
  learnNew(known);
  const ChangeNote removal = change(known, {}, "a");
  change(known, "a");
  for (int i = 0; i < kMoreThanFits; i++) change(known, std::to_string(i));
  CHECK(!lacks(known, "0"));
  CHECK(!lacks(known, "never made"));
  succeed(known, removal);
  CHECK(!lacks(known, "a"));
}

TEST("a directory is small from a listing on, until it has got many names or a peer has changed it") {
  Foreknowledge known;
  CHECK(!known.isSmall(kDirectory));
  const ChangeNote listing = known.listing(kDirectory);
  CHECK(!known.isSmall(kDirectory));
  known.learnListing(kDirectory, kFewBytes, listing.number);
  CHECK(known.isSmall(kDirectory));
  change(known, "a", "b");
  CHECK(known.isSmall(kDirectory));
  for (int i = 0; i < 2; i++) change(known, std::string(255, 'n'));
  CHECK(!known.isSmall(kDirectory));
  known.learnListing(kDirectory, kFewBytes, known.listing(kDirectory).number);
  CHECK(known.isSmall(kDirectory));
  known.learnListing(kDirectory, 0, known.listing(kDirectory).number);
  CHECK(!known.isSmall(kDirectory));
  known.learnListing(kDirectory, kFewBytes, known.listing(kDirectory).number);
  known.forget(kDirectory);
  CHECK(!known.isSmall(kDirectory));
}

TEST("a new directory is small until it has got many names") {
  Foreknowledge known;
  learnNew(known);
  CHECK(known.isSmall(kDirectory));
  for (int i = 0; i < 10; i++) change(known, std::string(250, 'n'));
  CHECK(!known.isSmall(kDirectory));
}

TEST("a listing from before a change says nothing of what the directory has now, and one from before a move neither") {
  Foreknowledge known;
  const ChangeNote listing = known.listing(kDirectory);
  change(known, "a");
  known.learnListing(kDirectory, kFewBytes, listing.number);
  CHECK(!known.isSmall(kDirectory));
  const ChangeNote forgotten = known.listing(kDirectory);
  known.forget(kDirectory);
  known.learnListing(kDirectory, kFewBytes, forgotten.number);
  CHECK(!known.isSmall(kDirectory));
  known.learnListing(kDirectory, kFewBytes, known.listing(kDirectory).number);
  known.forgetAttributes(kDirectory);  // it was moved: `..` is another
  CHECK(!known.isSmall(kDirectory));
}

TEST("a file is made in a new directory, under a name that it never had, and its times follow") {
  Foreknowledge known;
  CHECK(!makes(known, "a"));
  learnNew(known);
  CHECK(makes(known, "a", {.tv_sec = 7, .tv_nsec = 5}));
  CHECK(known.directory(kDirectory)->st_mtim.tv_sec == 7);
  CHECK(known.directory(kDirectory)->st_ctim.tv_nsec == 5);
  CHECK(!lacks(known, "a"));
  CHECK(!makes(known, "a"));
  CHECK(makes(known, "b"));
}

TEST("while a file is made its directory's attributes are not known, and what changes meanwhile counts") {
  Foreknowledge known;
  learnNew(known);
  const std::optional<NewFile> given = known.makingFile(kDirectory, "a");
  CHECK(!known.directory(kDirectory).has_value());
  CHECK(!lacks(known, "a"));
  known.fileNotMade(*given);
  CHECK(known.directory(kDirectory).has_value());
  const std::optional<NewFile> overtaken = known.makingFile(kDirectory, "b");
  change(known, "c");
  known.fileMade(*overtaken, {});
  CHECK(!known.directory(kDirectory).has_value());
  CHECK(!makes(known, "d"));
  const std::optional<NewFile> none = known.makingFile(kDirectory, "e");
  CHECK(!none.has_value());
}

TEST("no file is made where a name was removed, a change is not answered, or a peer has changed something") {
  Foreknowledge known;
  learnNew(known);
  const ChangeNote creation = change(known, "a");
  CHECK(!makes(known, "b"));
  succeed(known, creation);
  known.learnAttributes(attributesOf(kDirectory), creation.number);
  CHECK(makes(known, "b"));
  const ChangeNote removal = change(known, {}, "a");
  succeed(known, removal);
  known.learnAttributes(attributesOf(kDirectory), removal.number);
  CHECK(lacks(known, "a"));
  CHECK(!makes(known, "a"));  // what was there matters (FormerNames)
  CHECK(makes(known, "c"));
  known.forget(kDirectory);
  CHECK(!makes(known, "d"));
}

TEST("no file is made where new ones may get an access list") {
  Foreknowledge known;
  learnNew(known, false);
  CHECK(!makes(known, "a"));
  const ChangeNote creation = change(known, "a");
  succeed(known, creation);
  known.learnAttributes(attributesOf(kDirectory), creation.number);
  CHECK(!makes(known, "b"));
  known.learnPlain(kDirectory, creation.number);
  CHECK(makes(known, "b"));
  ChangeNote listChange;
  known.changing({.inodes = {kDirectory}, .answerTells = false}, [&](const ChangeNote& note) { listChange = note; });
  known.learnAttributes(attributesOf(kDirectory), listChange.number);
  CHECK(!makes(known, "c"));
  known.learnPlain(kDirectory, creation.number);  // of before
  CHECK(!makes(known, "c"));
}

}  // namespace

int main() { return runTests(); }
