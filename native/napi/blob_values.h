// What the blob's functions give to JavaScript (src/addon/native.ts has the shapes).
#pragma once
#include <napi.h>

#include <string>
#include <vector>

#include "../core/blob/blob.h"
#include "../core/blob/seed_index.h"

namespace packetfs {

struct SeedsAdded {
  std::uint64_t files = 0, bytes = 0;
  bool isFull = false;                  // there is no room for more
  std::vector<std::string> failures{};  // with their paths
};

Napi::Value number(Napi::Env env, std::uint64_t value);
Napi::Value segmentStates(Napi::Env env, std::vector<SegmentState>&& states);
Napi::Value marksToArray(Napi::Env env, std::vector<HighWaterMark>&& marks);
Napi::Value literalToObject(Napi::Env env, Blob::Literal&& literal);
Napi::Value filledRecipeToObject(Napi::Env env, Blob::FilledRecipe&& filled);
Napi::Value outcomeToObject(Napi::Env env, Blob::ScrubOutcome&& outcome);
Napi::Value seedsAddedToObject(Napi::Env env, SeedsAdded&& added);
Napi::Value addressesToArray(Napi::Env env, const std::vector<BlobAddress>& addresses);
Napi::Value indexCheckToObject(Napi::Env env, Blob::IndexCheck&& check);

}  // namespace packetfs
