// Who is built and destroyed when, what may refer to what, and which mistakes end the process.
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/buffer/buffer.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Notes its end; wakes somebody then, which must be harmless.
class Mourned {
 public:
  Mourned(std::vector<std::string>& trace, std::string name)
      : trace_(trace), name_(std::move(name)) {}
  ~Mourned() {
    trace_.push_back(name_);
    wakes.Wake();
  }

  Notifier wakes;

 private:
  std::vector<std::string>& trace_;
  std::string name_;
};

struct Site {
  explicit Site(std::vector<std::string>& trace) : mourned(trace, "context") {}

  Mourned mourned;
  int calls = 0;
};

// A machine that uses the context.
class Guest {
 public:
  Guest(std::vector<std::string>& trace, std::string name) : mourned(trace, std::move(name)) {}

  Step Start(ContextScope<Site>& scope) {
    ++scope.context().calls;
    site_ = &scope.context();
    return Step::WaitForever();
  }
  Step Wakeup(ContextScope<Site>& scope) {
    ++scope.context().calls;
    return Step::KeepWaiting();
  }
  ~Guest() {
    if (site_ != nullptr) ++site_->calls;  // The context is still there.
  }

  Mourned mourned;

 private:
  Site* site_ = nullptr;
};
static_assert(IsMachine<Guest, Site>());

static_assert(Composer<LoopBuilder<Guest, Site>>);
static_assert(Composer<Loop<Guest, Site>>);
static_assert(Composer<LoopBuilder<Compose<Scripted>>>);
static_assert(Composer<Loop<Compose<Scripted>>>);

TEST(LoopLifetimeTest, MachinesGoBeforeTheContextAndWhatWasKeptGoesLastInReverseOrder) {
  std::vector<std::string> trace;
  SimWorld world;
  {
    LoopBuilder<Guest, Site> builder({}, world.AddHost("host"));
    const GroupId group = *builder.AddGroup("test");
    builder.Keep<Mourned>(trace, "kept first");
    ASSERT_TRUE(builder.Add(group, trace, "machine 0").ok());
    builder.Keep<Mourned>(trace, "kept second");
    ASSERT_TRUE(builder.Add(group, trace, "machine 1").ok());
    Loop<Guest, Site> loop = std::move(builder).Build(trace);
    EXPECT_TRUE(*loop.RunOnce(world.now()));
    EXPECT_EQ(loop.context().calls, 2);
    EXPECT_THAT(trace, IsEmpty());
  }
  EXPECT_THAT(trace, ElementsAre("machine 0", "machine 1", "context", "kept second", "kept first"));
}

TEST(LoopLifetimeTest, MachinesContextAndKeptObjectsMayHoldNotifiersOfEachOther) {
  std::vector<std::string> trace;
  SimWorld world;
  {
    LoopBuilder<Guest, Site> builder({}, world.AddHost("host"));
    const GroupId group = *builder.AddGroup("test");
    Mourned& kept = builder.Keep<Mourned>(trace, "kept");
    const Notifier first = *builder.Add(group, trace, "machine 0");
    const Notifier second = *builder.Add(group, trace, "machine 1");
    kept.wakes = first;
    Loop<Guest, Site> loop = std::move(builder).Build(trace);
    loop.context().mourned.wakes = second;
    // Wakes a machine that is destroyed later, and one that is gone.
    ASSERT_TRUE(loop.RunOnce(world.now()).ok());
    first.Wake();
    ASSERT_TRUE(loop.RunOnce(world.now()).ok());
    EXPECT_EQ(loop.context().calls, 3);
  }
  EXPECT_THAT(trace, ElementsAre("machine 0", "machine 1", "context", "kept"));
}

TEST(LoopLifetimeTest, MachineMayWakeOthersFromItsDestructor) {
  std::vector<std::string> trace;
  std::optional<ScriptedLoop> test(std::in_place);
  Notifier first, second;
  first = test->Add({.destroyed = [&] { second.Wake(); }});
  second = test->Add({.destroyed = [&] { first.Wake(); }});
  test->Turn();
  test.reset();
}

TEST(LoopLifetimeTest, ContextMayHoldNotifiersOfMachinesAddedBeforeIt) {
  struct Handles {
    Notifier machine;
  };
  struct Counting {
    Step Start(Scope&) { return Step::WaitForever(); }
    Step Wakeup(ContextScope<Handles>&) {
      ++*wakeups;
      return Step::Done();
    }
    int* wakeups;
  };
  SimWorld world;
  int wakeups = 0;
  LoopBuilder<Counting, Handles> builder({}, world.AddHost("host"));
  absl::StatusOr<Notifier> machine = builder.Add(*builder.AddGroup("test"), Counting{&wakeups});
  ASSERT_TRUE(machine.ok());
  Loop<Counting, Handles> loop = std::move(builder).Build(Handles{*machine});
  loop.context().machine.Wake();
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(wakeups, 1);
}

TEST(LoopLifetimeTest, BuilderThatIsNeverBuiltDestroysItsMachines) {
  std::vector<std::string> trace;
  SimWorld world;
  {
    LoopBuilder<Guest, Site> builder({}, world.AddHost("host"));
    ASSERT_TRUE(builder.Add(*builder.AddGroup("test"), trace, "machine").ok());
  }
  EXPECT_THAT(trace, ElementsAre("machine"));
}

TEST(LoopLifetimeTest, SpawnersAndNotifiersOfTheBuilderStayValidWhenTheLoopMoves) {
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  auto builder = std::make_unique<LoopBuilder<Scripted>>(LoopOptions{}, host);
  const GroupId group = *builder->AddGroup("test");
  const Spawner<Scripted> spawner = builder->SpawnerFor(group);
  auto first = std::make_unique<Loop<Scripted>>(std::move(*builder).Build());
  builder.reset();
  Loop<Scripted> loop = std::move(*first);
  first.reset();

  int started = 0;
  ASSERT_TRUE(spawner
                  .Spawn(Script{.start =
                                    [&](Scope&) {
                                      ++started;
                                      return Step::Done();
                                    }})
                  .ok());
  EXPECT_TRUE(loop.Run().ok());
  EXPECT_EQ(started, 1);
}

TEST(LoopLifetimeTest, BuffersKeptByMachinesAndKeptObjectsGoBackBeforeThePool) {
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  LoopBuilder<Scripted> builder({}, host);
  Buffer& kept = builder.Keep<Buffer>();
  auto held = std::make_shared<Buffer>();
  ASSERT_TRUE(
      builder
          .Add(*builder.AddGroup("test"), Script{.start =
                                                     [&kept, held](Scope& scope) {
                                                       kept.Append(scope.buffer_pool(), "x");
                                                       held->Append(scope.buffer_pool(), "x");
                                                       return Step::WaitForever();
                                                     }})
          .ok());
  held.reset();
  Loop<Scripted> loop = std::move(builder).Build();
  EXPECT_TRUE(*loop.RunOnce(world.now()));
}

TEST(LoopLifetimeTest, DescriptorsOfMachinesAreClosedWithThem) {
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  {
    Loop<Scripted> loop = LoopBuilder<Scripted>({}, host).Build();
    const GroupId group = *loop.AddGroup("test");
    for (uint16_t port : {1000, 1001}) {
      auto socket = std::make_shared<Fd>();
      ASSERT_TRUE(
          loop.Add(group, Script{.start =
                                     [socket, port](Scope& scope) {
                                       *socket = *scope.io().BindDatagram(
                                           *SocketAddress::Ip("127.0.0.1", port));
                                       EXPECT_TRUE(scope.Watch(*socket, WatchKind::kDatagram).ok());
                                       return port == 1000 ? Step::Done() : Step::WaitForever();
                                     }})
              .ok());
    }
    EXPECT_TRUE(*loop.RunOnce(world.now()));
    EXPECT_EQ(host.open_files(), 1u);
  }
  world.ExpectNothingOpen();
  EXPECT_THAT(world.violations(), IsEmpty());
}

// ---- Mistakes of the programmer ----

class LoopDeathTest : public testing::Test {
 protected:
  LoopDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LoopDeathTest, TurnWithinAHandler) {
  ScriptedLoop test;
  test.Add({.start = [&](Scope&) {
    (void)test.loop.RunOnce(Deadline::Never());
    return Step::Done();
  }});
  EXPECT_DEATH(test.Turn(), "programmer's error: RunOnce\\(\\) must not be called from within");
}

TEST_F(LoopDeathTest, DestructionOfTheLoopWithinAHandler) {
  std::optional<ScriptedLoop> test(std::in_place);
  test->Add({.start = [&](Scope&) {
    test.reset();
    return Step::Done();
  }});
  EXPECT_DEATH(test->Turn(), "programmer's error: a loop must not be destroyed from within");
}

TEST_F(LoopDeathTest, KeepWaitingFromTimeout) {
  ScriptedLoop test;
  test.Add({.start = [](Scope& scope) { return Step::WaitUntil(scope.now()); },
            .timeout = [](Scope&) { return Step::KeepWaiting(); }});
  test.Turn();
  EXPECT_DEATH(test.Turn(), "programmer's error: a machine answered Timeout with");
}

TEST_F(LoopDeathTest, OptionsOfZero) {
  SimWorld world;
  SimBackend& host = world.AddHost("host");
  EXPECT_DEATH(LoopBuilder<Scripted>({.machines_max = 0}, host), "above 0");
  EXPECT_DEATH(LoopBuilder<Scripted>({.events_per_turn = 0}, host), "above 0");
  EXPECT_DEATH(LoopBuilder<Scripted>({.receive_buffer_bytes = 0}, host), "above 0");
}

// Nothing throws here; a handler that does anyway must not unwind a loop that is half way through.
TEST_F(LoopDeathTest, HandlerThatThrows) {
  const auto thrower = [](auto&&...) -> Step { throw std::runtime_error("from a handler"); };
  ScriptedLoop test;
  test.Add({.start = thrower});
  EXPECT_DEATH(
      {
        try {
          (void)test.loop.RunOnce(Deadline::Never());
        } catch (const std::runtime_error&) {
          // Not reached: the process ends where the exception was thrown.
        }
      },
      "from a handler");
}

#ifndef NDEBUG
TEST_F(LoopDeathTest, UseFromAnotherThread) {
  constexpr char kMessage[] = "used from another thread";
  ScriptedLoop test;
  test.Add({});
  test.Turn();
  const auto elsewhere = [](std::function<void()> action) { std::thread(action).join(); };
  EXPECT_DEATH(elsewhere([&] { (void)test.loop.Add(test.group, Script{}); }), kMessage);
  EXPECT_DEATH(elsewhere([&] { (void)test.spawner().HasRoom(); }), kMessage);
  EXPECT_DEATH(elsewhere([&] { (void)test.loop.AddGroup("x"); }), kMessage);
  EXPECT_DEATH(elsewhere([&] { test.loop.Drain(Deadline::Never()); }), kMessage);
  EXPECT_DEATH(elsewhere([&] { test.loop.VisitMachines(0, 1, [](const auto&) {}); }), kMessage);
}

TEST_F(LoopDeathTest, UseOfAScopeFromAnotherThread) {
  constexpr char kMessage[] = "used from another thread";
  ScriptedLoop test;
  std::function<void(Scope&)> misuse;
  test.Add({.start = [&](Scope& scope) {
    std::thread([&] { misuse(scope); }).join();
    return Step::Done();
  }});
  misuse = [](Scope& scope) { scope.FlushAtEndOfTurn(); };
  EXPECT_DEATH(test.Turn(), kMessage);
  misuse = [](Scope& scope) { scope.ResumeWhenRoomReturns(); };
  EXPECT_DEATH(test.Turn(), kMessage);
  misuse = [](Scope& scope) { scope.RunInBackground(); };
  EXPECT_DEATH(test.Turn(), kMessage);
  misuse = [](Scope& scope) { scope.ShutDown(); };
  EXPECT_DEATH(test.Turn(), kMessage);
  misuse = [](Scope& scope) { (void)scope.Watch(Fd(), WatchKind::kOther); };
  EXPECT_DEATH(test.Turn(), kMessage);
}

TEST_F(LoopDeathTest, LoopMayMoveToAnotherThreadBetweenTurns) {
  ScriptedLoop test;
  test.Add({});
  std::thread([&] {
    test.TurnNow();
    test.Add({});
    test.TurnNow();
  }).join();
  EXPECT_EQ(test.loop.machines(), 2u);
  test.TurnNow();
  test.Add({});
}
#endif

}  // namespace
}  // namespace rotor
