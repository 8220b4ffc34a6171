#include "protocols/http/codec/allocation_count.h"

#include <cstdlib>
#include <new>

namespace {

// The replaced operators have no other place for them.
size_t allocation_count = 0;
size_t allocated_bytes = 0;

void* Allocate(size_t size) {
  ++allocation_count;
  allocated_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace rotor::http {

size_t AllocationCount() { return allocation_count; }
size_t AllocatedBytes() { return allocated_bytes; }

UncountedAllocations::UncountedAllocations() : count_(allocation_count), bytes_(allocated_bytes) {}
UncountedAllocations::~UncountedAllocations() {
  allocation_count = count_;
  allocated_bytes = bytes_;
}

}  // namespace rotor::http
