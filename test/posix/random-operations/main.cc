// random-operations: a checker in the manner of fsx, for any filesystem (see options.cc for its command line). It takes
// nothing but a directory; test/e2e/random-operations.test.ts runs it on mounts.
#include <cstdio>

#include "content_checker.h"
#include "options.h"
#include "tree_checker.h"

namespace packetfs::checker {
namespace {

template <typename Checker>
int check(const Options& options, const char* program) {
  Checker checker(options);
  try {
    checker.run();
  } catch (const Mismatch& mismatch) {
    std::fprintf(stderr, "MISMATCH at operation %llu, seed %llu: %s\n",
                 static_cast<unsigned long long>(checker.history().number()),
                 static_cast<unsigned long long>(options.seed), mismatch.what());
    std::fprintf(stderr, "the last operations on file %llu:\n", static_cast<unsigned long long>(mismatch.subject));
    checker.history().print(mismatch.subject, options.historyShown);
    std::fprintf(stderr, "again: %s\n", replayCommand(options, program).c_str());
    return 1;
  }
  std::printf("%s: seed %llu, %llu operations, no mismatch\n", options.kind.c_str(),
              static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(options.operations));
  return 0;
}

}  // namespace
}  // namespace packetfs::checker

int main(int count, char** values) {
  using namespace packetfs::checker;
  const Options options = parseOptions(count, values);
  return options.kind == "content" ? check<ContentChecker>(options, values[0]) : check<TreeChecker>(options, values[0]);
}
