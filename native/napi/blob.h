// How other napi files get at a blob: defined by blob.cc, which makes the JavaScript object.
#pragma once
#include <napi.h>

#include <memory>

#include "../core/blob/blob.h"
#include "arguments.h"

namespace packetfs {

/// Volume id, identity key and chunker, which everything that reads tables is given.
void readIdentity(ArgumentReader& reader, const Napi::Object& value, BlobOptions& options);

/// The blob behind an object made by openBlob; null for any other value.
std::shared_ptr<Blob> blobOf(Napi::Value value);

}  // namespace packetfs
