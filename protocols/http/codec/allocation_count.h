// How often a test program has allocated; replaces the global operator new of the program it is in.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_

#include <cstddef>

namespace rotor::http {

// Calls of operator new so far.
size_t AllocationCount();

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_ALLOCATION_COUNT_H_
