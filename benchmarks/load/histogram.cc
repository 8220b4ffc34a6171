#include "benchmarks/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rotor::benchmarks {

// Values below 2^kSubBits have a bucket each; each power of two above has 2^kSubBits.
Histogram::Histogram() : counts_(size_t{64 - kSubBits + 1} << kSubBits) {}

size_t Histogram::BucketOf(uint64_t value) {
  const int width = static_cast<int>(std::bit_width(value));
  if (width <= kSubBits) return value;
  const int shift = width - kSubBits - 1;
  // The leading bit is dropped from the bucket's number within its power of two.
  const uint64_t within = (value >> shift) - (uint64_t{1} << kSubBits);
  return (static_cast<size_t>(shift + 1) << kSubBits) + within;
}

double Histogram::MiddleOf(size_t bucket) {
  const size_t power = bucket >> kSubBits;
  const uint64_t within = bucket & ((uint64_t{1} << kSubBits) - 1);
  if (power == 0) return static_cast<double>(within);
  const double width = static_cast<double>(uint64_t{1} << (power - 1));
  return (static_cast<double>(within + (uint64_t{1} << kSubBits)) + 0.5) * width;
}

void Histogram::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  total_ = 0;
}

double Histogram::Quantile(double quantile) const {
  if (total_ == 0) return 0;
  const double wanted = quantile * static_cast<double>(total_);
  uint64_t below = 0;
  size_t last = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    if (counts_[bucket] == 0) continue;
    last = bucket;
    below += counts_[bucket];
    if (static_cast<double>(below) > wanted) break;
  }
  return MiddleOf(last);
}

}  // namespace rotor::benchmarks
