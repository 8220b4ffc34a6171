// Drain: every machine is asked to finish, and those that do not are cut and named.
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

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Does not finish, however often it is asked.
Script Stubborn() {
  return {.wakeup = [](Scope&) { return Step::KeepWaiting(); }, .state = "stubborn"};
}

TEST(LoopDrainTest, EveryMachineIsToldWithTheDeadline) {
  ScriptedLoop test;
  const GroupId other = test.AddGroup("other");
  const Deadline deadline = test.world.now() + absl::Seconds(10);
  int told = 0;
  const Script listening = {.start =
                                [](Scope& scope) {
                                  EXPECT_FALSE(scope.draining());
                                  EXPECT_TRUE(scope.drain_deadline().is_never());
                                  return Step::WaitForever();
                                },
                            .wakeup =
                                [&](Scope& scope) {
                                  ++told;
                                  EXPECT_TRUE(scope.draining());
                                  EXPECT_EQ(scope.drain_deadline(), deadline);
                                  return Step::Done();
                                }};
  test.Add(listening);
  test.Add(listening);
  test.AddTo(other, listening);
  test.Turn();
  test.loop.Drain(deadline);
  test.Run();
  EXPECT_EQ(told, 3);
  EXPECT_LT(Deadline(test.world.now()), deadline);
  EXPECT_THAT(test.log.lines, IsEmpty());
  EXPECT_EQ(test.Count("test", "machines_cut"), 0);
}

TEST(LoopDrainTest, DrainFromAHandlerReachesTheCallerToo) {
  ScriptedLoop test;
  int told = 0;
  const Script listening = {.wakeup = [&](Scope& scope) {
    if (!scope.draining()) {
      scope.Drain(scope.now() + absl::Seconds(10));
      return Step::KeepWaiting();
    }
    ++told;
    return Step::Done();
  }};
  test.Add(listening);
  test.Add(listening).Wake();
  test.Run();
  EXPECT_EQ(told, 2);
}

TEST(LoopDrainTest, DrainOfAGroupReachesOnlyThatGroup) {
  ScriptedLoop test;
  const GroupId other = test.AddGroup("other");
  int others_told = 0;
  test.AddTo(other, {.wakeup = [&](Scope&) {
               ++others_told;
               return Step::KeepWaiting();
             }});
  test.Add({});
  test.Add(Stubborn());
  test.Turn();
  test.AddTo(other, {.start = [&](Scope& scope) {
               scope.Drain(test.group, scope.now() + absl::Seconds(1));
               EXPECT_FALSE(scope.draining());
               return Step::Done();
             }});
  test.Turn();
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_EQ(test.Count("test", "machines_cut"), 0);
  test.Turn();
  EXPECT_EQ(test.Count("test", "machines_cut"), 1);
  EXPECT_EQ(others_told, 0);
  EXPECT_EQ(test.loop.machines(), 1u);
}

TEST(LoopDrainTest, DeadlineCutsWhatIsLeftAndNamesIt) {
  ScriptedLoop test;
  const Time deadline = test.world.now() + absl::Seconds(10);
  bool destroyed = false;
  test.Add({});
  Script stubborn = Stubborn();
  stubborn.destroyed = [&] { destroyed = true; };
  test.Add(std::move(stubborn));
  test.loop.Drain(deadline);
  test.Run();
  EXPECT_EQ(test.world.now(), deadline);
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(test.loop.machines(), 0u);
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_EQ(test.Count("test", "machines_cut"), 1);
  ASSERT_THAT(test.log.lines, SizeIs(1));
  EXPECT_THAT(test.log.lines[0], AllOf(StartsWith("drain deadline reached, cut /test/1 "),
                                       HasSubstr("Scripted"), HasSubstr("state: stubborn")));
}

TEST(LoopDrainTest, LongListsOfCutMachinesAreSummedUp) {
  ScriptedLoop test;
  for (int i = 0; i < 100; ++i) test.Add(Stubborn());
  test.loop.Drain(test.world.now() + absl::Seconds(1));
  test.Run();
  EXPECT_EQ(test.Count("test", "machines_cut"), 100);
  EXPECT_THAT(test.log.lines, SizeIs(33));
  EXPECT_EQ(test.log.lines.back(), "and 68 more of /test");
}

TEST(LoopDrainTest, SoonerDeadlineWinsWhicheverComesFirst) {
  for (const auto& [first, second] : {std::pair(5, 60), std::pair(60, 5)}) {
    ScriptedLoop test;
    const Time begin = test.world.now();
    test.Add(Stubborn());
    test.Turn();
    test.loop.Drain(begin + absl::Seconds(first));
    test.Turn();
    test.loop.Drain(begin + absl::Seconds(second));
    test.Run();
    EXPECT_EQ(test.world.now(), begin + absl::Seconds(5));
  }
}

TEST(LoopDrainTest, GroupsWithDifferentDeadlinesAreCutAtTheirOwn) {
  ScriptedLoop test;
  const GroupId other = test.AddGroup("other");
  const Time begin = test.world.now();
  std::vector<absl::Duration> cut;
  for (const GroupId group : {test.group, other}) {
    Script stubborn = Stubborn();
    stubborn.start = [group, first = test.group](Scope& scope) {
      scope.Drain(group, scope.now() + absl::Seconds(group == first ? 7 : 3));
      return Step::WaitForever();
    };
    stubborn.destroyed = [&] { cut.push_back(test.world.now() - begin); };
    test.AddTo(group, std::move(stubborn));
  }
  test.Run();
  EXPECT_THAT(cut, ElementsAre(absl::Seconds(3), absl::Seconds(7)));
}

TEST(LoopDrainTest, DrainWithoutADeadlineWaitsForAsLongAsItTakes) {
  ScriptedLoop test;
  test.Add(
      {.wakeup = [](Scope& scope) { return Step::WaitUntil(scope.now() + absl::Hours(1000)); }});
  test.loop.Drain(Deadline::Never());
  test.Run();
  EXPECT_EQ(test.Count("test", "machines_finished"), 1);
  EXPECT_THAT(test.log.lines, IsEmpty());
}

TEST(LoopDrainTest, DrainBeforeTheFirstTurnComesAfterStart) {
  ScriptedLoop test;
  std::vector<std::string> trace;
  test.Add({.start =
                [&](Scope& scope) {
                  trace.push_back(scope.draining() ? "start, draining" : "start");
                  return Step::WaitForever();
                },
            .wakeup =
                [&](Scope& scope) {
                  trace.push_back(scope.draining() ? "wakeup, draining" : "wakeup");
                  return Step::Done();
                }});
  test.loop.Drain(test.world.now() + absl::Seconds(1));
  test.Run();
  EXPECT_THAT(trace, ElementsAre("start, draining", "wakeup, draining"));
}

TEST(LoopDrainTest, MachineSpawnedWhileDrainingIsTold) {
  ScriptedLoop test;
  int told = 0;
  test.Add({.wakeup = [&](Scope& scope) {
    EXPECT_TRUE(scope.draining());
    EXPECT_TRUE(test.spawner()
                    .Spawn(Script{.wakeup =
                                      [&](Scope& scope) {
                                        EXPECT_TRUE(scope.draining());
                                        ++told;
                                        return Step::Done();
                                      }})
                    .ok());
    return Step::Done();
  }});
  test.Turn();
  test.loop.Drain(test.world.now() + absl::Seconds(1));
  test.Run();
  EXPECT_EQ(told, 1);
  EXPECT_THAT(test.log.lines, IsEmpty());
}

TEST(LoopDrainTest, MachineSpawnedAfterTheDeadlineIsCutToo) {
  ScriptedLoop test;
  const GroupId other = test.AddGroup("other");
  test.Add(Stubborn());
  test.AddTo(other, {.start =
                         [&](Scope& scope) {
                           scope.Drain(test.group, scope.now() + absl::Seconds(1));
                           return Step::WaitUntil(scope.now() + absl::Seconds(5));
                         },
                     .timeout =
                         [&](Scope&) {
                           EXPECT_EQ(test.Count("test", "machines_cut"), 1);
                           EXPECT_TRUE(test.spawner().Spawn(Stubborn()).ok());
                           return Step::Done();
                         }});
  test.Run();
  EXPECT_EQ(test.Count("test", "machines_cut"), 2);
}

TEST(LoopDrainTest, ShutDownDestroysAllAfterThisTurnWithoutACall) {
  ScriptedLoop test;
  int wakeups = 0, destroyed = 0;
  Script other = {.wakeup =
                      [&](Scope&) {
                        ++wakeups;
                        return Step::KeepWaiting();
                      },
                  .destroyed = [&] { ++destroyed; }};
  test.Add(other);
  test.Add({.start =
                [&](Scope& scope) {
                  scope.ShutDown();
                  EXPECT_TRUE(test.spawner().Spawn(other).ok());
                  EXPECT_EQ(destroyed, 0);
                  return Step::WaitForever();
                },
            .destroyed = [&] { ++destroyed; }});
  const Time begin = test.world.now();
  EXPECT_FALSE(test.Turn());
  EXPECT_EQ(wakeups, 0);
  EXPECT_EQ(test.loop.machines(), 0u);
  EXPECT_EQ(test.Count("test", "machines_cut"), 3);
  EXPECT_EQ(test.world.now(), begin);
}

TEST(LoopDrainTest, NothingIsCalledAfterTheCut) {
  ScriptedLoop test;
  int calls = 0;
  const auto count = [&](auto&&...) {
    ++calls;
    return Step::KeepWaiting();
  };
  test.Add({.start =
                [](Scope& scope) {
                  scope.ResumeWhenRoomReturns();
                  return Step::Yield(scope.now() + absl::Seconds(1));
                },
            .ready = count,
            .timeout = count,
            .wakeup = count,
            .flush =
                [&](Scope& scope) {
                  ++calls;
                  scope.FlushAtEndOfTurn();
                  scope.notifier().Wake();
                  return Step::KeepWaiting();
                }});
  const GroupId other = test.AddGroup("other");
  test.AddTo(other, {.start = [](Scope& scope) {
               scope.Drain(GroupId{0}, scope.now());
               return Step::WaitUntil(scope.now() + absl::Hours(1));
             }});
  test.Turn();
  EXPECT_EQ(test.loop.machines(), 1u);
  test.Run();
  EXPECT_EQ(calls, 0);
}

TEST(LoopDrainTest, BackgroundMachineIsNotEndedByADrain) {
  ScriptedLoop test;
  bool destroyed = false;
  const auto start = [](Scope& scope) {
    scope.RunInBackground();
    return Step::WaitForever();
  };
  // Has no Wakeup handler of its own: the default ends machines that drain.
  const Notifier background = test.Add({.start = start, .destroyed = [&] { destroyed = true; }});
  test.Add(Stubborn());
  test.loop.Drain(test.world.now() + absl::Seconds(5));  // Before anybody has started.
  test.Turn();
  background.Wake();
  test.Run();
  EXPECT_FALSE(destroyed);
  EXPECT_EQ(test.loop.machines(), 1u);
  EXPECT_EQ(test.Count("test", "machines_cut"), 1);
}

TEST(LoopDrainTest, MachineWithoutAWakeupHandlerFinishesWhenDrained) {
  struct Simple {
    Step Start(Scope&) { return Step::WaitForever(); }
  };
  SimWorld world;
  Loop<Simple> loop = LoopBuilder<Simple>({}, world.AddHost("host")).Build();
  ASSERT_TRUE(loop.Add(*loop.AddGroup("test")).ok());
  ASSERT_TRUE(*loop.RunOnce(world.now()));
  loop.Drain(world.now() + absl::Seconds(1));
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(loop.counters().Get("test", "machines_finished").value(), 1);
}

}  // namespace
}  // namespace rotor
