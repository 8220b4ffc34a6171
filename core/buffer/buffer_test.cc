#include "core/buffer/buffer.h"

#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

TEST(BufferTest, AnIdleBufferHoldsNoMemory) {
  BufferPool pool(1 << 20);
  Buffer buffer;
  EXPECT_EQ(sizeof(Buffer), sizeof(void*));
  EXPECT_EQ(pool.bytes_used(), 0u);
  buffer.Append(pool, "hello");
  EXPECT_EQ(pool.bytes_used(), 1024u);
  buffer.Consume(5);
  EXPECT_EQ(pool.bytes_used(), 0u);
  EXPECT_TRUE(buffer.empty());
}

TEST(BufferTest, BehavesLikeAStringUnderRandomAppendsAndConsumes) {
  BufferPool pool(1 << 20);
  Buffer buffer;
  std::string model;
  Random random(7);
  for (int round = 0; round < 20000; ++round) {
    if (random.Chance(0.55)) {
      const std::string piece(random.Below(random.Chance(0.02) ? 50000 : 300),
                              static_cast<char>('a' + round % 26));
      buffer.Append(pool, piece);
      model += piece;
    } else {
      const size_t bytes = random.Below(model.size() + 1);
      buffer.Consume(bytes);
      model.erase(0, bytes);
    }
    ASSERT_EQ(buffer.view(), model);
  }
  buffer.Clear();
  EXPECT_EQ(pool.bytes_used(), 0u);
}

TEST(BufferTest, FreedBlocksAreReusedInsteadOfAllocatedAgain) {
  BufferPool pool(1 << 20);
  Buffer first;
  first.Append(pool, "a");
  const char* place = first.view().data();
  first.Clear();
  Buffer second;
  second.Append(pool, "b");
  EXPECT_EQ(second.view().data(), place);
}

// malloc(3) would give so much back to the system, and fault it in again in the next turn.
TEST(BufferTest, TheBlocksOfAllAnswersOfATurnAreReused) {
  BufferPool pool(16 << 20);
  const auto turn = [&pool] {
    std::vector<Buffer> answers(256);
    std::set<const char*> places;
    for (Buffer& answer : answers) {
      answer.Append(pool, std::string(4000, 'x'));
      places.insert(answer.view().data());
    }
    return places;
  };
  const std::set<const char*> first = turn();
  EXPECT_EQ(first.size(), 256u);
  EXPECT_EQ(turn(), first);
}

TEST(BufferTest, LimitIsReportedButWhatIsInHandStillFindsRoom) {
  BufferPool pool(1024);
  Buffer first, second;
  first.Append(pool, "a");
  EXPECT_TRUE(pool.exhausted());
  second.Append(pool, std::string(10000, 'x'));
  EXPECT_EQ(second.size(), 10000u);
  first.Clear();
  second.Clear();
  EXPECT_FALSE(pool.exhausted());
}

TEST(BufferDeathTest, ConsumingMoreThanThereIsNamesTheRule) {
  BufferPool pool(4096);
  Buffer buffer;
  EXPECT_DEATH(buffer.Consume(1), "more bytes consumed than the buffer holds");
}

}  // namespace
}  // namespace rotor
