// What a mount's session knows of names without asking JavaScript: never that a name is missing which a later request,
// or one that is answered late, has made.
#include "../../native/core/fuse/foreknowledge.h"

#include <string>

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

constexpr fuse_ino_t kDirectory = 2;

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

void makeDirectory(Foreknowledge& known) {
  struct stat attributes {};
  attributes.st_ino = kDirectory;
  attributes.st_mode = S_IFDIR;
  known.learnNew(attributes);
}

TEST("a new directory lacks every name but those that it gets") {
  Foreknowledge known;
  CHECK(!known.lacksName(kDirectory, "a"));
  makeDirectory(known);
  CHECK(known.lacksName(kDirectory, "a"));
  succeed(known, change(known, "a"));
  CHECK(!known.lacksName(kDirectory, "a"));
  CHECK(known.lacksName(kDirectory, "b"));
}

TEST("a name is missing once its removal is answered and until it may be made again") {
  Foreknowledge known;
  const ChangeNote removal = change(known, {}, "a");
  CHECK(!known.lacksName(kDirectory, "a"));
  succeed(known, removal);
  CHECK(known.lacksName(kDirectory, "a"));
  CHECK(!known.lacksName(kDirectory, "b"));
  const ChangeNote creation = change(known, "a");
  CHECK(!known.lacksName(kDirectory, "a"));
  succeed(known, creation);
  CHECK(!known.lacksName(kDirectory, "a"));
}

TEST("a removal says nothing of what was queued behind it") {
  Foreknowledge known;
  const ChangeNote removal = change(known, {}, "a");
  const ChangeNote creation = change(known, "a");
  succeed(known, removal);
  CHECK(!known.lacksName(kDirectory, "a"));
  succeed(known, creation);
  CHECK(!known.lacksName(kDirectory, "a"));
}

TEST("a rename that is answered late has made its name") {
  Foreknowledge known;
  const ChangeNote rename = change(known, "new", "old");
  const ChangeNote lookup = known.lookingUp(kDirectory, "new");
  const ChangeNote removal = change(known, {}, "new");
  succeed(known, lookup);  // both while the rename waits for written bytes
  succeed(known, removal);
  CHECK(known.lacksName(kDirectory, "new"));
  succeed(known, rename);
  CHECK(!known.lacksName(kDirectory, "new"));
  CHECK(known.lacksName(kDirectory, "old"));
}

TEST("a negative look-up teaches only what no later request may have made") {
  Foreknowledge known;
  succeed(known, known.lookingUp(kDirectory, "a"));
  CHECK(!known.lacksName(kDirectory, "a"));  // nothing has changed in the directory: it is not kept
  succeed(known, change(known, "other"));
  const ChangeNote early = known.lookingUp(kDirectory, "a");
  const ChangeNote late = known.lookingUp(kDirectory, "b");
  change(known, "a");
  succeed(known, early);
  succeed(known, late);
  CHECK(!known.lacksName(kDirectory, "a"));
  CHECK(known.lacksName(kDirectory, "b"));
}

TEST("what a peer changed is not known nor learned from answers to earlier requests") {
  Foreknowledge known;
  makeDirectory(known);
  const ChangeNote removal = change(known, {}, "a");
  known.forget(kDirectory);
  succeed(known, removal);
  CHECK(!known.lacksName(kDirectory, "a"));
  change(known, "b");
  succeed(known, removal);
  CHECK(!known.lacksName(kDirectory, "a"));
  CHECK(!known.lacksName(kDirectory, "c"));
}

TEST("what does not fit is not known") {
  constexpr int kMoreThanFits = 300'000;
  Foreknowledge known;
  makeDirectory(known);
  const ChangeNote removal = change(known, {}, "a");
  change(known, "a");
  for (int i = 0; i < kMoreThanFits; i++) change(known, std::to_string(i));
  CHECK(!known.lacksName(kDirectory, "0"));
  CHECK(!known.lacksName(kDirectory, "never made"));
  succeed(known, removal);
  CHECK(!known.lacksName(kDirectory, "a"));
}

}  // namespace

int main() { return runTests(); }
