// A domain name made ready to be looked up: in lower case, with a hash for itself and every name
// above it.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_HASHED_NAME_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_HASHED_NAME_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "protocols/dns/codec/name.h"

namespace rotor::dns {

// Linear in the name, no allocation. The hash is not keyed: what it is taken of lies in zones,
// which their operator chose.
class HashedName {
 public:
  HashedName(const Name& name) {  // NOLINT: a name is one
    Fold(name.wire());
    size_t at = 0;
    for (; folded_[at] != 0; at += 1u + static_cast<uint8_t>(folded_[at])) {
      starts_[labels_++] = static_cast<uint8_t>(at);
    }
    starts_[labels_] = static_cast<uint8_t>(at);
    uint64_t hash = 0;
    hashes_[labels_] = 0;
    for (size_t i = labels_; i-- > 0;) {
      hash = HashLabel(hash, starts_[i], starts_[i + 1]);
      hashes_[i] = static_cast<uint32_t>(hash >> 32);
    }
  }

  size_t labels() const { return labels_; }
  // Without the first `skip` labels, skip <= labels(): wire form in lower case, and its hash.
  std::string_view Folded(size_t skip) const {
    return {folded_.data() + starts_[skip], size_t{bytes_} - starts_[skip]};
  }
  uint32_t Hash(size_t skip) const { return hashes_[skip]; }

 private:
  void Fold(std::string_view wire) {
    bytes_ = static_cast<uint8_t>(wire.size());
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof(word) <= wire.size(); i += sizeof(word)) {
      std::memcpy(&word, wire.data() + i, sizeof(word));
      word = FoldCase(word);
      std::memcpy(folded_.data() + i, &word, sizeof(word));
    }
    word = 0;
    std::memcpy(&word, wire.data() + i, wire.size() - i);
    word = FoldCase(word);
    // Zeros behind the name, as far as HashLabel() reads.
    std::memcpy(folded_.data() + i, &word, sizeof(word));
    word = 0;
    std::memcpy(folded_.data() + i + sizeof(word), &word, sizeof(word));
  }

  // Of the bytes from `begin` to `end`, length byte included, on top of `hash`.
  uint64_t HashLabel(uint64_t hash, size_t begin, size_t end) const {
    for (; begin < end; begin += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, folded_.data() + begin, sizeof(word));
      if (end - begin < sizeof(word)) word = Front(word, end - begin);
      hash = (hash ^ word) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 29;
    }
    return hash;
  }
  // The first `bytes` (1 to 7) bytes in memory, the others zero.
  static uint64_t Front(uint64_t word, size_t bytes) {
    uint64_t front = 0;
    if constexpr (std::endian::native == std::endian::little) {
      front = word & ((uint64_t{1} << (8 * bytes)) - 1);
    } else {
      front = word & ~(~uint64_t{0} >> (8 * bytes));
    }
    return front;
  }

  std::array<char, kNameBytesMax + 2 * sizeof(uint64_t) + 1> folded_;
  std::array<uint8_t, kLabelsMax + 1> starts_;
  std::array<uint32_t, kLabelsMax + 1> hashes_;
  size_t labels_ = 0;
  uint8_t bytes_ = 0;
};

// Finds a T by name. T has a member `folded`, the name's wire form in lower case, and lives at
// least as long as the table.
template <typename T>
class NameTable {
 public:
  T* Find(const HashedName& name, size_t skip) const {
    if (entries_.empty()) return nullptr;
    const uint32_t hash = name.Hash(skip);
    const std::string_view folded = name.Folded(skip);
    for (size_t at = hash & mask_; entries_[at].value != nullptr; at = (at + 1) & mask_) {
      if (entries_[at].hash == hash && entries_[at].value->folded == folded) {
        return entries_[at].value;
      }
    }
    return nullptr;
  }

  // Its name is not in the table.
  void Insert(uint32_t hash, T* value) {
    if (entries_.size() < 2 * (count_ + 1)) Grow();
    Place({hash, value});
    ++count_;
  }

 private:
  struct Entry {
    uint32_t hash = 0;
    T* value = nullptr;
  };

  void Place(const Entry& entry) {
    size_t at = entry.hash & mask_;
    while (entries_[at].value != nullptr) at = (at + 1) & mask_;
    entries_[at] = entry;
  }

  void Grow() {
    std::vector<Entry> old(entries_.empty() ? 8 : 2 * entries_.size());
    old.swap(entries_);
    mask_ = entries_.size() - 1;
    for (const Entry& entry : old) {
      if (entry.value != nullptr) Place(entry);
    }
  }

  std::vector<Entry> entries_;
  size_t mask_ = 0;
  size_t count_ = 0;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_HASHED_NAME_H_
