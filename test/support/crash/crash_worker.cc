// crash-worker MOUNT POOL (SCRIPT PROGRESS)…: does what each script says below MOUNT, one thread a script, and writes
// to PROGRESS, outside of the mount, how many of its lines have returned (u32) and the errno that ended it (i32; 0:
// none). So what was acknowledged is known whatever becomes of the mount. Bytes to write are slices of POOL. The
// scripts' lines are what script.ts makes; paths are relative to MOUNT.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

class Worker {
 public:
  Worker(int mount, const std::string& pool, std::string script, const std::string& progress)
      : mount_(mount), pool_(pool), script_(std::move(script)) {
    progress_ = ::open(progress.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    report(0);
  }

  void run() {
    std::ifstream script(script_);
    std::string line;
    while (std::getline(script, line)) {
      std::istringstream words(line);
      if (!perform(words)) {
        report(errno);
        return;
      }
      done_++;
      report(0);
    }
  }

 private:
  void report(int error) {
    std::uint32_t values[2] = {done_, static_cast<std::uint32_t>(error)};
    if (::pwrite(progress_, values, sizeof(values), 0) < 0) std::perror("progress");
  }

  int& slot(std::istringstream& words) {
    int number = 0;
    words >> number;
    return slots_[number];
  }

  bool writeSlice(int descriptor, long offset, std::istringstream& words) {
    std::size_t start = 0;
    std::size_t length = 0;
    words >> start >> length;
    while (length > 0) {
      const ssize_t count = offset < 0 ? ::write(descriptor, pool_.data() + start, length)
                                       : ::pwrite(descriptor, pool_.data() + start, length, offset);
      if (count < 0) return false;
      start += static_cast<std::size_t>(count);
      length -= static_cast<std::size_t>(count);
      if (offset >= 0) offset += count;
    }
    return true;
  }

  bool syncDirectory(const std::string& path) {
    const int directory = ::openat(mount_, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return false;
    const bool synced = ::fsync(directory) == 0;
    const int error = errno;
    ::close(directory);
    errno = error;
    return synced;
  }

  bool perform(std::istringstream& words) {
    std::string command, first, second;
    words >> command;
    long number = 0;
    if (command == "create" || command == "open" || command == "append-open") {
      int& descriptor = slot(words);
      words >> first;
      const int flags = command == "create" ? O_CREAT | O_EXCL : command == "open" ? 0 : O_APPEND;
      descriptor = ::openat(mount_, first.c_str(), O_RDWR | O_CLOEXEC | flags, 0644);
      return descriptor >= 0;
    }
    if (command == "pwrite") {
      const int descriptor = slot(words);
      words >> number;
      return writeSlice(descriptor, number, words);
    }
    if (command == "append") return writeSlice(slot(words), -1, words);
    if (command == "fsync") return ::fsync(slot(words)) == 0;
    if (command == "fdatasync") return ::fdatasync(slot(words)) == 0;
    if (command == "ftruncate") {
      const int descriptor = slot(words);
      words >> number;
      return ::ftruncate(descriptor, number) == 0;
    }
    if (command == "close") return ::close(slot(words)) == 0;
    words >> first >> second;
    const std::string place = "/proc/self/fd/" + std::to_string(mount_) + "/" + first;
    if (command == "truncate") return ::truncate(place.c_str(), std::stol(second)) == 0;
    if (command == "rename") return ::renameat(mount_, first.c_str(), mount_, second.c_str()) == 0;
    if (command == "link") return ::linkat(mount_, first.c_str(), mount_, second.c_str(), 0) == 0;
    if (command == "symlink") return ::symlinkat(first.c_str(), mount_, second.c_str()) == 0;
    if (command == "unlink") return ::unlinkat(mount_, first.c_str(), 0) == 0;
    if (command == "mkdir") return ::mkdirat(mount_, first.c_str(), 0755) == 0;
    if (command == "rmdir") return ::unlinkat(mount_, first.c_str(), AT_REMOVEDIR) == 0;
    if (command == "chmod") return ::chmod(place.c_str(), static_cast<mode_t>(std::stol(second))) == 0;
    if (command == "syncdir") return syncDirectory(first);
    if (command == "setxattr") {
      return ::setxattr(place.c_str(), "user.crash", second.data(), second.size(), 0) == 0;
    }
    std::fprintf(stderr, "unknown command %s\n", command.c_str());
    std::abort();
  }

  int mount_;
  const std::string& pool_;
  std::string script_;
  int progress_ = -1;
  std::uint32_t done_ = 0;
  std::map<int, int> slots_{};
};

}  // namespace

int main(int count, char** values) {
  if (count < 5) return 1;
  const int mount = ::open(values[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (mount < 0) {
    std::perror(values[1]);
    return 1;
  }
  std::ifstream file(values[2], std::ios::binary);
  const std::string pool{std::istreambuf_iterator<char>(file), {}};
  std::vector<Worker> workers;
  for (int i = 3; i + 1 < count; i += 2) workers.emplace_back(mount, pool, values[i], values[i + 1]);
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  for (std::thread& thread : threads) thread.join();
  return 0;
}
