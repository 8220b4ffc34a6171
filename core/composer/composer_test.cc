#include "core/composer/composer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/machine/dispatch.h"
#include "core/testing/machine_tester.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "core/testing/step_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What all machines of a test write to.
struct Record {
  std::vector<std::string> calls;
  std::vector<int> destroyed;
};

// Eight kinds that differ only in their type. Neither copyable nor movable.
template <int kNumber>
class Kind {
 public:
  explicit Kind(Record& record) : record_(record) {}
  Kind(Kind&&) = delete;
  ~Kind() { record_.destroyed.push_back(kNumber); }

  Step Start(Scope& scope) {
    scope.FlushAtEndOfTurn();
    return Note("start", Step::Yield(scope.now() + absl::Seconds(1)));
  }
  Step Ready(Readiness, Scope&) { return Note("ready", Step::KeepWaiting()); }
  Step Timeout(Scope&) { return Note("timeout", Step::WaitForever()); }
  Step Wakeup(Scope& scope) {
    return Note("wakeup", scope.draining() ? Step::Done() : Step::KeepWaiting());
  }
  Step Flush(Scope&) { return Note("flush", Step::KeepWaiting()); }
  void Describe(Description& description) const { description.state = std::to_string(kNumber); }

 private:
  Step Note(std::string_view event, Step step) {
    EXPECT_EQ(this, self_) << "moved";
    record_.calls.push_back(std::to_string(kNumber) + " " + std::string(event));
    return step;
  }

  Record& record_;
  Kind* const self_ = this;
  char padding_[8 * kNumber + 1] = {};  // Each kind has a size of its own.
};

// ---- The list of kinds ----

using A = Kind<1>;
using B = Kind<2>;
using C = Kind<3>;
using D = Kind<4>;

static_assert(std::is_same_v<Compose<A>, Composed<A>>);
static_assert(std::is_same_v<Compose<A, B, A, B>, Composed<A, B>>);
static_assert(std::is_same_v<Compose<Compose<A, B>, C>, Composed<A, B, C>>);
static_assert(std::is_same_v<Compose<Parts<A, B>, Parts<B, C>>, Composed<A, B, C>>);
static_assert(std::is_same_v<Compose<Parts<Parts<A>, Compose<B, Parts<C, A>>>, D, Compose<D>>,
                             Composed<A, B, C, D>>);
static_assert(std::is_same_v<Compose<Compose<Compose<Compose<A>>>>, Composed<A>>);
static_assert(std::is_same_v<Compose<Parts<>, A, Parts<>>, Composed<A>>);
// Boxes are kinds of their own.
static_assert(std::is_same_v<Compose<A, Boxed<A>, Boxed<A>>, Composed<A, Boxed<A>>>);

using Eight = Compose<Parts<Kind<1>, Kind<2>>, Compose<Kind<3>, Kind<4>, Parts<Kind<5>>>, Kind<6>,
                      Compose<Kind<7>, Kind<8>>, Kind<1>>;
static_assert(alignof(Compose<Kind<1>, std::max_align_t>) == alignof(std::max_align_t));
static_assert(!std::is_move_constructible_v<Eight> && !std::is_copy_constructible_v<Eight>);
// One byte more than the largest kind, rounded up.
static_assert(sizeof(Eight) <= sizeof(Kind<8>) + alignof(Kind<8>));

// ---- In a loop ----

template <typename Root>
class TestLoop {
 public:
  TestLoop() : builder_({}, world.AddHost("host")), group(*builder_.AddGroup("test")) {}

  template <typename M, typename... Args>
  Notifier Add(Args&&... args) {
    absl::StatusOr<Notifier> added = builder_.template Add<M>(group, std::forward<Args>(args)...);
    EXPECT_TRUE(added.ok()) << added.status();
    return *added;
  }
  Loop<Root>& loop() {
    if (!loop_.has_value()) loop_ = std::move(builder_).Build();
    return *loop_;
  }
  void Turn() { EXPECT_TRUE(loop().RunOnce(Deadline::Never()).ok()); }

  SimWorld world;

 private:
  LoopBuilder<Root> builder_;
  std::optional<Loop<Root>> loop_;

 public:
  const GroupId group;
};

template <typename Number>
class EveryKind : public testing::Test {};
using Numbers = testing::Types<std::integral_constant<int, 1>, std::integral_constant<int, 2>,
                               std::integral_constant<int, 3>, std::integral_constant<int, 4>,
                               std::integral_constant<int, 5>, std::integral_constant<int, 6>,
                               std::integral_constant<int, 7>, std::integral_constant<int, 8>>;
TYPED_TEST_SUITE(EveryKind, Numbers);

// Every event, the description and the destructor of one kind.
template <typename Root, typename M>
void ExpectReached(const std::string& number) {
  Record record;
  {
    TestLoop<Root> test;
    const Notifier notifier = test.template Add<M>(record);
    test.Turn();  // Starts and flushes.
    test.Turn();  // Resumes.
    notifier.Wake();
    test.Turn();
    while (record.calls.back() != number + " timeout") test.Turn();
    test.loop().VisitMachines(0, 1, [&](const MachineReport& report) {
      EXPECT_EQ(report.description.state, number);
      EXPECT_EQ(report.kind, KindName<M>());
    });
    EXPECT_THAT(record.destroyed, IsEmpty());
    test.loop().Drain(Deadline::Never());
    EXPECT_TRUE(test.loop().Run().ok());
    EXPECT_THAT(record.destroyed, ElementsAre(std::stoi(number)));
  }
  EXPECT_THAT(record.calls,
              ElementsAre(number + " start", number + " flush", number + " ready",
                          number + " wakeup", number + " timeout", number + " wakeup"));
  EXPECT_THAT(record.destroyed, ElementsAre(std::stoi(number)));
}

TYPED_TEST(EveryKind, GetsEveryEventInPlace) {
  ExpectReached<Eight, Kind<TypeParam::value>>(std::to_string(TypeParam::value));
}

TYPED_TEST(EveryKind, GetsEveryEventInABox) {
  using M = Boxed<Kind<TypeParam::value>>;
  ExpectReached<Compose<A, M, B>, M>(std::to_string(TypeParam::value));
}

TEST(ComposerTest, KindsLiveSideBySideAndAreDestroyedOnce) {
  Record record;
  {
    TestLoop<Eight> test;
    test.Add<Kind<8>>(record);
    test.Add<Kind<1>>(record);
    test.Add<Kind<5>>(record);
    test.Add<Kind<1>>(record);
    test.Turn();
    EXPECT_THAT(record.calls,
                AllOf(Contains("8 start"), Contains("5 start"), Contains("1 start").Times(2)));
  }
  EXPECT_THAT(record.destroyed, UnorderedElementsAre(8, 1, 5, 1));
}

TEST(ComposerTest, SlotIsUsedAgainByAnotherKind) {
  Record record;
  TestLoop<Eight> test;
  for (int i = 0; i < 200; ++i) {
    test.Add<Kind<8>>(record);
    test.Add<Kind<2>>(record);
  }
  // Fills and empties the slots several times over.
  for (int round = 0; round < 3; ++round) {
    test.Turn();
    test.loop().Drain(Deadline::Never());
    EXPECT_TRUE(test.loop().Run().ok());
    EXPECT_EQ(test.loop().machines(), 0u);
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(test.loop().template Add<Kind<3>>(test.group, record).ok());
      EXPECT_TRUE(test.loop().template Add<Kind<7>>(test.group, record).ok());
    }
  }
}

// Takes what cannot be copied, and is larger than a slot.
class Large {
 public:
  Large(std::unique_ptr<int> value, int& seen) : value_(std::move(value)), seen_(seen) {}
  Large(Large&&) = delete;

  Step Start(Scope&) {
    seen_ = *value_;
    return Step::Done();
  }

 private:
  std::unique_ptr<int> value_;
  int& seen_;
  [[maybe_unused]] char bytes_[4096] = {};
};
static_assert(sizeof(Boxed<Large>) == sizeof(void*));

TEST(ComposerTest, LargeMachineThatTakesMoveOnlyArgumentsLivesInABox) {
  TestLoop<Compose<A, Boxed<Large>>> test;
  int seen = 0;
  test.Add<Boxed<Large>>(std::make_unique<int>(42), seen);
  test.Turn();
  EXPECT_EQ(seen, 42);
}

TEST(ComposerTest, BoxAnswersForHandlersItsMachineLeavesOut) {
  struct OnlyStart {
    Step Start(Scope& scope) {
      scope.FlushAtEndOfTurn();
      return Step::WaitUntil(scope.now());
    }
  };
  MachineTester<Boxed<OnlyStart>> tester;
  (void)tester.Start();
  EXPECT_THAT(tester.Ready(Readiness()), KeepsWaiting());
  EXPECT_THAT(tester.Flush(), KeepsWaiting());
  EXPECT_THAT(tester.Wakeup(), KeepsWaiting());
  EXPECT_EQ(tester.Describe().state, "");
  EXPECT_THAT(tester.Timeout(), FailsWith(absl::StatusCode::kDeadlineExceeded));
}

TEST(ComposerTest, RootWithoutComposeRunsOneKind) {
  Record record;
  TestLoop<A> test;
  test.Add<A>(record);
  test.Turn();
  EXPECT_THAT(record.calls, ElementsAre("1 start", "1 flush"));
}

// ---- Mounting ----

// A library mounts its parts in whatever composer it is given.
template <Composer C>
absl::StatusOr<Mounted> MountPair(C& composer, std::string_view name, Record& record) {
  absl::StatusOr<GroupId> group = composer.AddGroup(name);
  if (!group.ok()) return group.status();
  Record& kept = composer.template Keep<Record>();
  kept.calls.push_back("kept");
  composer.counters().Get(name, "mounted").Add();
  if (absl::StatusOr<Notifier> added = composer.template Add<A>(*group, record); !added.ok()) {
    return added.status();
  }
  const Spawner<Boxed<B>> spawner = composer.template SpawnerFor<Boxed<B>>(*group);
  if (absl::StatusOr<Notifier> spawned = spawner.Spawn(record); !spawned.ok()) {
    return spawned.status();
  }
  return Mounted{*group, {}};
}

TEST(ComposerTest, LibraryMountsInABuilderAndInARunningLoopAlike) {
  Record record;
  SimWorld world;
  using App = Compose<Parts<A, Boxed<B>>, C>;
  LoopBuilder<App> builder({}, world.AddHost("host"));
  ASSERT_TRUE(MountPair(builder, "early", record).ok());
  EXPECT_EQ(MountPair(builder, "early", record).status().code(), absl::StatusCode::kAlreadyExists);
  Loop<App> loop = std::move(builder).Build();
  ASSERT_TRUE(MountPair(loop, "late", record).ok());
  EXPECT_EQ(loop.counters().Get("early", "mounted").value(), 1);
  EXPECT_TRUE(loop.RunOnce(Deadline::Never()).ok());
  EXPECT_THAT(record.calls, UnorderedElementsAre("1 start", "1 flush", "2 start", "2 flush",
                                                 "1 start", "1 flush", "2 start", "2 flush"));
  std::vector<std::string> paths;
  loop.VisitMachines(0, 10, [&](const MachineReport& report) { paths.push_back(report.path); });
  EXPECT_THAT(paths, ElementsAre("/early/0", "/early/1", "/late/2", "/late/3"));
}

}  // namespace
}  // namespace rotor
