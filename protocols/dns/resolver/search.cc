#include "protocols/dns/resolver/search.h"

#include <algorithm>

namespace rotor::dns {
namespace {

// Whether the last byte of `text` is a dot that is not escaped.
bool EndsWithDot(std::string_view text) {
  if (!text.ends_with('.')) return false;
  size_t backslashes = 0;
  while (backslashes + 1 < text.size() && text[text.size() - 2 - backslashes] == '\\') {
    ++backslashes;
  }
  return backslashes % 2 == 0;
}

// Nothing if it would be too long.
std::optional<Name> Joined(const Name& name, const Name& domain) {
  Name joined = name;
  std::string_view rest = domain.wire();
  while (rest.size() > 1) {
    const size_t label_bytes = static_cast<uint8_t>(rest[0]);
    if (!joined.AppendLabel(rest.substr(1, label_bytes))) return std::nullopt;
    rest.remove_prefix(1 + label_bytes);
  }
  return joined;
}

// The last label of `wire`, with its length byte; empty for the root.
std::string_view LastLabel(std::string_view wire) {
  size_t at = 0;
  size_t last = 0;
  while (wire[at] != 0) {
    last = at;
    at += 1u + static_cast<uint8_t>(wire[at]);
  }
  return wire.substr(last, at - last);
}

// Text without escapes, which nearly all is. False if Name::FromText() has to look at it.
bool ParsePlainName(std::string_view text, Name& name) {
  if (text.find('\\') != std::string_view::npos || text == "@") return false;
  while (!text.empty()) {
    const size_t size = std::min(text.find('.'), text.size());
    if (!name.AppendLabel(text.substr(0, size))) return false;
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return !name.IsRoot();
}

}  // namespace

absl::StatusOr<TypedName> ParseTypedName(std::string_view text) {
  TypedName plain;
  if (ParsePlainName(text, plain.name)) {
    plain.absolute = text.ends_with('.');
    return plain;
  }
  absl::StatusOr<Name> name = Name::FromText(text);
  if (!name.ok()) return name.status();
  return TypedName{*name, EndsWithDot(text)};
}

std::optional<Name> SearchCandidate(const TypedName& typed, size_t index, const ResolvConf& conf) {
  const bool alone = typed.absolute || conf.search.empty() || typed.name.IsRoot();
  const bool as_it_is_first = alone || typed.name.CountLabels() - 1 >= conf.ndots;
  if (as_it_is_first && index-- == 0) return typed.name;
  if (alone) return std::nullopt;
  for (const Name& domain : conf.search) {
    const std::optional<Name> joined = Joined(typed.name, domain);
    if (joined.has_value() && index-- == 0) return joined;
  }
  if (!as_it_is_first && index == 0) return typed.name;
  return std::nullopt;
}

SpecialName ClassifyName(const Name& name) {
  // By their last letters, nearly all others are told apart.
  const std::string_view wire = name.wire();
  const char last = wire.size() < 2 ? '\0' : FoldCase(wire[wire.size() - 2]);
  if (last != 't' && last != 'd') return SpecialName::kNone;
  const std::string_view label = LastLabel(wire);
  if (EqualFolded(label, "\x09localhost")) return SpecialName::kLocalhost;
  if (EqualFolded(label, "\x07invalid")) return SpecialName::kInvalid;
  return SpecialName::kNone;
}

}  // namespace rotor::dns
