#include "core/testing/machine_tester.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/buffer/buffer.h"
#include "core/testing/sim_client.h"
#include "core/testing/step_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Gives up after thirty seconds without a sign of life.
class Session {
 public:
  explicit Session(std::string name) : name_(std::move(name)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Step Start(Scope& scope) { return Step::WaitUntil(scope.now() + absl::Seconds(30)); }
  Step Ready(Readiness, Scope& scope) {
    ++events_;
    scope.FlushAtEndOfTurn();
    return Step::KeepWaiting();
  }
  Step Timeout(Scope&) { return Step::Fail(absl::DeadlineExceededError("silent")); }
  Step Flush(Scope&) { return Step::KeepWaiting(); }
  void Describe(Description& description) const { description.state = name_; }

  int events() const { return events_; }

 private:
  std::string name_;
  int events_ = 0;
};

TEST(MachineTesterTest, DrivesAMachineFromStartToTimeout) {
  MachineTester<Session> tester;
  EXPECT_THAT(tester.Start("login"), WaitsUntil(tester.now() + absl::Seconds(30)));
  EXPECT_EQ(tester.deadline(), Deadline(tester.now() + absl::Seconds(30)));
  EXPECT_EQ(tester.Describe().state, "login");
  EXPECT_THAT(tester.Ready(Readiness::Readable()), KeepsWaiting());
  EXPECT_EQ(tester.machine().events(), 1);
  EXPECT_THAT(tester.Wakeup(), KeepsWaiting());
  const Time begin = tester.now();
  tester.Advance(absl::Seconds(30));
  EXPECT_EQ(tester.now(), begin + absl::Seconds(30));
  EXPECT_EQ(tester.deadline(), Deadline(tester.now()));
  EXPECT_FALSE(tester.finished());
  EXPECT_THAT(tester.Timeout(), FailsWith(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(tester.finished());
  EXPECT_EQ(tester.deadline(), Deadline::Never());
}

TEST(MachineTesterTest, KnowsWhetherAFlushWasAsked) {
  MachineTester<Session> tester;
  (void)tester.Start("x");
  EXPECT_FALSE(tester.flush_asked());
  (void)tester.Ready(Readiness::Readable());
  EXPECT_TRUE(tester.flush_asked());
  EXPECT_THAT(tester.Flush(), KeepsWaiting());
  EXPECT_FALSE(tester.flush_asked());
}

// Accepts one connection and answers what it reads.
class Echo {
 public:
  explicit Echo(SocketAddress address) : address_(std::move(address)) {}

  Step Start(Scope& scope) {
    listener_ = *scope.io().Listen(address_, {});
    if (absl::Status status = scope.Watch(listener_, WatchKind::kListener, 1); !status.ok()) {
      return Step::Fail(status);
    }
    return Step::WaitForever();
  }
  Step Ready(Readiness readiness, Scope& scope) {
    if (readiness.tag() == 1) {
      socket_ = scope.io().Accept(listener_).socket;
      if (!socket_.is_open()) return Step::KeepWaiting();
      absl::Status status = scope.Watch(socket_, WatchKind::kStream, 2);
      return status.ok() ? Step::KeepWaiting() : Step::Fail(status);
    }
    for (;;) {
      const std::span<char> into = scope.receive_buffer();
      const IoResult read = scope.io().Read(socket_, into);
      if (read.would_block()) return Step::KeepWaiting();
      if (!read.ok() || read.bytes == 0) return Step::Done();
      const std::string_view answer[] = {std::string_view(into.data(), read.bytes)};
      scope.io().Write(socket_, answer);
    }
  }

 private:
  SocketAddress address_;
  Fd listener_, socket_;
};

TEST(MachineTesterTest, SocketsOfItsWorldWork) {
  MachineTester<Echo> tester({.seed = 3});
  const SocketAddress address = *SocketAddress::Ip("127.0.0.1", 7);
  ASSERT_THAT(tester.Start(address), WaitsForever());
  EXPECT_THAT(tester.WaitForEvents(absl::Seconds(1)), IsEmpty());
  std::unique_ptr<SimConnection> client = tester.world().Connect(address);
  client->Send("hello");
  while (client->received() != "hello" && !tester.finished()) {
    const std::vector<Readiness> events = tester.WaitForEvents(absl::Seconds(1));
    ASSERT_FALSE(events.empty());
    for (const Readiness& readiness : events) {
      EXPECT_THAT(tester.Ready(readiness), KeepsWaiting());
    }
    tester.Advance(absl::Milliseconds(10));
  }
  client->Close();
  while (!tester.finished()) {
    for (const Readiness& readiness : tester.WaitForEvents(absl::Seconds(1))) {
      (void)tester.Ready(readiness);
    }
  }
  // It was destroyed as it would be in a loop, and its descriptors with it.
  EXPECT_EQ(tester.host().open_files(), 0u);
  EXPECT_THAT(tester.world().violations(), IsEmpty());
}

struct Names {
  explicit Names(std::string first) : first(std::move(first)) {}
  std::string first;
  int used = 0;
};

// Uses all that a Scope offers beside sockets.
class Busy {
 public:
  Step Start(ContextScope<Names>& scope) {
    EXPECT_EQ(scope.context().first, "Ada");
    ++scope.context().used;
    scope.counters().Get("busy", "starts").Add();
    return Step::Yield(scope.now() + absl::Seconds(1));
  }
  Step Ready(Readiness readiness, ContextScope<Names>& scope) {
    EXPECT_TRUE(readiness.resumed());
    if (scope.buffer_pool().exhausted()) scope.ResumeWhenRoomReturns();
    scope.notifier().Wake();
    scope.VisitMachines(0, 10, [&](const MachineReport& report) {
      EXPECT_EQ(report.path, "/tester/0");
      EXPECT_EQ(report.draining, scope.draining());
      scope.counters().Get("busy", "seen").Add();
    });
    return Step::KeepWaiting();
  }
  Step Wakeup(ContextScope<Names>& scope) {
    if (!scope.draining()) {
      scope.RunInBackground();
      return Step::KeepWaiting();
    }
    EXPECT_FALSE(scope.drain_deadline().is_never());
    return Step::Done();
  }
};

TEST(MachineTesterTest, OffersAllOfTheScope) {
  MachineTester<Busy, Names> tester({}, "Ada");
  EXPECT_THAT(tester.Start(), Yields());
  EXPECT_EQ(tester.deadline(), Deadline(tester.now() + absl::Seconds(1)));
  EXPECT_EQ(tester.context().used, 1);
  EXPECT_EQ(tester.counters().Get("busy", "starts").value(), 1);

  EXPECT_FALSE(tester.woken());
  EXPECT_THAT(tester.Ready(Readiness()), KeepsWaiting());
  EXPECT_EQ(tester.counters().Get("busy", "seen").value(), 1);
  EXPECT_TRUE(tester.woken());
  EXPECT_TRUE(tester.woken());
  EXPECT_FALSE(tester.in_background());
  EXPECT_THAT(tester.Wakeup(), KeepsWaiting());
  EXPECT_FALSE(tester.woken());
  EXPECT_TRUE(tester.in_background());

  EXPECT_FALSE(tester.room_awaited());
  Buffer hog;
  hog.Append(tester.buffer_pool(), std::string(TesterHost::kBufferBytesMax, 'x'));
  EXPECT_THAT(tester.Ready(Readiness()), KeepsWaiting());
  EXPECT_TRUE(tester.room_awaited());
  hog.Clear();
  EXPECT_THAT(tester.Ready(Readiness()), KeepsWaiting());
  EXPECT_FALSE(tester.room_awaited());

  // What runs in the background is not drained.
  tester.Drain(tester.now() + absl::Seconds(5));
  EXPECT_THAT(tester.Wakeup(), KeepsWaiting());
}

TEST(MachineTesterTest, DrainIsSeenByTheMachine) {
  MachineTester<Busy, Names> tester({}, "Ada");
  (void)tester.Start();
  tester.Drain(tester.now() + absl::Seconds(5));
  tester.Drain(tester.now() + absl::Seconds(9));
  EXPECT_EQ(tester.drain_deadline(), Deadline(tester.now() + absl::Seconds(5)));
  EXPECT_THAT(tester.Wakeup(), IsDone());
}

TEST(MachineTesterTest, DrainByTheMachineIsSeenByTheTest) {
  struct Signal {
    Step Start(Scope& scope) {
      scope.RunInBackground();
      return Step::WaitForever();
    }
    Step Ready(Readiness, Scope& scope) {
      scope.Drain(scope.now() + absl::Seconds(30));
      return Step::KeepWaiting();
    }
  };
  MachineTester<Signal> tester;
  (void)tester.Start();
  EXPECT_FALSE(tester.drained());
  (void)tester.Ready(Readiness::Readable());
  EXPECT_TRUE(tester.drained());
  EXPECT_EQ(tester.drain_deadline(), Deadline(tester.now() + absl::Seconds(30)));
}

// Spawns as many as there is room for.
class Parent {
 public:
  explicit Parent(Spawner<Session> spawner) : spawner_(spawner) {}
  Step Start(Scope& scope) { return Fill(scope); }
  Step Ready(Readiness, Scope& scope) { return Fill(scope); }

 private:
  Step Fill(Scope& scope) {
    while (spawner_.HasRoom()) {
      absl::StatusOr<Notifier> child = spawner_.Spawn("child");
      EXPECT_TRUE(child.ok());
      child->Wake();
    }
    EXPECT_EQ(spawner_.Spawn("child").status().code(), absl::StatusCode::kResourceExhausted);
    scope.ResumeWhenRoomReturns();
    return Step::WaitForever();
  }
  Spawner<Session> spawner_;
};

TEST(MachineTesterTest, ChildrenAreBuiltCountedAndLimited) {
  MachineTester<Parent> tester;
  tester.set_children_max(2);
  EXPECT_THAT(tester.Start(tester.SpawnerFor<Session>()), WaitsForever());
  EXPECT_EQ(tester.children(), 2u);
  EXPECT_TRUE(tester.room_awaited());
  EXPECT_FALSE(tester.woken());  // The children were.
  tester.set_children_max(5);
  EXPECT_THAT(tester.Ready(Readiness()), WaitsForever());
  EXPECT_EQ(tester.children(), 5u);
}

TEST(MachineTesterTest, SameSeedSameChance) {
  struct Dice {
    Step Start(Scope& scope) {
      return Step::WaitUntil(Time::FromNanoseconds(scope.random()() / 4));
    }
  };
  MachineTester<Dice> first({.seed = 5}), second({.seed = 5}), third({.seed = 6});
  (void)first.Start();
  (void)second.Start();
  (void)third.Start();
  EXPECT_EQ(first.deadline(), second.deadline());
  EXPECT_NE(first.deadline(), third.deadline());
}

// ---- The rules of the loop ----

class MachineTesterDeathTest : public testing::Test {
 protected:
  MachineTesterDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(MachineTesterDeathTest, CallsInTheWrongOrder) {
  MachineTester<Session> tester;
  EXPECT_DEATH((void)tester.Wakeup(), "Start\\(\\) the machine first");
  (void)tester.Start("x");
  EXPECT_DEATH((void)tester.Start("x"), "a machine starts once");
  EXPECT_DEATH((void)tester.Flush(), "Flush comes only after");
  EXPECT_DEATH((void)tester.Timeout(), "Timeout is never early");
  tester.Advance(absl::Seconds(30));
  (void)tester.Timeout();
  EXPECT_DEATH((void)tester.Wakeup(), "the machine has finished");
  EXPECT_DEATH((void)tester.machine(), "the machine has finished");
}

TEST_F(MachineTesterDeathTest, KeepWaitingFromTimeout) {
  struct Stuck {
    Step Start(Scope& scope) { return Step::WaitUntil(scope.now()); }
    Step Timeout(Scope&) { return Step::KeepWaiting(); }
  };
  MachineTester<Stuck> tester;
  (void)tester.Start();
  EXPECT_DEATH((void)tester.Timeout(), "answered Timeout with Step::KeepWaiting");
}

TEST_F(MachineTesterDeathTest, CallFromWithinAHandler) {
  struct Nesting {
    Step Start(Scope&) { return again(); }
    std::function<Step()> again;
  };
  MachineTester<Nesting> tester;
  EXPECT_DEATH((void)tester.Start(Nesting{[&] { return tester.Wakeup(); }}), "never nest");
}

}  // namespace
}  // namespace rotor
