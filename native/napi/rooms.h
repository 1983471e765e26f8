// One registration function for each napi file, called by addon.cc; a room adds its functions to `exports` under the
// names of src/addon/native.ts. May be called once per environment (main thread, worker threads): no global state.
#pragma once
#include <napi.h>

namespace packetfs {

void registerChunk(Napi::Env env, Napi::Object exports);
void registerBlob(Napi::Env env, Napi::Object exports);
void registerInspect(Napi::Env env, Napi::Object exports);
void registerJournal(Napi::Env env, Napi::Object exports);
void registerContent(Napi::Env env, Napi::Object exports);
void registerFuse(Napi::Env env, Napi::Object exports);
void registerUdp(Napi::Env env, Napi::Object exports);
void registerAead(Napi::Env env, Napi::Object exports);
void registerSystem(Napi::Env env, Napi::Object exports);

}  // namespace packetfs
