// What a mount's session knows of files without asking JavaScript: nothing that a request queued meanwhile may have
// changed, and never by the node of another version.
#include "../../native/core/fuse/known_files.h"

#include "check.h"

using namespace packetfs::fuse;
using packetfs::test::runTests;

namespace {

constexpr fuse_ino_t kFile = 7;
constexpr fuse_ino_t kLaterNode = kFile | (1ULL << 36U);

KnownFiles::Attributes told(fuse_ino_t node, off_t size = 0) {
  KnownFiles::Attributes result{.node = node, .takes = 1};
  result.attributes.st_size = size;
  return result;
}

TEST("attributes are known from an answer on, until a request that may change them is queued") {
  KnownFiles known;
  CHECK(!known.attributes(kFile).has_value());
  known.learnAttributes(known.asking(kFile), told(kFile, 5));
  CHECK(known.attributes(kFile)->attributes.st_size == 5);
  CHECK(!known.attributes(kFile + 1).has_value());
  const FileNote change = known.changing(kFile);
  CHECK(change.isChange);
  CHECK(!known.attributes(kFile).has_value());
  known.learnAttributes(change, told(kFile, 6));
  CHECK(known.attributes(kFile)->attributes.st_size == 6);
}

TEST("an answer to what was asked before a change teaches nothing") {
  KnownFiles known;
  const FileNote question = known.asking(kFile);
  known.changing(kFile);
  known.learnAttributes(question, told(kFile));
  CHECK(!known.attributes(kFile).has_value());
  known.learnAbsence(question);
  CHECK(!known.isAbsent(kFile, AskedAttribute::capabilities));
}

TEST("of two changes the answer to the first, come late, takes away what the second told") {
  KnownFiles known;
  const FileNote first = known.changing(kFile);
  const FileNote second = known.changing(kFile);
  known.learnAttributes(second, told(kFile));
  CHECK(known.attributes(kFile).has_value());
  known.learnAttributes(first, told(kFile));
  CHECK(!known.attributes(kFile).has_value());
}

TEST("what is known of one node is not told of another of the same inode, and goes with a change of any") {
  KnownFiles known;
  known.learnAttributes(known.asking(kLaterNode), told(kLaterNode));
  CHECK(!known.attributes(kFile).has_value());
  CHECK(known.attributes(kLaterNode).has_value());
  known.changing(kFile);
  CHECK(!known.attributes(kLaterNode).has_value());
  known.learnAttributes(known.asking(kLaterNode), told(kLaterNode));
  known.forgetAttributes(kFile);
  CHECK(!known.attributes(kLaterNode).has_value());
}

TEST("capabilities are known to be missing until the file is forgotten; a change of attributes gives none") {
  KnownFiles known;
  CHECK(!known.isAbsent(kFile, AskedAttribute::capabilities));
  known.learnAbsence(known.asking(kFile, AskedAttribute::capabilities));
  known.changing(kFile);
  CHECK(known.isAbsent(kFile, AskedAttribute::capabilities));
  known.forget(kFile);
  CHECK(!known.isAbsent(kFile, AskedAttribute::capabilities));
}

TEST("that one attribute is missing says nothing of the other, and what came meanwhile is not known to be missing") {
  KnownFiles known;
  known.learnAbsence(known.asking(kFile, AskedAttribute::accessList));
  CHECK(known.isAbsent(kFile, AskedAttribute::accessList));
  CHECK(!known.isAbsent(kFile, AskedAttribute::capabilities));
  known.forget(kFile);
  CHECK(!known.isAbsent(kFile, AskedAttribute::accessList));
  const FileNote question = known.asking(kFile, AskedAttribute::accessList);
  known.changing(kFile);
  known.learnAbsence(question);
  CHECK(!known.isAbsent(kFile, AskedAttribute::accessList));
}

TEST("tables that are full forget, and go on") {
  KnownFiles known;
  constexpr fuse_ino_t kMany = 200'000;
  for (fuse_ino_t inode = 2; inode < kMany; inode++) {
    known.learnAttributes(known.asking(inode), told(inode));
    known.learnAbsence(known.asking(inode, AskedAttribute::capabilities));
  }
  CHECK(!known.attributes(2).has_value());
  CHECK(!known.isAbsent(2, AskedAttribute::capabilities));
  CHECK(known.attributes(kMany - 1).has_value());
  CHECK(known.isAbsent(kMany - 1, AskedAttribute::capabilities));
}

TEST(
    "a file that was made here is known as such while its attributes are, and until anybody else may have changed it") {
  KnownFiles known;
  known.learnAttributes(known.asking(kFile), told(kFile, 5));
  CHECK(!known.madeFile(kFile).has_value());
  known.learnMade(kFile);
  CHECK(known.madeFile(kFile)->attributes.st_size == 5);
  known.changing(kFile);
  CHECK(!known.madeFile(kFile).has_value());
  known.learnAttributes(known.asking(kFile), told(kFile, 6));
  CHECK(known.madeFile(kFile)->attributes.st_size == 6);
  known.forget(kFile);
  known.learnAttributes(known.asking(kFile), told(kFile, 6));
  CHECK(!known.madeFile(kFile).has_value());
  known.learnMade(kFile);
  known.learnAttributes(known.asking(kLaterNode), told(kLaterNode, 7));
  CHECK(!known.madeFile(kFile).has_value());
  CHECK(!known.madeFile(kLaterNode).has_value());
}

}  // namespace

int main() { return runTests(); }
