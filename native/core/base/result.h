// The outcome of a core operation: no exceptions cross core; napi/ turns a failed result into a coded error.
// errno values travel as they are; `what` is a sentence for the operator.
#pragma once
#include <cerrno>
#include <string>
#include <utility>

namespace packetfs {

struct Status {
  int error = 0;       // 0: fine; otherwise an errno value
  std::string what{};  // empty when fine

  [[nodiscard]] bool ok() const noexcept { return error == 0; }
  static Status success() { return {}; }
  static Status failure(int errorNumber, std::string sentence) { return {errorNumber, std::move(sentence)}; }
};

template <typename Value>
struct Result {
  Status status{};
  Value value{};

  [[nodiscard]] bool ok() const noexcept { return status.ok(); }
  Result(Value present) : value(std::move(present)) {}
  Result(Status failed) : status(std::move(failed)) {}
};

}  // namespace packetfs
