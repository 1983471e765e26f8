// The priority of one thread (nice(2), which Linux keeps per thread): more than others while much waits for it.
#pragma once

namespace packetfs {

/// Of the one thread that calls `prefer`. A nice value other than 0 or a policy (sched(7)) that somebody chose stays,
/// also one of later, as does everything where the process may not go below 0 (CAP_SYS_NICE). Threads and processes
/// that a preferred thread makes are not preferred.
class ThreadPriority {
 public:
  void prefer(bool isPreferred);

 private:
  void raise();
  void lower();

  bool isRaised_ = false;
  bool mayNot_ = false;
};

}  // namespace packetfs
