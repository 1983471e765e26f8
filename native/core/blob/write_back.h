// A thread that has the disk write what was appended while more of it comes, so that the next sync waits for the rest
// alone (docs/design/0061). What is durable, sync() says. Thread-safe; the thread starts with the first range.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "segment.h"

namespace packetfs {

class WriteBack {
 public:
  WriteBack() = default;
  /// Forgets what has not begun.
  ~WriteBack();
  WriteBack(const WriteBack&) = delete;
  WriteBack& operator=(const WriteBack&) = delete;

  /// Never waits for the disk. Ranges of one segment are expected to follow each other.
  void begin(std::shared_ptr<Segment> segment, Segment::OffsetRange range);

 private:
  struct Task {
    std::shared_ptr<Segment> segment{};
    Segment::OffsetRange range{};
  };
  void serve();

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Task> queue_{};  // at most one of each segment, but for one that others came between
  bool ending_ = false;
  std::thread thread_{};
};

}  // namespace packetfs
