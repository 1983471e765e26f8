// See blob_arguments.h.
#include "blob_arguments.h"

#include <algorithm>

namespace packetfs {

LogNumber logArgument(ArgumentReader& reader, Napi::Value value) {
  return static_cast<LogNumber>(reader.integer(value, "log", 0, UINT16_MAX));
}

Stretch stretchArgument(ArgumentReader& reader, const Napi::Object& options) {
  const Stretch stretch{logArgument(reader, options.Get("log")),
                        reader.integer(options.Get("start"), "start", 0, kPositionMax),
                        reader.integer(options.Get("end"), "end", 0, kPositionMax + 1),
                        reader.integer(options.Get("rawBytesMax"), "rawBytesMax", 1, kPositionMax)};
  if (!reader.failed() && stretch.end <= stretch.start) reader.fail("end", "must lie behind start");
  return stretch;
}

std::vector<AddressRange> addressRanges(ArgumentReader& reader, Napi::Value value, const char* name) {
  const auto flat = reader.bigUint64Array(value, name);
  if (!reader.failed() && flat.size() % 2 != 0) reader.fail(name, "must hold [address, length] pairs");
  std::vector<AddressRange> ranges;
  if (reader.failed()) return ranges;
  for (std::size_t i = 0; i < flat.size(); i += 2) ranges.push_back({flat[i], flat[i + 1]});
  return ranges;
}

void readIdentity(ArgumentReader& reader, const Napi::Object& value, BlobOptions& options) {
  const auto volumeId = reader.bytesOfLength(value.Get("volumeId"), "volumeId", options.volumeId.size());
  const auto identityKey = reader.bytesOfLength(value.Get("identityKey"), "identityKey", options.identityKey.size());
  const Napi::Object chunker = reader.object(value.Get("chunker"), "chunker");
  options.chunker.minimum = reader.uint32(chunker.Get("minimum"), "minimum");
  options.chunker.maximum = reader.uint32(chunker.Get("maximum"), "maximum");
  options.chunker.multiplier = reader.uint32(chunker.Get("multiplier"), "multiplier");
  options.chunker.addend = reader.uint32(chunker.Get("addend"), "addend");
  if (reader.failed()) return;
  std::copy(volumeId.begin(), volumeId.end(), options.volumeId.begin());
  std::copy(identityKey.begin(), identityKey.end(), options.identityKey.begin());
}

}  // namespace packetfs
