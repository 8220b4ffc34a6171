#include "examples/hub_simulated/simulation.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace hub {
namespace {

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

// Each seed is another world: other clients, other faults, other orders. What is asserted is the
// same in all: every client got what it must get, nothing was misused, nothing is left over.
// More with `tools/bazel run -c opt //examples/hub_simulated -- --worlds=1000`.
constexpr uint64_t kSeeds = 8;

class ManyWorlds : public testing::TestWithParam<int> {};

TEST_P(ManyWorlds, ServeEveryClientAndLeaveNothingBehind) {
  std::map<std::string, uint64_t> faults;
  for (uint64_t seed = GetParam() * kSeeds; seed < (GetParam() + 1u) * kSeeds; ++seed) {
    const SimulationResult result = Simulate({.seed = seed});
    ASSERT_TRUE(result.problems.empty()) << "seed " << seed << ":\n" << Joined(result.problems);
    ASSERT_GE(result.events, 1000u) << "seed " << seed;
    ASSERT_GE(result.faults_total, 10u) << "seed " << seed;
    for (const auto& [name, count] : result.faults) faults[name] += count;
  }
  for (const auto& [name, count] : faults) EXPECT_GT(count, 0u) << name << " never struck";
}

INSTANTIATE_TEST_SUITE_P(AQuarterEach, ManyWorlds, testing::Range(0, 4));

TEST(SimulationTest, TheSameSeedGivesTheSameLogTwiceAndAnotherSeedAnother) {
  const SimulationResult first = Simulate({.seed = 5});
  const SimulationResult second = Simulate({.seed = 5});
  const SimulationResult other = Simulate({.seed = 6});
  EXPECT_EQ(first.log_hash, second.log_hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_NE(first.log_hash, other.log_hash);
}

}  // namespace
}  // namespace hub
