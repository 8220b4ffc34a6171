// What one row of request_cases.h says.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASE_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASE_H_

#include <cstddef>
#include <ostream>
#include <string_view>

#include "protocols/http/codec/framing_gate.h"

namespace rotor::http {

// A literal whose length the compiler counts, since some hold NUL.
struct Literal {
  template <size_t kSize>
  constexpr Literal(const char (&text)[kSize]) : view(text, kSize - 1) {}

  std::string_view view;
};

// What a client sends, and all that may come of it. The parser alone must write down `served` and
// then `rest`, as TranscriptOf() does; a server must let its handler see `served` and nothing else,
// and answer as `answers` says.
struct RequestCase {
  Literal name;
  Literal bytes;
  // The whole requests.
  Literal served;
  // What a parser says of the bytes behind them: an error, what is there of an incomplete request,
  // requests no server reaches. Empty if there is nothing.
  Literal rest;
  // Statuses of all responses in order, and one of these two words:
  //   close  the server ends the connection by itself; nothing follows
  //   open   it waits for more; what follows is answered after the client has ended its side
  // "100?" stands for a `100 Continue` that is sent only if the body did not come with the head.
  // For a server whose body_bytes_max is kCaseBodyBytesMax and whose handler answers 405 to CONNECT
  // and 200 to everything else.
  Literal answers;
  // The defaults without.
  const RequestLimits* limits = nullptr;
};

// For GoogleTest.
inline void PrintTo(const RequestCase& row, std::ostream* out) { *out << row.name.view; }

inline constexpr size_t kCaseBodyBytesMax = 100;

inline constexpr RequestLimits kSmallLimits = {.head_bytes_max = 100,
                                               .target_bytes_max = 15,
                                               .field_line_bytes_max = 25,
                                               .fields_max = 3,
                                               .chunk_extension_line_bytes_max = 8,
                                               .chunk_extension_message_bytes_max = 12,
                                               .trailer_bytes_max = 40,
                                               .trailer_fields_max = 2};

inline const RequestLimits& LimitsOf(const RequestCase& row) {
  static constexpr RequestLimits kDefaults;
  return row.limits == nullptr ? kDefaults : *row.limits;
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_CASE_H_
