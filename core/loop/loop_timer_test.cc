// Deadlines: never early, hardly late, and never lost.
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/base/random.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "core/timer/timer_wheel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kTick = absl::Nanoseconds(TimerWheel::kTickNanoseconds);

// Spans from nanoseconds to days, each order of magnitude as likely as the others.
absl::Duration RandomSpan(Random& random) {
  return absl::Nanoseconds(static_cast<int64_t>(random() >> (17 + random.Below(46))));
}

class RandomDeadlines : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomDeadlines, AreNeverEarlyAndAtMostOneTickLate) {
  constexpr int kMachines = 200;
  ScriptedLoop test({}, {.seed = GetParam()});
  Random random(GetParam());
  int expired = 0;
  std::vector<Time> deadlines(kMachines);
  for (int i = 0; i < kMachines; ++i) {
    int left = 5;
    const auto again = [&, i](Scope& scope) {
      deadlines[i] = scope.now() + RandomSpan(random);
      return Step::WaitUntil(deadlines[i]);
    };
    test.Add({.start = again, .timeout = [&, i, again, left](Scope& scope) mutable {
                ++expired;
                EXPECT_GE(scope.now(), deadlines[i]);
                // The simulated handlers take no time, so the tick is all there is.
                EXPECT_LT(scope.now() - deadlines[i], kTick);
                return --left > 0 ? again(scope) : Step::Done();
              }});
  }
  test.Run();
  EXPECT_EQ(expired, 5 * kMachines);
  // One turn per moment at which something expires, and few for entries that move down the wheel.
  EXPECT_LE(test.Count("loop", "turns"), 5 * expired);
}

// A process that is stopped for seconds, and sleeps that end without a reason.
TEST_P(RandomDeadlines, AreNeverEarlyWhenSleepsEndEarlyOrLate) {
  ScriptedLoop test({}, {.seed = GetParam(), .faults = {.spurious_wake = 0.5, .clock_jump = 0.2}});
  Random random(GetParam());
  int expired = 0;
  for (int i = 0; i < 50; ++i) {
    test.Add({.start =
                  [i](Scope& scope) {
                    return Step::WaitUntil(scope.now() + absl::Milliseconds(100 * i));
                  },
              .timeout =
                  [&, i, begin = test.world.now()](Scope& scope) {
                    EXPECT_GE(scope.now(), begin + absl::Milliseconds(100 * i));
                    ++expired;
                    return Step::Done();
                  }});
  }
  test.Run();
  EXPECT_EQ(expired, 50);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDeadlines, testing::Range<uint64_t>(1, 51));

TEST(LoopTimerTest, OneTurnPerExpiredDeadline) {
  ScriptedLoop test;
  int left = 100;
  const auto again = [](Scope& scope) { return Step::WaitUntil(scope.now() + kTick / 3); };
  test.Add({.start = again,
            .timeout = [&](Scope& scope) { return --left > 0 ? again(scope) : Step::Done(); }});
  test.Turn();
  for (int turn = 1; turn <= 100; ++turn) {
    test.Turn();
    EXPECT_EQ(left, 100 - turn);
  }
}

TEST(LoopTimerTest, KeepWaitingKeepsTheDeadline) {
  ScriptedLoop test;
  Time started, timed_out;
  Notifier notifier = test.Add({.start =
                                    [&](Scope& scope) {
                                      started = scope.now();
                                      scope.FlushAtEndOfTurn();
                                      return Step::WaitUntil(started + absl::Seconds(2));
                                    },
                                .timeout =
                                    [&](Scope& scope) {
                                      timed_out = scope.now();
                                      return Step::Done();
                                    },
                                .wakeup = [](Scope&) { return Step::KeepWaiting(); }});
  test.Turn();
  for (int i = 0; i < 3; ++i) {
    test.Pass(absl::Milliseconds(300));
    notifier.Wake();
    test.TurnNow();
  }
  test.Run();
  EXPECT_GE(timed_out, started + absl::Seconds(2));
  EXPECT_LT(timed_out, started + absl::Seconds(2) + kTick);
}

TEST(LoopTimerTest, EveryOtherAnswerReplacesTheDeadline) {
  ScriptedLoop test;
  Time begin = test.world.now(), timed_out;
  std::vector<Deadline> answers = {begin + absl::Seconds(50), Deadline::Never(),
                                   begin + absl::Seconds(3), begin + absl::Seconds(9),
                                   begin + absl::Seconds(7)};
  size_t next = 0;
  const auto answer = [&](Scope&) { return Step::WaitUntil(answers[next++]); };
  const Notifier notifier = test.Add({.start = answer,
                                      .timeout =
                                          [&](Scope& scope) {
                                            timed_out = scope.now();
                                            return Step::Done();
                                          },
                                      .wakeup = answer});
  test.TurnNow();
  while (next < answers.size()) {
    notifier.Wake();
    test.TurnNow();
  }
  test.Run();
  EXPECT_GE(timed_out, begin + absl::Seconds(7));
  EXPECT_LT(timed_out, begin + absl::Seconds(7) + kTick);
}

TEST(LoopTimerTest, DeadlineLongPassedIsCalledOncePerTurn) {
  ScriptedLoop test;
  int timeouts = 0;
  const auto in_the_past = [](Scope& scope) {
    return Step::WaitUntil(scope.now() - absl::Hours(1));
  };
  test.Add({.start = in_the_past, .timeout = [&](Scope& scope) {
              ++timeouts;
              return in_the_past(scope);
            }});
  for (int turn = 1; turn <= 5; ++turn) {
    test.Turn();
    EXPECT_EQ(timeouts, turn);
  }
}

TEST(LoopTimerTest, MachineThatFinishesInTheTurnInWhichItsDeadlineIsDueIsNotCalledAgain) {
  ScriptedLoop test({.machines_max = 2});
  int timeouts = 0;
  const auto count = [&](Scope&) {
    ++timeouts;
    return Step::Done();
  };
  Fd socket;
  test.Add({.start =
                [&](Scope& scope) {
                  socket = *scope.io().BindDatagram(*SocketAddress::Ip("127.0.0.1", 1000));
                  EXPECT_TRUE(scope.Watch(socket, WatchKind::kDatagram).ok());
                  return Step::WaitUntil(scope.now() + absl::Seconds(1));
                },
            .ready = [](Readiness, Scope&) { return Step::Done(); },
            .timeout = count});
  // Takes the slot within the same turn; the old deadline must not become that of the new machine.
  test.Add({.start = [](Scope&) { return Step::Yield(Deadline::Never()); },
            .ready =
                [&](Readiness, Scope&) {
                  if (test.spawner().HasRoom()) {
                    EXPECT_TRUE(test.spawner().Spawn(Script{.timeout = count}).ok());
                    return Step::WaitForever();
                  }
                  return Step::Yield(Deadline::Never());
                }});
  test.Turn();
  auto sender = test.world.BindDatagram(*SocketAddress::Ip("127.0.0.1", 1));
  sender->SendTo("x", *SocketAddress::Ip("127.0.0.1", 1000));
  test.Pass(absl::Seconds(2));
  for (int turn = 0; turn < 3; ++turn) {
    test.TurnNow();
    test.Pass(absl::Seconds(1));
  }
  EXPECT_EQ(timeouts, 0);
  EXPECT_EQ(test.loop.machines(), 2u);
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
}

TEST(LoopTimerTest, AllThatAreDueAtOnceAreCalledInTheOrderOfTheirDeadlines) {
  ScriptedLoop test;
  std::vector<int> order;
  for (const int i : {3, 1, 2, 0}) {
    test.Add(
        {.start = [i](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Seconds(i)); },
         .timeout =
             [&order, i](Scope&) {
               order.push_back(i);
               return Step::Done();
             }});
  }
  test.Turn();
  test.Pass(absl::Minutes(1));
  test.Turn();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(LoopTimerTest, MachineThatRearmsItselfAtNowDoesNotStarveOthers) {
  ScriptedLoop test;
  int eager = 0, other = 0, timer = 0;
  const auto at_now = [&](Scope& scope) {
    ++eager;
    return Step::WaitUntil(scope.now());
  };
  test.Add({.start = at_now, .timeout = at_now});
  Notifier ping;
  const auto pong = [&](Scope&) {
    ++other;
    ping.Wake();
    return Step::KeepWaiting();
  };
  ping = test.Add({.wakeup = pong});
  test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Seconds(1)); },
            .timeout =
                [&](Scope& scope) {
                  ++timer;
                  scope.ShutDown();
                  return Step::Done();
                }});
  ping.Wake();
  for (int turn = 1; turn <= 10; ++turn) {
    test.Pass(absl::Milliseconds(1));
    test.TurnNow();
    EXPECT_EQ(eager, turn);
    EXPECT_EQ(other, turn);
  }
  test.Pass(absl::Seconds(1));
  test.TurnNow();
  EXPECT_EQ(timer, 1);
}

TEST(LoopTimerTest, TurnEndsAtTheLatestTimeAskedFor) {
  ScriptedLoop test;
  test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Hours(1)); }});
  test.Turn();
  const Time latest = test.world.now() + absl::Seconds(1);
  EXPECT_TRUE(test.Turn(latest));
  EXPECT_EQ(test.world.now(), latest);
}

TEST(LoopTimerTest, NextWakeTellsWhenTheNextTurnIsDue) {
  ScriptedLoop test;
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
  Time deadline;
  test.Add({.start = [&](Scope& scope) {
    deadline = scope.now() + absl::Seconds(10);
    return Step::WaitUntil(deadline);
  }});
  EXPECT_TRUE(test.loop.NextWake().ReachedAt(test.world.now()));
  test.Turn();
  // May be earlier than the deadline, while the entry moves down the wheel.
  EXPECT_GT(test.loop.NextWake(), Deadline(test.world.now()));
  EXPECT_LT(test.loop.NextWake(), Deadline(deadline + kTick));
  const GroupId drained = test.AddGroup("drained");
  test.AddTo(drained, {.start =
                           [&](Scope& scope) {
                             scope.Drain(drained, scope.now() + absl::Seconds(1));
                             return Step::WaitForever();
                           },
                       .wakeup = [](Scope&) { return Step::KeepWaiting(); }});
  test.Turn();
  EXPECT_LE(test.loop.NextWake(), Deadline(test.world.now() + absl::Seconds(1)));
}

}  // namespace
}  // namespace rotor
