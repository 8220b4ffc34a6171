// Range requests: which bytes of a representation are asked for (RFC 9110 section 14).
#ifndef ROTOR_PROTOCOLS_HTTP_SEMANTICS_RANGE_H_
#define ROTOR_PROTOCOLS_HTTP_SEMANTICS_RANGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/http/codec/request_head.h"

namespace rotor::http {

// What to send of a representation of so many bytes.
struct RangeRequest {
  enum class Kind {
    kWhole,          // 200: no range, or none that is served.
    kPart,           // 206: `first` to `last`, both included.
    kUnsatisfiable,  // 416: the range lies behind the end.
  };
  Kind kind = Kind::kWhole;
  uint64_t first = 0;
  uint64_t last = 0;
};

// Reads the Range field of a GET. Ignored, as RFC 9110 section 14.2 allows: other units, what is
// malformed, and several ranges at once, so that a small request never asks for more than the
// representation. An empty representation has no last bytes to send: `bytes=-1` gets the whole.
RangeRequest ParseRange(const RequestHead& head, uint64_t representation_bytes);

// The value of a Content-Range field: "bytes 0-99/1000", or "bytes */1000" for a 416.
std::string ContentRange(const RangeRequest& range, uint64_t representation_bytes);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SEMANTICS_RANGE_H_
