#include "core/slab/token.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr uint32_t kIndexLast = (1u << 24) - 1;
constexpr uint32_t kGenerationLast = (1u << 28) - 1;

TEST(TokenTest, PackingKeepsBothFieldsAtTheirLimits) {
  for (const uint32_t index : {0u, 1u, 0x123456u, kIndexLast}) {
    for (const uint32_t generation : {0u, 1u, 0x7654321u, kGenerationLast}) {
      const Token token{.index = index, .generation = generation};
      EXPECT_EQ(Token::Unpack(token.Pack()), token);
      EXPECT_LT(token.Pack(), uint64_t{1} << 52);
    }
  }
}

TEST(TokenTest, ComparesByBothFields) {
  const Token token{.index = 3, .generation = 5};
  EXPECT_EQ(token, (Token{.index = 3, .generation = 5}));
  EXPECT_NE(token, (Token{.index = 4, .generation = 5}));
  EXPECT_NE(token, (Token{.index = 3, .generation = 7}));
}

TEST(EventKeyTest, FieldsLieAtTheirDocumentedBits) {
  const EventKey key{
      .token = {.index = 0x123456, .generation = 0x7abcdef}, .watch_tag = 0x98, .operation = 0x5};
  EXPECT_EQ(key.Pack(), 0x5'98'7abcdef'123456u);
}

TEST(EventKeyTest, PackingKeepsEachFieldAtItsLimits) {
  const EventKey keys[] = {
      {},
      {.token = {.index = kIndexLast, .generation = 0}, .watch_tag = 0, .operation = 0},
      {.token = {.index = 0, .generation = kGenerationLast}, .watch_tag = 0, .operation = 0},
      {.token = {.index = 0, .generation = 0}, .watch_tag = 255, .operation = 0},
      {.token = {.index = 0, .generation = 0}, .watch_tag = 0, .operation = 15},
      {.token = {.index = kIndexLast, .generation = kGenerationLast},
       .watch_tag = 255,
       .operation = 15},
  };
  for (const EventKey& key : keys) EXPECT_EQ(EventKey::Unpack(key.Pack()), key);
}

}  // namespace
}  // namespace rotor
