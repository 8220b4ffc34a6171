#include "core/buffer/buffer.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/base/check.h"

namespace rotor {

using internal::BufferBlock;

BufferPool::~BufferPool() {
  ROTOR_CHECK(bytes_used_ == 0, "a Buffer outlives its BufferPool");
  for (BufferBlock* block : free_) {
    while (block != nullptr) ::operator delete(std::exchange(block, block->next));
  }
}

BufferBlock* BufferPool::Acquire(size_t capacity_min) {
  const size_t wanted = capacity_min + sizeof(BufferBlock);
  const size_t total = std::bit_ceil(wanted < kSmallestBlockBytes ? kSmallestBlockBytes : wanted);
  ROTOR_CHECK(total <= (size_t{1} << 31), "a Buffer holds less than 2 GiB");
  bytes_used_ += total;
  const size_t size_class = std::countr_zero(total) - std::countr_zero(kSmallestBlockBytes);
  BufferBlock* block;
  if (size_class < kKeptClasses && free_[size_class] != nullptr) {
    block = free_[size_class];
    free_[size_class] = block->next;
    --free_count_[size_class];
  } else {
    block = static_cast<BufferBlock*>(::operator new(total));
    block->pool = this;
    block->capacity = static_cast<uint32_t>(total - sizeof(BufferBlock));
  }
  block->begin = block->end = 0;
  return block;
}

void BufferPool::Release(BufferBlock* block) {
  const size_t total = block->capacity + sizeof(BufferBlock);
  bytes_used_ -= total;
  const size_t size_class = std::countr_zero(total) - std::countr_zero(kSmallestBlockBytes);
  if (size_class >= kKeptClasses || free_count_[size_class] * total >= kKeptBytesPerClass) {
    ::operator delete(block);
    return;
  }
  block->next = free_[size_class];
  free_[size_class] = block;
  ++free_count_[size_class];
}

void Buffer::Append(BufferPool& pool, std::string_view bytes) {
  if (bytes.empty()) return;
  std::span<char> room = Reserve(pool, bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  Commit(bytes.size());
}

std::span<char> Buffer::Reserve(BufferPool& pool, size_t bytes_min) {
  if (block_ == nullptr) {
    block_ = pool.Acquire(bytes_min);
  } else if (block_->capacity - block_->end < bytes_min) {
    const size_t live = size();
    // Moving within the block only when it is at most half full keeps appending linear.
    if (block_->capacity >= 2 * live && block_->capacity - live >= bytes_min) {
      std::memmove(block_->bytes(), block_->bytes() + block_->begin, live);
    } else {
      BufferBlock* larger = pool.Acquire(live + bytes_min);
      std::memcpy(larger->bytes(), block_->bytes() + block_->begin, live);
      block_->pool->Release(std::exchange(block_, larger));
    }
    block_->begin = 0;
    block_->end = static_cast<uint32_t>(live);
  }
  return {block_->bytes() + block_->end, block_->capacity - block_->end};
}

void Buffer::Consume(size_t bytes) {
  ROTOR_CHECK(bytes <= size(), "more bytes consumed than the buffer holds");
  if (bytes == size()) return Clear();
  block_->begin += static_cast<uint32_t>(bytes);
}

void Buffer::Clear() {
  if (block_ != nullptr) block_->pool->Release(std::exchange(block_, nullptr));
}

}  // namespace rotor
