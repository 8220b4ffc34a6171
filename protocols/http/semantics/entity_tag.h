// Entity tags: names of a representation's versions (RFC 9110 section 8.8.3).
#ifndef ROTOR_PROTOCOLS_HTTP_SEMANTICS_ENTITY_TAG_H_
#define ROTOR_PROTOCOLS_HTTP_SEMANTICS_ENTITY_TAG_H_

#include <optional>
#include <span>
#include <string_view>

#include "protocols/http/codec/field.h"

namespace rotor::http {

// A view of one tag. `quoted` includes the quotes, not the W/ of a weak one.
struct EntityTag {
  std::string_view quoted;
  bool weak = false;
};

// Nothing if `text` is not one entity tag and nothing else.
std::optional<EntityTag> ParseEntityTag(std::string_view text);

// The same, and neither is weak: the same byte for byte (RFC 9110 section 8.8.3.2).
bool StrongMatch(const EntityTag& left, const EntityTag& right);
// The same, weak or not: one may stand for the other.
bool WeakMatch(const EntityTag& left, const EntityTag& right);

// What the fields named If-Match or If-None-Match say of a representation.
enum class TagListMatch {
  kAbsent,     // There is no such field.
  kMatches,    // "*", or the list has the tag.
  kNoMatch,    // The list has not, or the representation has no tag.
  kMalformed,  // Neither "*" nor a list of tags.
};

// Reads all fields named `name` as one list; `tag` is the representation's, if it has one. Linear
// in the bytes of the fields.
TagListMatch MatchTagList(std::span<const Field> fields, std::string_view name,
                          const std::optional<EntityTag>& tag,
                          bool (*match)(const EntityTag&, const EntityTag&));

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SEMANTICS_ENTITY_TAG_H_
