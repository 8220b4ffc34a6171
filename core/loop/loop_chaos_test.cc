// Machines that do everything at random, and rules that must hold all the same.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/base/random.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "core/timer/timer_wheel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::IsEmpty;

class Chaotic;

// What all machines of a run share.
struct Arena {
  // One of the younger machines, so that many of those chosen are alive.
  uint64_t AnyMachine(Random& random) const {
    const uint64_t youngest = std::min<uint64_t>(wakes.size(), 64);
    return wakes.size() - 1 - random.Below(youngest);
  }
  void Wake(uint64_t number) {
    ++wakes[number];
    notifiers[number].Wake();
  }
  // Folds whatever happens into one number: FNV-1a.
  void Note(uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; }

  std::optional<Spawner<Chaotic>> spawner;
  // Of all machines ever made, by their number.
  std::vector<Notifier> notifiers;
  std::vector<int> wakes;  // Not more Wakeups than these.
  bool in_call = false;
  bool late_sleeps = false;  // The world or the test makes the loop miss its deadlines.
  bool draining = false;
  int alive = 0;
  uint64_t hash = 0xcbf29ce484222325u;
};

class Chaotic {
 public:
  explicit Chaotic(Arena& arena) : arena_(arena), number_(arena.wakes.size()) {
    arena_.notifiers.emplace_back();
    arena_.wakes.push_back(0);
    ++arena_.alive;
  }
  ~Chaotic() {
    --arena_.alive;
    arena_.Note(number_ * 8 + 7);
  }

  Step Start(Scope& scope) {
    EXPECT_EQ(calls_, 0u);
    arena_.notifiers[number_] = scope.notifier();
    for (uint8_t tag : {0, 1}) {
      sockets_[tag] = *scope.io().BindDatagram(AddressOf(number_, tag));
      EXPECT_TRUE(scope.Watch(sockets_[tag], WatchKind::kDatagram, tag).ok());
    }
    return Act(scope, 0);
  }
  Step Ready(Readiness readiness, Scope& scope) {
    if (readiness.resumed()) {
      EXPECT_GT(resumes_asked_, 0);
      --resumes_asked_;
    } else {
      char bytes[4];
      SocketAddress from;
      while (scope.io().ReceiveFrom(sockets_[readiness.tag()], bytes, from).ok()) {
      }
    }
    return Act(scope, readiness.resumed() ? 1 : 2);
  }
  Step Timeout(Scope& scope) {
    EXPECT_FALSE(deadline_.is_never());
    EXPECT_TRUE(deadline_.ReachedAt(scope.now())) << "early";
    if (!arena_.late_sleeps) {
      // The handlers take no time, so only the tick may make it late, or the deadline was in the
      // past when it was set.
      const Time since = std::max(deadline_.time(), deadline_set_);
      EXPECT_LE(scope.now() - since, absl::Nanoseconds(TimerWheel::kTickNanoseconds)) << "late";
    }
    deadline_ = Deadline::Never();
    return Act(scope, 3);
  }
  Step Wakeup(Scope& scope) {
    EXPECT_TRUE(arena_.wakes[number_]-- > 0 || scope.draining());
    EXPECT_EQ(scope.draining(), arena_.draining);
    return Act(scope, 4);
  }
  Step Flush(Scope& scope) {
    EXPECT_TRUE(std::exchange(flush_owed_, false));
    return Act(scope, 5);
  }

 private:
  static SocketAddress AddressOf(uint64_t number, uint64_t tag) {
    return *SocketAddress::Ip("127.0.0.1", static_cast<uint16_t>(1000 + 2 * number + tag));
  }

  Step Act(Scope& scope, uint64_t event) {
    EXPECT_FALSE(arena_.in_call) << "nested call";
    EXPECT_FALSE(finished_) << "call after the end";
    EXPECT_EQ(event == 0, calls_ == 0) << "Start comes first and once";
    arena_.in_call = true;
    ++calls_;
    arena_.Note(number_ * 8 + event);
    arena_.Note(static_cast<uint64_t>(scope.now().nanoseconds()));
    for (uint64_t i = scope.random().Below(3); i > 0; --i) DoSomething(scope);
    arena_.in_call = false;
    return Answer(scope, event == 3);
  }

  void DoSomething(Scope& scope) {
    const uint64_t other = arena_.AnyMachine(scope.random());
    switch (scope.random().Below(8)) {
      case 0:
        if (!arena_.spawner->Spawn(arena_).ok()) {
          ++resumes_asked_;
          scope.ResumeWhenRoomReturns();
        }
        return;
      case 1:
        flush_owed_ = true;
        scope.FlushAtEndOfTurn();
        return;
      case 2:
      case 3:
        arena_.Wake(other);
        return;
      default:
        for (uint64_t tag : {0, 1}) {
          (void)scope.io().SendTo(sockets_[0], "x", AddressOf(other, tag));
        }
    }
  }

  Step Answer(Scope& scope, bool after_timeout) {
    const uint64_t choice = scope.random().Below(100);
    if (choice < 10) {
      finished_ = true;
      return choice % 2 == 0 ? Step::Done() : Step::Fail(absl::UnknownError("chance"));
    }
    if (choice < 40 && !after_timeout) return Step::KeepWaiting();
    deadline_ = Deadline::Never();
    deadline_set_ = scope.now();
    if (choice > 45) {
      // Up to 17 seconds; some have passed already.
      const uint64_t span = scope.random()() >> (30 + scope.random().Below(30));
      deadline_ =
          scope.now() + absl::Nanoseconds(static_cast<int64_t>(span)) - absl::Milliseconds(1);
    }
    if (choice > 80) {
      ++resumes_asked_;
      return Step::Yield(deadline_);
    }
    return Step::WaitUntil(deadline_);
  }

  Arena& arena_;
  const uint64_t number_;
  uint64_t calls_ = 0;
  Fd sockets_[2];
  Deadline deadline_ = Deadline::Never();
  Time deadline_set_;
  int resumes_asked_ = 0;
  bool flush_owed_ = false;
  bool finished_ = false;
};

// Keeps time moving and machines busy.
class Ticker {
 public:
  explicit Ticker(Arena& arena) : arena_(arena) {}
  Step Start(Scope& scope) { return Again(scope); }
  Step Timeout(Scope& scope) {
    arena_.Wake(arena_.AnyMachine(scope.random()));
    if (arena_.spawner->HasRoom() && scope.random().Chance(0.3)) {
      EXPECT_TRUE(arena_.spawner->Spawn(arena_).ok());
    }
    return Again(scope);
  }

 private:
  Step Again(Scope& scope) { return Step::WaitUntil(scope.now() + absl::Milliseconds(10)); }

  Arena& arena_;
};

// Log, counters and what the machines saw, of one run.
using Result = std::tuple<uint64_t, uint64_t, std::vector<int64_t>>;

Result RunChaos(const SimOptions& sim) {
  RecordingLog log;
  SimWorld world(sim);
  SimBackend& host = world.AddHost("host");
  Arena arena;
  arena.late_sleeps = sim.faults.clock_jump > 0;
  Result result;
  {
    using Root = Compose<Ticker, Chaotic>;
    LoopBuilder<Root> builder({.machines_max = 32, .events_per_turn = 8, .log = &log}, host);
    const GroupId group = *builder.AddGroup("test");
    arena.spawner = builder.SpawnerFor<Chaotic>(group);
    Loop<Root> loop = std::move(builder).Build();
    EXPECT_TRUE(loop.Add<Ticker>(group, arena).ok());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(loop.Add<Chaotic>(group, arena).ok());
    bool more = true;
    for (int turn = 0; turn < 1000 && more; ++turn) {
      // Events gather while the loop is held up, and come in one batch.
      if (arena.late_sleeps && turn % 4 == 0) {
        const Time until = world.now() + absl::Milliseconds(20);
        while (world.AdvanceToNextEvent(until)) {
        }
      }
      absl::StatusOr<bool> turned = loop.RunOnce(host.Now() + absl::Milliseconds(10));
      EXPECT_TRUE(turned.ok()) << turned.status();
      more = turned.ok() && *turned;
    }
    arena.draining = true;
    loop.Drain(host.Now() + absl::Milliseconds(100));
    EXPECT_TRUE(loop.Run().ok());
    EXPECT_EQ(arena.alive, 0);
    std::vector<int64_t> counts;
    for (const CounterRegistry::Entry& entry : loop.counters().entries()) {
      counts.push_back(entry.counter.value());
    }
    result = {world.log_hash(), arena.hash, std::move(counts)};
  }
  world.ExpectNothingOpen();
  EXPECT_THAT(world.violations(), IsEmpty());
  return result;
}

class Chaos : public testing::TestWithParam<uint64_t> {};

TEST_P(Chaos, KeepsTheRules) { RunChaos({.seed = GetParam(), .open_files_max = 10'000}); }

TEST_P(Chaos, KeepsTheRulesInAHostileWorld) {
  SimOptions sim = SimOptions::Hostile(GetParam());
  sim.open_files_max = 10'000;
  RunChaos(sim);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, testing::Range<uint64_t>(1, 21));

TEST(ChaosTest, SameSeedSameRun) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(RunChaos(SimOptions::Hostile(seed)), RunChaos(SimOptions::Hostile(seed)));
  }
  EXPECT_NE(RunChaos(SimOptions::Hostile(1)), RunChaos(SimOptions::Hostile(2)));
}

}  // namespace
}  // namespace rotor
