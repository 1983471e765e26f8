// How other napi files get at a blob: defined by blob.cc, which makes the JavaScript object.
#pragma once
#include <napi.h>

#include <memory>

#include "../core/blob/blob.h"

namespace packetfs {

/// The blob behind an object made by openBlob; null for any other value.
std::shared_ptr<Blob> blobOf(Napi::Value value);

}  // namespace packetfs
