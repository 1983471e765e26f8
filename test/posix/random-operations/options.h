// The command line: what to check, where, and how the filesystem is taken away and brought back meanwhile.
#pragma once
#include <cstdint>
#include <string>

namespace packetfs::checker {

struct Options {
  std::string directory{};
  std::string kind = "content";  // or "tree"
  std::uint64_t seed = 1;
  std::uint64_t operations = 10'000;
  std::uint64_t sizeMax = 256 * 1024;  // of a file, beyond its base
  std::uint64_t farPercent = 33;       // of the files: how many begin far behind a hole of 4 GiB or 8 TiB
  std::uint64_t verifyEvery = 2'000;
  std::string remountCommand{};  // unmounts and mounts the same state again
  std::uint64_t remountEvery = 0;
  std::string killCommand{};  // kills what serves the mount, and mounts again
  std::uint64_t killEvery = 0;
  std::uint64_t historyShown = 40;
};

/// Prints what is wrong and exits 2 when the arguments cannot be used.
Options parseOptions(int count, char** values);
/// The command that repeats the run.
std::string replayCommand(const Options& options, const char* program);

}  // namespace packetfs::checker
