#include "protocols/dns/codec/wire.h"

#include <cstring>
#include <string_view>

namespace rotor::dns::wire {
namespace {

// Where the pointer at `offset` leads, or 0 when it does not lead behind the header and before
// `segment`, the start of the run of labels it ends.
size_t PointerTarget(std::string_view message, size_t offset, size_t segment) {
  if (offset + 2 > message.size()) return 0;
  const size_t target = Read16(message, offset) & kPointerOffsetMax;
  return target >= kHeaderBytes && target < segment ? target : 0;
}

// Copies `bytes` from `message` to `to`, which has kNameBytesMax. Short names, nearly all, are
// copied with more than they have, which costs less than to call memcpy(3).
void CopyRun(std::string_view message, size_t from, char* to, size_t at, size_t bytes) {
  constexpr size_t kUsualBytes = 32;
  const bool is_usual = bytes <= kUsualBytes && from + kUsualBytes <= message.size() &&
                        at + kUsualBytes <= kNameBytesMax;
  if (is_usual) {
    std::memcpy(to + at, message.data() + from, kUsualBytes);
  } else {
    std::memcpy(to + at, message.data() + from, bytes);
  }
}

}  // namespace

bool SkipLabels(std::string_view message, size_t* offset) {
  const size_t start = *offset;
  size_t position = start;
  while (position < message.size()) {
    const uint8_t length = Read8(message, position);
    if (length > kLabelBytesMax) {
      *offset = position + 2;
      return length >= kPointerBits && PointerTarget(message, position, start) != 0;
    }
    position += 1 + length;
    if (position - start > kNameBytesMax) return false;
    if (length == 0) {
      *offset = position;
      return true;
    }
  }
  return false;
}

bool ReadName(std::string_view message, size_t* offset, Name* name) {
  const auto fail = [name] {
    *name = Name();
    return false;
  };
  size_t used = 0;
  size_t segment = *offset;
  size_t position = segment;
  for (size_t pointers = 0;;) {
    // A run of labels, copied at once. One that is too long for a name is not followed to its end,
    // which may be that of the message.
    uint8_t length = 0;
    while (true) {
      if (position >= message.size() || position - segment >= kNameBytesMax) return fail();
      length = Read8(message, position);
      if (length == 0 || length > kLabelBytesMax) break;
      position += 1u + length;
    }
    const size_t run_bytes = position - segment + (length == 0 ? 1 : 0);
    if (used + run_bytes > kNameBytesMax) return fail();
    if (run_bytes > 0) CopyRun(message, segment, name->wire_, used, run_bytes);
    used += run_bytes;
    if (length == 0) {
      if (pointers == 0) *offset = position + 1;
      name->bytes_ = static_cast<uint8_t>(used);
      return true;
    }
    if (length < kPointerBits || pointers == kLabelsMax) return fail();
    if (pointers++ == 0) *offset = position + 2;
    segment = PointerTarget(message, position, segment);
    if (segment == 0) return fail();
    position = segment;
  }
}

size_t MeasureName(std::string_view bytes) {
  for (size_t position = 0; position < bytes.size() && position < kNameBytesMax;) {
    const uint8_t length = Read8(bytes, position);
    if (length > kLabelBytesMax) return 0;
    position += 1 + length;
    if (length == 0) return position;
  }
  return 0;
}

const DataLayout* FindDataLayout(RecordType type) {
  static constexpr DataLayout kAddress4 = {4, 0, 0, false};
  static constexpr DataLayout kAddress16 = {16, 0, 0, false};
  static constexpr DataLayout kOneName = {0, 1, 0, true};
  static constexpr DataLayout kForeignName = {0, 1, 0, false};
  static constexpr DataLayout kSoaLayout = {0, 2, 20, true};
  static constexpr DataLayout kMxLayout = {2, 1, 0, true};
  static constexpr DataLayout kSrvLayout = {6, 1, 0, false};
  switch (type) {
    case RecordType::kA:
      return &kAddress4;
    case RecordType::kAaaa:
      return &kAddress16;
    case RecordType::kNs:
    case RecordType::kCname:
    case RecordType::kPtr:
      return &kOneName;
    case RecordType::kDname:
      return &kForeignName;
    case RecordType::kSoa:
      return &kSoaLayout;
    case RecordType::kMx:
      return &kMxLayout;
    case RecordType::kSrv:
      return &kSrvLayout;
    default:
      return nullptr;
  }
}

}  // namespace rotor::dns::wire
