// Which names to ask for, and which never to ask a server for.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_SEARCH_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/resolver/resolv_conf.h"

namespace rotor::dns {

// A name as somebody typed it.
struct TypedName {
  Name name;
  bool absolute = false;  // Ended with a dot: it is tried as it is and in no other way.
};
absl::StatusOr<TypedName> ParseTypedName(std::string_view text);

// The `index`-th name to try (resolv.conf(5), search and ndots): a name with at least `ndots` dots
// first as it is, others first in the domains. Names that would be too long are left out. Nothing
// behind the last.
std::optional<Name> SearchCandidate(const TypedName& typed, size_t index, const ResolvConf& conf);

// RFC 6761 sections 6.3 and 6.4.
enum class SpecialName : uint8_t {
  kNone,
  kLocalhost,  // localhost. and below: the loopback addresses, no other records.
  kInvalid,    // invalid. and below: never exist.
};
SpecialName ClassifyName(const Name& name);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_SEARCH_H_
