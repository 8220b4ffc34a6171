#include "protocols/http/semantics/entity_tag.h"

#include <algorithm>
#include <cstddef>

namespace rotor::http {
namespace {

bool IsTagByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte <= 0x7e) || byte >= 0x80;
}

void SkipSpace(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

std::optional<EntityTag> TakeEntityTag(std::string_view& text) {
  EntityTag tag;
  std::string_view rest = text;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return std::nullopt;
  const auto end = std::find_if_not(rest.begin() + 1, rest.end(), IsTagByte);
  if (end == rest.end() || *end != '"') return std::nullopt;
  tag.quoted = rest.substr(0, static_cast<size_t>(end - rest.begin()) + 1);
  text = rest.substr(tag.quoted.size());
  return tag;
}

// Empty elements are ignored (RFC 9110 section 5.6.1.2).
TagListMatch MatchLine(std::string_view line, const std::optional<EntityTag>& tag,
                       bool (*match)(const EntityTag&, const EntityTag&)) {
  TagListMatch result = TagListMatch::kNoMatch;
  for (;;) {
    SkipSpace(line);
    if (!line.empty() && line[0] != ',') {
      const std::optional<EntityTag> listed = TakeEntityTag(line);
      if (!listed.has_value()) return TagListMatch::kMalformed;
      if (tag.has_value() && match(*listed, *tag)) result = TagListMatch::kMatches;
      SkipSpace(line);
    }
    if (line.empty()) return result;
    if (line[0] != ',') return TagListMatch::kMalformed;
    line.remove_prefix(1);
  }
}

}  // namespace

std::optional<EntityTag> ParseEntityTag(std::string_view text) {
  const std::optional<EntityTag> tag = TakeEntityTag(text);
  return text.empty() ? tag : std::nullopt;
}

bool StrongMatch(const EntityTag& left, const EntityTag& right) {
  return !left.weak && !right.weak && left.quoted == right.quoted;
}

bool WeakMatch(const EntityTag& left, const EntityTag& right) {
  return left.quoted == right.quoted;
}

TagListMatch MatchTagList(std::span<const Field> fields, std::string_view name,
                          const std::optional<EntityTag>& tag,
                          bool (*match)(const EntityTag&, const EntityTag&)) {
  TagListMatch result = TagListMatch::kAbsent;
  bool any = false;
  for (const Field& field : fields) {
    if (!EqualsIgnoreCase(field.name, name)) continue;
    if (any || (field.value == "*" && result != TagListMatch::kAbsent)) {
      return TagListMatch::kMalformed;  // "*" stands alone.
    }
    any = field.value == "*";
    const TagListMatch line = any ? TagListMatch::kMatches : MatchLine(field.value, tag, match);
    if (line == TagListMatch::kMalformed) return line;
    if (result != TagListMatch::kMatches) result = line;
  }
  return result;
}

}  // namespace rotor::http
