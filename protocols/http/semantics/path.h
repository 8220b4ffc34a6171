// The path of a request's target, decoded in a way that cannot be mistaken (RFC 3986).
#ifndef ROTOR_PROTOCOLS_HTTP_SEMANTICS_PATH_H_
#define ROTOR_PROTOCOLS_HTTP_SEMANTICS_PATH_H_

#include <optional>
#include <span>
#include <string_view>

namespace rotor::http {

// `path` without its percent-encoding, written to the front of `into`, which must have room for
// path.size() bytes. Nothing if it could mean different things to different readers:
//
//  * it does not begin with '/';
//  * a '%' without two hexadecimal digits;
//  * an encoded '/' or a control byte, NUL above all, encoded or not;
//  * a segment "." or "..", encoded or not: clients remove them (RFC 3986 section 5.2.4), and who
//    still sends one wants to climb.
//
// So each '/' of the result was one of `path`, and its segments can be compared, split and opened
// as they are. It need not be UTF-8, and may have empty segments. Decoded once: "%2541" is "%41".
std::optional<std::string_view> DecodePath(std::string_view path, std::span<char> into);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SEMANTICS_PATH_H_
