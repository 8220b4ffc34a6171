#include "core/buffer/buffer.h"

#include <string>

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
  EXPECT_EQ(pool.bytes_used(), 4096u);
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

TEST(BufferTest, LimitIsReportedButWhatIsInHandStillFindsRoom) {
  BufferPool pool(4096);
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
