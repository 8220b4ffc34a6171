#include "core/machine/machine.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/machine/dispatch.h"
#include "core/machine/member_check.h"
#include "core/testing/machine_tester.h"
#include "core/testing/step_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::EndsWith;

struct Settings {
  int value = 0;
};
struct OtherSettings {};

struct OnlyStart {
  Step Start(Scope&) { return Step::WaitForever(); }
};
static_assert(IsMachine<OnlyStart>());
// A machine that needs no context fits every loop.
static_assert(IsMachine<OnlyStart, Settings>());

struct WithContext {
  Step Start(ContextScope<Settings>& scope) {
    ++scope.context().value;
    return Step::WaitForever();
  }
  Step Wakeup(Scope&) { return Step::Done(); }
};
static_assert(IsMachine<WithContext, Settings>());

struct WithTemplates {
  template <typename S>
  Step Start(S&) {
    return Step::WaitForever();
  }
  Step Ready(auto, auto&) { return Step::KeepWaiting(); }
};
static_assert(IsMachine<WithTemplates>());
static_assert(IsMachine<WithTemplates, Settings>());

struct WithOverloads {
  Step Start(ContextScope<Settings>&) { return Step::Done(); }
  Step Start(ContextScope<OtherSettings>&) { return Step::WaitForever(); }
};
static_assert(IsMachine<WithOverloads, Settings>());
static_assert(IsMachine<WithOverloads, OtherSettings>());

class Inheriting : public OnlyStart {
 public:
  Step Timeout(const Scope&) { return Step::Done(); }

 private:
  Inheriting() = default;
  Inheriting(const Inheriting&) = delete;
};
static_assert(IsMachine<Inheriting>());

// A name that differs in more than a slip of the pen is a method like any other.
struct WithMethods {
  Step Start(Scope&) { return Step::WaitForever(); }
  void Wake() {}
  void FlushNow() {}
  bool ready = false;
};
static_assert(IsMachine<WithMethods>());

struct PrivateMember {
 private:
  [[maybe_unused]] void Ready() {}
};
struct TemplateMember {
  template <typename T>
  void Ready(T) {}
};
struct OverloadedMember {
  void Ready() {}
  void Ready(int) {}
};
struct DataMember {
  int Ready;
};
struct InheritedMember : DataMember {};
struct NoMember {
  void ready() {}
};
static_assert(member::HasReady<PrivateMember> && member::HasReady<TemplateMember> &&
              member::HasReady<OverloadedMember> && member::HasReady<DataMember> &&
              member::HasReady<InheritedMember> && !member::HasReady<NoMember>);

TEST(MachineTest, HandlersLeftOutHaveTheirDocumentedAnswers) {
  MachineTester<OnlyStart> tester;
  (void)tester.Start();
  EXPECT_THAT(tester.Ready(Readiness::Readable()), KeepsWaiting());
  EXPECT_THAT(tester.Wakeup(), KeepsWaiting());
  EXPECT_EQ(tester.Describe().state, "");
  tester.Drain(Deadline::Never());
  EXPECT_THAT(tester.Wakeup(), IsDone());
}

TEST(MachineTest, TimeoutAndFlushLeftOutHaveTheirDocumentedAnswers) {
  struct Waits {
    Step Start(Scope& scope) {
      scope.FlushAtEndOfTurn();
      return Step::WaitUntil(scope.now());
    }
  };
  MachineTester<Waits> tester;
  (void)tester.Start();
  EXPECT_THAT(tester.Flush(), KeepsWaiting());
  EXPECT_THAT(tester.Timeout(), FailsWith(absl::StatusCode::kDeadlineExceeded));
}

TEST(MachineTest, ContextIsTheLoops) {
  MachineTester<WithContext, Settings> tester;
  (void)tester.Start();
  EXPECT_EQ(tester.context().value, 1);
}

// A parent of two children. Each child keeps a deadline of its own; the parent answers with the
// sooner one and finds out at Timeout whose it was.
class Pair {
 public:
  Pair(absl::Duration first, absl::Duration second) : spans_{first, second} {}

  Step Start(Scope& scope) {
    for (int i : {0, 1}) deadlines_[i] = scope.now() + spans_[i];
    return Wait();
  }
  Step Timeout(Scope& scope) {
    for (int i : {0, 1}) {
      if (!deadlines_[i].ReachedAt(scope.now())) continue;
      fired.push_back(i);
      deadlines_[i] = Deadline::Never();
    }
    return Wait();
  }

  std::vector<int> fired;

 private:
  Step Wait() const { return Step::WaitUntil(Sooner(deadlines_[0], deadlines_[1])); }

  absl::Duration spans_[2];
  Deadline deadlines_[2] = {Deadline::Never(), Deadline::Never()};
};

TEST(MachineTest, DeadlineOfEachChildFiresAloneThroughOneParent) {
  MachineTester<Pair> tester;
  const Time begin = tester.now();
  EXPECT_THAT(tester.Start(absl::Seconds(5), absl::Seconds(2)),
              WaitsUntil(begin + absl::Seconds(2)));
  tester.Advance(absl::Seconds(2));
  EXPECT_THAT(tester.Timeout(), WaitsUntil(begin + absl::Seconds(5)));
  EXPECT_EQ(tester.machine().fired, std::vector<int>({1}));
  tester.Advance(absl::Seconds(3));
  EXPECT_THAT(tester.Timeout(), WaitsForever());
  EXPECT_EQ(tester.machine().fired, std::vector<int>({1, 0}));
}

TEST(MachineTest, KindNameIsTheTypeAsWritten) {
  EXPECT_EQ(KindName<int>(), "int");
  EXPECT_THAT(std::string(KindName<Step>()), EndsWith("Step"));
  EXPECT_THAT(std::string(KindName<OnlyStart>()), EndsWith("::OnlyStart"));
  EXPECT_EQ(KindName<std::vector<int>>().substr(0, 11), "std::vector");
  EXPECT_EQ(KindName<std::vector<int>>().back(), '>');
}

}  // namespace
}  // namespace rotor
