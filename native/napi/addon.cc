// The module: calls each room's registration (rooms.h). Nothing else lives here.
#include <napi.h>

#include "arguments.h"
#include "rooms.h"

namespace {

Napi::Object registerRooms(Napi::Env env, Napi::Object exports) {
  packetfs::registerSystem(env, exports);
  if (env.IsExceptionPending()) return exports;  // PFS_SIMD asks for what is not there
  packetfs::registerChunk(env, exports);
  packetfs::registerAead(env, exports);
  packetfs::registerBlob(env, exports);
  packetfs::registerInspect(env, exports);
  packetfs::registerUdp(env, exports);
  packetfs::registerJournal(env, exports);
  packetfs::registerContent(env, exports);
  packetfs::registerFuse(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(packetfs, registerRooms)
