// How often and how much a test program of one thread has allocated; replaces the global operator
// new of the program it is in.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_

#include <cstddef>

namespace rotor::http {

// Calls of operator new so far, and the bytes asked for.
size_t AllocationCount();
size_t AllocatedBytes();

// What is allocated while one lives is not counted: that of test doubles.
class UncountedAllocations {
 public:
  UncountedAllocations();
  UncountedAllocations(const UncountedAllocations&) = delete;
  UncountedAllocations& operator=(const UncountedAllocations&) = delete;
  ~UncountedAllocations();

 private:
  const size_t count_;
  const size_t bytes_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_
