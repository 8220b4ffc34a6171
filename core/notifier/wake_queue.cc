#include "core/notifier/wake_queue.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"

namespace rotor {

static_assert(Token::kGenerationBits + 2 <= 32, "a mark is one word of 32 bits");

WakeQueue::WakeQueue(uint32_t machines_max, std::shared_ptr<Waker> waker)
    : slots_(machines_max), waker_(std::move(waker)) {
  ROTOR_CHECK(machines_max <= 1u << Token::kIndexBits, "a wake queue has at most 2^24 slots");
  ROTOR_CHECK(waker_ != nullptr, "a wake queue needs a waker");
}

// Called by the one thread whose Wake() set kQueued. That exchange acquired what the consumer
// released by clearing the bit, so the consumer's reading of `next` is over.
void WakeQueue::Link(uint32_t index) {
  Slot& slot = slots_[index];
  uint32_t head = head_.load(std::memory_order_relaxed);
  do {
    slot.next = head;  // If it is kSleeping, that marks the end as well as kEmpty does.
    // Release: the consumer sees `next`. Slots linked earlier are visible to it, too, because
    // a chain of read-modify-writes continues the release of each. That `head` may have been taken
    // and linked again since the load is harmless: it is on top, and nobody pops single slots.
  } while (!head_.compare_exchange_weak(head, index, std::memory_order_release,
                                        std::memory_order_relaxed));
  if (head == kSleeping) waker_->Signal();
}

void WakeQueue::SlotAcquired(Token token) {
  ROTOR_CHECK(token.index < slots_.size(), "a token's index is below the queue's machines_max");
  ROTOR_CHECK(token.generation != 0, "a token that names a machine has a generation");
  ROTOR_CHECK(!closed_, "no slot is acquired after Close()");
  // Keeps kQueued: if the slot is still linked for its previous machine, a wake of the new one
  // needs no second link.
  const uint32_t old = slots_[token.index].mark.fetch_or(token.generation << kGenerationShift,
                                                         std::memory_order_acq_rel);
  ROTOR_CHECK(GenerationOf(old) == 0, "only a free slot can be acquired");
}

void WakeQueue::SlotReleased(Token token) {
  ROTOR_CHECK(token.index < slots_.size(), "a token's index is below the queue's machines_max");
  // Keeps kQueued, because the slot stays linked until it is taken.
  const uint32_t old = slots_[token.index].mark.fetch_and(kQueued, std::memory_order_acq_rel);
  ROTOR_CHECK(GenerationOf(old) == token.generation || closed_,
              "only the slot's own machine releases it");
}

void WakeQueue::TakeAll(std::vector<Token>& woken) {
  // Whatever is linked after this load is found by the next call or by PrepareToSleep().
  if (head_.load(std::memory_order_relaxed) == kEmpty) return;
  const size_t first = woken.size();
  // Acquire: the links of all slots taken, see Link().
  uint32_t index = head_.exchange(kEmpty, std::memory_order_acquire);
  while (index < slots_.size()) {
    Slot& slot = slots_[index];
    // Read before the bit is cleared: from then on the slot can be linked again.
    const uint32_t next = slot.next;
    // Acquire: what all wakes so far published. Release: `next` has been read.
    const uint32_t mark = slot.mark.fetch_and(~(kPending | kQueued), std::memory_order_acq_rel);
    // Not pending if its machine was released after the wake.
    if ((mark & kPending) != 0) woken.push_back({.index = index, .generation = GenerationOf(mark)});
    index = next;
  }
  std::reverse(woken.begin() + static_cast<ptrdiff_t>(first), woken.end());
}

bool WakeQueue::PrepareToSleep() {
  uint32_t head = kEmpty;
  // Relaxed: the announcement publishes nothing but itself, and what is queued is read by
  // TakeAll().
  return head_.compare_exchange_strong(head, kSleeping, std::memory_order_relaxed) ||
         head == kSleeping;
}

void WakeQueue::Close() {
  closed_ = true;
  for (Slot& slot : slots_) slot.mark.fetch_and(kQueued, std::memory_order_acq_rel);
}

}  // namespace rotor
