// One header or trailer field, and comparison of names.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

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

// The same for a field name or another token and a `word` of lower-case letters and hyphens, of
// four at least, in a few instructions.
template <size_t kSize>
bool TokenIs(std::string_view token, const char (&word)[kSize]) {
  constexpr size_t kLength = kSize - 1;
  using Word = std::conditional_t<(kLength >= 8), uint64_t, uint32_t>;
  static_assert(kLength >= sizeof(Word));
  if (token.size() != kLength) return false;
  // The bit that tells cases apart. The only other byte that it makes a letter or hyphen of is CR,
  // which no token has.
  constexpr Word kCaseBits = static_cast<Word>(0x2020202020202020);
  const auto same = [&](size_t at) {
    Word left, right;
    std::memcpy(&left, token.data() + at, sizeof(left));
    std::memcpy(&right, word + at, sizeof(right));
    return (left | kCaseBits) == right;
  };
  for (size_t at = 0; at + sizeof(Word) < kLength; at += sizeof(Word)) {
    if (!same(at)) return false;
  }
  return same(kLength - sizeof(Word));
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_FIELD_H_
