// How other napi files get at a content store: defined by content.cc, which makes the JavaScript object.
#pragma once
#include <napi.h>

#include <memory>

#include "../core/content/content_store.h"

namespace packetfs {

/// The store behind an object made by createContentStore; null for any other value.
std::shared_ptr<ContentStore> contentStoreOf(Napi::Value value);

}  // namespace packetfs
