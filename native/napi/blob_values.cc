// See blob_values.h.
#include "blob_values.h"

#include "arguments.h"

namespace packetfs {

Napi::Value number(Napi::Env env, std::uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

Napi::Value segmentStates(Napi::Env env, std::vector<SegmentState>&& states) {
  auto list = Napi::Array::New(env, states.size());
  for (std::uint32_t i = 0; i < states.size(); i++) {
    auto state = Napi::Object::New(env);
    state.Set("segment", number(env, states[i].segment));
    state.Set("records", number(env, states[i].records));
    state.Set("dataBytes", number(env, states[i].dataBytes));
    state.Set("sealed", Napi::Boolean::New(env, states[i].sealed));
    state.Set("torn", Napi::Boolean::New(env, states[i].torn));
    state.Set("corrupt", Napi::Boolean::New(env, states[i].corrupt));
    list.Set(i, state);
  }
  return list;
}

Napi::Value marksToArray(Napi::Env env, std::vector<HighWaterMark>&& marks) {
  auto list = Napi::Array::New(env, marks.size());
  for (std::uint32_t i = 0; i < marks.size(); i++) {
    auto mark = Napi::Object::New(env);
    mark.Set("log", number(env, marks[i].log));
    mark.Set("segment", number(env, marks[i].segment));
    mark.Set("records", number(env, marks[i].records));
    mark.Set("dataBytes", number(env, marks[i].dataBytes));
    list.Set(i, mark);
  }
  return list;
}

Napi::Value literalToObject(Napi::Env env, Blob::Literal&& literal) {
  auto object = Napi::Object::New(env);
  object.Set("start", number(env, literal.start));
  object.Set("end", number(env, literal.end));
  object.Set("rawBytes", number(env, literal.rawBytes));
  object.Set("chunks", number(env, literal.chunks));
  object.Set("packMs", Napi::Number::New(env, literal.packMs));
  object.Set("isDelta", Napi::Boolean::New(env, literal.isDelta));
  object.Set("frame", bytesToArray(env, std::move(literal.frame)));
  return object;
}

Napi::Value filledRecipeToObject(Napi::Env env, Blob::FilledRecipe&& filled) {
  auto missing = Napi::Float64Array::New(env, filled.missing.size() * 2);
  for (std::size_t i = 0; i < filled.missing.size(); i++) {
    missing[2 * i] = static_cast<double>(filled.missing[i].start);
    missing[2 * i + 1] = static_cast<double>(filled.missing[i].end);
  }
  auto object = Napi::Object::New(env);
  object.Set("start", number(env, filled.start));
  object.Set("end", number(env, filled.end));
  object.Set("filledBytes", number(env, filled.filledBytes));
  object.Set("missing", missing);
  return object;
}

Napi::Value seedsAddedToObject(Napi::Env env, SeedsAdded&& added) {
  auto failures = Napi::Array::New(env, added.failures.size());
  for (std::uint32_t i = 0; i < added.failures.size(); i++) {
    failures.Set(i, Napi::String::New(env, added.failures[i]));
  }
  auto object = Napi::Object::New(env);
  object.Set("files", number(env, added.files));
  object.Set("bytes", number(env, added.bytes));
  object.Set("isFull", Napi::Boolean::New(env, added.isFull));
  object.Set("failures", failures);
  return object;
}

Napi::Value outcomeToObject(Napi::Env env, Blob::ScrubOutcome&& outcome) {
  auto findings = Napi::Array::New(env, outcome.findings.size());
  for (std::uint32_t i = 0; i < outcome.findings.size(); i++) {
    auto finding = Napi::Object::New(env);
    finding.Set("address", Napi::BigInt::New(env, outcome.findings[i].address));
    finding.Set("length", Napi::BigInt::New(env, outcome.findings[i].length));
    finding.Set("reason", Napi::String::New(env, outcome.findings[i].reason));
    findings.Set(i, finding);
  }
  auto object = Napi::Object::New(env);
  object.Set("bytes", number(env, outcome.bytes));
  object.Set("chunks", number(env, outcome.chunks));
  object.Set("findings", findings);
  return object;
}

Napi::Value addressesToArray(Napi::Env env, const std::vector<BlobAddress>& addresses) {
  auto list = Napi::BigUint64Array::New(env, addresses.size());
  for (std::size_t i = 0; i < addresses.size(); i++) list[i] = addresses[i];
  return list;
}

Napi::Value indexCheckToObject(Napi::Env env, Blob::IndexCheck&& check) {
  auto object = Napi::Object::New(env);
  object.Set("chunks", number(env, check.chunks));
  object.Set("entries", number(env, check.entries));
  object.Set("dropped", number(env, check.dropped));
  object.Set("missing", addressesToArray(env, check.missing));
  object.Set("contradicted", addressesToArray(env, check.contradicted));
  return object;
}

}  // namespace packetfs
