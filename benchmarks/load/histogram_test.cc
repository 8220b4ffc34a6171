#include "benchmarks/load/histogram.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace rotor::benchmarks {
namespace {

TEST(HistogramTest, NothingCountedHasQuantileZero) { EXPECT_EQ(Histogram().Quantile(0.5), 0); }

TEST(HistogramTest, QuantilesOfAThousandValues) {
  Histogram histogram;
  for (uint64_t i = 1; i <= 1000; ++i) histogram.Add(i * 1000);
  EXPECT_EQ(histogram.total(), 1000u);
  EXPECT_NEAR(histogram.Quantile(0.5), 501'000, 2'000);
  EXPECT_NEAR(histogram.Quantile(0.99), 991'000, 4'000);
  EXPECT_NEAR(histogram.Quantile(1), 1'000'000, 4'000);
}

// Each bucket holds what is next to it, over the whole range.
TEST(HistogramTest, AnyValueIsOffByLittle) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t add : {uint64_t{0}, uint64_t{1}, (uint64_t{1} << bit) / 3}) {
      const uint64_t value = (uint64_t{1} << bit) + add;
      Histogram histogram;
      histogram.Add(value);
      const double exact = static_cast<double>(value);
      EXPECT_NEAR(histogram.Quantile(0.5), exact, exact / 500 + 0.5) << value;
    }
  }
}

TEST(HistogramTest, ClearForgets) {
  Histogram histogram;
  histogram.Add(5);
  histogram.Clear();
  histogram.Add(7);
  EXPECT_EQ(histogram.total(), 1u);
  EXPECT_EQ(histogram.Quantile(0.5), 7);
}

}  // namespace
}  // namespace rotor::benchmarks
