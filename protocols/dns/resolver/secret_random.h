// Numbers that a forger of answers must not guess: message ids, ports, the case of letters.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_SECRET_RANDOM_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_SECRET_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace rotor::dns {

// ChaCha20 as a generator (RFC 8439 section 2.3): a block of 64 bytes per 16 numbers, so that a
// query costs no system call. Whoever sees what it gave cannot tell what it will give.
class SecretRandom {
 public:
  using Key = std::array<uint32_t, 8>;

  explicit SecretRandom(const Key& key) : key_(key) {}

  uint32_t Next32() {
    if (used_ == block_.size()) Refill();
    return block_[used_++];
  }
  uint64_t Next64() { return uint64_t{Next32()} << 32 | Next32(); }
  uint16_t Next16() { return static_cast<uint16_t>(Next32()); }
  // Uniform in [0, bound), with a bias below bound / 2^32; `bound` > 0.
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>((static_cast<uint64_t>(Next32()) * bound) >> 32);
  }

 private:
  void Refill();

  Key key_;
  uint64_t counter_ = 0;  // At a block per nanosecond, it lasts for centuries.
  std::array<uint32_t, 16> block_ = {};
  size_t used_ = 16;
};

// One block of the key stream: the function of RFC 8439 section 2.3 on words.
std::array<uint32_t, 16> ChaCha20Block(const std::array<uint32_t, 16>& state);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_SECRET_RANDOM_H_
