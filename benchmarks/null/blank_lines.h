// Counts the ends of request heads, and nothing else.
#ifndef ROTOR_BENCHMARKS_NULL_BLANK_LINES_H_
#define ROTOR_BENCHMARKS_NULL_BLANK_LINES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rotor::benchmarks {

// Counts CR LF CR LF in a stream that comes in pieces. Written for the compiler to vectorize.
class BlankLines {
 public:
  size_t Count(const char* bytes, size_t size) {
    size_t count = 0;
    // Those that begin in an earlier piece.
    const size_t seam = std::min<size_t>(size, 3);
    for (size_t i = 0; i < seam; ++i) {
      last_ = last_ << 8 | static_cast<unsigned char>(bytes[i]);
      count += last_ == kCrLfCrLf ? 1 : 0;
    }
    if (size <= 3) return count;
    for (size_t i = 0; i + 3 < size; i += kBlock) {
      count += CountBlock(bytes + i, std::min(kBlock, size - 3 - i));
    }
    last_ = 0;
    for (size_t i = size - 4; i < size; ++i) {
      last_ = last_ << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return count;
  }

 private:
  static constexpr uint32_t kCrLfCrLf = 0x0d0a0d0a;
  static constexpr size_t kBlock = 192;  // A byte holds the count of a block.

  // Starts at one of the first `size` bytes; three more can be read.
  static size_t CountBlock(const char* bytes, size_t size) {
    uint8_t count = 0;
    for (size_t i = 0; i < size; ++i) {
      const bool found = (bytes[i] == '\r') & (bytes[i + 1] == '\n') & (bytes[i + 2] == '\r') &
                         (bytes[i + 3] == '\n');
      count = static_cast<uint8_t>(count + found);
    }
    return count;
  }

  uint32_t last_ = 0;  // The last four bytes.
};

}  // namespace rotor::benchmarks

#endif  // ROTOR_BENCHMARKS_NULL_BLANK_LINES_H_
