#include "core/base/random.h"

#include <array>
#include <cstdint>

#include "gtest/gtest.h"

namespace rotor {
namespace {

TEST(RandomTest, FollowsThePublishedSequenceOfSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random(), 6457827717110365317u);
  EXPECT_EQ(random(), 3203168211198807973u);
  EXPECT_EQ(random(), 9817491932198370423u);
}

TEST(RandomTest, EqualSeedsGiveEqualSequencesAndOthersDoNot) {
  Random first(7);
  Random second(7);
  Random other(8);
  int equal_to_other = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = first();
    ASSERT_EQ(number, second());
    equal_to_other += number == other();
  }
  EXPECT_EQ(equal_to_other, 0);
}

TEST(RandomTest, BelowStaysBelowItsBoundAndReachesEveryValue) {
  Random random(1);
  std::array<int, 10> hits{};
  for (int i = 0; i < 10'000; ++i) ++hits.at(random.Below(hits.size()));
  // 1,000 expected each with a standard deviation of 30.
  for (const int hit : hits) EXPECT_NEAR(hit, 1000, 150);
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(RandomTest, ChanceFollowsItsProbabilityAndIsCertainAtBothEnds) {
  Random random(2);
  int quarter = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(random.Chance(0));
    ASSERT_TRUE(random.Chance(1));
    quarter += random.Chance(0.25);
  }
  EXPECT_NEAR(quarter, 2500, 200);
}

}  // namespace
}  // namespace rotor
