// What a loop shows to an operator: names, machines, counters.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "core/machine/counters.h"
#include "core/machine/machine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

TEST(LoopInspectTest, GroupNamesAreShortPlainAndUnique) {
  ScriptedLoop test;
  const auto code = [&](std::string_view name) { return test.loop.AddGroup(name).status().code(); };
  EXPECT_EQ(code("az-AZ_0.9"), absl::StatusCode::kOk);
  EXPECT_EQ(code(std::string(64, 'x')), absl::StatusCode::kOk);
  EXPECT_EQ(code("az-AZ_0.9"), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(code(""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(std::string(65, 'x')), absl::StatusCode::kInvalidArgument);
  for (const std::string_view name : {"a/b", "a b", "a\n", "\xc3\xa4", "a\"", "*"}) {
    EXPECT_EQ(code(name), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_THAT(test.loop.AddGroup("test").status().ToString(), HasSubstr("test"));
  EXPECT_THAT(test.loop.AddGroup("a/b").status().ToString(), HasSubstr("\"a/b\""));
}

TEST(LoopInspectTest, ReportTellsWhatAMachineIsDoing) {
  ScriptedLoop test;
  const GroupId other = test.AddGroup("other");
  test.Add({.state = "idle"});
  Time deadline;
  test.AddTo(other, {.start =
                         [&](Scope& scope) {
                           deadline = scope.now() + absl::Seconds(30);
                           return Step::WaitUntil(deadline);
                         },
                     .wakeup = [](Scope&) { return Step::KeepWaiting(); }});
  test.AddTo(other, {.start = [other](Scope& scope) {
               scope.Drain(other, Deadline::Never());
               scope.RunInBackground();
               return Step::WaitForever();
             }});
  test.Turn();
  test.Pass(absl::Seconds(5));
  test.TurnNow();

  std::vector<MachineReport> reports;
  EXPECT_EQ(test.loop.VisitMachines(
                0, 10, [&](const MachineReport& report) { reports.push_back(report); }),
            0u);
  ASSERT_THAT(reports, SizeIs(3));
  EXPECT_EQ(reports[0].path, "/test/0");
  EXPECT_THAT(std::string(reports[0].kind), EndsWith("Scripted"));
  EXPECT_EQ(reports[0].description.state, "idle");
  EXPECT_EQ(reports[0].age, absl::Seconds(5));
  EXPECT_EQ(reports[0].deadline, Deadline::Never());
  EXPECT_FALSE(reports[0].draining);
  EXPECT_EQ(reports[1].path, "/other/1");
  EXPECT_EQ(reports[1].deadline, Deadline(deadline));
  EXPECT_TRUE(reports[1].draining);
  EXPECT_FALSE(reports[2].draining);  // What runs in the background is not asked to end.
}

TEST(LoopInspectTest, VisitsComeInPagesAndSkipTheDead) {
  constexpr int kMachines = 1000;
  ScriptedLoop test;
  // Two thirds of them finish.
  for (int i = 0; i < kMachines; ++i) {
    test.Add({.start = [i](Scope&) { return i % 3 == 0 ? Step::WaitForever() : Step::Done(); }});
  }
  test.Turn();
  std::vector<std::string> seen;
  int pages = 0;
  uint32_t next = 0;
  do {
    size_t in_page = 0;
    next = test.loop.VisitMachines(next, 7, [&](const MachineReport& report) {
      seen.push_back(report.path);
      ++in_page;
    });
    EXPECT_THAT(in_page, Le(7u));
    ++pages;
  } while (next != 0);
  ASSERT_THAT(seen, SizeIs(test.loop.machines()));
  EXPECT_EQ(seen[0], "/test/0");
  EXPECT_EQ(seen[333], "/test/999");
  EXPECT_GE(pages, 334 / 7);
}

TEST(LoopInspectTest, VisitDoesNotSearchFarForLivingMachines) {
  ScriptedLoop test;
  for (int i = 0; i < 1000; ++i) {
    test.Add({.start = [i](Scope&) { return i == 999 ? Step::WaitForever() : Step::Done(); }});
  }
  test.Turn();
  int seen = 0;
  EXPECT_EQ(test.loop.VisitMachines(0, 1, [&](const MachineReport&) { ++seen; }), 16u);
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(test.loop.VisitMachines(999, 1, [&](const MachineReport&) { ++seen; }), 0u);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(test.loop.VisitMachines(5000, 1, [&](const MachineReport&) { ++seen; }), 0u);
  EXPECT_EQ(seen, 1);
}

TEST(LoopInspectTest, MachineMayVisitAllMachinesItselfIncluded) {
  ScriptedLoop test;
  std::vector<std::string> states;
  test.Add({.state = "first"});
  test.Add({.start =
                [&](Scope& scope) {
                  scope.VisitMachines(0, 10, [&](const MachineReport& report) {
                    states.push_back(report.description.state);
                  });
                  return Step::WaitForever();
                },
            .state = "visitor"});
  test.Turn();
  EXPECT_THAT(states, ElementsAre("first", "visitor"));
}

struct Bare {
  Step Start(Scope&) { return Step::WaitForever(); }
};

struct Talkative {
  Step Start(Scope&) { return Step::WaitForever(); }
  void Describe(Description& description) const { description.state = "talking"; }
};

TEST(LoopInspectTest, KindIsThatOfTheMachineNotOfTheSum) {
  SimWorld world;
  using Root = Compose<Talkative, Bare, Boxed<Talkative>>;
  LoopBuilder<Root> builder({}, world.AddHost("host"));
  const GroupId group = *builder.AddGroup("test");
  ASSERT_TRUE(builder.Add<Bare>(group).ok());
  ASSERT_TRUE(builder.Add<Talkative>(group).ok());
  ASSERT_TRUE(builder.Add<Boxed<Talkative>>(group).ok());
  Loop<Root> loop = std::move(builder).Build();
  std::vector<std::string> kinds, states;
  loop.VisitMachines(0, 10, [&](const MachineReport& report) {
    kinds.emplace_back(report.kind);
    states.push_back(report.description.state);
  });
  EXPECT_THAT(kinds,
              ElementsAre(EndsWith("::Bare"), EndsWith("::Talkative"), EndsWith("::Talkative>")));
  EXPECT_THAT(states, ElementsAre("", "talking", "talking"));
}

TEST(LoopInspectTest, CountersKeepTheirOrderAndPlace) {
  CounterRegistry counters;
  Counter& first = counters.Get("a", "x");
  for (int i = 0; i < 1000; ++i) counters.Get("b", std::to_string(i)).Add(i);
  first.Add();
  first.Add(5);
  first.Add(-2);
  EXPECT_EQ(&counters.Get("a", "x"), &first);
  EXPECT_EQ(counters.Get("a", "x").value(), 4);
  EXPECT_EQ(counters.Get("a", "y").value(), 0);
  EXPECT_EQ(counters.entries().front().group, "a");
  EXPECT_EQ(counters.entries()[1].name, "0");
  EXPECT_EQ(counters.entries().size(), 1002u);
}

}  // namespace
}  // namespace rotor
