#include "core/backend/epoll/busy_poll.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr absl::Duration kLongest = absl::Microseconds(50);
constexpr absl::Duration kShort = absl::Microseconds(20);
constexpr absl::Duration kLong = absl::Milliseconds(1);

TEST(BusyPollTest, SleepsAtFirst) { EXPECT_FALSE(BusyPoll(kLongest).ShouldPoll()); }

TEST(BusyPollTest, NeverPollsWhenOff) {
  BusyPoll poll(absl::ZeroDuration());
  for (int i = 0; i < 10; ++i) poll.WaitEnded(true, absl::ZeroDuration());
  EXPECT_FALSE(poll.enabled());
  EXPECT_FALSE(poll.ShouldPoll());
}

TEST(BusyPollTest, TwoShortWaitsBeginIt) {
  BusyPoll poll(kLongest);
  poll.WaitEnded(true, kShort);
  EXPECT_FALSE(poll.ShouldPoll());
  poll.WaitEnded(true, kLongest);
  EXPECT_TRUE(poll.ShouldPoll());
}

TEST(BusyPollTest, TwoWaitsInVainEndIt) {
  BusyPoll poll(kLongest);
  for (int i = 0; i < 100; ++i) poll.WaitEnded(true, kShort);
  poll.WaitEnded(true, kLong);
  EXPECT_TRUE(poll.ShouldPoll());
  poll.WaitEnded(false, kShort);  // A deadline passed; nothing came.
  EXPECT_FALSE(poll.ShouldPoll());
}

TEST(BusyPollTest, OneLongWaitAmongManyShortOnesChangesNothing) {
  BusyPoll poll(kLongest);
  for (int i = 0; i < 3; ++i) poll.WaitEnded(true, kShort);
  for (int i = 0; i < 100; ++i) {
    poll.WaitEnded(true, i % 4 == 0 ? kLong : kShort);
    EXPECT_TRUE(poll.ShouldPoll());
  }
}

TEST(BusyPollTest, AnIdleLoopSleepsHoweverLongItWasIdle) {
  BusyPoll poll(kLongest);
  for (int i = 0; i < 1000; ++i) poll.WaitEnded(true, kLong);
  EXPECT_FALSE(poll.ShouldPoll());
  poll.WaitEnded(true, kShort);
  poll.WaitEnded(true, kShort);
  EXPECT_TRUE(poll.ShouldPoll());
}

}  // namespace
}  // namespace rotor
