// A full disk: ENOSPC comes out, what was stored stays whole, and with room again everything goes on. On a small tmpfs,
// so it needs the right to mount; without it the test says so and passes nothing.
#include <sys/mount.h>

#include <algorithm>

#include "../../native/core/content/content_store.h"
#include "blob_support.h"

using namespace packetfs;
using namespace packetfs::test;

namespace {

class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("tmpfs", scratch_.path().c_str(), "tmpfs", 0, "size=8m") == 0; }
  ~SmallDisk() {
    if (mounted_) ::umount2(scratch_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::string blobPath() const { return scratch_.path() + "/blob"; }
  [[nodiscard]] std::string ballastPath() const { return scratch_.path() + "/ballast"; }

 private:
  Scratch scratch_{};
  bool mounted_ = false;
};

}  // namespace

TEST("a full disk gives ENOSPC, loses nothing that was stored, and room again lets it go on") {
  auto random = seededRandom();
  SmallDisk disk;
  if (!disk.mounted()) {
    std::printf("  may not mount a tmpfs: not tested\n");
    return;
  }
  { std::ofstream(disk.ballastPath(), std::ios::binary) << std::string(4 << 20, 'b'); }
  std::vector<std::uint8_t> stored;
  {
    auto [blob, segments] = openBlob(disk.blobPath());
    ExtentList extents;
    int refusals = 0;
    for (int round = 0; round < 200 && refusals < 20; round++) {
      const auto bytes = randomBytes(random, 1 + random() % 120'000);
      auto result = blob->ingest(stored.size(), bytes.data(), bytes.size());
      if (!result.ok()) {
        CHECK(result.status.error == ENOSPC);
        refusals++;
        continue;
      }
      extents.insert(extents.end(), result.value.begin(), result.value.end());
      stored.insert(stored.end(), bytes.begin(), bytes.end());
    }
    CHECK(refusals == 20 && stored.size() > 3'000'000);
    CHECK(readBack(*blob, extents, stored.size()) == stored);
    CHECK(blob->sync().ok());

    auto store = ContentStore::create(blob, 200'000);
    store->open(1, 0, {});
    const auto page = randomBytes(random, 150'000);
    CHECK(store->write(1, 0, page.data(), page.size()).ok());
    CHECK(store->write(1, page.size(), page.data(), page.size()).error == ENOSPC);
    CHECK(store->ingest(1).error == ENOSPC);
    std::filesystem::remove(disk.ballastPath());
    CHECK(store->ingest(1).ok());
    std::vector<std::uint8_t> read(page.size() + 1);
    CHECK(store->read(1, 0, read.data(), read.size()).value == page.size());
    read.pop_back();
    CHECK(read == page && blob->sync().ok());
    CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
  }
  auto [blob, segments] = openBlob(disk.blobPath());
  CHECK(segments.size() == 1 && !segments[0].torn && !segments[0].corrupt);
  CHECK(blob->scrubSegment(kLog, 0).value.findings.empty());
}

int main() { return runTests(); }
