#include "core/timer/timer_wheel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <vector>

#include "core/base/random.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kTick = TimerWheel::kTickNanoseconds;

constexpr Time At(int64_t nanoseconds) { return Time::FromNanoseconds(nanoseconds); }
constexpr Time Ticks(int64_t ticks) { return At(ticks * kTick); }

std::vector<TimerEntry*> Advance(TimerWheel& wheel, Time now) {
  std::vector<TimerEntry*> due;
  wheel.Advance(now, due);
  return due;
}

// When the wheel promises to report a deadline: the next boundary between ticks.
int64_t RoundedUp(int64_t nanoseconds) {
  const int64_t beyond = ((nanoseconds % kTick) + kTick) % kTick;
  return beyond == 0 ? nanoseconds : nanoseconds - beyond + kTick;
}

TEST(TimerWheelTest, EmptyWheelNeverWakes) {
  TimerWheel wheel(At(0));
  EXPECT_TRUE(wheel.NextWake().is_never());
  EXPECT_THAT(Advance(wheel, Ticks(1 << 30)), IsEmpty());
  EXPECT_TRUE(wheel.NextWake().is_never());
}

TEST(TimerWheelTest, EntryIsDueAtTheFirstTickBoundaryAfterItsDeadline) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  wheel.Set(entry, At(5 * kTick + 1));
  EXPECT_TRUE(entry.is_queued());
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(6)));
  EXPECT_THAT(Advance(wheel, At(6 * kTick - 1)), IsEmpty());
  EXPECT_THAT(Advance(wheel, Ticks(6)), ElementsAre(&entry));
  EXPECT_TRUE(entry.is_due());
  EXPECT_FALSE(entry.is_queued());
  EXPECT_EQ(entry.deadline(), Deadline(At(5 * kTick + 1)));
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_TRUE(wheel.NextWake().is_never());
}

TEST(TimerWheelTest, DeadlineOnABoundaryIsDueRightThere) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  wheel.Set(entry, Ticks(5));
  EXPECT_THAT(Advance(wheel, At(5 * kTick - 1)), IsEmpty());
  EXPECT_THAT(Advance(wheel, Ticks(5)), ElementsAre(&entry));
}

TEST(TimerWheelTest, PassedDeadlineIsDueAtOnce) {
  TimerWheel wheel(Ticks(1000));
  TimerEntry entry;
  wheel.Set(entry, Ticks(3));
  EXPECT_TRUE(wheel.NextWake().ReachedAt(Ticks(1000)));
  EXPECT_THAT(Advance(wheel, Ticks(1000)), ElementsAre(&entry));
}

TEST(TimerWheelTest, CancelledEntryIsNotReported) {
  TimerWheel wheel(At(0));
  TimerEntry cancelled;
  TimerEntry never;
  wheel.Set(cancelled, Ticks(5));
  wheel.Set(never, Ticks(5));
  wheel.Cancel(cancelled);
  wheel.Set(never, Deadline::Never());
  EXPECT_FALSE(cancelled.is_queued());
  EXPECT_TRUE(cancelled.deadline().is_never());
  EXPECT_FALSE(never.is_queued());
  EXPECT_TRUE(wheel.NextWake().is_never());
  EXPECT_THAT(Advance(wheel, Ticks(10)), IsEmpty());
}

TEST(TimerWheelTest, CancellingAnIdleEntryChangesNothing) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  wheel.Cancel(entry);
  wheel.Set(entry, Deadline::Never());
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheelTest, LaterDeadlineCostsAtMostOneWakeAtTheOldPlace) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  wheel.Set(entry, Ticks(10));
  for (int64_t later = 11; later <= 50; ++later) wheel.Set(entry, Ticks(later));
  EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(10)));
  EXPECT_THAT(Advance(wheel, Ticks(10)), IsEmpty());
  EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(50)));
  EXPECT_THAT(Advance(wheel, Ticks(50)), ElementsAre(&entry));
}

TEST(TimerWheelTest, EarlierDeadlineTakesEffect) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  wheel.Set(entry, Ticks(1'000'000));
  wheel.Set(entry, Ticks(7));
  EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(7)));
  EXPECT_THAT(Advance(wheel, Ticks(7)), ElementsAre(&entry));
}

TEST(TimerWheelTest, EarlierDeadlineAfterALaterOneTakesEffect) {
  for (const int64_t second : {5, 10, 20, 39}) {
    TimerWheel wheel(At(0));
    TimerEntry entry;
    wheel.Set(entry, Ticks(10));
    wheel.Set(entry, Ticks(40));
    wheel.Set(entry, Ticks(second));
    EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(std::min<int64_t>(second, 10))))
        << "a place that is early enough is kept";
    EXPECT_THAT(Advance(wheel, Ticks(second - 1)), IsEmpty());
    EXPECT_THAT(Advance(wheel, Ticks(second)), ElementsAre(&entry));
  }
}

TEST(TimerWheelTest, EqualDeadlinesComeInTheOrderInWhichTheyWereSet) {
  TimerWheel wheel(At(0));
  TimerEntry a, b, c, sooner;
  wheel.Set(a, At(1000));
  wheel.Set(b, At(1000));
  wheel.Set(c, At(1000));
  wheel.Set(a, At(1000));  // Set again: now the last of the three.
  wheel.Set(sooner, At(999));
  EXPECT_THAT(Advance(wheel, Ticks(1)), ElementsAre(&sooner, &b, &c, &a));
}

TEST(TimerWheelTest, JumpOverManyBucketsReportsEverythingInOrder) {
  TimerWheel wheel(At(0));
  std::vector<TimerEntry> entries(8);
  std::vector<TimerEntry*> expected;
  for (TimerEntry& entry : entries) expected.push_back(&entry);
  for (int i = 7; i >= 0; --i) wheel.Set(entries[i], Ticks(int64_t{1} << (5 * i)));
  EXPECT_EQ(Advance(wheel, Ticks(int64_t{1} << 40)), expected);
}

TEST(TimerWheelTest, EntriesAtTheEndsOfTimeAreHandled) {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max() - 1;
  TimerWheel wheel(At(kFirst));
  TimerEntry first, negative, zero, late, last;
  wheel.Set(first, At(kFirst));
  wheel.Set(negative, At(-1));
  wheel.Set(zero, At(0));
  wheel.Set(late, At(kLast - kTick));
  wheel.Set(last, At(kLast));
  EXPECT_THAT(Advance(wheel, At(kFirst)), ElementsAre(&first));
  EXPECT_THAT(Advance(wheel, At(0)), ElementsAre(&negative, &zero));
  EXPECT_THAT(Advance(wheel, At(kLast)), ElementsAre(&late));
  EXPECT_EQ(wheel.NextWake(), Deadline(At(kLast))) << "the tick after the end of time";
  wheel.Cancel(last);
}

TEST(TimerWheelTest, EntryHandledBeforeCanSetOrCancelOneThatIsDueToo) {
  TimerWheel wheel(At(0));
  TimerEntry first, cancelled, set_again;
  wheel.Set(first, At(1));
  wheel.Set(cancelled, At(2));
  wheel.Set(set_again, At(3));
  const std::vector<TimerEntry*> due = Advance(wheel, Ticks(1));
  ASSERT_THAT(due, ElementsAre(&first, &cancelled, &set_again));
  wheel.Cancel(cancelled);
  wheel.Set(set_again, At(4));
  EXPECT_TRUE(first.is_due());
  EXPECT_FALSE(cancelled.is_due());
  EXPECT_FALSE(set_again.is_due());
  EXPECT_THAT(Advance(wheel, Ticks(1)), ElementsAre(&set_again));
}

TEST(TimerWheelTest, DeadlineThatPassedWithinTheCurrentTickWaitsForItsEnd) {
  TimerWheel wheel(At(0));
  TimerEntry entry;
  Advance(wheel, At(100));
  wheel.Set(entry, At(50));
  EXPECT_EQ(wheel.NextWake(), Deadline(Ticks(1)));
  EXPECT_THAT(Advance(wheel, At(kTick - 1)), IsEmpty());
  EXPECT_THAT(Advance(wheel, Ticks(1)), ElementsAre(&entry));
}

TEST(TimerWheelTest, WheelMayEndBeforeItsEntries) {
  TimerEntry queued;
  {
    TimerWheel wheel(At(0));
    wheel.Set(queued, Ticks(100));
  }
  EXPECT_FALSE(queued.is_queued());
  EXPECT_TRUE(queued.deadline().is_never());
}

TEST(TimerWheelDeathTest, DestroyingAQueuedEntryIsAProgrammersError) {
  TimerWheel wheel(At(0));
  EXPECT_DEATH(
      {
        TimerEntry entry;
        wheel.Set(entry, Ticks(100));
      },
      "cancel a timer before it is destroyed");
}

TEST(TimerWheelDeathTest, TimeGoingBackIsAProgrammersError) {
  TimerWheel wheel(Ticks(10));
  EXPECT_DEATH(Advance(wheel, Ticks(9)), "time does not go back");
  Advance(wheel, Ticks(20));
  EXPECT_DEATH(Advance(wheel, Ticks(19)), "time does not go back");
}

// How many wakes a program needs that does nothing else: one to expire, and at most one for each
// level that the entry comes down.
TEST(TimerWheelTest, LoneTimerCostsFewWakes) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    const int64_t start = static_cast<int64_t>(random.Below(1u << 30)) * 1000;
    const int levels = 1 + static_cast<int>(random.Below(5));
    const int64_t ticks = 1 + static_cast<int64_t>(random.Below(uint64_t{1} << (6 * levels)));
    TimerWheel wheel(At(0));
    Advance(wheel, At(start));
    TimerEntry entry;
    wheel.Set(entry, At(start + ticks * kTick));
    int wakes = 0;
    for (Time now = At(start); !entry.is_due(); ++wakes) {
      ASSERT_GT(wheel.NextWake(), Deadline(now)) << "a wake that makes no progress";
      now = wheel.NextWake().time();
      Advance(wheel, now);
    }
    // The carry into the next digit can add one level.
    ASSERT_LE(wakes, levels + 2) << ticks;
  }
}

// The wheel beside the obvious implementation: a list of everything, searched linearly.
class Model {
 public:
  Model(uint64_t seed, size_t entry_count, int64_t start)
      : random_(seed), now_(start), wheel_(At(start)), entries_(entry_count), set_(entry_count) {}

  ~Model() {
    for (TimerEntry& entry : entries_) wheel_.Cancel(entry);
  }

  void Step() {
    switch (random_.Below(8)) {
      case 0:
        Cancel(Any());
        break;
      case 1:
        Set(Any(), Deadline::Never());
        break;
      case 2:
      case 3:
        Advance(now_ + RandomInterval());
        break;
      case 4:
        if (!wheel_.NextWake().is_never()) {
          Advance(std::max(now_, wheel_.NextWake().time().nanoseconds()));
        }
        break;
      default:
        Set(Any(), At(now_ + RandomInterval() - (random_.Chance(0.1) ? RandomInterval() : 0)));
    }
    Check();
  }

 private:
  struct Armed {
    int64_t deadline;
    uint64_t order;
  };

  size_t Any() { return random_.Below(entries_.size()); }

  // From nanoseconds to days; each order of magnitude is equally likely.
  int64_t RandomInterval() {
    return static_cast<int64_t>(random_.Below(uint64_t{1} << random_.Below(48)));
  }

  void Set(size_t index, Deadline deadline) {
    wheel_.Set(entries_[index], deadline);
    set_[index].reset();
    if (!deadline.is_never()) set_[index] = {deadline.time().nanoseconds(), ++order_};
  }

  void Cancel(size_t index) {
    wheel_.Cancel(entries_[index]);
    set_[index].reset();
  }

  void Advance(int64_t now) {
    now_ = now;
    std::vector<std::tuple<int64_t, uint64_t, TimerEntry*>> expected;
    for (size_t i = 0; i < set_.size(); ++i) {
      if (!set_[i].has_value() || RoundedUp(set_[i]->deadline) > now) continue;
      expected.emplace_back(set_[i]->deadline, set_[i]->order, &entries_[i]);
    }
    std::sort(expected.begin(), expected.end());
    std::vector<TimerEntry*> due;
    wheel_.Advance(At(now), due);
    ASSERT_EQ(due.size(), expected.size());
    for (size_t i = 0; i < due.size(); ++i) {
      ASSERT_EQ(due[i], std::get<TimerEntry*>(expected[i]));
      ASSERT_TRUE(due[i]->deadline().ReachedAt(At(now))) << "early";
    }
    expired_ += due.size();
    for (TimerEntry* entry : due) Handle(static_cast<size_t>(entry - entries_.data()));
  }

  // What a handler does to its own timer, and sometimes to another that is perhaps due, too.
  void Handle(size_t index) {
    if (!entries_[index].is_due()) return;
    set_[index].reset();
    if (random_.Chance(0.5)) Set(index, At(now_ + RandomInterval()));
    if (random_.Chance(0.2)) Set(Any(), At(now_ + RandomInterval()));
    if (random_.Chance(0.1)) Cancel(Any());
  }

  void Check() {
    size_t queued = 0;
    int64_t first = std::numeric_limits<int64_t>::max();
    for (size_t i = 0; i < set_.size(); ++i) {
      ASSERT_EQ(entries_[i].is_queued(), set_[i].has_value());
      if (!set_[i].has_value()) continue;
      ASSERT_EQ(entries_[i].deadline(), Deadline(At(set_[i]->deadline)));
      ++queued;
      first = std::min(first, RoundedUp(set_[i]->deadline));
    }
    ASSERT_EQ(wheel_.size(), queued);
    ASSERT_EQ(wheel_.NextWake().is_never(), queued == 0);
    if (queued > 0) {
      ASSERT_LE(wheel_.NextWake(), Deadline(At(std::max(first, now_)))) << "late";
    }
  }

 public:
  uint64_t expired() const { return expired_; }

 private:
  Random random_;
  int64_t now_;
  TimerWheel wheel_;
  std::vector<TimerEntry> entries_;
  std::vector<std::optional<Armed>> set_;
  uint64_t order_ = 0;
  uint64_t expired_ = 0;
};

TEST(TimerWheelTest, BehavesLikeASortedListOfDeadlines) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const int64_t start = seed % 2 == 0 ? 0 : -123456789 * static_cast<int64_t>(seed);
    Model model(seed, 1 + seed * seed % 60, start);
    for (int step = 0; step < 1000; ++step) {
      model.Step();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    EXPECT_GT(model.expired(), 50u);
  }
}

// A server's keep-alive timers: set later again and again, seldom expiring.
TEST(TimerWheelTest, WakesAreBoundedWhenDeadlinesKeepMovingAway) {
  constexpr int kEntries = 500;
  constexpr int64_t kTimeout = 1'000'000'000;
  Random random(3);
  TimerWheel wheel(At(0));
  std::vector<TimerEntry> entries(kEntries);
  for (TimerEntry& entry : entries) wheel.Set(entry, At(kTimeout));
  int64_t now = 0;
  int spurious = 0;
  uint64_t moved = 0;
  std::vector<TimerEntry*> due;
  // Each millisecond one request; an entry is expected to be idle for half its time-out.
  for (int request = 0; request < 20000; ++request) {
    const int64_t next = now + 1'000'000;
    while (wheel.NextWake().ReachedAt(At(next))) {
      now = std::max(now, wheel.NextWake().time().nanoseconds());
      due.clear();
      wheel.Advance(At(now), due);
      if (due.empty()) ++spurious;
      for (TimerEntry* entry : due) wheel.Set(*entry, At(now + kTimeout));
      moved += due.size();
    }
    now = next;
    wheel.Set(entries[random.Below(kEntries)], At(now + kTimeout));
  }
  // Entries move when the bucket comes up in which they are, all of them in one wake, whatever the
  // number of requests: 20 s have 1,192 buckets of 17 ms and 19 of 1.1 s. A few entries are set
  // again when they are in a bucket of one tick already.
  EXPECT_LT(spurious, 1300);
  EXPECT_GT(moved, 0u);
  for (TimerEntry& entry : entries) wheel.Cancel(entry);
}

}  // namespace
}  // namespace rotor
