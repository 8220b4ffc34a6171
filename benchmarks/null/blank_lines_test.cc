#include "benchmarks/null/blank_lines.h"

#include <cstddef>
#include <string>

#include "gtest/gtest.h"

namespace rotor::benchmarks {
namespace {

size_t CountPieces(const std::string& text, size_t piece) {
  BlankLines blank_lines;
  size_t count = 0;
  for (size_t i = 0; i < text.size(); i += piece) {
    const std::string part = text.substr(i, piece);
    count += blank_lines.Count(part.data(), part.size());
  }
  return count;
}

TEST(BlankLinesTest, CountsHeadsInPiecesOfAnySize) {
  std::string heads;
  for (int i = 0; i < 20; ++i) {
    heads +=
        "GET /" + std::string(static_cast<size_t>(i) * 13, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  for (size_t piece = 1; piece <= heads.size(); ++piece) {
    ASSERT_EQ(CountPieces(heads, piece), 20u) << "pieces of " << piece;
  }
}

TEST(BlankLinesTest, NothingElseCounts) {
  EXPECT_EQ(CountPieces("\r\n\r\r\n\n\r\n\n\r a: b\r\n \r\n", 4), 0u);
}

}  // namespace
}  // namespace rotor::benchmarks
