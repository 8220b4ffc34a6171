// A domain name as a key: its wire form in lower case, and perhaps a record type.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// Names that differ in the case of letters only have the same key (RFC 4343). Held in place.
class NameKey {
 public:
  explicit NameKey(const Name& name) : bytes_(name.wire().size()) {
    const char* wire = name.wire().data();
    for (size_t i = 0; i < bytes_; ++i) folded_[i] = FoldCase(wire[i]);
  }
  NameKey(const Name& name, RecordType type) : NameKey(name) { SetType(type); }

  // The key of the name and `type`.
  void SetType(RecordType type) {
    folded_[bytes_] = static_cast<char>(static_cast<uint16_t>(type) >> 8);
    folded_[bytes_ + 1] = static_cast<char>(type);
    typed_ = true;
  }

  // Valid as long as this key lives unchanged.
  std::string_view name() const { return {folded_.data(), bytes_}; }
  std::string_view view() const { return {folded_.data(), bytes_ + (typed_ ? 2 : 0)}; }

 private:
  size_t bytes_;
  bool typed_ = false;
  std::array<char, kNameBytesMax + 2> folded_;
};

// The bytes of a NameKey kept elsewhere, as the key of a hash table.
struct KeyView {
  std::string_view bytes;

  friend bool operator==(KeyView a, KeyView b) { return a.bytes == b.bytes; }
  template <typename H>
  friend H AbslHashValue(H state, KeyView key) {
    return H::combine_contiguous(std::move(state), key.bytes.data(), key.bytes.size());
  }
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_
