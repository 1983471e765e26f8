// See options.h.
#include "options.h"

#include <cstdio>
#include <cstdlib>

namespace packetfs::checker {
namespace {

constexpr const char* kUsage =
    "usage: random-operations DIRECTORY [--kind content|tree] [--seed N] [--operations N] [--size BYTES]\n"
    "         [--far PERCENT] [--verify-every N] [--history N] [--remount COMMAND --remount-every N] [--kill COMMAND "
    "--kill-every N]\n"
    "Makes random operations in a directory of its own below DIRECTORY, holds each result against a model in memory "
    "and\n"
    "exits 1 at the first mismatch. The commands run by sh when everything is closed (--remount) or while files are "
    "open\n"
    "(--kill: what was written and neither synced nor closed may then be lost, all else may not).\n";

[[noreturn]] void refuse(const std::string& sentence) {
  std::fprintf(stderr, "random-operations: %s\n%s", sentence.c_str(), kUsage);
  std::exit(2);
}

std::uint64_t numberOf(const std::string& name, const char* value) {
  char* end = nullptr;
  const std::uint64_t number = std::strtoull(value, &end, 10);
  if (end == value || *end != '\0') refuse(name + " takes a number");
  return number;
}

void assign(Options& options, const std::string& name, const char* value) {
  if (name == "--kind") {
    options.kind = value;
  } else if (name == "--seed") {
    options.seed = numberOf(name, value);
  } else if (name == "--operations") {
    options.operations = numberOf(name, value);
  } else if (name == "--size") {
    options.sizeMax = numberOf(name, value);
  } else if (name == "--far") {
    options.farPercent = numberOf(name, value);
  } else if (name == "--verify-every") {
    options.verifyEvery = numberOf(name, value);
  } else if (name == "--history") {
    options.historyShown = numberOf(name, value);
  } else if (name == "--remount") {
    options.remountCommand = value;
  } else if (name == "--remount-every") {
    options.remountEvery = numberOf(name, value);
  } else if (name == "--kill") {
    options.killCommand = value;
  } else if (name == "--kill-every") {
    options.killEvery = numberOf(name, value);
  } else {
    refuse("unknown option " + name);
  }
}

}  // namespace

Options parseOptions(int count, char** values) {
  Options options;
  for (int i = 1; i < count; i++) {
    const std::string argument = values[i];
    if (argument.starts_with("--")) {
      if (i + 1 == count) refuse(argument + " takes a value");
      assign(options, argument, values[++i]);
    } else if (options.directory.empty()) {
      options.directory = argument;
    } else {
      refuse("one directory, please");
    }
  }
  if (options.directory.empty()) refuse("no directory");
  if (options.kind != "content" && options.kind != "tree") refuse("--kind is content or tree");
  if (options.sizeMax < 16 * 1024 || options.sizeMax % 4096 != 0)
    refuse("--size is a multiple of 4096, at least 16384");
  if (options.verifyEvery == 0) refuse("--verify-every is at least 1");
  return options;
}

std::string replayCommand(const Options& options, const char* program) {
  const auto number = [](const char* name, std::uint64_t value) {
    return std::string(" ") + name + " " + std::to_string(value);
  };
  std::string command = std::string(program) + " " + options.directory + " --kind " + options.kind;
  command += number("--seed", options.seed) + number("--operations", options.operations);
  command += number("--size", options.sizeMax) + number("--far", options.farPercent) +
             number("--verify-every", options.verifyEvery);
  if (options.remountEvery > 0) {
    command += " --remount '" + options.remountCommand + "'" + number("--remount-every", options.remountEvery);
  }
  if (options.killEvery > 0) {
    command += " --kill '" + options.killCommand + "'" + number("--kill-every", options.killEvery);
  }
  return command;
}

}  // namespace packetfs::checker
