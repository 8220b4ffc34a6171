// What happens in one turn of the loop, and in which order.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Trace = std::vector<std::string>;

// A handler that notes its name and then answers.
auto Noting(Trace& trace, std::string name, Step answer) {
  return [&trace, name = std::move(name), answer](auto&&...) {
    trace.push_back(name);
    return answer;
  };
}

// A datagram socket of the machine's own, at `port` of the loopback address.
struct Mailslot {
  static SocketAddress Address(uint16_t port) { return *SocketAddress::Ip("127.0.0.1", port); }

  void Open(Scope& scope, uint16_t port, uint8_t tag = 0) {
    absl::StatusOr<Fd> bound = scope.io().BindDatagram(Address(port));
    ASSERT_TRUE(bound.ok()) << bound.status();
    socket = *std::move(bound);
    ASSERT_TRUE(scope.Watch(socket, WatchKind::kDatagram, tag).ok());
  }
  // All that waits, one letter or more each.
  std::string Take(Scope& scope) {
    std::string taken;
    char bytes[16];
    SocketAddress from;
    for (;;) {
      const IoResult result = scope.io().ReceiveFrom(socket, bytes, from);
      if (!result.ok()) return taken;
      taken.append(bytes, result.bytes);
    }
  }

  Fd socket;
};

TEST(LoopTurnTest, PhasesOfOneTurnComeInOrder) {
  ScriptedLoop test;
  Trace trace;
  Mailslot slot;
  test.Add({.start =
                [&](Scope& scope) {
                  slot.Open(scope, 1000);
                  return Step::WaitForever();
                },
            .ready =
                [&](Readiness readiness, Scope& scope) {
                  EXPECT_TRUE(readiness.readable());
                  trace.push_back("ready");
                  scope.FlushAtEndOfTurn();
                  return Step::KeepWaiting();
                },
            .flush = [&](Scope&) { return Noting(trace, "flush", Step::KeepWaiting())(); }});
  test.Add({.start = [](Scope&) { return Step::Yield(Deadline::Never()); },
            .ready =
                [&](Readiness readiness, Scope&) {
                  EXPECT_TRUE(readiness.resumed());
                  trace.push_back("resume");
                  return Step::WaitForever();
                }});
  test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Seconds(1)); },
            .timeout = [&](Scope&) { return Noting(trace, "timeout", Step::WaitForever())(); }});
  const Notifier woken =
      test.Add({.wakeup = [&](Scope&) { return Noting(trace, "wakeup", Step::KeepWaiting())(); }});
  const GroupId cut = test.AddGroup("cut");
  test.AddTo(cut, {.start =
                       [cut](Scope& scope) {
                         scope.Drain(cut, scope.now() + absl::Seconds(1));
                         return Step::WaitForever();
                       },
                   .wakeup = [](Scope&) { return Step::KeepWaiting(); },
                   .destroyed = [&] { trace.push_back("cut"); }});
  test.Turn();
  ASSERT_THAT(trace, IsEmpty());

  auto sender = test.world.BindDatagram(Mailslot::Address(1));
  sender->SendTo("x", Mailslot::Address(1000));
  test.Pass(absl::Seconds(2));
  woken.Wake();
  test.Add({.start = [&](Scope&) { return Noting(trace, "start", Step::WaitForever())(); }});
  test.Turn();

  EXPECT_THAT(trace, ElementsAre("ready", "start", "resume", "timeout", "wakeup", "flush", "cut"));
}

TEST(LoopTurnTest, AddedMachineIsBuiltAtOnceAndStartedByTheFirstTurn) {
  ScriptedLoop test;
  Trace trace;
  test.Add({.start = [&](Scope&) { return Noting(trace, "start", Step::Done())(); },
            .destroyed = [&] { trace.push_back("destroyed"); }});
  EXPECT_EQ(test.loop.machines(), 1u);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_FALSE(test.Turn());
  EXPECT_THAT(trace, ElementsAre("start", "destroyed"));
}

TEST(LoopTurnTest, ChildStartsAfterTheHandlerOfItsParentReturned) {
  ScriptedLoop test;
  Trace trace;
  const auto spawn = [&](Scope&) {
    trace.push_back("parent enters");
    EXPECT_TRUE(
        test.spawner()
            .Spawn(Script{
                .start = [&](Scope&) { return Noting(trace, "child starts", Step::Done())(); }})
            .ok());
    trace.push_back("parent leaves");
    return Step::Done();
  };
  test.Add({.wakeup = spawn}).Wake();
  test.Run();
  EXPECT_THAT(trace, ElementsAre("parent enters", "parent leaves", "child starts"));
}

TEST(LoopTurnTest, FirstStartSeesTheTimeOfTheRunNotOfTheBuild) {
  ScriptedLoop test;
  test.Pass(absl::Hours(1));
  const Time expected = test.world.now();
  Time seen;
  test.Add({.start = [&](Scope& scope) {
    seen = scope.now();
    return Step::Done();
  }});
  test.Run();
  EXPECT_EQ(seen, expected);
  EXPECT_NE(seen, Time());
}

TEST(LoopTurnTest, StartMayFinishAtOnce) {
  ScriptedLoop test;
  test.Add({.start = [](Scope&) { return Step::Done(); }});
  test.Run();
  EXPECT_EQ(test.loop.machines(), 0u);
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_EQ(test.Count("test", "machines_failed"), 0);
}

TEST(LoopTurnTest, StartMayFailWhichIsCountedAndLogged) {
  ScriptedLoop test;
  test.log.level_min = LogLevel::kInfo;
  test.Add({});
  test.Add({.start = [](Scope& scope) {
    scope.Drain(Deadline::Never());
    return Step::Fail(absl::UnavailableError("no such device"));
  }});
  test.Run();
  EXPECT_EQ(test.Count("test", "machines_failed"), 1);
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_THAT(test.log.lines, ElementsAre("/test/1 failed: UNAVAILABLE: no such device"));
}

TEST(LoopTurnTest, FailuresAreCountedButNotLoggedUnlessAskedFor) {
  ScriptedLoop test;
  test.Add({.start = [](Scope&) { return Step::Fail(absl::UnknownError("x")); }});
  test.Run();
  EXPECT_EQ(test.Count("test", "machines_failed"), 1);
  EXPECT_THAT(test.log.lines, IsEmpty());
  EXPECT_FALSE(LogSink().Enabled(LogLevel::kInfo));
  EXPECT_TRUE(LogSink().Enabled(LogLevel::kWarning));
}

TEST(LoopTurnTest, KeepWaitingFromStartMeansForever) {
  ScriptedLoop test;
  test.Add({.start = [](Scope&) { return Step::KeepWaiting(); }});
  test.TurnNow();
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
}

TEST(LoopTurnTest, MachineThatSpawnsItsLikeFromStartDoesNotOwnTheTurn) {
  ScriptedLoop test({.machines_max = 4});
  int generations = 0;
  std::function<Step(Scope&)> start = [&](Scope&) {
    ++generations;
    EXPECT_TRUE(test.spawner().Spawn(Script{.start = start}).ok());
    return Step::Done();
  };
  int wakeups = 0;
  const Notifier other = test.Add({.wakeup = [&](Scope&) {
    ++wakeups;
    return Step::KeepWaiting();
  }});
  test.Add({.start = start});
  for (int turn = 1; turn <= 5; ++turn) {
    other.Wake();
    test.Turn();
    EXPECT_EQ(generations, turn);
    EXPECT_EQ(wakeups, turn);
  }
}

TEST(LoopTurnTest, NowIsConstantDuringOneTurn) {
  ScriptedLoop test;
  const Notifier second = test.Add({.wakeup = [&](Scope& scope) {
    EXPECT_EQ(scope.now(), test.world.now() - absl::Seconds(5));
    return Step::Done();
  }});
  test.Add({.start = [&](Scope&) {
    second.Wake();
    test.Pass(absl::Seconds(5));  // As a handler does that takes long.
    return Step::Done();
  }});
  test.Turn();
  EXPECT_EQ(test.loop.machines(), 0u);
}

TEST(LoopTurnTest, YieldComesBackNextTurnWithoutSleepAndOthersRunInBetween) {
  ScriptedLoop test;
  Trace trace;
  const Time begin = test.world.now();
  int left = 3;
  const auto work = [&](auto&&...) {
    trace.push_back("work");
    return --left > 0 ? Step::Yield(Deadline::Never()) : Step::Done();
  };
  Notifier other;
  const auto note = [&](Scope&) {
    trace.push_back("other");
    if (left == 0) return Step::Done();
    other.Wake();
    return Step::KeepWaiting();
  };
  other = test.Add({.wakeup = note});
  test.Add({.start = work, .ready = [&](Readiness readiness, Scope&) {
              EXPECT_TRUE(readiness.resumed());
              return work();
            }});
  other.Wake();
  test.Run();
  EXPECT_THAT(trace, ElementsAre("work", "other", "work", "other", "work", "other"));
  EXPECT_EQ(test.world.now(), begin);
}

TEST(LoopTurnTest, DeadlineOfAYieldHoldsWhileTheMachineKeepsWaiting) {
  ScriptedLoop test;
  Time started, timed_out;
  test.Add({.start =
                [&](Scope& scope) {
                  started = scope.now();
                  return Step::Yield(started + absl::Seconds(3));
                },
            .timeout =
                [&](Scope& scope) {
                  timed_out = scope.now();
                  return Step::Done();
                }});
  test.Run();
  EXPECT_GE(timed_out, started + absl::Seconds(3));
}

TEST(LoopTurnTest, EventDuringAYieldDoesNotReplaceTheCallThatIsOwed) {
  ScriptedLoop test;
  Mailslot slot;
  int resumed = 0, readable = 0;
  test.Add({.start =
                [&](Scope& scope) {
                  slot.Open(scope, 1000);
                  return Step::Yield(Deadline::Never());
                },
            .ready =
                [&](Readiness readiness, Scope&) {
                  ++(readiness.resumed() ? resumed : readable);
                  return resumed == 2 ? Step::Done() : Step::Yield(Deadline::Never());
                }});
  auto sender = test.world.BindDatagram(Mailslot::Address(1));
  test.Turn();
  sender->SendTo("x", Mailslot::Address(1000));
  test.Pass(absl::Seconds(1));
  test.Turn();
  EXPECT_EQ(readable, 1);
  EXPECT_EQ(resumed, 1);
  EXPECT_FALSE(test.Turn());
  EXPECT_EQ(resumed, 2);
}

TEST(LoopTurnTest, EventsBeyondTheBudgetWaitWhileTimersAndWakeupsGetTheirTurn) {
  constexpr int kMachines = 10;
  ScriptedLoop test({.events_per_turn = 3});
  std::vector<Mailslot> slots(kMachines);
  int ready = 0, wakeups = 0, timeouts = 0;
  for (int i = 0; i < kMachines; ++i) {
    test.Add({.start =
                  [&, i](Scope& scope) {
                    slots[i].Open(scope, static_cast<uint16_t>(1000 + i));
                    return Step::WaitForever();
                  },
              .ready =
                  [&](Readiness, Scope&) {
                    ++ready;
                    return Step::KeepWaiting();
                  }});
  }
  const Notifier other =
      test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now()); },
                .timeout =
                    [&](Scope& scope) {
                      ++timeouts;
                      return Step::WaitUntil(scope.now());
                    },
                .wakeup =
                    [&](Scope&) {
                      ++wakeups;
                      return Step::KeepWaiting();
                    }});
  test.Turn();
  auto sender = test.world.BindDatagram(Mailslot::Address(1));
  for (int i = 0; i < kMachines; ++i) {
    sender->SendTo("x", Mailslot::Address(static_cast<uint16_t>(1000 + i)));
  }
  test.Pass(absl::Seconds(1));
  for (int turn = 1; turn <= 4; ++turn) {
    other.Wake();
    test.Pass(absl::Milliseconds(1));
    test.TurnNow();
    EXPECT_EQ(ready, turn < 4 ? 3 * turn : kMachines);
    EXPECT_EQ(wakeups, turn);
    EXPECT_EQ(timeouts, turn);
  }
}

TEST(LoopTurnTest, ReadinessNamesTheWatch) {
  ScriptedLoop test;
  Mailslot first, second;
  std::vector<int> tags;
  test.Add({.start =
                [&](Scope& scope) {
                  first.Open(scope, 1000, 7);
                  second.Open(scope, 1001, 255);
                  return Step::WaitForever();
                },
            .ready =
                [&](Readiness readiness, Scope&) {
                  tags.push_back(readiness.tag());
                  return tags.size() == 2 ? Step::Done() : Step::KeepWaiting();
                }});
  auto sender = test.world.BindDatagram(Mailslot::Address(1));
  sender->SendTo("x", Mailslot::Address(1000));
  sender->SendTo("x", Mailslot::Address(1001));
  test.Run();
  EXPECT_THAT(tags, UnorderedElementsAre(7, 255));
}

TEST(LoopTurnTest, FlushComesOncePerTurnAfterAllHandlers) {
  ScriptedLoop test;
  Trace trace;
  Notifier self;
  const auto ask = [&](Scope& scope, std::string name) {
    trace.push_back(name);
    scope.FlushAtEndOfTurn();
    scope.FlushAtEndOfTurn();
    return Step::KeepWaiting();
  };
  self = test.Add({.start = [&](Scope& scope) { return ask(scope, "start"); },
                   .wakeup = [&](Scope& scope) { return ask(scope, "wakeup"); },
                   .flush = [&](Scope&) { return Noting(trace, "flush", Step::KeepWaiting())(); }});
  self.Wake();
  test.Turn();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup", "flush"));
  test.TurnNow();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup", "flush"));
}

// A turn of `count` wake-ups of which the first asks for a flush and the others take `each`. How
// many of those had passed when the flush came.
int CallsBeforeFlush(int count, absl::Duration each) {
  ScriptedLoop test;
  int calls = 0;
  int at_flush = -1;
  std::vector<Notifier> notifiers;
  notifiers.push_back(test.Add({.wakeup =
                                    [](Scope& scope) {
                                      scope.FlushAtEndOfTurn();
                                      return Step::WaitForever();
                                    },
                                .flush =
                                    [&](Scope&) {
                                      EXPECT_EQ(at_flush, -1);
                                      at_flush = calls;
                                      return Step::KeepWaiting();
                                    }}));
  for (int i = 0; i < count; ++i) {
    notifiers.push_back(test.Add({.wakeup = [&](Scope&) {
      ++calls;
      test.Pass(each);
      return Step::WaitForever();
    }}));
  }
  test.TurnNow();
  for (const Notifier& notifier : notifiers) notifier.Wake();
  test.TurnNow();
  EXPECT_EQ(calls, count);
  return at_flush;
}

TEST(LoopTurnTest, FlushDoesNotWaitForTheEndOfATurnThatTakesLong) {
  const int calls = CallsBeforeFlush(100, absl::Milliseconds(1));
  EXPECT_GT(calls, 0);
  EXPECT_LE(calls, 8);
}

TEST(LoopTurnTest, FlushWaitsForTheEndOfATurnThatDoesNot) {
  EXPECT_EQ(CallsBeforeFlush(100, absl::Microseconds(5)), 100);
}

TEST(LoopTurnTest, FlushIsSkippedForAMachineThatFinishedMeanwhile) {
  ScriptedLoop test;
  int flushes = 0;
  const Notifier notifier = test.Add({.start =
                                          [](Scope& scope) {
                                            scope.FlushAtEndOfTurn();
                                            return Step::KeepWaiting();
                                          },
                                      .wakeup = [](Scope&) { return Step::Done(); },
                                      .flush =
                                          [&](Scope&) {
                                            ++flushes;
                                            return Step::KeepWaiting();
                                          }});
  notifier.Wake();
  EXPECT_FALSE(test.Turn());
  EXPECT_EQ(flushes, 0);
  EXPECT_EQ(test.Count("loop", "flushes"), 0);
}

TEST(LoopTurnTest, FlushIsNotInheritedByTheNextMachineInTheSlot) {
  ScriptedLoop test({.machines_max = 2});
  int flushes = 0;
  const Script next = {.flush = [&](Scope&) {
    ++flushes;
    return Step::KeepWaiting();
  }};
  test.Add({.start = [](Scope& scope) {
    scope.FlushAtEndOfTurn();
    return Step::Done();
  }});
  test.Add({.start = [&](Scope&) {
    EXPECT_TRUE(test.spawner().Spawn(next).ok());
    return Step::WaitForever();
  }});
  test.Turn();
  test.Turn();
  EXPECT_EQ(test.loop.machines(), 2u);
  EXPECT_EQ(flushes, 0);
}

TEST(LoopTurnTest, FlushAskedAgainWhileFlushingComesNextTurnWithoutSleep) {
  ScriptedLoop test;
  int flushes = 0;
  test.Add({.start =
                [](Scope& scope) {
                  scope.FlushAtEndOfTurn();
                  return Step::WaitForever();
                },
            .flush =
                [&](Scope& scope) {
                  scope.FlushAtEndOfTurn();
                  return ++flushes == 3 ? Step::Done() : Step::KeepWaiting();
                }});
  const Time begin = test.world.now();
  EXPECT_TRUE(test.Turn());
  EXPECT_EQ(flushes, 1);
  EXPECT_TRUE(test.Turn());
  EXPECT_EQ(flushes, 2);
  EXPECT_FALSE(test.Turn());
  EXPECT_EQ(test.world.now(), begin);
}

TEST(LoopTurnTest, RunEndsWhenTheLastMachineFinishes) {
  ScriptedLoop test;
  EXPECT_FALSE(test.Turn());
  for (int i = 1; i <= 3; ++i) {
    test.Add(
        {.start = [i](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Seconds(i)); }});
  }
  test.Run();
  EXPECT_EQ(test.loop.machines(), 0u);
  // What comes later runs, too.
  test.Add({});
  EXPECT_TRUE(test.Turn());
}

TEST(LoopTurnTest, BackgroundMachineDoesNotKeepTheLoopRunning) {
  ScriptedLoop test;
  int ticks = 0;
  test.Add({.start =
                [](Scope& scope) {
                  scope.RunInBackground();
                  scope.RunInBackground();
                  return Step::WaitUntil(scope.now() + absl::Seconds(1));
                },
            .timeout =
                [&](Scope& scope) {
                  ++ticks;
                  return Step::WaitUntil(scope.now() + absl::Seconds(1));
                }});
  test.Add({.start = [](Scope& scope) {
    return Step::WaitUntil(scope.now() + absl::Milliseconds(3500));
  }});
  test.Run();
  EXPECT_EQ(ticks, 3);
  EXPECT_EQ(test.loop.machines(), 1u);
}

TEST(LoopTurnTest, BackgroundMachineThatEndsLeavesTheOthersRunning) {
  ScriptedLoop test;
  test.Add({.start = [](Scope& scope) {
    scope.RunInBackground();
    return Step::Done();
  }});
  test.Add({});
  EXPECT_TRUE(test.Turn());
  EXPECT_EQ(test.loop.machines(), 1u);
}

TEST(LoopTurnTest, FailureOfTheBackendEndsRun) {
  ScriptedLoop test;
  test.Add({});
  const absl::Status status = test.loop.Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(status.ToString(), HasSubstr("deadlock"));
}

// A machine that has only what is required.
struct OnlyStart {
  Step Start(Scope& scope) {
    EXPECT_TRUE(scope.Watch(socket, WatchKind::kDatagram).ok());
    scope.FlushAtEndOfTurn();
    scope.notifier().Wake();
    return Step::WaitUntil(scope.now() + absl::Seconds(10));
  }
  Fd socket;
};

TEST(LoopTurnTest, EventsAMachineHasNoHandlerForAreHarmless) {
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  RecordingLog log;
  log.level_min = LogLevel::kInfo;
  Loop<OnlyStart> loop = LoopBuilder<OnlyStart>({.log = &log}, host).Build();
  const GroupId group = *loop.AddGroup("test");
  const Time begin = world.now();
  ASSERT_TRUE(loop.Add(group, OnlyStart{*host.io().BindDatagram(Mailslot::Address(1000))}).ok());
  auto sender = world.BindDatagram(Mailslot::Address(1));
  sender->SendTo("x", Mailslot::Address(1000));

  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(loop.counters().Get("loop", "events").value(), 1);
  EXPECT_EQ(loop.counters().Get("loop", "wakeups").value(), 1);
  EXPECT_EQ(loop.counters().Get("loop", "flushes").value(), 1);
  // None of them disturbed the deadline.
  EXPECT_GE(world.now(), begin + absl::Seconds(10));
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("DEADLINE_EXCEEDED")));
}

TEST(LoopTurnTest, CountersTellWhatHappened) {
  ScriptedLoop test({.machines_max = 1});
  Mailslot slot;
  test.Add({.start =
                [&](Scope& scope) {
                  slot.Open(scope, 1000);
                  EXPECT_FALSE(test.spawner().Spawn(Script{}).ok());
                  scope.FlushAtEndOfTurn();
                  scope.notifier().Wake();
                  return Step::WaitUntil(scope.now() + absl::Seconds(1));
                },
            .timeout = [](Scope&) { return Step::Done(); }});
  auto sender = test.world.BindDatagram(Mailslot::Address(1));
  sender->SendTo("x", Mailslot::Address(1000));
  test.Run();
  EXPECT_EQ(test.Count("loop", "events"), 1);
  EXPECT_EQ(test.Count("loop", "events_stale"), 0);
  EXPECT_EQ(test.Count("loop", "timeouts"), 1);
  EXPECT_EQ(test.Count("loop", "wakeups"), 1);
  EXPECT_EQ(test.Count("loop", "flushes"), 1);
  EXPECT_EQ(test.Count("loop", "spawns_refused"), 1);
  EXPECT_GE(test.Count("loop", "turns"), 3);
  EXPECT_EQ(test.Count("test", "machines_spawned"), 1);
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_EQ(test.Count("test", "machines_failed"), 0);
  EXPECT_EQ(test.Count("test", "machines_cut"), 0);
}

}  // namespace
}  // namespace rotor
