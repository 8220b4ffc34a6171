// Conditional requests: whether a request is to be served, given what its fields ask and what the
// representation is (RFC 9110 section 13).
#ifndef ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONDITIONS_H_
#define ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONDITIONS_H_

#include <cstdint>
#include <optional>

#include "protocols/http/codec/request_head.h"
#include "protocols/http/semantics/entity_tag.h"

namespace rotor::http {

// What a client may hold a copy of.
struct Validators {
  std::optional<EntityTag> tag;
  std::optional<int64_t> modified_unix_seconds;
};

enum class Precondition {
  kPass,         // Perform the method.
  kNotModified,  // 304: what the client has is current.
  kFailed,       // 412.
};

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in this order of
// precedence (RFC 9110 section 13.2.2), for a request that would otherwise succeed. A date that is
// none, or is said twice, is ignored. A malformed If-Match fails; a malformed If-None-Match passes:
// neither lets a client overwrite or keep what it should not.
Precondition EvaluatePreconditions(const RequestHead& head, const Validators& validators,
                                   int64_t now_unix_seconds);

// True unless there is an If-Range that names another version: then the whole representation is
// sent (RFC 9110 section 13.1.5). A date counts once its second is over, since only then it names
// one version.
bool RangeMayBeServed(const RequestHead& head, const Validators& validators,
                      int64_t now_unix_seconds);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONDITIONS_H_
