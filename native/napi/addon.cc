// The module: calls each room's registration (rooms.h). Nothing else lives here.
#include <napi.h>

#include "arguments.h"
#include "rooms.h"

namespace {

Napi::Object registerRooms([[maybe_unused]] Napi::Env env, Napi::Object exports) {
  return exports;
}

}  // namespace

NODE_API_MODULE(packetfs, registerRooms)
