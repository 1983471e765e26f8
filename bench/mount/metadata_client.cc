// The client of the metadata measurements: CLIENTS processes, each in a directory of its own, start together and do one
// kind of operation on every one of their files. Prints the wall time from the common start to the last end.
// Usage: metadata_client OPERATION DIRECTORY FILES CLIENTS    (FILES: of each client)
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kReadings = 4;  // of a whole directory

/// Shared by the processes: who is ready, and when each of them ended.
struct Barrier {
  std::atomic<int> ready{0};
  std::atomic<bool> start{false};
};

[[noreturn]] void fail(const char* what, const std::string& name) {
  std::fprintf(stderr, "metadata_client: %s %s: %s\n", what, name.c_str(), std::strerror(errno));
  std::_Exit(1);
}

void require(bool succeeded, const char* what, const std::string& name) {
  if (!succeeded) fail(what, name);
}

void createFile(const std::string& name) {
  const int fd = open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  require(fd >= 0, "create", name);
  require(close(fd) == 0, "close", name);
}

void statFile(const std::string& name) {
  struct stat attributes {};
  require(lstat(name.c_str(), &attributes) == 0, "stat", name);
}

void openFile(const std::string& name) {
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd >= 0, "open", name);
  require(close(fd) == 0, "close", name);
}

void renameFile(const std::string& name) {
  const std::string other = name + ".renamed";
  require(rename(name.c_str(), other.c_str()) == 0, "rename", name);
}

/// After `rename` the files have their second name.
void renameFileBack(const std::string& name) {
  const std::string other = name + ".renamed";
  require(rename(other.c_str(), name.c_str()) == 0, "rename", name);
}

void unlinkFile(const std::string& name) { require(unlink(name.c_str()) == 0, "unlink", name); }
void makeDirectory(const std::string& name) { require(mkdir(name.c_str(), 0755) == 0, "mkdir", name); }
void removeDirectory(const std::string& name) { require(rmdir(name.c_str()) == 0, "rmdir", name); }

const std::map<std::string, void (*)(const std::string&)> kOperations = {
    {"create", createFile},   {"stat", statFile},     {"open", openFile},       {"rename", renameFile},
    {"back", renameFileBack}, {"unlink", unlinkFile}, {"mkdir", makeDirectory}, {"rmdir", removeDirectory},
};

/// Files seen: every one of them several times. Not all filesystems list `.` and `..`.
long readDirectory(const std::string& directory) {
  long entries = 0;
  for (int reading = 0; reading < kReadings; ++reading) {
    DIR* stream = opendir(directory.c_str());
    require(stream != nullptr, "opendir", directory);
    while (const dirent* entry = readdir(stream)) entries += entry->d_name[0] == '.' ? 0 : 1;
    closedir(stream);
  }
  return entries;
}

/// In creation order for what makes or removes entries, shuffled for what looks them up.
std::vector<std::string> namesOf(const std::string& directory, int files, bool shuffled) {
  std::vector<int> numbers(static_cast<std::size_t>(files));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (shuffled) std::shuffle(numbers.begin(), numbers.end(), std::mt19937(1));
  std::vector<std::string> names;
  names.reserve(numbers.size());
  for (const int number : numbers) names.push_back(directory + "/file-" + std::to_string(number));
  return names;
}

void work(const std::string& operation, const std::string& directory, int files, Barrier& barrier) {
  const bool looksUp = operation == "stat" || operation == "open";
  const auto names = namesOf(directory, files, looksUp);
  ++barrier.ready;
  while (!barrier.start) usleep(100);
  if (operation == "readdir") {
    const long expected = static_cast<long>(kReadings) * files;
    if (readDirectory(directory) != expected) fail("readdir misses entries of", directory);
    return;
  }
  const auto perform = kOperations.at(operation);
  for (const auto& name : names) perform(name);
}

void forkClients(const std::string& operation, const std::string& directory, int files, int clients, Barrier& barrier) {
  for (int client = 0; client < clients; ++client) {
    const std::string own = directory + "/client-" + std::to_string(client);
    if (mkdir(own.c_str(), 0755) != 0) require(errno == EEXIST, "mkdir", own);
    const pid_t child = fork();
    require(child >= 0, "fork", own);
    if (child != 0) continue;
    work(operation, own, files, barrier);
    std::_Exit(0);
  }
}

double measure(const std::string& operation, const std::string& directory, int files, int clients) {
  void* memory = mmap(nullptr, sizeof(Barrier), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap", "the barrier");
  auto& barrier = *new (memory) Barrier;
  forkClients(operation, directory, files, clients, barrier);
  while (barrier.ready < clients) usleep(100);
  const auto started = Clock::now();
  barrier.start = true;
  bool failed = false;
  for (int client = 0; client < clients; ++client) {
    int status = 0;
    wait(&status);
    failed |= status != 0;
  }
  const std::chrono::duration<double> elapsed = Clock::now() - started;
  if (failed) std::exit(1);
  return elapsed.count();
}

}  // namespace

int main(int count, char** parameters) {
  if (count != 5 || (kOperations.count(parameters[1]) == 0 && std::string(parameters[1]) != "readdir")) {
    std::fprintf(stderr, "usage: metadata_client OPERATION DIRECTORY FILES CLIENTS\n");
    return 2;
  }
  const int files = std::atoi(parameters[3]);
  const int clients = std::atoi(parameters[4]);
  const double seconds = measure(parameters[1], parameters[2], files, clients);
  const long each = std::string(parameters[1]) == "readdir" ? static_cast<long>(kReadings) * files : files;
  std::printf("{\"operations\": %ld, \"seconds\": %.6f}\n", each * clients, seconds);
  return 0;
}
