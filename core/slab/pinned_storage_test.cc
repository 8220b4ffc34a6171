#include "core/slab/pinned_storage.h"

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace rotor {
namespace {

TEST(PinnedStorageTest, ObjectsKeepTheirAddressAndValueWhileOthersAreAdded) {
  constexpr uint32_t kObjects = 1000;
  PinnedStorage<std::string> storage(kObjects);
  std::vector<std::string*> addresses;
  for (uint32_t index = 0; index < kObjects; ++index) {
    addresses.push_back(new (storage.At(index)) std::string(100, static_cast<char>(index)));
  }
  for (uint32_t index = 0; index < kObjects; ++index) {
    EXPECT_EQ(storage.Get(index), addresses[index]);
    EXPECT_EQ(storage.At(index), addresses[index]);
    EXPECT_EQ(*storage.Get(index), std::string(100, static_cast<char>(index)));
    std::destroy_at(storage.Get(index));
  }
}

TEST(PinnedStorageTest, StorageIsAlignedForItsType) {
  struct alignas(128) Wide {
    char byte;
  };
  PinnedStorage<Wide> storage(600);
  for (const uint32_t index : {0u, 1u, 255u, 256u, 599u}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(storage.At(index)) % 128, 0u);
  }
}

TEST(PinnedStorageTest, NeitherConstructsNorDestroysObjects) {
  struct Counted {
    explicit Counted(int* balance) : balance(balance) { ++*balance; }
    ~Counted() { --*balance; }
    int* balance;
  };
  int balance = 0;
  {
    PinnedStorage<Counted> storage(10);
    Counted* const object = new (storage.At(7)) Counted(&balance);
    EXPECT_EQ(balance, 1);
    std::destroy_at(object);
  }
  EXPECT_EQ(balance, 0);
}

TEST(PinnedStorageDeathTest, IndexAboveTheMaximumIsAProgrammersError) {
  PinnedStorage<int> storage(3);
  EXPECT_DEATH(storage.At(3), "below its objects_max");
}

}  // namespace
}  // namespace rotor
