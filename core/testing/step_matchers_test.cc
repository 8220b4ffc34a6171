#include "core/testing/step_matchers.h"

#include <cstddef>
#include <iterator>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/machine/step.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::Matcher;
using ::testing::Not;

constexpr Time kTime = Time::FromNanoseconds(1'500'000'000);

std::string Explain(const Matcher<const Step&>& matcher) {
  std::ostringstream text;
  matcher.DescribeTo(&text);
  return text.str();
}

TEST(StepMatchersTest, EachAnswerIsToldFromAllOthers) {
  const Step steps[] = {Step::WaitUntil(kTime), Step::WaitForever(),
                        Step::KeepWaiting(),    Step::Yield(kTime),
                        Step::Done(),           Step::Fail(absl::NotFoundError("x"))};
  const Matcher<const Step&> matchers[] = {
      WaitsUntil(kTime), WaitsForever(), KeepsWaiting(),
      Yields(),          IsDone(),       FailsWith(absl::StatusCode::kNotFound)};
  for (size_t step = 0; step < std::size(steps); ++step) {
    for (size_t matcher = 0; matcher < std::size(matchers); ++matcher) {
      EXPECT_EQ(matchers[matcher].Matches(steps[step]), step == matcher)
          << testing::PrintToString(steps[step]) << ", " << Explain(matchers[matcher]);
    }
  }
}

TEST(StepMatchersTest, DeadlinesAndCodesCount) {
  EXPECT_THAT(Step::WaitUntil(kTime), WaitsUntil(Deadline(kTime)));
  EXPECT_THAT(Step::WaitUntil(kTime), Not(WaitsUntil(kTime + absl::Nanoseconds(1))));
  EXPECT_THAT(Step::WaitUntil(Deadline::Never()), WaitsForever());
  EXPECT_THAT(Step::Fail(absl::NotFoundError("x")), Not(FailsWith(absl::StatusCode::kInternal)));
}

TEST(StepMatchersTest, FailuresOfTestsAreReadable) {
  EXPECT_EQ(testing::PrintToString(Step::WaitUntil(kTime)), "WaitUntil 1.5s");
  EXPECT_EQ(testing::PrintToString(Step::WaitForever()), "WaitUntil never");
  EXPECT_EQ(testing::PrintToString(Step::KeepWaiting()), "KeepWaiting");
  EXPECT_EQ(testing::PrintToString(Step::Yield(Deadline::Never())), "Yield until never");
  EXPECT_EQ(testing::PrintToString(Step::Done()), "Done");
  EXPECT_EQ(testing::PrintToString(Step::Fail(absl::NotFoundError("x"))), "Fail NOT_FOUND: x");
  EXPECT_EQ(testing::PrintToString(kTime), "1.5s");
  EXPECT_EQ(testing::PrintToString(Deadline::Never()), "never");
  EXPECT_EQ(Explain(WaitsUntil(kTime)), "is WaitUntil 1.5s");
  EXPECT_EQ(Explain(FailsWith(absl::StatusCode::kNotFound)), "is Fail with NOT_FOUND");
}

}  // namespace
}  // namespace rotor
