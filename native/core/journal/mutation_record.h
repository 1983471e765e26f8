// Changes of the namespace that the session makes itself, as records of the journal: packetfs.Mutation of
// src/wire/packetfs.proto, byte for byte as JavaScript writes it (src/namespace/journal-records.ts). Times are
// nanoseconds since 1970.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "../base/address.h"

namespace packetfs {

struct CreatedInode {
  std::uint64_t inode = 0, parent = 0;
  std::string_view name{};
  std::uint32_t mode = 0, uid = 0, gid = 0;
};

/// Those that are not set stay as they are.
struct ChangedAttributes {
  std::uint64_t inode = 0;
  std::optional<std::uint32_t> mode{}, uid{}, gid{};
  std::optional<std::int64_t> accessedNs{}, modifiedNs{};
};

/// A version of a file, which gets its number where the record is done again. `replaced`: ranges of the file, without
/// addresses; `extents` cover them.
struct ChangedContent {
  std::uint64_t inode = 0, size = 0;
  std::optional<std::int64_t> modifiedNs{};
  std::span<const Extent> replaced{};
  std::span<const Extent> extents{};
};

std::vector<std::uint8_t> mutationRecord(std::int64_t nowNs, const CreatedInode& created);
std::vector<std::uint8_t> mutationRecord(std::int64_t nowNs, const ChangedAttributes& changed);
std::vector<std::uint8_t> mutationRecord(std::int64_t nowNs, const ChangedContent& changed);

}  // namespace packetfs
