#include "protocols/http/semantics/range.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"

namespace rotor::http {
namespace {

constexpr uint64_t kNumberMax = std::numeric_limits<uint64_t>::max();

// Digits to the front of `text`; a number too large is the largest, which lies behind every end.
std::optional<uint64_t> TakeNumber(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text.substr(0, digits)) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (number > (kNumberMax - digit) / 10) {
      number = kNumberMax;
      break;
    }
    number = number * 10 + digit;
  }
  text.remove_prefix(digits);
  return number;
}

// The one element of a list, without the empty ones around it; nothing if there are more or none.
std::optional<std::string_view> OnlyElement(std::string_view list) {
  std::optional<std::string_view> only;
  while (!list.empty()) {
    std::string_view element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(element.size() + 1, list.size()));
    element.remove_prefix(std::min(element.find_first_not_of(" \t"), element.size()));
    element = element.substr(0, element.find_last_not_of(" \t") + 1);
    if (element.empty()) continue;
    if (only.has_value()) return std::nullopt;
    only = element;
  }
  return only;
}

RangeRequest LastBytes(uint64_t count, uint64_t representation_bytes) {
  if (count == 0) return {.kind = RangeRequest::Kind::kUnsatisfiable};
  if (representation_bytes == 0) return {};
  return {.kind = RangeRequest::Kind::kPart,
          .first = representation_bytes - std::min(count, representation_bytes),
          .last = representation_bytes - 1};
}

}  // namespace

RangeRequest ParseRange(const RequestHead& head, uint64_t representation_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  if (head.method != Method::kGet) return {};
  std::optional<std::string_view> value;
  for (const Field& field : head.fields) {
    if (!EqualsIgnoreCase(field.name, "Range")) continue;
    if (value.has_value()) return {};
    value = field.value;
  }
  if (!value.has_value() || !EqualsIgnoreCase(value->substr(0, kUnit.size()), kUnit)) return {};
  std::optional<std::string_view> spec = OnlyElement(value->substr(kUnit.size()));
  if (!spec.has_value()) return {};

  const std::optional<uint64_t> first = TakeNumber(*spec);
  if (!spec->starts_with('-')) return {};
  spec->remove_prefix(1);
  const std::optional<uint64_t> last = TakeNumber(*spec);
  if (!spec->empty() || (!first.has_value() && !last.has_value())) return {};
  if (!first.has_value()) return LastBytes(*last, representation_bytes);
  if (last.has_value() && *last < *first) return {};
  if (*first >= representation_bytes) return {.kind = RangeRequest::Kind::kUnsatisfiable};
  return {.kind = RangeRequest::Kind::kPart,
          .first = *first,
          .last = std::min(last.value_or(kNumberMax), representation_bytes - 1)};
}

std::string ContentRange(const RangeRequest& range, uint64_t representation_bytes) {
  if (range.kind == RangeRequest::Kind::kUnsatisfiable) {
    return absl::StrCat("bytes */", representation_bytes);
  }
  return absl::StrCat("bytes ", range.first, "-", range.last, "/", representation_bytes);
}

}  // namespace rotor::http
