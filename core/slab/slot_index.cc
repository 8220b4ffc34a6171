#include "core/slab/slot_index.h"

#include <cstdint>
#include <optional>

#include "core/base/check.h"
#include "core/slab/token.h"

namespace rotor {

SlotIndex::SlotIndex(uint32_t slots_max, int generation_bits)
    : slots_max_(slots_max), generation_last_((1u << generation_bits) - 1) {
  ROTOR_CHECK(slots_max <= kSlotsMax, "a slot index has at most 2^24 slots");
  ROTOR_CHECK(generation_bits >= 1 && generation_bits <= Token::kGenerationBits,
              "a generation has 1 to 28 bits");
  slots_.reserve(slots_max);
}

std::optional<Token> SlotIndex::Acquire() {
  uint32_t index;
  if (slots_.size() < slots_max_ && free_count_ < kReuseDelay) {
    index = index_end();
    slots_.push_back({.generation = 0, .next_free = kNone});
  } else if (free_count_ > 0) {
    index = TakeOldestFree();
  } else {
    return std::nullopt;
  }
  ++size_;
  ++slots_[index].generation;
  return TokenAt(index);
}

void SlotIndex::Release(Token token) {
  ROTOR_CHECK(IsLive(token), "only a live token can be released, and only once");
  --size_;
  ++slots_[token.index].generation;
  if (token.generation == generation_last_) {
    ++retired_;
  } else {
    AppendToFree(token.index);
  }
}

uint32_t SlotIndex::TakeOldestFree() {
  const uint32_t index = oldest_free_;
  oldest_free_ = slots_[index].next_free;
  if (oldest_free_ == kNone) newest_free_ = kNone;
  --free_count_;
  return index;
}

void SlotIndex::AppendToFree(uint32_t index) {
  slots_[index].next_free = kNone;
  if (newest_free_ == kNone) {
    oldest_free_ = index;
  } else {
    slots_[newest_free_].next_free = index;
  }
  newest_free_ = index;
  ++free_count_;
}

}  // namespace rotor
