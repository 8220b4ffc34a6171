#include "protocols/http/semantics/conditions.h"

#include <string_view>

#include "protocols/http/codec/http_date.h"

namespace rotor::http {
namespace {

// The value of the only field named `name`; nothing if there is none, or more than one.
std::optional<std::string_view> FindOnly(const RequestHead& head, std::string_view name) {
  std::optional<std::string_view> found;
  for (const Field& field : head.fields) {
    if (!EqualsIgnoreCase(field.name, name)) continue;
    if (found.has_value()) return std::nullopt;
    found = field.value;
  }
  return found;
}

std::optional<int64_t> FindDate(const RequestHead& head, std::string_view name, int64_t now) {
  const std::optional<std::string_view> value = FindOnly(head, name);
  return value.has_value() ? ParseHttpDate(*value, now) : std::nullopt;
}

}  // namespace

Precondition EvaluatePreconditions(const RequestHead& head, const Validators& validators,
                                   int64_t now_unix_seconds) {
  const bool reads = head.method == Method::kGet || head.method == Method::kHead;
  const std::optional<int64_t> modified = validators.modified_unix_seconds;

  const TagListMatch match = MatchTagList(head.fields, "If-Match", validators.tag, StrongMatch);
  if (match == TagListMatch::kAbsent) {
    const auto date = FindDate(head, "If-Unmodified-Since", now_unix_seconds);
    if (date.has_value() && modified.has_value() && *modified > *date) return Precondition::kFailed;
  } else if (match != TagListMatch::kMatches) {
    return Precondition::kFailed;
  }

  const TagListMatch none = MatchTagList(head.fields, "If-None-Match", validators.tag, WeakMatch);
  if (none == TagListMatch::kMatches) {
    return reads ? Precondition::kNotModified : Precondition::kFailed;
  }
  if (none != TagListMatch::kAbsent || !reads) return Precondition::kPass;
  const auto date = FindDate(head, "If-Modified-Since", now_unix_seconds);
  const bool current = date.has_value() && modified.has_value() && *modified <= *date;
  return current ? Precondition::kNotModified : Precondition::kPass;
}

bool RangeMayBeServed(const RequestHead& head, const Validators& validators,
                      int64_t now_unix_seconds) {
  if (!head.Find("If-Range").has_value()) return true;
  const std::optional<std::string_view> value = FindOnly(head, "If-Range");
  if (!value.has_value()) return false;
  if (const std::optional<EntityTag> tag = ParseEntityTag(*value)) {
    return validators.tag.has_value() && StrongMatch(*tag, *validators.tag);
  }
  const std::optional<int64_t> date = ParseHttpDate(*value, now_unix_seconds);
  return date.has_value() && date == validators.modified_unix_seconds && *date < now_unix_seconds;
}

}  // namespace rotor::http
