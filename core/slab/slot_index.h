// Which slots of a slab are in use, and by which generation.
#ifndef ROTOR_CORE_SLAB_SLOT_INDEX_H_
#define ROTOR_CORE_SLAB_SLOT_INDEX_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "core/slab/token.h"

namespace rotor {

// Hands out slots; owns no objects. Every operation takes constant time and allocates nothing.
// Eight bytes per slot, reserved by the constructor and first touched when the slot is first used.
// One thread only.
//
// A slot is reused late: fresh slots are preferred while fewer than kReuseDelay slots are free, and
// the slot that has been free for longest is reused first. So memory stays compact, and a stale
// token has little chance to meet a slot that is in use again - which is harmless anyway, because
// the generations differ. A slot whose generations are used up retires and is never handed out
// again; with 28 bits that is after 2^27 uses.
class SlotIndex {
 public:
  static constexpr uint32_t kSlotsMax = 1u << Token::kIndexBits;
  static constexpr uint32_t kReuseDelay = 64;

  // `slots_max` is at most kSlotsMax. `generation_bits`, 1 to Token::kGenerationBits, is for tests
  // that want to see slots retire.
  explicit SlotIndex(uint32_t slots_max, int generation_bits = Token::kGenerationBits);

  SlotIndex(const SlotIndex&) = delete;
  SlotIndex& operator=(const SlotIndex&) = delete;

  // Nothing if full().
  std::optional<Token> Acquire();

  // `token` must be live, and is not afterwards.
  void Release(Token token);

  // Any token may be asked about, also a default-constructed one.
  bool IsLive(Token token) const {
    return token.index < slots_.size() && slots_[token.index].generation == token.generation &&
           IsOdd(token.generation);
  }

  // For visiting all slots: `for (i = 0; i < index_end(); ++i) if (IsLive(TokenAt(i)))`. The
  // result is live if and only if the slot is in use. `index` must be below index_end().
  Token TokenAt(uint32_t index) const {
    return {.index = index, .generation = slots_[index].generation};
  }
  // One above the highest index that was ever handed out.
  uint32_t index_end() const { return static_cast<uint32_t>(slots_.size()); }

  // Slots in use.
  uint32_t size() const { return size_; }
  // Slots that can be in use at once: slots_max, less those that retired.
  uint32_t capacity() const { return slots_max_ - retired_; }
  bool full() const { return size() == capacity(); }
  // Slots that will never be handed out again.
  uint32_t retired() const { return retired_; }

 private:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  struct Slot {
    uint32_t generation;  // Odd while in use. Grows by one with every Acquire() and Release().
    uint32_t next_free;   // While in the free list; kNone at its end.
  };

  static constexpr bool IsOdd(uint32_t generation) { return generation % 2 == 1; }

  uint32_t TakeOldestFree();
  void AppendToFree(uint32_t index);

  const uint32_t slots_max_;
  const uint32_t generation_last_;  // The last odd generation.
  std::vector<Slot> slots_;         // Those used at least once. Never reallocated.

  // The free list, first in first out.
  uint32_t oldest_free_ = kNone;
  uint32_t newest_free_ = kNone;
  uint32_t free_count_ = 0;

  uint32_t size_ = 0;
  uint32_t retired_ = 0;
};

}  // namespace rotor

#endif  // ROTOR_CORE_SLAB_SLOT_INDEX_H_
