// What one file has that no fsync has made durable. The file itself always shows the newest bytes; kept here is what to
// put back when the power goes: the sectors as they were before each write, and the sizes.
#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace faulty {

/// What a power cut does to unsynced bytes.
enum class Loss {
  everything,  // nothing that was not synced is there
  nothing,     // the kernel had written all of it
  random,      // each file its own way: lost, kept, cut off at some write, or torn by pages or by sectors
};

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kPageBytes = 4096;

class UnsyncedFile {
 public:
  /// `descriptor` stays open until the file is forgotten, so that its inode is not used again.
  explicit UnsyncedFile(int descriptor) : descriptor_(descriptor) {}
  UnsyncedFile(const UnsyncedFile&) = delete;
  UnsyncedFile& operator=(const UnsyncedFile&) = delete;
  ~UnsyncedFile();

  // Before the change is made.
  void willWrite(std::uint64_t offset, std::uint64_t length);
  void willResize(std::uint64_t size);

  void synced();
  /// As Linux does: the pages count as clean, what they hold is not on the disk, and no later fsync brings it there.
  void syncFailed();
  /// Sectors lost.
  std::uint64_t lose(Loss loss, std::mt19937_64& random);

 private:
  using Sector = std::vector<std::uint8_t>;
  struct Record {
    bool resizes = false;
    std::uint64_t sizeBefore = 0;
    std::map<std::uint64_t, Sector> before{};  // by sector number
  };
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::map<std::uint64_t, Sector> sectors(std::uint64_t start, std::uint64_t end) const;
  void restore(std::uint64_t sector, const Sector& bytes);
  void undo(const Record& record);
  std::uint64_t undoFrom(std::size_t first);
  std::uint64_t tear(std::uint64_t unitSectors, std::mt19937_64& random);
  void chooseSize(std::mt19937_64& random);
  std::uint64_t restoreDoomed();

  int descriptor_;
  std::vector<Record> records_{};
  std::map<std::uint64_t, Sector> doomed_{};  // what a failed fsync left in memory only, as it is on the disk
};

}  // namespace faulty
