// sd_notify(3) without libsystemd.
#pragma once
#include <string>

#include "result.h"

namespace packetfs {

/// Sends `state` ("READY=1") to NOTIFY_SOCKET; false when that is not set.
Result<bool> notifyServiceManager(const std::string& state);

}  // namespace packetfs
