// Slots: how they are taken, refused, waited for and used again, and that nothing stale reaches the
// next machine in one.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/buffer/buffer.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SocketAddress Port(uint16_t port) { return *SocketAddress::Ip("127.0.0.1", port); }

TEST(LoopSpawnTest, OneHandlerMaySpawnManyChildren) {
  constexpr int kChildren = 1000;
  ScriptedLoop test;
  int started = 0;
  test.Add({.start = [&](Scope&) {
    for (int i = 0; i < kChildren; ++i) {
      EXPECT_TRUE(test.spawner()
                      .Spawn(Script{.start =
                                        [&](Scope&) {
                                          ++started;
                                          return Step::Done();
                                        }})
                      .ok());
    }
    EXPECT_EQ(started, 0);
    return Step::Done();
  }});
  test.Run();
  EXPECT_EQ(started, kChildren);
  EXPECT_EQ(test.Count("test", "machines_spawned"), kChildren + 1);
}

TEST(LoopSpawnTest, SpawnReturnsTheHandleOfTheChild) {
  ScriptedLoop test;
  int wakeups = 0;
  test.Add({.start = [&](Scope&) {
    absl::StatusOr<Notifier> child = test.spawner().Spawn(Script{.wakeup = [&](Scope&) {
      ++wakeups;
      return Step::Done();
    }});
    EXPECT_TRUE(child.ok());
    child->Wake();
    return Step::Done();
  }});
  test.Run();
  EXPECT_EQ(wakeups, 1);
}

// Takes what cannot be copied.
struct Owner {
  explicit Owner(std::unique_ptr<int> value) : value(std::move(value)) {}
  Step Start(Scope&) { return Step::WaitForever(); }
  std::unique_ptr<int> value;
};

TEST(LoopSpawnTest, FullLoopRefusesAndLeavesTheArgumentsUntouched) {
  SimWorld world;
  Loop<Owner> loop = LoopBuilder<Owner>({.machines_max = 1}, world.AddHost("host")).Build();
  const GroupId group = *loop.AddGroup("test");
  ASSERT_TRUE(loop.Add(group, std::make_unique<int>(1)).ok());

  const Spawner<Owner> spawner = loop.SpawnerFor(group);
  EXPECT_FALSE(spawner.HasRoom());
  auto value = std::make_unique<int>(2);
  const absl::StatusOr<Notifier> refused = spawner.Spawn(std::move(value));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.status().ToString(), HasSubstr("1 machines"));
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(*value, 2);
  EXPECT_EQ(loop.machines(), 1u);
  EXPECT_EQ(loop.counters().Get("loop", "spawns_refused").value(), 1);
}

TEST(LoopSpawnTest, DescriptorOfARefusedMachineMayOutliveTheLoop) {
  struct Listening {
    explicit Listening(Fd listener) : listener(std::move(listener)) {}
    Step Start(Scope& scope) {
      EXPECT_TRUE(scope.Watch(listener, WatchKind::kListener).ok());
      return Step::WaitForever();
    }
    Fd listener;
  };
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  Fd kept = *host.io().Listen(Port(80), {});
  {
    LoopBuilder<Listening> builder({.machines_max = 1}, host);
    const GroupId group = *builder.AddGroup("test");
    ASSERT_TRUE(builder.Add(group, *host.io().Listen(Port(81), {})).ok());
    EXPECT_FALSE(builder.Add(group, std::move(kept)).ok());
    Loop<Listening> loop = std::move(builder).Build();
    EXPECT_TRUE(loop.RunOnce(host.Now()).ok());
  }
  EXPECT_TRUE(kept.is_open());
  kept.Close();
  world.ExpectNothingOpen();
  EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(LoopSpawnTest, MachineStaysInPlaceWhileItsHandlerFillsTheLoop) {
  constexpr uint32_t kMachines = 2000;  // Several chunks of storage.
  ScriptedLoop test({.machines_max = kMachines});
  Time started, timed_out;
  std::optional<uint32_t> spawned;
  test.Add({.start =
                [&, text = std::string("a text too long for the string itself")](Scope& scope) {
                  const std::string& mine = text;  // Lies in the slot, through the handler.
                  uint32_t count = 0;
                  while (test.spawner().Spawn(Script{}).ok()) ++count;
                  EXPECT_EQ(mine, "a text too long for the string itself");
                  spawned = count;
                  started = scope.now();
                  return Step::WaitUntil(scope.now() + absl::Seconds(1));
                },
            .timeout =
                [&](Scope& scope) {
                  timed_out = scope.now();
                  scope.ShutDown();
                  return Step::Done();
                }});
  test.Run();
  EXPECT_EQ(spawned, kMachines - 1);
  EXPECT_GE(timed_out, started + absl::Seconds(1));
}

TEST(LoopSpawnTest, SlotOfAFinishedMachineIsUsedAgain) {
  ScriptedLoop test({.machines_max = 1});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(test.spawner().HasRoom());
    test.Add({.start = [](Scope&) { return Step::Done(); }});
    EXPECT_FALSE(test.spawner().HasRoom());
    test.Run();
  }
  EXPECT_EQ(test.Count("test", "machines_finished"), 1000);
}

// A machine that asks for room when it starts and counts how often it is resumed.
struct Waiter {
  Script AsScript() {
    return {.start =
                [](Scope& scope) {
                  scope.ResumeWhenRoomReturns();
                  scope.ResumeWhenRoomReturns();
                  return Step::WaitForever();
                },
            .ready =
                [this](Readiness readiness, Scope& scope) {
                  EXPECT_TRUE(readiness.resumed());
                  ++resumed;
                  if (asks_again) scope.ResumeWhenRoomReturns();
                  return Step::KeepWaiting();
                }};
  }

  bool asks_again = false;
  int resumed = 0;
};

Script EndingWhenWoken() {
  return {.wakeup = [](Scope&) { return Step::Done(); }};
}

TEST(LoopSpawnTest, SlotThatReturnsResumesEachWaiterOnce) {
  ScriptedLoop test({.machines_max = 4});
  Waiter waiters[3];
  for (Waiter& waiter : waiters) test.Add(waiter.AsScript());
  const Notifier holder = test.Add(EndingWhenWoken());
  test.Turn();
  test.TurnNow();
  for (const Waiter& waiter : waiters) EXPECT_EQ(waiter.resumed, 0);

  holder.Wake();
  const Time begin = test.world.now();
  test.Turn();  // The slot comes back,
  test.Turn();  // and without a sleep its waiters hear of it.
  EXPECT_EQ(test.world.now(), begin);
  for (const Waiter& waiter : waiters) EXPECT_EQ(waiter.resumed, 1);
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
  test.TurnNow();
  for (const Waiter& waiter : waiters) EXPECT_EQ(waiter.resumed, 1);
}

TEST(LoopSpawnTest, WaiterThatCameTooLateIsResumedByTheNextSlot) {
  ScriptedLoop test({.machines_max = 4});
  Waiter waiters[2];
  waiters[0].asks_again = waiters[1].asks_again = true;
  for (Waiter& waiter : waiters) test.Add(waiter.AsScript());
  const Notifier holders[] = {test.Add(EndingWhenWoken()), test.Add(EndingWhenWoken())};
  test.Turn();
  for (int returned = 1; returned <= 2; ++returned) {
    holders[returned - 1].Wake();
    for (int turn = 0; turn < 5; ++turn) test.TurnNow();
    EXPECT_EQ(waiters[0].resumed, returned);
    EXPECT_EQ(waiters[1].resumed, returned);
  }
}

TEST(LoopSpawnTest, SlotThatReturnedBeforeTheMachineAskedDoesNotResumeIt) {
  ScriptedLoop test({.machines_max = 2});
  Waiter waiter;
  test.Add({.start = [](Scope&) { return Step::Done(); }});
  test.Add(waiter.AsScript());
  for (int turn = 0; turn < 3; ++turn) test.TurnNow();
  EXPECT_EQ(waiter.resumed, 0);
}

TEST(LoopSpawnTest, MemoryThatReturnsResumesItsWaitersWhileAllSlotsAreTaken) {
  ScriptedLoop test({.machines_max = 3, .buffer_bytes_max = 8192});
  Buffer held;
  const Notifier holder = test.Add({.start =
                                        [&](Scope& scope) {
                                          held.Append(scope.buffer_pool(), std::string(8000, 'x'));
                                          EXPECT_TRUE(scope.buffer_pool().exhausted());
                                          return Step::WaitForever();
                                        },
                                    .wakeup =
                                        [&](Scope&) {
                                          held.Clear();
                                          return Step::KeepWaiting();
                                        }});
  Waiter for_memory, for_a_slot;
  for_a_slot.asks_again = true;
  test.Add(for_memory.AsScript());
  test.Add(for_a_slot.AsScript());
  for (int turn = 0; turn < 3; ++turn) test.TurnNow();
  EXPECT_EQ(for_memory.resumed, 0);
  EXPECT_FALSE(test.spawner().HasRoom());

  holder.Wake();
  for (int turn = 0; turn < 3; ++turn) test.Turn(test.host.Now());
  EXPECT_EQ(for_memory.resumed, 1);
  // Who waits for a slot and is called for nothing asks again, and does not keep the loop busy.
  EXPECT_EQ(for_a_slot.resumed, 1);
  EXPECT_EQ(test.loop.NextWake(), Deadline::Never());
}

TEST(LoopSpawnTest, WaiterThatDiedIsForgottenAndItsSuccessorNotResumed) {
  ScriptedLoop test({.machines_max = 2});
  int resumed = 0;
  const auto count = [&](Readiness, Scope&) {
    ++resumed;
    return Step::KeepWaiting();
  };
  const Notifier waiter = test.Add({.start =
                                        [](Scope& scope) {
                                          scope.ResumeWhenRoomReturns();
                                          return Step::WaitForever();
                                        },
                                    .ready = count,
                                    .wakeup = [](Scope&) { return Step::Done(); }});
  const Notifier spawning = test.Add({.wakeup = [&](Scope&) {
    EXPECT_TRUE(test.spawner().Spawn(Script{.ready = count}).ok());
    return Step::KeepWaiting();
  }});
  test.Turn();
  // The slot is used again in the turn in which it came back.
  waiter.Wake();
  spawning.Wake();
  for (int turn = 0; turn < 3; ++turn) test.TurnNow();
  EXPECT_EQ(test.loop.machines(), 2u);
  EXPECT_EQ(resumed, 0);
}

TEST(LoopSpawnTest, NextMachineInASlotInheritsNothing) {
  ScriptedLoop test({.machines_max = 2});
  std::vector<std::string> trace;
  // Ends while all that can be asked for is owed to it.
  test.Add({.start =
                [](Scope& scope) {
                  scope.RunInBackground();
                  scope.FlushAtEndOfTurn();
                  scope.ResumeWhenRoomReturns();
                  scope.notifier().Wake();
                  return Step::Yield(scope.now() + absl::Seconds(1));
                },
            .wakeup = [](Scope&) { return Step::Done(); }});
  const Script next = {.start =
                           [&](Scope& scope) {
                             trace.push_back("start");
                             scope.FlushAtEndOfTurn();
                             scope.ResumeWhenRoomReturns();
                             return Step::Yield(Deadline::Never());
                           },
                       .ready =
                           [&](Readiness, Scope&) {
                             trace.push_back("resume");
                             return Step::KeepWaiting();
                           },
                       .wakeup =
                           [&](Scope&) {
                             trace.push_back("wakeup");
                             return Step::KeepWaiting();
                           },
                       .flush =
                           [&](Scope&) {
                             trace.push_back("flush");
                             return Step::KeepWaiting();
                           }};
  const Notifier other = test.Add({.start = [](Scope&) { return Step::Yield(Deadline::Never()); },
                                   .ready =
                                       [&](Readiness, Scope&) {
                                         test.spawner().Spawn(next)->Wake();
                                         return Step::KeepWaiting();
                                       },
                                   .wakeup = [](Scope&) { return Step::Done(); }});
  for (int turn = 0; turn < 4; ++turn) test.TurnNow();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup", "flush", "resume"));
  other.Wake();
  for (int turn = 0; turn < 2; ++turn) test.TurnNow();
  EXPECT_THAT(trace, ElementsAre("start", "wakeup", "flush", "resume", "resume"));
  EXPECT_TRUE(test.TurnNow());
  test.loop.Drain(test.world.now());
  EXPECT_FALSE(test.Turn());
}

// Machines with datagram sockets, all events of which arrive in one batch, in the order of sending.
class StaleEventTest : public testing::Test {
 protected:
  StaleEventTest()
      : test_({.machines_max = 2},
              {.latency_min = absl::Milliseconds(1), .latency_max = absl::Milliseconds(1)}) {}

  void Open(Scope& scope, Fd& socket, uint16_t port, uint8_t tag) {
    socket = *scope.io().BindDatagram(Port(port));
    EXPECT_TRUE(scope.Watch(socket, WatchKind::kDatagram, tag).ok());
  }
  void SendTo(std::vector<uint16_t> ports) {
    for (const uint16_t port : ports) sender_->SendTo("x", Port(port));
    test_.Pass(absl::Seconds(1));
  }

  ScriptedLoop test_;
  std::unique_ptr<SimDatagramSocket> sender_ = test_.world.BindDatagram(Port(1));
};

TEST_F(StaleEventTest, EventsOfAMachineThatFinishedInTheSameBatchAreDroppedAndCounted) {
  Fd sockets[3];
  std::vector<int> tags;
  test_.Add({.start =
                 [&](Scope& scope) {
                   for (int i = 0; i < 3; ++i) Open(scope, sockets[i], 1000 + i, i);
                   return Step::WaitForever();
                 },
             .ready =
                 [&](Readiness readiness, Scope&) {
                   tags.push_back(readiness.tag());
                   for (Fd& socket : sockets) socket.Close();
                   return Step::Done();
                 }});
  test_.Turn();
  SendTo({1002, 1000, 1001});
  EXPECT_FALSE(test_.Turn());
  EXPECT_THAT(tags, ElementsAre(2));
  EXPECT_EQ(test_.Count("loop", "events"), 1);
  EXPECT_EQ(test_.Count("loop", "events_stale"), 2);
}

TEST_F(StaleEventTest, StaleEventReachesNeitherTheNextMachineInTheSlotNorTheNextOwnerOfTheNumber) {
  Fd first[2], second, reopened;
  int events_of_second = 0, events_of_third = 0;
  test_.Add({.start =
                 [&](Scope& scope) {
                   Open(scope, first[0], 1000, 0);
                   Open(scope, first[1], 1001, 1);
                   return Step::WaitForever();
                 },
             .ready =
                 [&](Readiness, Scope&) {
                   first[0].Close();
                   first[1].Close();
                   return Step::Done();
                 }});
  const Script third = {.ready = [&](Readiness, Scope&) {
    ++events_of_third;
    return Step::KeepWaiting();
  }};
  test_.Add({.start =
                 [&](Scope& scope) {
                   Open(scope, second, 2000, 0);
                   return Step::WaitForever();
                 },
             .ready =
                 [&](Readiness readiness, Scope& scope) {
                   ++events_of_second;
                   EXPECT_EQ(readiness.tag(), 0);
                   // Both what was closed and the slot of its owner come back in this very batch.
                   EXPECT_TRUE(test_.spawner().Spawn(third).ok());
                   Open(scope, reopened, 3000, 1);
                   return Step::KeepWaiting();
                 }});
  test_.Turn();
  const int number = first[0].number();
  SendTo({1000, 2000, 1001});
  test_.Turn();
  EXPECT_EQ(reopened.number(), number);
  EXPECT_EQ(test_.loop.machines(), 2u);
  EXPECT_EQ(events_of_second, 1);
  EXPECT_EQ(events_of_third, 0);
  EXPECT_EQ(test_.Count("loop", "events_stale"), 1);
}

}  // namespace
}  // namespace rotor
