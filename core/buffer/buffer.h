// Buffer and BufferPool: bytes of a connection, in memory that the loop accounts for.
//
// An idle Buffer holds nothing: one null pointer. The first byte takes a block from the pool, the
// last byte consumed gives it back. Blocks are powers of two; the pool keeps a bounded number of
// free ones, so that steady traffic allocates nothing.
//
// Not thread-safe: a pool belongs to one loop, and its buffers die before it.
#ifndef ROTOR_CORE_BUFFER_BUFFER_H_
#define ROTOR_CORE_BUFFER_BUFFER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace rotor {

class BufferPool;

namespace internal {
// The head of each block; the bytes follow.
struct BufferBlock {
  BufferPool* pool;
  BufferBlock* next;  // In the free list.
  uint32_t capacity;  // Bytes after this head.
  uint32_t begin;     // The live bytes are [begin, end).
  uint32_t end;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};
}  // namespace internal

// Where buffers take their memory. `bytes_max` is a soft limit: exhausted() tells users to stop
// taking in more; what is already in hand always finds room.
class BufferPool {
 public:
  explicit BufferPool(size_t bytes_max) : bytes_max_(bytes_max) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  size_t bytes_used() const { return bytes_used_; }
  size_t bytes_max() const { return bytes_max_; }
  bool exhausted() const { return bytes_used_ >= bytes_max_; }

 private:
  friend class Buffer;
  // Small, since in each turn all connections that answer hold one: they should fit into the
  // caches.
  static constexpr uint32_t kSmallestBlockBytes = 1024;
  static constexpr size_t kKeptClasses = 7;  // 1 to 64 KiB are kept for reuse.
  // Of each class. Enough for an answer of 4 KiB to each event of a turn, or malloc(3) gives memory
  // back to the system and takes it again, turn by turn. At most 7 MiB lie idle.
  static constexpr size_t kKeptBytesPerClass = size_t{1} << 20;

  internal::BufferBlock* Acquire(size_t capacity_min);
  void Release(internal::BufferBlock* block);

  std::array<internal::BufferBlock*, kKeptClasses> free_ = {};
  std::array<uint32_t, kKeptClasses> free_count_ = {};
  size_t bytes_used_ = 0;
  size_t bytes_max_;
};

// Contiguous bytes: appended at the end, consumed from the front. Holds less than 2 GiB.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      Clear();
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  ~Buffer() { Clear(); }

  bool empty() const { return block_ == nullptr || block_->begin == block_->end; }
  size_t size() const { return block_ == nullptr ? 0 : block_->end - block_->begin; }
  size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  // Valid until the next change.
  std::string_view view() const {
    return block_ == nullptr ? std::string_view()
                             : std::string_view(block_->bytes() + block_->begin, size());
  }

  void Append(BufferPool& pool, std::string_view bytes);
  // Room for at least `bytes_min` (> 0) more bytes at the end; Commit() what was written there.
  std::span<char> Reserve(BufferPool& pool, size_t bytes_min);
  void Commit(size_t bytes) { block_->end += static_cast<uint32_t>(bytes); }
  // Drops `bytes` from the front; the block goes back to the pool when nothing is left.
  void Consume(size_t bytes);
  void Clear();

 private:
  internal::BufferBlock* block_ = nullptr;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BUFFER_BUFFER_H_
