#include "protocols/http/semantics/path.h"

#include <cstddef>

#include "core/base/check.h"

namespace rotor::http {
namespace {

// -1 for what is no hexadecimal digit.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The byte that is encoded at the front of `text`.
std::optional<char> DecodeByte(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  const int high = HexDigit(text[1]);
  const int low = HexDigit(text[2]);
  if (high < 0 || low < 0) return std::nullopt;
  const char byte = static_cast<char>(high * 16 + low);
  return byte == '/' ? std::nullopt : std::optional(byte);
}

bool IsDotSegment(std::string_view segment) { return segment == "." || segment == ".."; }

}  // namespace

std::optional<std::string_view> DecodePath(std::string_view path, std::span<char> into) {
  ROTOR_CHECK(into.size() >= path.size(), "DecodePath(): no room for the result");
  if (!path.starts_with('/')) return std::nullopt;
  size_t size = 0;
  size_t segment = 0;  // Where the last one begins in the result.
  const auto SegmentIsFine = [&] { return !IsDotSegment({into.data() + segment, size - segment}); };
  for (size_t i = 0; i < path.size(); ++i) {
    char byte = path[i];
    if (byte == '/') {
      if (!SegmentIsFine()) return std::nullopt;
      segment = size + 1;
    } else if (byte == '%') {
      const std::optional<char> decoded = DecodeByte(path.substr(i));
      if (!decoded.has_value()) return std::nullopt;
      byte = *decoded;
      i += 2;
    }
    if (IsControl(byte)) return std::nullopt;
    into[size++] = byte;
  }
  if (!SegmentIsFine()) return std::nullopt;
  return std::string_view(into.data(), size);
}

}  // namespace rotor::http
