// The machines of one loop that other threads have asked it to wake.
#ifndef ROTOR_CORE_NOTIFIER_WAKE_QUEUE_H_
#define ROTOR_CORE_NOTIFIER_WAKE_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "core/notifier/waker.h"
#include "core/slab/token.h"

namespace rotor {

// One per loop, held by shared_ptr by the loop and by every Notifier, so that a wake may come at
// any time. Wake() belongs to everyone, all other functions to the loop's thread, the consumer.
// Lock-free. Eight bytes per slot, allocated by the constructor.
//
// Each slot has a mark {generation, pending, queued}. `pending`: this generation was woken since
// TakeAll() last looked. `queued`: the slot is linked into the queue, or somebody is about to link
// it. The queue is a stack of slots (Treiber), which the consumer takes as a whole and reverses.
// Its head has one more value, "the consumer sleeps": only who replaces that has to signal.
//
// Why no wake is lost:
//  * Every change of a mark is a read-modify-write. So a Wake() comes either before the change by
//    which TakeAll() clears the bits, which then reports it, or after it, and then it finds the
//    bits clear and queues the slot again.
//  * Every change of the head is a read-modify-write, too. The consumer can announce its sleep only
//    on an empty queue, and a push after that finds the announcement. Between the two words no
//    order is needed: a slot which is marked as queued, but not linked yet, is being linked by a
//    thread that will find the announcement.
class WakeQueue {
 public:
  // `machines_max` is at most 2^24. `waker` must not be null.
  WakeQueue(uint32_t machines_max, std::shared_ptr<Waker> waker);

  WakeQueue(const WakeQueue&) = delete;
  WakeQueue& operator=(const WakeQueue&) = delete;

  // Asks for one wake-up of `token`, merged with those not taken yet. Any thread. Does nothing if
  // the slot was released since. SlotAcquired(token) must have happened before.
  void Wake(Token token) {
    Slot& slot = slots_[token.index];
    // A stale value does no harm: the exchange below compares again.
    uint32_t mark = slot.mark.load(std::memory_order_relaxed);
    do {
      // Only the mark of its own generation is ever written: neither set nor swallowed is the wake
      // of the slot's next machine.
      if (GenerationOf(mark) != token.generation) return;
      // Also when both bits are set already, the write takes place. Release: what the caller did
      // before is visible to the consumer that clears the bits. Acquire: see Link().
    } while (!slot.mark.compare_exchange_weak(
        mark, mark | kPending | kQueued, std::memory_order_acq_rel, std::memory_order_relaxed));
    if ((mark & kQueued) == 0) Link(token.index);
  }

  // From here on `token` can be woken. Its slot must be free.
  void SlotAcquired(Token token);

  // From here on waking `token` does nothing, and TakeAll() does not report it.
  void SlotReleased(Token token);

  // Appends each machine that was woken, once, in the order of the first wake, and ends the
  // announced sleep. What was done before a wake is visible afterwards. A machine woken again
  // after this, for example while the result is processed, is in the next result.
  // Costs one load if there is nothing.
  void TakeAll(std::vector<Token>& woken);

  // Announces that the consumer is about to sleep: the first wake from now on is signalled.
  // False if something is queued: then do not sleep, but TakeAll(). The sleep ends with TakeAll(),
  // which must be called after it in any case.
  bool PrepareToSleep();

  // Ends all wakes for good: from here on waking does nothing. The slots may still be released;
  // none can be acquired. Costs a pass over all slots.
  void Close();

 private:
  static constexpr uint32_t kPending = 1;
  static constexpr uint32_t kQueued = 2;
  static constexpr int kGenerationShift = 2;

  // Values of head_ and Slot::next that are not an index.
  static constexpr uint32_t kEmpty = std::numeric_limits<uint32_t>::max();
  static constexpr uint32_t kSleeping = kEmpty - 1;

  struct Slot {
    // Generation (0 while the slot is free) and the two bits.
    std::atomic<uint32_t> mark = 0;
    // The slot queued before this one, or not an index: the end. Written by the thread that sets
    // kQueued, read by the consumer before it clears kQueued.
    uint32_t next = kEmpty;
  };

  static constexpr uint32_t GenerationOf(uint32_t mark) { return mark >> kGenerationShift; }

  void Link(uint32_t index);

  std::vector<Slot> slots_;  // Never resized.
  const std::shared_ptr<Waker> waker_;
  bool closed_ = false;  // The consumer's.
  // In a cache line of its own, since producers write it and read the members above.
  alignas(64) std::atomic<uint32_t> head_ = kEmpty;
};

}  // namespace rotor

#endif  // ROTOR_CORE_NOTIFIER_WAKE_QUEUE_H_
