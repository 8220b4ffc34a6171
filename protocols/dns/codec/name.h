// A domain name as a value, held in wire form.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_NAME_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_NAME_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace rotor::dns {

class Name;
namespace wire {
bool ReadName(std::string_view message, size_t* offset, Name* name);
}  // namespace wire

inline constexpr size_t kNameBytesMax = 255;  // wire form with the root label
inline constexpr size_t kLabelBytesMax = 63;  // without the length byte (RFC 1035 section 2.3.4)
inline constexpr size_t kLabelsMax = 127;     // of a name of 255 bytes; the root is not counted

// ASCII letters to lower case, every other byte unchanged (RFC 4343 section 3). A length byte is at
// most 63 and so never a letter: whole wire forms may be folded.
constexpr char FoldCase(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

// The same for eight bytes at once, in any order.
constexpr uint64_t FoldCase(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t low7 = bytes & (0x7f * kOnes);
  const uint64_t from_a = low7 + (0x80 - 'A') * kOnes;
  const uint64_t above_z = low7 + (0x7f - 'Z') * kOnes;
  const uint64_t upper = (from_a ^ above_z) & ~bytes & (0x80 * kOnes);
  return bytes | upper >> 2;
}

// Equal up to the case of ASCII letters.
inline bool EqualFolded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= a.size(); i += sizeof(uint64_t)) {
    uint64_t x;
    uint64_t y;
    std::memcpy(&x, a.data() + i, sizeof(x));
    std::memcpy(&y, b.data() + i, sizeof(y));
    if (x != y && FoldCase(x) != FoldCase(y)) return false;
  }
  for (; i < a.size(); ++i) {
    if (a[i] != b[i] && FoldCase(a[i]) != FoldCase(b[i])) return false;
  }
  return true;
}

// An absolute domain name: labels with their length bytes, ended by the root label, at most 255
// bytes in all (RFC 1035 section 3.1). 256 bytes held in place, never allocates. The case is kept;
// comparison and hash ignore it (RFC 4343).
class Name {
 public:
  // The root, ".".
  Name() : bytes_(1) { wire_[0] = 0; }
  Name(const Name& other) { Assign(other); }
  Name& operator=(const Name& other) {
    if (this != &other) Assign(other);
    return *this;
  }

  // Reads the text form: labels separated by dots, the last dot optional, `\.` for a literal
  // character and `\DDD` for a byte in decimal (RFC 1035 section 5.1). The name is absolute either
  // way. Fails on an empty label or text, a label over 63 or a name over 255 bytes, a broken
  // escape.
  static absl::StatusOr<Name> FromText(std::string_view text);

  // The same, but text without a last dot is relative to `origin`, and `@` is `origin` itself, as
  // in a zone file (RFC 1035 section 5.1).
  static absl::StatusOr<Name> FromText(std::string_view text, const Name& origin);

  // Reads a name in wire form without compression at the start of `wire`; bytes behind it are left
  // alone: the name used `result->wire().size()`.
  static absl::StatusOr<Name> FromWire(std::string_view wire);

  // With a last dot; everything FromText would not read back literally is escaped.
  std::string ToText() const;

  // Ended by the root label, a zero byte. Valid as long as this name lives unchanged.
  std::string_view wire() const { return {wire_, bytes_}; }

  bool IsRoot() const { return bytes_ == 1; }

  // How many labels, not counting the root.
  size_t CountLabels() const;

  // The name without its first `labels` labels, of which there are so many.
  Name Parent(size_t labels) const;

  // True for `ancestor` itself and every name below it. The root is above everything.
  bool IsAtOrBelow(const Name& ancestor) const;

  // Puts `label` (1 to 63 bytes, any byte) at the end, before the root. False, and the name
  // unchanged, when the label or the name would be too long or the label is empty.
  bool AppendLabel(std::string_view label);

  friend bool operator==(const Name& a, const Name& b) { return EqualFolded(a.wire(), b.wire()); }

  template <typename H>
  friend H AbslHashValue(H state, const Name& name) {
    char folded[kNameBytesMax];
    for (size_t i = 0; i < name.bytes_; ++i) folded[i] = FoldCase(name.wire_[i]);
    return H::combine_contiguous(std::move(state), folded, name.bytes_);
  }

 private:
  friend bool wire::ReadName(std::string_view message, size_t* offset, Name* name);

  static constexpr size_t kUsualBytes = 32;

  bool ReadPlainText(std::string_view text);
  void Assign(const Name& other) {
    // Nearly all names are short, and to copy a fixed size costs less than to call memcpy(3).
    bytes_ = other.bytes_;
    if (other.bytes_ <= kUsualBytes) {
      std::memcpy(wire_, other.wire_, kUsualBytes);
    } else {
      std::memcpy(wire_, other.wire_, other.bytes_);
    }
  }

  uint8_t bytes_;
  char wire_[kNameBytesMax];  // bytes behind `bytes_` are indeterminate
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_NAME_H_
