// An advisory lock on a file, held as long as its owner lives: what keeps two daemons off one state directory.
#pragma once
#include <optional>
#include <string>

#include "file_descriptor.h"
#include "result.h"

namespace packetfs {

class FileLock {
 public:
  /// flock(2) exclusive and non-blocking on `path`, created (0600) where missing; empty when somebody else holds it.
  static Result<std::optional<FileLock>> acquire(const std::string& path);

 private:
  explicit FileLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace packetfs
