// Reads a segment's two files without changing them (opening a segment repairs and cuts off), for `pfs check`: every
// record of the table, what the valid ones cover, and on demand every chunk's bytes against its hash.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "../base/result.h"
#include "segment.h"

namespace packetfs {

struct SegmentInspection {
  enum class Fault : std::uint8_t {
    record,  // a slot that holds no record, or one that overlaps another
    lost,    // a slot of zeros, or a record whose bytes never reached the disk
    data,    // bytes that do not have the hash of their record, or cannot be read
    footer,  // the seal does not fit the records
  };
  struct Problem {
    Fault fault = Fault::record;
    std::uint32_t slot = 0;
    std::uint32_t offset = 0;  // 0 and length 0 where the slot does not tell
    std::uint32_t length = 0;
  };

  bool hasTable = false;
  bool hasData = false;
  HeaderCheck header = HeaderCheck::damaged;
  std::uint64_t tableBytes = 0;  // sizes of the files
  std::uint64_t dataBytes = 0;
  std::uint32_t syncedRecords = 0;  // as the table says
  std::uint32_t slots = 0;          // up to the last valid record
  std::uint32_t records = 0;        // valid ones
  std::uint64_t dataEnd = 0;        // end of the last valid record's bytes
  bool sealed = false;
  std::vector<Segment::OffsetRange> coverage{};  // sorted, coalesced
  std::uint64_t problemCount = 0;
  std::vector<Problem> problems{};  // the first kInspectionProblemsMax
};

constexpr std::size_t kInspectionProblemsMax = 10000;

Result<SegmentInspection> inspectSegment(const Segment::Place& place, bool verifyData);

}  // namespace packetfs
