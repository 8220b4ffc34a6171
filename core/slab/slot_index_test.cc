#include "core/slab/slot_index.h"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "core/base/random.h"
#include "core/slab/token.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

TEST(SlotIndexTest, FreshSlotsComeInOrder) {
  SlotIndex slots(3);
  for (uint32_t index = 0; index < 3; ++index) {
    const std::optional<Token> token = slots.Acquire();
    ASSERT_TRUE(token.has_value());
    EXPECT_EQ(token->index, index);
    EXPECT_TRUE(slots.IsLive(*token));
  }
}

TEST(SlotIndexTest, FullIndexRefusesUntilASlotIsReleased) {
  SlotIndex slots(2);
  const Token first = *slots.Acquire();
  ASSERT_TRUE(slots.Acquire().has_value());
  EXPECT_TRUE(slots.full());
  EXPECT_EQ(slots.Acquire(), std::nullopt);

  slots.Release(first);
  EXPECT_FALSE(slots.full());
  EXPECT_EQ(slots.Acquire()->index, first.index);
}

TEST(SlotIndexTest, IndexWithoutSlotsIsFull) {
  SlotIndex slots(0);
  EXPECT_TRUE(slots.full());
  EXPECT_EQ(slots.Acquire(), std::nullopt);
}

TEST(SlotIndexTest, TokenIsStaleOnceReleasedAndStaysSoWhenTheSlotIsReused) {
  SlotIndex slots(1);
  const Token old = *slots.Acquire();
  slots.Release(old);
  EXPECT_FALSE(slots.IsLive(old));

  const Token reused = *slots.Acquire();
  EXPECT_EQ(reused.index, old.index);
  EXPECT_FALSE(slots.IsLive(old));
  EXPECT_TRUE(slots.IsLive(reused));
}

TEST(SlotIndexTest, DefaultAndOutOfRangeTokensAreNeverLive) {
  SlotIndex slots(4);
  EXPECT_FALSE(slots.IsLive(Token{}));
  slots.Release(*slots.Acquire());
  EXPECT_FALSE(slots.IsLive(Token{}));
  EXPECT_FALSE(slots.IsLive(Token{.index = 3, .generation = 1}));
  EXPECT_FALSE(slots.IsLive(Token{.index = 1u << 23, .generation = 1}));
}

TEST(SlotIndexTest, ReleasedSlotsAreReusedLateAndOldestFirst) {
  SlotIndex slots(1000);
  std::vector<Token> released;
  for (uint32_t i = 0; i < SlotIndex::kReuseDelay; ++i) {
    const Token token = *slots.Acquire();
    slots.Release(token);
    released.push_back(token);
    EXPECT_EQ(token.index, i) << "reused although few slots are free";
  }
  for (const Token& expected : released) {
    const Token token = *slots.Acquire();
    EXPECT_EQ(token.index, expected.index);
    slots.Release(token);
  }
  EXPECT_EQ(slots.index_end(), SlotIndex::kReuseDelay);
}

TEST(SlotIndexTest, SlotRetiresWhenItsGenerationsAreUsedUp) {
  SlotIndex slots(2, /*generation_bits=*/2);  // Generations 1 and 3.
  std::set<Token> seen;
  for (int i = 0; i < 4; ++i) {
    const std::optional<Token> token = slots.Acquire();
    ASSERT_TRUE(token.has_value());
    EXPECT_LT(token->generation, 4u);
    EXPECT_TRUE(seen.insert(*token).second) << "handed out twice";
    slots.Release(*token);
  }
  EXPECT_EQ(slots.retired(), 2u);
  EXPECT_EQ(slots.capacity(), 0u);
  EXPECT_TRUE(slots.full());
  EXPECT_EQ(slots.Acquire(), std::nullopt);
  for (const Token& token : seen) EXPECT_FALSE(slots.IsLive(token));
}

TEST(SlotIndexTest, OtherSlotsStayUsableWhenOneRetires) {
  SlotIndex slots(2, /*generation_bits=*/1);  // Each slot can be used once.
  const Token retiring = *slots.Acquire();
  slots.Release(retiring);
  EXPECT_EQ(slots.capacity(), 1u);
  const Token other = *slots.Acquire();
  EXPECT_NE(other.index, retiring.index);
  EXPECT_TRUE(slots.full());
}

TEST(SlotIndexTest, VisitingAllSlotsFindsExactlyTheLiveOnes) {
  SlotIndex slots(10);
  std::set<Token> live;
  for (int i = 0; i < 6; ++i) live.insert(*slots.Acquire());
  for (const uint32_t released : {1u, 4u}) {
    const Token token = slots.TokenAt(released);
    slots.Release(token);
    live.erase(token);
  }
  std::set<Token> visited;
  for (uint32_t index = 0; index < slots.index_end(); ++index) {
    const Token token = slots.TokenAt(index);
    if (slots.IsLive(token)) visited.insert(token);
  }
  EXPECT_EQ(visited, live);
}

TEST(SlotIndexTest, BehavesLikeASetOfTokensThatAreNeverHandedOutTwice) {
  Random random(20260301);
  SlotIndex slots(100, /*generation_bits=*/6);
  std::vector<Token> live;
  std::set<Token> ever;
  for (int step = 0; step < 20000; ++step) {
    if (random.Chance(0.5)) {
      const bool was_full = slots.full();
      const std::optional<Token> token = slots.Acquire();
      ASSERT_EQ(token.has_value(), !was_full);
      if (!token.has_value()) continue;
      ASSERT_TRUE(ever.insert(*token).second);
      live.push_back(*token);
    } else if (!live.empty()) {
      Token& victim = live[random.Below(live.size())];
      slots.Release(victim);
      victim = live.back();
      live.pop_back();
    }
    ASSERT_EQ(slots.size(), live.size());
  }
  for (const Token& token : ever) {
    bool expected = false;
    for (const Token& other : live) expected = expected || other == token;
    EXPECT_EQ(slots.IsLive(token), expected);
  }
  EXPECT_GT(slots.retired(), 0u);
}

TEST(SlotIndexDeathTest, ReleasingTwiceIsAProgrammersError) {
  SlotIndex slots(2);
  const Token token = *slots.Acquire();
  slots.Release(token);
  EXPECT_DEATH(slots.Release(token), "only a live token can be released");
}

TEST(SlotIndexDeathTest, MoreSlotsThanATokenCanNameAreAProgrammersError) {
  EXPECT_DEATH(SlotIndex slots(SlotIndex::kSlotsMax + 1), "at most 2\\^24 slots");
}

}  // namespace
}  // namespace rotor
