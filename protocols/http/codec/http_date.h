// The time in the form HTTP wants it.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rotor::http {

inline constexpr size_t kHttpDateBytes = 29;

// Writes `unix_seconds` as an IMF-fixdate, such as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110
// section 5.6.7); no terminating NUL. The form has four digits for the year: times outside the
// years 0 to 9999 become the nearest time inside.
void FormatHttpDate(int64_t unix_seconds, char (&out)[kHttpDateBytes]);

// The time, in Unix seconds, that `text` gives in one of the three forms a recipient must accept
// (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850 or asctime; nothing if it is none of them. The day
// of the week must be one and need not be the right one. A year of two digits is the latest that
// lies at most 50 years after `now_unix_seconds`.
std::optional<int64_t> ParseHttpDate(std::string_view text, int64_t now_unix_seconds);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_HTTP_DATE_H_
