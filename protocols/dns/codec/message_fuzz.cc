#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/codec/message_round_trip.h"

// Any bytes decode or are refused without a fault, and what decodes survives being written anew.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* const difference =
      rotor::dns::CheckRoundTrip({reinterpret_cast<const char*>(data), size});
  ROTOR_CHECK(difference == nullptr, difference);
  return 0;
}
