// Which of very many deadlines have passed.
#ifndef ROTOR_CORE_TIMER_TIMER_WHEEL_H_
#define ROTOR_CORE_TIMER_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/time/time.h"

namespace rotor {

// One timer. A member of whatever it belongs to; the wheel links it and owns nothing. It must not
// move, and must not end while it is queued: Cancel() it first. 32 bytes.
class TimerEntry {
 public:
  TimerEntry() = default;
  ~TimerEntry();

  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;

  // What it was last set to; Never() if it was not set or was cancelled since.
  Deadline deadline() const { return deadline_; }
  // Set, and not yet reported by TimerWheel::Advance().
  bool is_queued() const { return bucket_ < kDue; }
  // Reported by TimerWheel::Advance(), and neither set nor cancelled since. Whoever works through
  // the entries reported asks this first: handling one of them may have set or cancelled another.
  bool is_due() const { return bucket_ == kDue; }

 private:
  friend class TimerWheel;

  // Values of bucket_ that are not a bucket.
  static constexpr uint16_t kDue = 0xfffe;
  static constexpr uint16_t kIdle = 0xffff;

  Deadline deadline_ = Deadline::Never();
  TimerEntry* next_ = nullptr;   // In the same bucket.
  TimerEntry** link_ = nullptr;  // The pointer that points to this entry, while queued.
  uint64_t armed_ : 48 = 0;      // Orders entries with the same deadline.
  uint64_t bucket_ : 16 = kIdle;
};

// A hierarchical timing wheel (Varghese and Lauck: Hashed and Hierarchical Timing Wheels, SOSP
// 1987). Time is divided into ticks of 2^18 ns, about 0.26 ms. An entry is due at the first
// Advance() at or after the first boundary between ticks that is not before its deadline: never
// early, and late by at most one tick in addition to the caller's own delay. That also holds for
// deadlines that have passed when they are set.
//
// There are 8 levels of 64 buckets, which cover all of time: bucket widths are one tick, 64 ticks
// (17 ms), 64^2 ticks (1.1 s), and so on. An entry moves down level by level as its deadline
// approaches. Setting an entry to a later deadline leaves it where it is; it moves when its old
// place comes up. Both make NextWake() early at times.
//
// Set(), Cancel() and NextWake() take constant time; Advance() takes constant time per bucket
// reached and per entry in it. Nothing is allocated. 4.2 KB. One thread only.
class TimerWheel {
 public:
  static constexpr int kTickBits = 18;
  static constexpr int64_t kTickNanoseconds = int64_t{1} << kTickBits;

  // `start` is any time not after the first Advance().
  explicit TimerWheel(Time start);
  // Entries still queued are cancelled; they must still exist. Costs a visit to each.
  ~TimerWheel();

  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms or re-arms `entry`, which is not queued in another wheel. A passed deadline is due at the
  // next Advance(), but not before the tick in which it passed is over; Never() cancels.
  void Set(TimerEntry& entry, Deadline deadline) {
    if (entry.is_queued() && deadline >= entry.deadline_ && !deadline.is_never()) {
      // The entry's place came early enough for the old deadline.
      Assign(entry, deadline);
    } else {
      SetAndPlace(entry, deadline);
    }
  }

  // Disarms `entry`, if it is queued or due.
  void Cancel(TimerEntry& entry);

  // When to call Advance() next. Nothing becomes due before; something may become due then, but
  // need not: each entry can cause at most one such spurious wake per level that it moves down and
  // one per deadline that was replaced by a later one. Not after now if something is overdue.
  Deadline NextWake() const;

  // Appends the entries that are due at `now`, by deadline, those with equal deadlines in the order
  // in which they were set, and removes them from the wheel. An entry set while `due` is worked
  // through is in the result of a later call. `now` must not go back.
  void Advance(Time now, std::vector<TimerEntry*>& due);

  // Entries queued.
  size_t size() const { return size_; }

 private:
  static constexpr int kLevelBits = 6;
  static constexpr int kBucketsPerLevel = 1 << kLevelBits;
  static constexpr int kLevels = 8;

  void Assign(TimerEntry& entry, Deadline deadline) {
    entry.deadline_ = deadline;
    entry.armed_ = ++armed_;
  }

  void SetAndPlace(TimerEntry& entry, Deadline deadline);
  void Link(TimerEntry& entry, uint16_t bucket);
  void Unlink(TimerEntry& entry);
  TimerEntry* TakeBucket(uint16_t bucket);
  void MarkEmpty(uint16_t bucket);
  void AppendDue(TimerEntry* bucket_head, uint64_t last_tick, std::vector<TimerEntry*>& due);
  static void SortDue(std::span<TimerEntry*> due);
  uint16_t BucketFor(uint64_t tick) const;
  uint64_t FirstTickOf(uint16_t bucket) const;
  uint64_t LastTickOf(uint16_t bucket) const;
  uint16_t FirstBucket() const;

  // Buckets are numbered level * 64 + slot. An entry whose tick differs from current_tick_ in the
  // digit (of 6 bits) number `level`, and in none above it, is in the slot which that digit names.
  // So within a level all occupied slots lie after the current one, each level lies after the one
  // below, and the number of a bucket orders it in time.
  std::array<TimerEntry*, kLevels * kBucketsPerLevel> buckets_{};
  std::array<uint64_t, kLevels> slots_occupied_{};  // A bit per bucket.
  uint32_t levels_occupied_ = 0;                    // A bit per level.

  uint64_t current_tick_;
  uint64_t armed_ = 0;  // How often any entry was set.
  size_t size_ = 0;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TIMER_TIMER_WHEEL_H_
