// A small seedable random number engine, the same on every platform and run.
#ifndef ROTOR_CORE_BASE_RANDOM_H_
#define ROTOR_CORE_BASE_RANDOM_H_

#include <cstdint>

namespace rotor {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
// Eight bytes of state, a few cycles per number. Satisfies std::uniform_random_bit_generator. Not
// for secrets. Not thread-safe.
class Random {
 public:
  using result_type = uint64_t;

  explicit Random(uint64_t seed) : state_(seed) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }

  result_type operator()() {
    uint64_t mixed = (state_ += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }

  // Uniform in [0, bound), by multiplication; `bound` > 0. The bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>((*this)()) * bound) >> 64);
  }

  // True with `probability` (0 never, 1 always).
  bool Chance(double probability) {
    return static_cast<double>((*this)() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  uint64_t state_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BASE_RANDOM_H_
