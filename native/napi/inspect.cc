// inspectSegment of src/addon/native.ts: a segment's files as they are, for `pfs check`.
#include "../core/blob/inspect.h"

#include "arguments.h"
#include "blob_arguments.h"
#include "rooms.h"

namespace packetfs {
namespace {

const char* faultText(SegmentInspection::Fault fault) {
  switch (fault) {
    case SegmentInspection::Fault::lost:
      return "lost";
    case SegmentInspection::Fault::data:
      return "data";
    case SegmentInspection::Fault::footer:
      return "footer";
    case SegmentInspection::Fault::record:
      break;
  }
  return "record";
}

const char* headerText(HeaderCheck header) {
  if (header == HeaderCheck::valid) return "valid";
  return header == HeaderCheck::damaged ? "damaged" : "foreign";
}

Napi::Value number(Napi::Env env, std::uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Value inspectionToObject(Napi::Env env, SegmentInspection&& found) {
  auto problems = Napi::Array::New(env, found.problems.size());
  for (std::uint32_t i = 0; i < found.problems.size(); i++) {
    auto problem = Napi::Object::New(env);
    problem.Set("fault", Napi::String::New(env, faultText(found.problems[i].fault)));
    problem.Set("slot", number(env, found.problems[i].slot));
    problem.Set("offset", number(env, found.problems[i].offset));
    problem.Set("length", number(env, found.problems[i].length));
    problems.Set(i, problem);
  }
  auto coverage = Napi::Float64Array::New(env, found.coverage.size() * 2);
  for (std::size_t i = 0; i < found.coverage.size(); i++) {
    coverage[2 * i] = found.coverage[i].first;
    coverage[2 * i + 1] = found.coverage[i].second;
  }
  auto object = Napi::Object::New(env);
  object.Set("hasTable", Napi::Boolean::New(env, found.hasTable));
  object.Set("hasData", Napi::Boolean::New(env, found.hasData));
  object.Set("header", Napi::String::New(env, headerText(found.header)));
  object.Set("tableBytes", number(env, found.tableBytes));
  object.Set("dataBytes", number(env, found.dataBytes));
  object.Set("syncedRecords", number(env, found.syncedRecords));
  object.Set("slots", number(env, found.slots));
  object.Set("records", number(env, found.records));
  object.Set("dataEnd", number(env, found.dataEnd));
  object.Set("sealed", Napi::Boolean::New(env, found.sealed));
  object.Set("coverage", coverage);
  object.Set("problemCount", number(env, found.problemCount));
  object.Set("problems", problems);
  return object;
}

Napi::Value inspectSegmentCall(const Napi::CallbackInfo& info) {
  ArgumentReader reader(info.Env(), "inspectSegment");
  const Napi::Object value = reader.object(info[0], "options");
  BlobOptions options;
  Segment::Place place;
  place.path = reader.string(value.Get("path"), "path");
  place.identity.logName = reader.string(value.Get("logName"), "logName");
  place.identity.segment = reader.uint32(value.Get("segment"), "segment", 0, kSegmentCountMax - 1);
  const bool verifyData = reader.boolean(value.Get("verifyData"), "verifyData");
  readIdentity(reader, value, options);
  if (reader.failed()) return info.Env().Undefined();
  place.identity.volumeId = options.volumeId;
  place.identity.chunkerId = chunkerId(options.identityKey, options.chunker);
  place.identityKey = options.identityKey;
  place.chunkBytesMax = options.chunker.maximum;
  return runAsync<SegmentInspection>(
      info.Env(), "inspectSegment", {},
      [place = std::move(place), verifyData] { return inspectSegment(place, verifyData); }, inspectionToObject);
}

}  // namespace

void registerInspect(Napi::Env env, Napi::Object exports) {
  exports.Set("inspectSegment", Napi::Function::New(env, inspectSegmentCall));
}

}  // namespace packetfs
