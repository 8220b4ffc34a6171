#include "protocols/http/codec/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// The replaced operators have no other place for it.
std::atomic<size_t> allocation_count = 0;

}  // namespace

void* operator new(size_t size) {
  ++allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace rotor::http {

size_t AllocationCount() { return allocation_count; }

}  // namespace rotor::http
