// One header or trailer field, and comparison of names.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_

#include <cstddef>
#include <span>
#include <string_view>

namespace rotor::http {

// A field line (RFC 9110 section 5). Owns nothing. In a request, `value` has no whitespace at
// either end and may be empty.
struct Field {
  std::string_view name;
  std::string_view value;
};

// True when both are the same but for the case of ASCII letters: how field names, connection
// options and codings are compared (RFC 9110 section 5.1).
inline bool EqualsIgnoreCase(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(left[i]) != lower(right[i])) return false;
  }
  return true;
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_
