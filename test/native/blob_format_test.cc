// The bytes on disk are those that docs/format/blob.md and wire.md show.
#include <algorithm>
#include <sstream>

#include "../../native/core/blob/literal_frame.h"
#include "../../native/core/blob/table_format.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

/// The hex dump that follows the heading in a document: lines of "offset  bytes"; what is not shown is zero.
static std::vector<std::uint8_t> example(const std::string& document, const std::string& heading) {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../../docs/format" / document);
  CHECK(file.good());
  std::vector<std::uint8_t> bytes;
  std::string line;
  bool under = false;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) under = line == heading;
    if (under && line.starts_with("```")) {
      if (inside) break;
      inside = true;
    } else if (under && inside) {
      std::istringstream fields(line);
      std::string field;
      fields >> field;
      const std::size_t offset = std::stoul(field, nullptr, 16);
      while (fields >> field) {
        bytes.resize(std::max(bytes.size(), offset));
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(field, nullptr, 16)));
      }
    }
  }
  return bytes;
}

static void dump(const char* title, const std::vector<std::uint8_t>& bytes) {
  std::printf("%s\n", title);
  for (std::size_t row = 0; row < bytes.size(); row += 16) {
    const std::size_t end = std::min(bytes.size(), row + 16);
    if (std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(row), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                    [](std::uint8_t byte) { return byte == 0; })) {
      continue;
    }
    std::printf("%04zx ", row);
    for (std::size_t i = row; i < end; i++) std::printf(" %02x", bytes[i]);
    std::printf("\n");
  }
}

static void compare(const char* title, const std::vector<std::uint8_t>& found,
                    const std::vector<std::uint8_t>& expected) {
  CHECK(found == expected);
  if (found != expected) dump(title, found);
}

TEST("the files of the worked example are those of blob.md, its literal frame that of wire.md") {
  Scratch scratch;
  auto [blob, segments] = openBlob(scratch.path());
  const std::uint8_t bytes[] = {'h', 'e', 'l', 'l', 'o', 'a', 'b', 'c'};
  CHECK(blob->ingest(0, bytes, 5).ok());
  CHECK(blob->ingest(0, bytes + 5, 3).ok());
  auto literal = blob->packLiteral(kLog, 0, 8, 100, 3);
  CHECK(literal.ok());
  blob->close();
  CHECK(fileBytes(dataPath(scratch.path())) == std::vector<std::uint8_t>(bytes, bytes + 8));
  compare("00000.chunks", fileBytes(tablePath(scratch.path())), example("blob.md", "## Worked example"));
  compare("literal", literal.value.frame, example("wire.md", "### Worked example of a literal"));
  std::vector<std::uint8_t> base;
  appendBaseRanges(base, std::vector<BaseRange>{{"", 5, 3}, {"example-2", 0, 300}, {"example-2", 400, 10}});
  compare("base", base, example("wire.md", "### Worked example of a base"));
}

TEST("records, footers, headers and marks with any flipped bit are refused") {
  const TableIdentity identity{blobOptions("").volumeId,
                               chunkerId(blobOptions("").identityKey, blobOptions("").chunker), kLogName, 5};
  std::uint8_t header[kTableHeaderBytes];
  encodeHeader(identity, header);
  CHECK(checkHeader(identity, header) == HeaderCheck::valid);
  TableIdentity other = identity;
  other.segment++;
  CHECK(checkHeader(other, header) == HeaderCheck::foreign);
  for (std::size_t bit = 0; bit < 176 * 8; bit++) {
    header[bit / 8] = static_cast<std::uint8_t>(header[bit / 8] ^ (1U << bit % 8));
    CHECK(checkHeader(identity, header) == HeaderCheck::damaged);
    header[bit / 8] = static_cast<std::uint8_t>(header[bit / 8] ^ (1U << bit % 8));
  }
  std::uint8_t record[kTableRecordBytes];
  std::uint8_t footer[kTableRecordBytes];
  encodeRecord({100, 200, {}, 300}, record);
  encodeFooter({7, 8, {}}, footer);
  TableRecord decoded;
  TableFooter decodedFooter;
  CHECK(decodeRecord(record, 24576, decoded) && decoded.offset == 100 && decoded.length == 200 &&
        decoded.dataCrc == 300);
  CHECK(!decodeRecord(record, 199, decoded));
  CHECK(decodeFooter(footer, decodedFooter) && decodedFooter.records == 7 && decodedFooter.dataBytes == 8);
  for (std::size_t bit = 0; bit < kTableRecordBytes * 8; bit++) {
    record[bit / 8] = static_cast<std::uint8_t>(record[bit / 8] ^ (1U << bit % 8));
    footer[bit / 8] = static_cast<std::uint8_t>(footer[bit / 8] ^ (1U << bit % 8));
    CHECK(!decodeRecord(record, 24576, decoded));
    CHECK(!decodeFooter(footer, decodedFooter));
    record[bit / 8] = static_cast<std::uint8_t>(record[bit / 8] ^ (1U << bit % 8));
    footer[bit / 8] = static_cast<std::uint8_t>(footer[bit / 8] ^ (1U << bit % 8));
  }
  std::uint8_t mark[kSyncMarkBytes];
  encodeSyncMark(77, mark);
  CHECK(decodeSyncMark(mark) == 77);
  mark[0] ^= 1;
  CHECK(decodeSyncMark(mark) == 0);
}

int main() { return runTests(); }
