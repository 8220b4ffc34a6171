// The time in the form HTTP wants it.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_

#include <cstddef>
#include <cstdint>

namespace rotor::http {

inline constexpr size_t kHttpDateBytes = 29;

// Writes `unix_seconds` as an IMF-fixdate, such as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110
// section 5.6.7); no terminating NUL. The form has four digits for the year: times outside the
// years 0 to 9999 become the nearest time inside.
void FormatHttpDate(int64_t unix_seconds, char (&out)[kHttpDateBytes]);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_
