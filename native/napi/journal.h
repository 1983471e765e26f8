// How other napi files get at a journal: defined by journal.cc, which makes the JavaScript object.
#pragma once
#include <napi.h>

#include <memory>

#include "../core/journal/journal.h"

namespace packetfs {

/// The journal behind an object made by createJournal; null for any other value.
std::shared_ptr<Journal> journalOf(Napi::Value value);

}  // namespace packetfs
