// Notifiers: one Wakeup for any number of wakes, none lost, and none for the wrong machine.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Counts its wake-ups.
Script Counting(int& wakeups) {
  return {.wakeup = [&wakeups](Scope&) {
    ++wakeups;
    return Step::KeepWaiting();
  }};
}

TEST(LoopWakeTest, WakesAreMerged) {
  ScriptedLoop test;
  int wakeups = 0;
  const Notifier notifier = test.Add(Counting(wakeups));
  test.Turn();
  for (int i = 0; i < 100'000; ++i) notifier.Wake();
  test.Turn();
  EXPECT_EQ(wakeups, 1);
  test.TurnNow();
  EXPECT_EQ(wakeups, 1);
}

TEST(LoopWakeTest, WakeBeforeStartComesAfterStart) {
  ScriptedLoop test;
  std::vector<std::string> trace;
  const Notifier notifier = test.Add({.start =
                                          [&](Scope&) {
                                            trace.push_back("start");
                                            return Step::WaitForever();
                                          },
                                      .wakeup =
                                          [&](Scope&) {
                                            trace.push_back("wakeup");
                                            return Step::KeepWaiting();
                                          }});
  notifier.Wake();
  test.Turn();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup"));
}

TEST(LoopWakeTest, WakeOfAChildThatHasNotStartedWaitsForItsStart) {
  ScriptedLoop test;
  std::vector<std::string> trace;
  const Script child = {.start =
                            [&](Scope&) {
                              trace.push_back("start");
                              return Step::WaitForever();
                            },
                        .wakeup =
                            [&](Scope&) {
                              trace.push_back("wakeup");
                              return Step::KeepWaiting();
                            }};
  // Starts are over for this turn, wake-ups are still to come.
  test.Add({.start = [&](Scope&) {
    test.spawner().Spawn(child)->Wake();
    return Step::WaitForever();
  }});
  test.Turn();
  EXPECT_THAT(trace, IsEmpty());
  const Time begin = test.world.now();
  test.Turn();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup"));
  EXPECT_EQ(test.world.now(), begin);
}

TEST(LoopWakeTest, WakeFromWakeupComesNextTurnWithoutSleep) {
  ScriptedLoop test;
  int ping = 0, pong = 0;
  Notifier to_ping, to_pong;
  to_ping = test.Add({.wakeup = [&](Scope&) {
    ++ping;
    to_pong.Wake();
    return Step::KeepWaiting();
  }});
  to_pong = test.Add({.wakeup = [&](Scope&) {
    ++pong;
    to_ping.Wake();
    return Step::KeepWaiting();
  }});
  test.Turn();
  to_ping.Wake();
  const Time begin = test.world.now();
  for (int turn = 1; turn <= 10; ++turn) {
    test.Turn();
    EXPECT_EQ(ping + pong, turn);
  }
  EXPECT_EQ(test.world.now(), begin);
}

TEST(LoopWakeTest, WakeFromAnyHandlerIsServed) {
  ScriptedLoop test;
  int wakeups = 0;
  const Notifier target = test.Add(Counting(wakeups));
  const auto wake = [&](auto&&...) {
    target.Wake();
    return Step::KeepWaiting();
  };
  test.Add({.start = wake});
  test.Turn();
  EXPECT_EQ(wakeups, 1);
  test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now() - absl::Hours(1)); },
            .timeout =
                [&](Scope& scope) {
                  target.Wake();
                  scope.FlushAtEndOfTurn();
                  return Step::WaitForever();
                },
            .flush = wake});
  test.Turn();
  EXPECT_EQ(wakeups, 2);
  test.Turn();
  EXPECT_EQ(wakeups, 3);
}

TEST(LoopWakeTest, WakeEndsTheSleepOfTheLoop) {
  ScriptedLoop test;
  std::optional<Time> woken;
  const Notifier notifier = test.Add({.wakeup = [&](Scope& scope) {
    woken = scope.now();
    return Step::Done();
  }});
  const Time when = test.world.now() + absl::Hours(3);
  test.world.At(when, [&] { notifier.Wake(); });
  test.Run();
  EXPECT_EQ(woken, when);
}

TEST(LoopWakeTest, PendingWakeMakesTheNextTurnDue) {
  ScriptedLoop test;
  int wakeups = 0;
  const Notifier notifier = test.Add(Counting(wakeups));
  test.Turn();
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
  notifier.Wake();
  EXPECT_TRUE(test.loop.NextWake().ReachedAt(test.world.now()));
  test.Turn();
  EXPECT_EQ(wakeups, 1);
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
  test.TurnNow();
}

TEST(LoopWakeTest, WakeOfAMachineThatFinishesFirstIsForgotten) {
  ScriptedLoop test;
  int wakeups = 0;
  test.Add({.start =
                [](Scope& scope) {
                  scope.notifier().Wake();
                  return Step::Done();
                },
            .wakeup =
                [&](Scope&) {
                  ++wakeups;
                  return Step::KeepWaiting();
                }});
  test.Run();
  EXPECT_EQ(wakeups, 0);
  EXPECT_EQ(test.Count("loop", "wakeups"), 0);
}

TEST(LoopWakeTest, StaleNotifierDoesNotWakeTheNextMachine) {
  ScriptedLoop test({.machines_max = 1});
  int wakeups = 0;
  const Notifier stale = test.Add({.start = [](Scope&) { return Step::Done(); }});
  test.Run();
  test.Add(Counting(wakeups));
  stale.Wake();
  test.Turn();
  stale.Wake();
  test.TurnNow();
  EXPECT_EQ(wakeups, 0);
}

TEST(LoopWakeTest, WakePendingForADeadMachineIsNotInheritedByTheNext) {
  ScriptedLoop test({.machines_max = 2});
  int wakeups = 0;
  Notifier first = test.Add({.wakeup = [](Scope&) { return Step::Done(); }});
  const Notifier second = test.Add({.wakeup = [&](Scope&) {
    first.Wake();
    EXPECT_TRUE(test.spawner().Spawn(Counting(wakeups)).ok());
    first.Wake();
    return Step::KeepWaiting();
  }});
  test.Turn();
  first.Wake();
  second.Wake();
  for (int turn = 0; turn < 3; ++turn) test.TurnNow();
  EXPECT_EQ(test.loop.machines(), 2u);
  EXPECT_EQ(wakeups, 0);
}

TEST(LoopWakeTest, StaleNotifierDoesNotSwallowTheWakeOfTheNextMachine) {
  ScriptedLoop test({.machines_max = 1});
  int wakeups = 0;
  const Notifier stale = test.Add({.start = [](Scope& scope) {
    scope.notifier().Wake();
    return Step::Done();
  }});
  test.Run();
  const Notifier fresh = test.Add(Counting(wakeups));
  test.Turn();
  stale.Wake();
  fresh.Wake();
  stale.Wake();
  test.Turn();
  EXPECT_EQ(wakeups, 1);
}

TEST(LoopWakeTest, NotifierOfNobodyDoesNothing) { Notifier().Wake(); }

TEST(LoopWakeTest, NotifierMayOutliveTheLoopAndItsWorld) {
  std::optional<ScriptedLoop> test(std::in_place);
  int wakeups = 0;
  const Notifier notifier = test->Add(Counting(wakeups));
  test->Turn();
  notifier.Wake();
  test.reset();
  notifier.Wake();
  EXPECT_EQ(wakeups, 0);
}

}  // namespace
}  // namespace rotor
