// What the blob's functions give to JavaScript (src/addon/native.ts has the shapes).
#pragma once
#include <napi.h>

#include <vector>

#include "../core/blob/blob.h"

namespace packetfs {

Napi::Value number(Napi::Env env, std::uint64_t value);
Napi::Value segmentStates(Napi::Env env, std::vector<SegmentState>&& states);
Napi::Value marksToArray(Napi::Env env, std::vector<HighWaterMark>&& marks);
Napi::Value literalToObject(Napi::Env env, Blob::Literal&& literal);
Napi::Value outcomeToObject(Napi::Env env, Blob::ScrubOutcome&& outcome);
Napi::Value addressesToArray(Napi::Env env, const std::vector<BlobAddress>& addresses);
Napi::Value indexCheckToObject(Napi::Env env, Blob::IndexCheck&& check);

}  // namespace packetfs
