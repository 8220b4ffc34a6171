// A domain name as a key: its wire form in lower case, hashed once.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/hash/hash.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// A name and a record type, the name's bytes kept elsewhere.
struct KeyView {
  std::string_view name;
  RecordType type;
  size_t hash;

  friend bool operator==(const KeyView& a, const KeyView& b) {
    return a.hash == b.hash && a.type == b.type && a.name == b.name;
  }
};

// For hash sets of pointers to what has a `KeyView key() const`: looked up by KeyView.
struct KeyHash {
  using is_transparent = void;
  size_t operator()(const KeyView& key) const { return key.hash; }
  template <typename T>
  size_t operator()(const T* keyed) const {
    return keyed->key().hash;
  }
};
struct KeyEqual {
  using is_transparent = void;
  template <typename T>
  bool operator()(const T* keyed, const KeyView& key) const {
    return keyed->key() == key;
  }
  template <typename T>
  bool operator()(const KeyView& key, const T* keyed) const {
    return keyed->key() == key;
  }
  template <typename T>
  bool operator()(const T* a, const T* b) const {
    return a == b;
  }
};

// Names that differ in the case of letters only have the same key (RFC 4343). Held in place.
class NameKey {
 public:
  explicit NameKey(const Name& name) : bytes_(name.wire().size()) {
    const char* wire = name.wire().data();
    size_t i = 0;
    for (uint64_t eight; i + sizeof(eight) <= bytes_; i += sizeof(eight)) {
      std::memcpy(&eight, wire + i, sizeof(eight));
      eight = FoldCase(eight);
      std::memcpy(&folded_[i], &eight, sizeof(eight));
    }
    for (; i < bytes_; ++i) folded_[i] = FoldCase(wire[i]);
    hash_ = absl::HashOf(AsAbsl(this->name()));
  }

  // Both valid as long as this key lives unchanged.
  std::string_view name() const { return {folded_.data(), bytes_}; }
  KeyView WithType(RecordType type) const {
    // An odd factor keeps apart what differs in the type.
    constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
    return {name(), type, hash_ + static_cast<uint16_t>(type) * kOdd};
  }

 private:
  size_t bytes_;
  size_t hash_;
  std::array<char, kNameBytesMax> folded_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_NAME_KEY_H_
