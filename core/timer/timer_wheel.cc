#include "core/timer/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/time/time.h"

namespace rotor {
namespace {

static_assert(sizeof(TimerEntry) == 32);

// Ticks count from the earliest possible time, so that they are not negative.
constexpr uint64_t SinceEarliest(Time time) {
  return static_cast<uint64_t>(time.nanoseconds()) ^ uint64_t { 1 } << 63;
}

constexpr uint64_t TickOf(Time time) { return SinceEarliest(time) >> TimerWheel::kTickBits; }

// The first tick that begins at or after `time`.
constexpr uint64_t TickNotBefore(Time time) {
  const bool within_tick = SinceEarliest(time) % TimerWheel::kTickNanoseconds != 0;
  return TickOf(time) + (within_tick ? 1 : 0);
}

constexpr Time BeginningOf(uint64_t tick) {
  constexpr Time kLast = Time::FromNanoseconds(std::numeric_limits<int64_t>::max() - 1);
  if (tick > TickOf(kLast)) return kLast;  // Where the deadlines of the last tick are rounded to.
  return Time::FromNanoseconds(
      static_cast<int64_t>(tick << TimerWheel::kTickBits ^ uint64_t{1} << 63));
}

}  // namespace

TimerEntry::~TimerEntry() { ROTOR_CHECK(!is_queued(), "cancel a timer before it is destroyed"); }

TimerWheel::TimerWheel(Time start) : current_tick_(TickOf(start)) {}

TimerWheel::~TimerWheel() {
  while (levels_occupied_ != 0) {
    TimerEntry* entry = TakeBucket(FirstBucket());
    while (entry != nullptr) {
      entry->bucket_ = TimerEntry::kIdle;
      entry->deadline_ = Deadline::Never();
      entry = entry->next_;
    }
  }
}

void TimerWheel::SetAndPlace(TimerEntry& entry, Deadline deadline) {
  if (deadline.is_never()) {
    Cancel(entry);
    return;
  }
  Assign(entry, deadline);
  const uint16_t bucket = BucketFor(TickNotBefore(deadline.time()));
  if (entry.is_queued()) {
    if (entry.bucket_ <= bucket) return;  // Early enough where it is.
    Unlink(entry);
  }
  Link(entry, bucket);
}

void TimerWheel::Cancel(TimerEntry& entry) {
  if (entry.is_queued()) Unlink(entry);
  entry.bucket_ = TimerEntry::kIdle;
  entry.deadline_ = Deadline::Never();
}

Deadline TimerWheel::NextWake() const {
  if (levels_occupied_ == 0) return Deadline::Never();
  return BeginningOf(FirstTickOf(FirstBucket()));
}

void TimerWheel::Advance(Time now, std::vector<TimerEntry*>& due) {
  const uint64_t now_tick = TickOf(now);
  ROTOR_CHECK(now_tick >= current_tick_, "time does not go back");
  while (levels_occupied_ != 0) {
    const uint16_t bucket = FirstBucket();
    const uint64_t first_tick = FirstTickOf(bucket);
    if (first_tick > now_tick) break;
    // Nothing is queued between the current tick and this one, so all buckets keep their meaning.
    current_tick_ = first_tick;
    // A bucket that has passed as a whole need not be spread over the level below first.
    AppendDue(TakeBucket(bucket), std::min(LastTickOf(bucket), now_tick), due);
  }
  current_tick_ = now_tick;
}

// Of the entries of a bucket that begins with the current tick, appends those due up to
// `last_tick`, which is one of its ticks, and queues the others anew. Since buckets come in the
// order of time, so do the entries appended.
void TimerWheel::AppendDue(TimerEntry* bucket_head, uint64_t last_tick,
                           std::vector<TimerEntry*>& due) {
  const size_t first = due.size();
  for (TimerEntry* entry = bucket_head; entry != nullptr;) {
    TimerEntry* const next = entry->next_;
    if (next != nullptr) __builtin_prefetch(next);
    const uint64_t tick = TickNotBefore(entry->deadline_.time());
    --size_;
    if (tick <= last_tick) {
      entry->bucket_ = TimerEntry::kDue;
      due.push_back(entry);
    } else {
      Link(*entry, BucketFor(tick));
    }
    entry = next;
  }
  SortDue(std::span(due).subspan(first));
}

// By deadline, those with equal deadlines in the order in which they were set.
void TimerWheel::SortDue(std::span<TimerEntry*> due) {
  const auto before = [](const TimerEntry* a, const TimerEntry* b) {
    if (a->deadline_ != b->deadline_) return a->deadline_ < b->deadline_;
    return a->armed_ < b->armed_;
  };
  // A list is in the order of setting, the last first; often that is all there is to turn round.
  std::reverse(due.begin(), due.end());
  if (!std::is_sorted(due.begin(), due.end(), before)) std::sort(due.begin(), due.end(), before);
}

// An entry of a passed tick goes to the current tick's bucket, which Advance() looks at first.
uint16_t TimerWheel::BucketFor(uint64_t tick) const {
  tick = std::max(tick, current_tick_);
  const uint64_t difference =
      (tick ^ current_tick_) | 1;  // The 1 makes the lowest level of equals.
  const int level = (std::bit_width(difference) - 1) / kLevelBits;
  const uint64_t slot = tick >> (level * kLevelBits) & (kBucketsPerLevel - 1);
  return static_cast<uint16_t>(static_cast<uint64_t>(level) * kBucketsPerLevel + slot);
}

uint64_t TimerWheel::FirstTickOf(uint16_t bucket) const {
  const int level = bucket / kBucketsPerLevel;
  const uint64_t slot = bucket % kBucketsPerLevel;
  const int shift = level * kLevelBits;
  const uint64_t digits_above = current_tick_ >> (shift + kLevelBits) << (shift + kLevelBits);
  return digits_above | slot << shift;
}

uint64_t TimerWheel::LastTickOf(uint16_t bucket) const {
  const int shift = bucket / kBucketsPerLevel * kLevelBits;
  return FirstTickOf(bucket) | ((uint64_t{1} << shift) - 1);
}

uint16_t TimerWheel::FirstBucket() const {
  const int level = std::countr_zero(levels_occupied_);
  const int slot = std::countr_zero(slots_occupied_[static_cast<size_t>(level)]);
  return static_cast<uint16_t>(level * kBucketsPerLevel + slot);
}

void TimerWheel::Link(TimerEntry& entry, uint16_t bucket) {
  TimerEntry*& head = buckets_[bucket];
  entry.bucket_ = bucket;
  entry.next_ = head;
  entry.link_ = &head;
  if (head != nullptr) head->link_ = &entry.next_;
  head = &entry;
  slots_occupied_[bucket / kBucketsPerLevel] |= uint64_t{1} << bucket % kBucketsPerLevel;
  levels_occupied_ |= 1u << bucket / kBucketsPerLevel;
  ++size_;
}

void TimerWheel::Unlink(TimerEntry& entry) {
  *entry.link_ = entry.next_;
  if (entry.next_ != nullptr) entry.next_->link_ = entry.link_;
  --size_;
  const uint16_t bucket = entry.bucket_;
  if (buckets_[bucket] == nullptr) MarkEmpty(bucket);
}

TimerEntry* TimerWheel::TakeBucket(uint16_t bucket) {
  TimerEntry* const head = buckets_[bucket];
  buckets_[bucket] = nullptr;
  MarkEmpty(bucket);
  return head;
}

void TimerWheel::MarkEmpty(uint16_t bucket) {
  uint64_t& slots = slots_occupied_[bucket / kBucketsPerLevel];
  slots &= ~(uint64_t{1} << bucket % kBucketsPerLevel);
  if (slots == 0) levels_occupied_ &= ~(1u << bucket / kBucketsPerLevel);
}

}  // namespace rotor
