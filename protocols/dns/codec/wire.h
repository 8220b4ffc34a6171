// How numbers, names and record data lie in a message. Private to the codec.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_WIRE_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns::wire {

inline uint8_t Read8(std::string_view bytes, size_t offset) {
  return static_cast<uint8_t>(bytes[offset]);
}
inline uint16_t Read16(std::string_view bytes, size_t offset) {
  return static_cast<uint16_t>(Read8(bytes, offset) << 8 | Read8(bytes, offset + 1));
}
inline uint32_t Read32(std::string_view bytes, size_t offset) {
  return static_cast<uint32_t>(Read16(bytes, offset)) << 16 | Read16(bytes, offset + 2);
}

// substr() without its check: the caller knows that it is inside.
inline std::string_view Slice(std::string_view bytes, size_t offset, size_t size) {
  return {bytes.data() + offset, size};
}

// Writes big-endian to the front of `to`.
inline void Write16(char* to, uint16_t value) {
  to[0] = static_cast<char>(value >> 8);
  to[1] = static_cast<char>(value & 0xff);
}
inline void Write32(char* to, uint32_t value) {
  Write16(to, static_cast<uint16_t>(value >> 16));
  Write16(to + 2, static_cast<uint16_t>(value & 0xffff));
}

// The two high bits of a length byte that make it, with the next byte, a pointer (RFC 1035 section
// 4.1.4). 01 and 10 are no longer or never were used.
inline constexpr uint8_t kPointerBits = 0xc0;
inline constexpr size_t kPointerOffsetMax = 0x3fff;

// Steps over the name at `*offset` without following its pointer. False when it runs out of the
// message, is longer than 255 bytes, has an unknown label type, or its pointer does not lead
// backwards to a byte behind the header.
bool SkipLabels(std::string_view message, size_t* offset);
inline bool SkipName(std::string_view message, size_t* offset) {
  const size_t at = *offset;
  if (message.size() - at >= 2) {
    const uint8_t first = Read8(message, at);
    if (first == 0) {
      *offset = at + 1;
      return true;
    }
    if (first >= kPointerBits) {  // as most owners are
      const size_t target = Read16(message, at) & kPointerOffsetMax;
      *offset = at + 2;
      return target >= kHeaderBytes && target < at;
    }
  }
  return SkipLabels(message, offset);
}

// Reads the name at `*offset`, following pointers, and steps over it. Each pointer must lead before
// the run of labels it ends, so there are no loops, and there are at most as many as a name has
// labels.
bool ReadName(std::string_view message, size_t* offset, Name* name);

// The size of the uncompressed name at the start of `bytes` with its root label, 0 when malformed.
size_t MeasureName(std::string_view bytes);

// RDATA of the types whose content matters here: fixed bytes, names, fixed bytes.
struct DataLayout {
  uint8_t prefix_bytes;
  uint8_t names;
  uint8_t suffix_bytes;
  bool compressible;  // may be sent with compressed names: the types of RFC 1035 only (RFC 3597
                      // section 4)
};

// nullptr for the types that are opaque, and for TXT.
const DataLayout* FindDataLayout(RecordType type);

}  // namespace rotor::dns::wire

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_WIRE_H_
