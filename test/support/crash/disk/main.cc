// faulty-disk BACKING MOUNTPOINT: mounts BACKING/tree and obeys commands on standard input, one a line, each answered
// with one line. Ends when it is unmounted.
//   fault OPERATION PATTERN ERRNO SKIP TIMES   operations fail (TIMES -1: from then on)
//   delay OPERATION PATTERN MICROSECONDS       operations are slow
//   lie OPERATION PATTERN                      fsync or fsyncdir succeeds and does nothing
//   clear                                      no more of these
//   counts                                     operations so far
//   stop                                       the power goes: nothing succeeds any more
//   cut everything|nothing|random SEED         what a power cut now leaves; implies stop
#include <sys/stat.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <thread>

#include "operations.h"

namespace faulty {
namespace {

std::string countsOf(const Faults& faults) {
  std::ostringstream text;
  for (const auto& [operation, count] : faults.counts()) text << ' ' << operation << '=' << count;
  return text.str();
}

std::string cut(Disk& disk, std::istringstream& line) {
  std::string mode;
  std::uint64_t seed = 0;
  line >> mode >> seed;
  const Loss loss = mode == "everything" ? Loss::everything : mode == "nothing" ? Loss::nothing : Loss::random;
  const Disk::Losses losses = disk.lose(loss, seed);
  return "ok sectors=" + std::to_string(losses.sectors) + " names=" + std::to_string(losses.names);
}

std::string obey(Disk& disk, const std::string& text) {
  std::istringstream line(text);
  std::string command;
  Faults::Rule rule;
  line >> command;
  std::lock_guard lock(disk.mutex());
  if (command == "fault") {
    line >> rule.operation >> rule.pattern >> rule.error >> rule.skip >> rule.times;
    disk.faults().add(rule);
  } else if (command == "delay") {
    long microseconds = 0;
    line >> rule.operation >> rule.pattern >> microseconds;
    rule.delay = std::chrono::microseconds(microseconds);
    disk.faults().add(rule);
  } else if (command == "lie") {
    line >> rule.operation >> rule.pattern;
    rule.lie = true;
    disk.faults().add(rule);
  } else if (command == "clear") {
    disk.faults().clear();
  } else if (command == "counts") {
    return "ok" + countsOf(disk.faults());
  } else if (command == "stop") {
    disk.stop();
  } else if (command == "cut") {
    return cut(disk, line);
  } else {
    return "unknown command: " + text;
  }
  return line.fail() ? "bad parameters: " + text : "ok";
}

void obeyAll(Disk& disk) {
  std::string line;
  while (std::getline(std::cin, line)) std::cout << obey(disk, line) << std::endl;
}

}  // namespace
}  // namespace faulty

int main(int count, char** values) {
  if (count != 3) {
    std::cerr << "usage: faulty-disk BACKING MOUNTPOINT\n";
    return 1;
  }
  const std::string backing = values[1];
  for (const char* directory : {"/tree", "/aside"}) ::mkdir((backing + directory).c_str(), 0755);
  faulty::Disk disk(backing);
  std::string program = "faulty-disk", flag = "-o", options = "fsname=faulty-disk,allow_other";
  char* arguments[] = {program.data(), flag.data(), options.data(), nullptr};
  struct fuse_args parsed = FUSE_ARGS_INIT(3, arguments);
  struct fuse* filesystem = fuse_new(&parsed, &faulty::operations(), sizeof(struct fuse_operations), &disk);
  if (filesystem == nullptr || fuse_mount(filesystem, values[2]) != 0) return 1;
  std::thread([&disk] { faulty::obeyAll(disk); }).detach();
  struct fuse_loop_config* settings = fuse_loop_cfg_create();
  fuse_loop_cfg_set_max_threads(settings, 8);
  const int outcome = fuse_loop_mt(filesystem, settings);
  fuse_loop_cfg_destroy(settings);
  std::quick_exit(outcome == 0 ? 0 : 1);  // a command may still be read
}
