// Points on a loop's monotonic clock, and deadlines, which may be never.
#ifndef ROTOR_CORE_TIME_TIME_H_
#define ROTOR_CORE_TIME_TIME_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace rotor {

// A point on the loop's monotonic clock, in nanoseconds since an unspecified start. Eight bytes,
// because every machine stores some. During one turn of the loop, now() stays the same.
class Time {
 public:
  constexpr Time() = default;
  static constexpr Time FromNanoseconds(int64_t nanoseconds) { return Time(nanoseconds); }

  constexpr int64_t nanoseconds() const { return nanoseconds_; }

  friend constexpr auto operator<=>(Time, Time) = default;

  // Saturates at both ends instead of overflowing.
  friend Time operator+(Time start, absl::Duration interval) {
    int64_t sum;
    const int64_t added = absl::ToInt64Nanoseconds(interval);
    if (__builtin_add_overflow(start.nanoseconds_, added, &sum)) {
      sum = added > 0 ? kLast : std::numeric_limits<int64_t>::min();
    }
    return Time(sum < kLast ? sum : kLast);
  }
  friend Time operator-(Time start, absl::Duration interval) { return start + -interval; }
  friend absl::Duration operator-(Time later, Time earlier) {
    return absl::Nanoseconds(later.nanoseconds_) - absl::Nanoseconds(earlier.nanoseconds_);
  }

 private:
  // One below Deadline::Never(), so that adding to a time never makes it "never".
  static constexpr int64_t kLast = std::numeric_limits<int64_t>::max() - 1;

  constexpr explicit Time(int64_t nanoseconds) : nanoseconds_(nanoseconds) {}

  int64_t nanoseconds_ = 0;
};

// A Time, or never. Eight bytes.
class Deadline {
 public:
  constexpr Deadline(Time at)
      : nanoseconds_(at.nanoseconds()) {}  // Implicit: a time is a deadline.
  static constexpr Deadline Never() { return Deadline(); }

  constexpr bool is_never() const { return nanoseconds_ == kNever; }
  constexpr bool ReachedAt(Time now) const { return nanoseconds_ <= now.nanoseconds(); }
  // The time itself; meaningless for Never().
  constexpr Time time() const { return Time::FromNanoseconds(nanoseconds_); }

  // Never() orders after every time.
  friend constexpr auto operator<=>(Deadline, Deadline) = default;

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  constexpr Deadline() = default;

  int64_t nanoseconds_ = kNever;
};

// The earlier of two, for a machine that waits for several things at once.
constexpr Deadline Sooner(Deadline a, Deadline b) { return a < b ? a : b; }

}  // namespace rotor

#endif  // ROTOR_CORE_TIME_TIME_H_
