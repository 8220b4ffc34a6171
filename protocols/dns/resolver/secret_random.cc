#include "protocols/dns/resolver/secret_random.h"

#include <bit>

namespace rotor::dns {
namespace {

using State = std::array<uint32_t, 16>;

[[gnu::always_inline]] inline void QuarterRound(State& x, int a, int b, int c, int d) {
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 7);
}

}  // namespace

State ChaCha20Block(const State& state) {
  State x = state;
  for (int i = 0; i < 10; ++i) {
    QuarterRound(x, 0, 4, 8, 12);
    QuarterRound(x, 1, 5, 9, 13);
    QuarterRound(x, 2, 6, 10, 14);
    QuarterRound(x, 3, 7, 11, 15);
    QuarterRound(x, 0, 5, 10, 15);
    QuarterRound(x, 1, 6, 11, 12);
    QuarterRound(x, 2, 7, 8, 13);
    QuarterRound(x, 3, 4, 9, 14);
  }
  for (size_t i = 0; i < x.size(); ++i) x[i] += state[i];
  return x;
}

void SecretRandom::Refill() {
  State state = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  for (size_t i = 0; i < key_.size(); ++i) state[4 + i] = key_[i];
  state[12] = static_cast<uint32_t>(counter_);
  state[13] = static_cast<uint32_t>(counter_ >> 32);
  ++counter_;
  block_ = ChaCha20Block(state);
  used_ = 0;
}

}  // namespace rotor::dns
