#include "core/machine/step.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/time/time.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr Time kTime = Time::FromNanoseconds(1000);

TEST(StepTest, CarriesKindDeadlineAndReason) {
  EXPECT_EQ(Step::WaitUntil(kTime).kind(), Step::Kind::kWait);
  EXPECT_EQ(Step::WaitUntil(kTime).deadline(), Deadline(kTime));
  EXPECT_EQ(Step::WaitForever().kind(), Step::Kind::kWait);
  EXPECT_TRUE(Step::WaitForever().deadline().is_never());
  EXPECT_EQ(Step::KeepWaiting().kind(), Step::Kind::kKeepWaiting);
  EXPECT_EQ(Step::Yield(kTime).kind(), Step::Kind::kYield);
  EXPECT_EQ(Step::Yield(kTime).deadline(), Deadline(kTime));
  for (const Step& step : {Step::WaitUntil(kTime), Step::KeepWaiting(), Step::Yield(kTime)}) {
    EXPECT_FALSE(step.finished());
    EXPECT_TRUE(step.reason().ok());
  }
}

TEST(StepTest, FinishedStepsTellWhy) {
  EXPECT_TRUE(Step::Done().finished());
  EXPECT_TRUE(Step::Done().reason().ok());
  const Step failed = Step::Fail(absl::NotFoundError("no such host"));
  EXPECT_TRUE(failed.finished());
  EXPECT_EQ(failed.reason(), absl::NotFoundError("no such host"));
}

TEST(StepDeathTest, FailNeedsAReason) {
  EXPECT_DEATH((void)Step::Fail(absl::OkStatus()), "programmer's error: Step::Fail\\(\\) needs");
}

}  // namespace
}  // namespace rotor
