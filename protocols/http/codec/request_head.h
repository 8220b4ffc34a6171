// What a server knows about a request once its head has arrived.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_HEAD_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_HEAD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocols/http/codec/field.h"

namespace rotor::http {

// The methods of RFC 9110 section 9.3 and PATCH (RFC 5789). kOther stands for the remaining ones
// that the parser knows (WebDAV, CalDAV, UPnP and the like): see RequestHead::method_text.
enum class Method : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,
};

// How the end of a request's body is found (RFC 9112 section 6.3).
enum class BodyKind : uint8_t {
  kNone,     // No body, or `Content-Length: 0`.
  kSized,    // RequestHead::content_length bytes, at least one.
  kChunked,  // Until the last chunk.
};

// A complete and valid request head. Every view points into the input given to
// RequestParser::ParseHead (or at a literal) and is valid until the caller consumes or moves those
// bytes. `fields` lies in the RequestScratch and is valid until the next ParseHead with that
// scratch.
struct RequestHead {
  std::string_view method_text;
  Method method = Method::kOther;

  // As received; one of the four forms of RFC 9112 section 3.2.
  std::string_view target;
  // Not decoded. Begins with '/', or is "*" (a request about the server as a whole, OPTIONS only),
  // or is empty for CONNECT. For `http://host` it is "/", or "*" with OPTIONS (section 3.2.4).
  std::string_view path;
  // What follows the first '?'; not decoded. Empty without one.
  std::string_view query;
  // `host[:port]` the request is for: from the target where it has one, which overrides Host
  // (section 3.2.2), otherwise from Host. Empty when the client sent none (HTTP/1.0) or an empty
  // one.
  std::string_view host;

  // 0 for HTTP/1.0; 1 for HTTP/1.1 and every later HTTP/1.x (RFC 9110 section 2.5).
  int version_minor = 1;

  // What a router's pattern named, in its order: `id` and "7" for "/users/7" under "/users/{id}".
  // Values are decoded and valid until the handler returns. Empty without a router.
  std::span<const Field> parameters = {};

  // All fields in the order received, names as received.
  std::span<const Field> fields;

  BodyKind body_kind = BodyKind::kNone;
  // Bytes of a kSized body; 0 otherwise. At most 2^63 - 1.
  uint64_t content_length = 0;

  // The client allows another request after this one (RFC 9112 section 9.3).
  bool keep_alive = false;
  // The client waits for `100 Continue`, or for a final response, before it sends the body (RFC
  // 9110 section 10.1.1). Never set without a body or in HTTP/1.0.
  bool expect_continue = false;
  // The client offers the protocols listed in its Upgrade field (RFC 9110 section 7.8). A server
  // may ignore it; body and persistence are valid either way. Never set in HTTP/1.0.
  bool upgrade = false;

  // The value of the first field named `name` (any case). Linear in the number of fields.
  std::optional<std::string_view> Find(std::string_view name) const {
    for (const Field& field : fields) {
      if (EqualsIgnoreCase(field.name, name)) return field.value;
    }
    return std::nullopt;
  }
  // The value of the parameter `name` of the router's pattern; empty if it has none.
  std::string_view Parameter(std::string_view name) const {
    for (const Field& parameter : parameters) {
      if (parameter.name == name) return parameter.value;
    }
    return {};
  }
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_HEAD_H_
