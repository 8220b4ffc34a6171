// Room for many objects, none of which ever moves.
#ifndef ROTOR_CORE_SLAB_PINNED_STORAGE_H_
#define ROTOR_CORE_SLAB_PINNED_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "core/base/check.h"

namespace rotor {

// Uninitialised storage for up to `objects_max` objects of type T, in chunks of kChunkObjects that
// are allocated when first needed and kept until the end. Knows nothing of which objects exist:
// whoever constructs one must destroy it, before the storage itself is destroyed. Beside the
// chunks it takes eight bytes per kChunkObjects. One thread only.
template <typename T>
class PinnedStorage {
 public:
  static constexpr uint32_t kChunkObjects = 256;

  explicit PinnedStorage(uint32_t objects_max)
      : objects_max_(objects_max),
        chunks_((uint64_t{objects_max} + kChunkObjects - 1) / kChunkObjects) {}

  PinnedStorage(const PinnedStorage&) = delete;
  PinnedStorage& operator=(const PinnedStorage&) = delete;

  // Where object `index` lives, or is to be constructed by placement new. `index` must be below
  // `objects_max`. Allocates the chunk if this is its first use.
  void* At(uint32_t index) {
    ROTOR_CHECK(index < objects_max_, "an index of pinned storage is below its objects_max");
    std::unique_ptr<Chunk>& chunk = chunks_[index / kChunkObjects];
    if (chunk == nullptr) chunk = std::make_unique_for_overwrite<Chunk>();
    return chunk->objects[index % kChunkObjects].bytes;
  }

  // The object at `index`, which must have been constructed by the caller and not destroyed since.
  T* Get(uint32_t index) const {
    Chunk& chunk = *chunks_[index / kChunkObjects];
    return std::launder(reinterpret_cast<T*>(chunk.objects[index % kChunkObjects].bytes));
  }

 private:
  struct Room {
    alignas(T) std::byte bytes[sizeof(T)];
  };
  struct Chunk {
    Room objects[kChunkObjects];
  };

  const uint32_t objects_max_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_SLAB_PINNED_STORAGE_H_
