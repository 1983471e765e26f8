// What the blob's functions are given by JavaScript (src/addon/native.ts has the shapes).
#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

#include "../core/blob/blob.h"
#include "arguments.h"

namespace packetfs {

constexpr std::uint64_t kPositionMax = (1ULL << kPositionBits) - 1;

struct Stretch {  // what to pack
  LogNumber log = 0;
  LogPosition start = 0, end = 0;
  std::uint64_t rawBytesMax = 0;
};

LogNumber logArgument(ArgumentReader& reader, Napi::Value value);
Stretch stretchArgument(ArgumentReader& reader, const Napi::Object& options);
/// [address, length] pairs.
std::vector<AddressRange> addressRanges(ArgumentReader& reader, Napi::Value value, const char* name);
/// Volume id, identity key and chunker, which everything that reads tables is given.
void readIdentity(ArgumentReader& reader, const Napi::Object& value, BlobOptions& options);

}  // namespace packetfs
