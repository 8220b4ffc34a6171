// Finds the first byte outside a class: the innermost loops of the gate, and the only place to
// change for wider strides.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_BYTE_SCAN_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_BYTE_SCAN_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rotor::http {

enum ByteClass : uint8_t {
  kToken = 1,      // tchar of RFC 9110 section 5.6.2.
  kPath = 2,       // pchar of RFC 3986 section 3.3 without '%', and '/'.
  kQuery = 4,      // The same with '?', '[' and ']': see CheckOriginForm in framing_gate.cc.
  kRegName = 8,    // unreserved and sub-delims of RFC 3986 section 2.
  kDigit = 16,     // 0 to 9.
  kHexDigit = 32,  // 0 to 9, a to f, A to F.
  kText = 64,      // Any byte but controls; HTAB included. Field values (RFC 9110 section 5.5).
};

namespace internal {

constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view bytes, int flags) {
    for (const char byte : bytes) classes[static_cast<uint8_t>(byte)] |= flags;
  };
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  add(kLetters, kToken | kPath | kQuery | kRegName);
  add("0123456789", kToken | kPath | kQuery | kRegName | kDigit | kHexDigit);
  add("abcdefABCDEF", kHexDigit);
  add("-._~", kPath | kQuery | kRegName);
  add("!$&'()*+,;=", kPath | kQuery | kRegName);
  add(":@/", kPath | kQuery);
  add("?[]", kQuery);
  add("!#$%&'*+-.^_`|~", kToken);
  for (int byte = 0; byte < 256; ++byte) {
    if (byte == '\t' || (byte >= ' ' && byte != 0x7f)) classes[byte] |= kText;
  }
  return classes;
}

inline constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

}  // namespace internal

inline bool IsOf(ByteClass wanted, char byte) {
  return (internal::kByteClasses[static_cast<uint8_t>(byte)] & wanted) != 0;
}

#if defined(__SSE2__)
namespace internal {

// For each of 16 bytes, whether it is from `first` to `last`.
inline __m128i InRange(__m128i bytes, char first, char last) {
  const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i largest = _mm_set1_epi8(static_cast<char>(last - first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, largest), offset);
}

// A bit for each of the 16 bytes that is a letter, a digit or one of few marks: most of what the
// class has in practice, and nothing else.
template <ByteClass kWanted>
unsigned FindCommon(__m128i bytes) {
  const __m128i letters = InRange(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
  // "-./0123456789" for paths and queries; "-." and digits for the others.
  __m128i others = InRange(bytes, '-', '9');
  if constexpr (kWanted == kToken || kWanted == kRegName) {
    others = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/')), others);
  }
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letters, others)));
}

template <ByteClass kWanted>
unsigned FindCommon(const char* text) {
  return FindCommon<kWanted>(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text)));
}

// The same for a text of 4 to 15 bytes, read as two halves that overlap.
template <ByteClass kWanted>
unsigned FindCommonOfFew(std::string_view text) {
  const size_t half = text.size() >= 8 ? 8 : 4;
  const size_t second = text.size() - half;
  const auto load = [half](const char* at) {
    return half == 8 ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)) : _mm_loadu_si32(at);
  };
  const __m128i bytes = _mm_unpacklo_epi64(load(text.data()), load(text.data() + second));
  const unsigned common = FindCommon<kWanted>(bytes);
  const unsigned half_mask = (1u << half) - 1;
  return (common & half_mask) | ((common >> 8 & half_mask) << second);
}

}  // namespace internal
#endif

// Offset of the first byte at or after `from` that is not of the class; text.size() without one.
inline size_t FindNot(ByteClass wanted, std::string_view text, size_t from = 0) {
  const char* at = text.data() + from;
  const char* const end = text.data() + text.size();
  while (at < end && IsOf(wanted, *at)) ++at;
  return static_cast<size_t>(at - text.data());
}

namespace internal {

// FindNot in strides where the machine has them, and in bytes elsewhere.
template <ByteClass kWanted>
[[gnu::noinline]] size_t FindNotInStrides(std::string_view text, size_t from) {
#if defined(__SSE2__)
  while (from + sizeof(__m128i) <= text.size()) {
    const unsigned uncommon = ~FindCommon<kWanted>(text.data() + from) & 0xffff;
    if (uncommon == 0) {
      from += sizeof(__m128i);
      continue;
    }
    from += static_cast<size_t>(std::countr_zero(uncommon));
    if (!IsOf(kWanted, text[from])) return from;
    ++from;
  }
  if (from + 4 <= text.size()) {
    const std::string_view rest(text.data() + from, text.size() - from);
    from += static_cast<size_t>(std::countr_one(FindCommonOfFew<kWanted>(rest)));
  }
#endif
  return FindNot(kWanted, text, from);
}

}  // namespace internal

// FindNot for what is longer than a few bytes or has more text behind it. For kToken, kPath, kQuery
// and kRegName. Inlined as far as most names and targets go.
template <ByteClass kWanted>
[[gnu::always_inline]] inline size_t FindNotInStrides(std::string_view text, size_t from = 0) {
#if defined(__SSE2__)
  if (from + sizeof(__m128i) <= text.size()) {
    const unsigned uncommon = ~internal::FindCommon<kWanted>(text.data() + from) & 0xffff;
    const size_t found = from + static_cast<size_t>(std::countr_zero(uncommon));
    if (uncommon != 0 && !IsOf(kWanted, text[found])) return found;
  }
#endif
  return internal::FindNotInStrides<kWanted>(text, from);
}

inline bool ConsistsOf(ByteClass wanted, std::string_view text) {
  return FindNot(wanted, text) == text.size();
}

namespace internal {

// FindNot(kText, ...) in strides of eight bytes, on any machine.
[[gnu::noinline]] inline size_t FindControlInWords(std::string_view text, size_t from) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = 0x80 * kOnes;
  for (; from + sizeof(uint64_t) <= text.size(); from += sizeof(uint64_t)) {
    uint64_t bytes;
    std::memcpy(&bytes, text.data() + from, sizeof(bytes));
    // High bits tell whether any byte is below 0x20 or equal to 0x7f, though not always which one.
    const uint64_t below_space = (bytes - 0x20 * kOnes) & ~bytes;
    const uint64_t delete_is_zero = bytes ^ (0x7f * kOnes);
    const uint64_t is_delete = (delete_is_zero - kOnes) & ~delete_is_zero;
    if (((below_space | is_delete) & kHighBits) == 0) continue;
    const size_t found = FindNot(kText, text.substr(0, from + sizeof(uint64_t)), from);
    if (found < from + sizeof(uint64_t)) return found;
  }
  return FindNot(kText, text, from);
}

#if defined(__SSE2__)
// A bit for each of the 16 bytes at `text` that is a control, a tab included, or above 0x7f: in
// practice a line's end. Added to one, and taken as signed, these are at most 0x20.
inline unsigned FindUncommonText(const char* text) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const __m128i next = _mm_add_epi8(bytes, _mm_set1_epi8(1));
  const __m128i common = _mm_cmpgt_epi8(next, _mm_set1_epi8(0x20));
  return static_cast<unsigned>(_mm_movemask_epi8(common)) ^ 0xffff;
}

// The same of 64 bytes. Values differ in length from field to field, so that each step more is a
// branch that processors often predict wrongly.
inline uint64_t FindUncommonTextInLine(const char* text) {
  const uint64_t low = FindUncommonText(text) | FindUncommonText(text + 16) << 16;
  const uint64_t high = FindUncommonText(text + 32) | FindUncommonText(text + 48) << 16;
  return (low & 0xffffffff) | high << 32;
}

// FindNot(kText, ...) of a text with less than a stride from `from` on. Most heads end in one.
[[gnu::noinline]] inline size_t FindControlInLastStride(std::string_view text, size_t from) {
  if (text.size() >= sizeof(__m128i)) {
    // The part of the stride before `from` does not count.
    const size_t begin = text.size() - sizeof(__m128i);
    const unsigned found = FindUncommonText(text.data() + begin) >> (from - begin);
    if (found == 0) return text.size();
    from += static_cast<size_t>(std::countr_zero(found));
    if (!IsOf(kText, text[from])) return from;
  }
  return FindControlInWords(text, from);
}
#endif

}  // namespace internal

// FindNot(kText, ...) in strides: where a line ends, or breaks the rules.
[[gnu::always_inline]] inline size_t FindControl(std::string_view text, size_t from) {
#if defined(__SSE2__)
  while (from + 64 <= text.size()) {
    const uint64_t found = internal::FindUncommonTextInLine(text.data() + from);
    if (found == 0) {
      from += 64;
      continue;
    }
    from += static_cast<size_t>(std::countr_zero(found));
    if (!IsOf(kText, text[from])) return from;
    ++from;
  }
  while (from + sizeof(__m128i) <= text.size()) {
    const unsigned found = internal::FindUncommonText(text.data() + from);
    if (found == 0) {
      from += sizeof(__m128i);
      continue;
    }
    from += static_cast<size_t>(std::countr_zero(found));
    if (!IsOf(kText, text[from])) return from;
    ++from;
  }
  return internal::FindControlInLastStride(text, from);
#else
  return internal::FindControlInWords(text, from);
#endif
}

inline bool IsWhitespace(char byte) { return byte == ' ' || byte == '\t'; }

// Without spaces and tabs at either end (OWS, RFC 9110 section 5.6.3).
inline std::string_view TrimWhitespace(std::string_view text) {
  while (!text.empty() && IsWhitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsWhitespace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_BYTE_SCAN_H_
