// What the disk is told to do wrong: errors of chosen operations on chosen files, delays, and syncs that lie.
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace faulty {

struct Verdict {
  int error = 0;  // errno to answer with
  bool lie = false;
  std::chrono::microseconds delay{0};
};

class Faults {
 public:
  /// `operation` is one of those counted below or `*`; `pattern` as fnmatch(3) takes it, on the path below the mount.
  struct Rule {
    std::string operation{};
    std::string pattern{};
    int error = 0;
    bool lie = false;
    std::chrono::microseconds delay{0};
    long skip = 0;    // operations that still go well
    long times = -1;  // then so many that do not; -1: all
  };

  void add(Rule rule) { rules_.push_back(std::move(rule)); }
  void clear() { rules_.clear(); }
  /// Counts the operation and says what becomes of it.
  Verdict judge(const std::string& operation, const std::string& path);
  [[nodiscard]] const std::map<std::string, long>& counts() const { return counts_; }

 private:
  std::vector<Rule> rules_{};
  std::map<std::string, long> counts_{};
};

}  // namespace faulty
