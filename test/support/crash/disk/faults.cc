// See faults.h.
#include "faults.h"

#include <fnmatch.h>

namespace faulty {

Verdict Faults::judge(const std::string& operation, const std::string& path) {
  counts_[operation]++;
  Verdict verdict;
  for (Rule& rule : rules_) {
    if (rule.operation != "*" && rule.operation != operation) continue;
    if (::fnmatch(rule.pattern.c_str(), path.c_str(), 0) != 0) continue;
    verdict.delay += rule.delay;
    if (rule.error == 0 && !rule.lie) continue;
    if (rule.skip > 0) {
      rule.skip--;
      continue;
    }
    if (rule.times == 0) continue;
    if (rule.times > 0) rule.times--;
    if (verdict.error == 0) verdict.error = rule.error;
    verdict.lie = verdict.lie || rule.lie;
  }
  return verdict;
}

}  // namespace faulty
