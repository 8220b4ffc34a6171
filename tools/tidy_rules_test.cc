#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/tidy.h"

namespace rotor::tidy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto Finds(int line, std::string_view rule) {
  return ElementsAre(
      AllOf(Field(&Finding::line, line), Field(&Finding::rule, HasSubstr(std::string(rule)))));
}

std::vector<Finding> Check(std::string path, std::string content) {
  return CheckFile({std::move(path), std::move(content)});
}

// The findings for one #include line of the file `path`.
std::vector<Finding> Include(std::string path, const std::string& included) {
  return Check(std::move(path), "#include \"" + included + "\"\n");
}

std::string Repeat(int count, std::string_view text) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(TidyLayersTest, CoreIncludesOnlyWhatIsBelow) {
  EXPECT_THAT(Include("core/timer/timer_wheel.cc", "core/slab/token.h"), IsEmpty());
  EXPECT_THAT(Include("core/slab/token.h", "core/timer/timer_wheel.h"), Finds(1, "core/slab must"));
  EXPECT_THAT(Include("core/base/check.h", "core/time/time.h"), Finds(1, "core/base must not"));
  EXPECT_THAT(Include("core/loop/loop.h", "core/testing/sim.h"), Finds(1, "core/loop must not"));
  EXPECT_THAT(Include("core/loop/loop.h", "protocols/line/line.h"), Finds(1, "core only"));
  EXPECT_THAT(Include("core/news/a.h", "core/base/check.h"), Finds(1, "no place in the layers"));
}

TEST(TidyLayersTest, TestsOfCoreIncludeAllOfCore) {
  EXPECT_THAT(Include("core/timer/timer_wheel_test.cc", "core/testing/sim.h"), IsEmpty());
  EXPECT_THAT(Include("core/slab/a_test.cc", "protocols/line/line.h"), Finds(1, "core only"));
}

TEST(TidyLayersTest, ProtocolsKnowNeitherEachOtherNorTheLoop) {
  EXPECT_THAT(Include("protocols/http/server/s.h", "protocols/http/codec/c.h"), IsEmpty());
  EXPECT_THAT(Include("protocols/http/server/s.h", "protocols/stream/stream.h"), IsEmpty());
  EXPECT_THAT(Include("protocols/dns/dns.h", "protocols/resolve/resolver.h"), IsEmpty());
  EXPECT_THAT(Include("protocols/http/a.h", "protocols/dns/dns.h"), Finds(1, "know each other"));
  EXPECT_THAT(Include("protocols/stream/s.h", "protocols/line/l.h"), Finds(1, "know each other"));
  EXPECT_THAT(Include("protocols/line/line.h", "core/loop/loop.h"), Finds(1, "the loop"));
  EXPECT_THAT(Include("protocols/line/line.h", "core/testing/sim.h"), Finds(1, "for tests"));
  EXPECT_THAT(Include("protocols/line/line_test.cc", "core/loop/loop.h"), IsEmpty());
  EXPECT_THAT(Include("protocols/line/line.h", "examples/a/a.h"), Finds(1, "core and protocols"));
}

TEST(TidyLayersTest, ExamplesIncludeEverythingBelowAndNotBenchmarks) {
  EXPECT_THAT(Include("examples/hub/hub_main.cc", "protocols/line/line.h"), IsEmpty());
  EXPECT_THAT(Include("examples/hub/hub_main.cc", "core/loop/loop.h"), IsEmpty());
  EXPECT_THAT(Include("examples/hub/hub_main.cc", "benchmarks/a.h"), Finds(1, "must not include"));
}

TEST(TidyLayersTest, OnlyTheHttpCodecKnowsTheParser) {
  EXPECT_THAT(Include("protocols/http/codec/request_parser.cc", "http_parser.h"), IsEmpty());
  EXPECT_THAT(Check("protocols/http/server/a.cc", "#include <http_parser.h>\n"),
              Finds(1, "protocols/http/codec"));
}

TEST(TidyLayersTest, IncludesAreWrittenFromTheRoot) {
  EXPECT_THAT(Include("core/time/time.cc", "time.h"), Finds(1, "from the root"));
  EXPECT_THAT(Include("core/time/time.cc", "absl/time/time.h"), IsEmpty());
}

TEST(TidyNamesTest, AbseilsTwinsOfTheStandardAreBanned) {
  EXPECT_THAT(Check("core/loop/a.h", "\nabsl::optional<int> a;\n"), Finds(2, "absl::optional"));
  EXPECT_THAT(Check("core/loop/a.h", "absl::Mutex a;\n"), Finds(1, "absl::Mutex"));
  EXPECT_THAT(Check("core/loop/a.h", "absl::string_view a;\n"), Finds(1, "absl::string_view"));
  EXPECT_THAT(Check("core/base/strings.h", "absl::string_view a;\n"), IsEmpty());
  EXPECT_THAT(Check("core/loop/a.h", "absl::any_invocable a;  // absl::any\n"), IsEmpty());
}

TEST(TidyNamesTest, OnlyBackendsReadClocksAndCallTheSystem) {
  EXPECT_THAT(Check("core/loop/a.cc", "x = std::chrono::steady_clock::now();\n"),
              Finds(1, "clock"));
  EXPECT_THAT(Check("core/loop/a_test.cc", "clock_gettime(1, &a);\n"), Finds(1, "clock"));
  EXPECT_THAT(Check("core/backend/epoll/a.cc", "clock_gettime(1, &a); ::read(1, b, 2);\n"),
              IsEmpty());
  EXPECT_THAT(Check("protocols/line/a.cc", "if (::read(1, b, 2) < 0) {\n"), Finds(1, "::read"));
  EXPECT_THAT(Check("protocols/line/a_test.cc", "::read(1, b, 2);\n"), IsEmpty());
  EXPECT_THAT(Check("protocols/line/a.cc", "Io::read(1); std::vector<int>::send(2);\n"), IsEmpty());
}

TEST(TidyNamesTest, NothingSleepsButBenchmarks) {
  EXPECT_THAT(Check("core/loop/a_test.cc", "std::this_thread::sleep_for(a);\n"), Finds(1, "sleep"));
  EXPECT_THAT(Check("core/loop/a_test.cc", "usleep(1);\n"), Finds(1, "usleep("));
  EXPECT_THAT(Check("benchmarks/load.cc", "usleep(1);\n"), IsEmpty());
  EXPECT_THAT(Check("core/loop/a.cc", "AnnounceSleep(1); may_sleep(2);\n"), IsEmpty());
}

TEST(TidyFormTest, LineLengthCountsCodePoints) {
  EXPECT_THAT(Check("a.cc", Repeat(100, "x") + "\n"), IsEmpty());
  EXPECT_THAT(Check("a.cc", Repeat(101, "x") + "\n"), Finds(1, "100 columns"));
  EXPECT_THAT(Check("a.md", Repeat(100, "é") + "\n"), IsEmpty());
  EXPECT_THAT(Check("a/BUILD", "load(\"" + Repeat(100, "x") + "\")\n"), IsEmpty());
  EXPECT_THAT(Check("a.md", "| " + Repeat(100, "x") + " |\nhttps://" + Repeat(100, "x") + "\n"),
              IsEmpty());
}

TEST(TidyFormTest, SpacesTabsAndTheLastLineFeed) {
  EXPECT_THAT(Check("a.md", "a \n"), Finds(1, "space at the end"));
  EXPECT_THAT(Check("a.cc", "\ta\n"), Finds(1, "tab"));
  EXPECT_THAT(Check("a.cc", "a\nb"), Finds(2, "line feed"));
}

TEST(TidyFormTest, LongFunctionsAreFoundFreeAndInClasses) {
  EXPECT_THAT(Check("a.cc", "void F() {\n" + Repeat(58, "  a;\n") + "}\n"), IsEmpty());
  EXPECT_THAT(Check("a.cc", "void F() {\n" + Repeat(59, "  a;\n") + "}\n"), Finds(1, "function"));
  EXPECT_THAT(Check("a.h", "class A {\n  int F(int a,\n        int b) {\n" +
                               Repeat(59, "    a;\n") + "  }\n};\n"),
              Finds(2, "function"));
  EXPECT_THAT(Check("a.h", "class A {\n" + Repeat(80, "  int a;\n") + "};\n"), IsEmpty());
}

TEST(TidyLeftoversTest, MarkersAndExemptionsWithoutReasonAreFound) {
  EXPECT_THAT(Check("a.sh", "# TODO: later\n"), Finds(1, "leftover"));
  EXPECT_THAT(Check("a.sh", "# TODOS\n"), IsEmpty());
  EXPECT_THAT(Check("a.cc", "A(int);  // NOLINT(explicit)\n"), Finds(1, "without a reason"));
  EXPECT_THAT(Check("a.cc", "A(int);  // NOLINT(explicit): a time is a deadline\n"), IsEmpty());
}

TEST(TidyLeftoversTest, RowsOfListsThatReadersDoNotHaveAreFound) {
  EXPECT_THAT(Check("a.cc", "// see HP-05\n"), Finds(1, "row of a list"));
  EXPECT_THAT(Check("a.cc", "// UTF-8, RFC-9112, SHA-25, P-256, C-2\n"), IsEmpty());
}

TEST(TidyTreeTest, EveryPackageExplainsItself) {
  EXPECT_THAT(CheckTree({{"core/a/BUILD", ""}, {"core/a/a.h", "#ifndef A\n"}}),
              Finds(0, "no README.md"));
  EXPECT_THAT(CheckTree({{"core/a/BUILD", ""}, {"core/a/a.h", "// What a is.\n"}}), IsEmpty());
  EXPECT_THAT(CheckTree({{"core/a/BUILD", ""}, {"core/a/README.md", ""}}), IsEmpty());
  EXPECT_THAT(CheckTree({{"core/a/BUILD", ""}, {"core/a/a.py", "\"\"\"What it is.\"\"\"\n"}}),
              IsEmpty());
}

TEST(TidyTreeTest, UnknownTopLevelEntriesAreFound) {
  EXPECT_THAT(CheckTree({{"README.md", ""}, {".ci/run", ""}, {"core/a.h", ""}}), IsEmpty());
  EXPECT_THAT(CheckTree({{"notes/a.png", ""}}), Finds(0, "top-level"));
}

TEST(TidyTreeTest, CoreStaysWithinItsBudgetNotCountingTestsAndBackends) {
  const std::string lines = Repeat(4000, "\n");
  EXPECT_THAT(CheckTree({{"core/a/a.cc", lines},
                         {"core/a/a_test.cc", lines},
                         {"core/testing/a.cc", lines},
                         {"core/backend/epoll/a.cc", lines}}),
              IsEmpty());
  EXPECT_THAT(CheckTree({{"core/a/a.cc", lines}, {"core/backend/io.h", "\n"}}),
              Finds(0, "4001 lines"));
}

TEST(TidyTreeTest, HeadersForAuthorsStayWithinTheirBudget) {
  EXPECT_THAT(CheckTree({{"core/loop/loop.h", Repeat(600, "\n")}}), IsEmpty());
  EXPECT_THAT(CheckTree({{"core/loop/loop.h", Repeat(600, "\n")}, {"core/machine/step.h", "\n"}}),
              Finds(0, "601 lines"));
}

TEST(TidyTreeTest, DataOfTestsIsNotChecked) {
  EXPECT_TRUE(IsChecked("core/base/BUILD"));
  EXPECT_TRUE(IsChecked(".ci/run"));
  EXPECT_FALSE(IsChecked("protocols/http/codec/corpus/a.cc"));
  EXPECT_FALSE(IsChecked("examples/picture.png"));
}

}  // namespace
}  // namespace rotor::tidy
