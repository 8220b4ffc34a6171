#include "core/time/time.h"

#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(TimeTest, AddsAndSubtractsIntervals) {
  const Time start = Time::FromNanoseconds(1000);
  EXPECT_EQ((start + absl::Microseconds(2)).nanoseconds(), 3000);
  EXPECT_EQ((start - absl::Microseconds(2)).nanoseconds(), -1000);
  EXPECT_EQ(start + absl::Seconds(1) - start, absl::Seconds(1));
}

TEST(TimeTest, AddingTooMuchStaysATimeAndNeverBecomesNever) {
  const Time last = Time::FromNanoseconds(kMax - 1);
  EXPECT_EQ(Time::FromNanoseconds(1) + absl::InfiniteDuration(), last);
  EXPECT_EQ(last + absl::Nanoseconds(1), last);
  EXPECT_EQ(Time() + absl::Nanoseconds(kMax), last);
  EXPECT_FALSE(Deadline(Time::FromNanoseconds(1) + absl::InfiniteDuration()).is_never());
}

TEST(TimeTest, SubtractingTooMuchSaturates) {
  const Time first = Time::FromNanoseconds(kMin);
  EXPECT_EQ(Time::FromNanoseconds(-2) - absl::InfiniteDuration(), first);
  EXPECT_EQ(first - absl::Nanoseconds(1), first);
}

TEST(TimeTest, IntervalBetweenTheEndsDoesNotOverflow) {
  EXPECT_EQ(Time::FromNanoseconds(kMax - 1) - Time::FromNanoseconds(kMin),
            absl::Nanoseconds(kMax - 1) - absl::Nanoseconds(kMin));
}

TEST(DeadlineTest, NeverOrdersAfterEveryTimeAndIsNeverReached) {
  const Time last = Time::FromNanoseconds(kMax - 1);
  EXPECT_GT(Deadline::Never(), Deadline(last));
  EXPECT_TRUE(Deadline::Never().is_never());
  EXPECT_FALSE(Deadline::Never().ReachedAt(last));
  EXPECT_EQ(Deadline::Never(), Deadline::Never());
}

TEST(DeadlineTest, IsReachedAtItsTimeAndNotBefore) {
  const Deadline deadline = Time::FromNanoseconds(5);
  EXPECT_FALSE(deadline.ReachedAt(Time::FromNanoseconds(4)));
  EXPECT_TRUE(deadline.ReachedAt(Time::FromNanoseconds(5)));
  EXPECT_EQ(deadline.time(), Time::FromNanoseconds(5));
}

TEST(DeadlineTest, SoonerPicksTheEarlierAndNeverGivesWay) {
  const Deadline early = Time::FromNanoseconds(1);
  const Deadline late = Time::FromNanoseconds(2);
  EXPECT_EQ(Sooner(early, late), early);
  EXPECT_EQ(Sooner(late, early), early);
  EXPECT_EQ(Sooner(Deadline::Never(), late), late);
  EXPECT_TRUE(Sooner(Deadline::Never(), Deadline::Never()).is_never());
}

}  // namespace
}  // namespace rotor
