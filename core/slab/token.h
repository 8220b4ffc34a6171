// Names for the machines of one loop that stay unambiguous when slots are used again.
#ifndef ROTOR_CORE_SLAB_TOKEN_H_
#define ROTOR_CORE_SLAB_TOKEN_H_

#include <compare>
#include <cstdint>

namespace rotor {

// One use of one slot. Handed out by SlotIndex, which never hands out the same token twice, so a
// token kept for too long is recognised as stale instead of naming the slot's next user.
//
// Live tokens have an odd generation; a default-constructed token names nothing, ever.
struct Token {
  static constexpr int kIndexBits = 24;
  static constexpr int kGenerationBits = 28;
  static constexpr int kBits = kIndexBits + kGenerationBits;

  uint32_t index = 0;       // Below 2^24.
  uint32_t generation = 0;  // Below 2^28.

  // As one number of 52 bits: generation above index.
  constexpr uint64_t Pack() const { return uint64_t{generation} << kIndexBits | index; }

  // Ignores the upper 12 bits.
  static constexpr Token Unpack(uint64_t packed) {
    return {
        .index = static_cast<uint32_t>(packed & ((1u << kIndexBits) - 1)),
        .generation = static_cast<uint32_t>(packed >> kIndexBits & ((1u << kGenerationBits) - 1))};
  }

  friend constexpr auto operator<=>(Token, Token) = default;
};

// What a backend attaches to a watch or an operation and gets back with each event, e.g. as
// epoll_data or as the user data of an io_uring entry: the machine, which of its watches, and which
// operation. Fits in 64 bits.
struct EventKey {
  Token token;
  uint8_t watch_tag = 0;  // Chosen by the machine, to tell its watches apart.
  uint8_t operation = 0;  // Below 16. Chosen by the backend.

  // From the top: operation 4 bits, watch tag 8, generation 28, index 24.
  constexpr uint64_t Pack() const {
    return uint64_t{operation} << 60 | uint64_t{watch_tag} << Token::kBits | token.Pack();
  }

  static constexpr EventKey Unpack(uint64_t packed) {
    return {.token = Token::Unpack(packed),
            .watch_tag = static_cast<uint8_t>(packed >> Token::kBits),
            .operation = static_cast<uint8_t>(packed >> 60)};
  }

  friend constexpr bool operator==(const EventKey&, const EventKey&) = default;
};

}  // namespace rotor

#endif  // ROTOR_CORE_SLAB_TOKEN_H_
