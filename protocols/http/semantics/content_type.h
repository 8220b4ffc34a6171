// Which media type a file has, by its name.
#ifndef ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONTENT_TYPE_H_
#define ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONTENT_TYPE_H_

#include <string_view>

namespace rotor::http {

// The value of Content-Type for a file of this name or path, by what follows its last dot, in any
// case: "text/html; charset=utf-8" for "a/index.HTML". Text is taken for UTF-8. Unknown ones are
// application/octet-stream, which browsers save and do not guess about.
std::string_view ContentTypeOf(std::string_view path);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SEMANTICS_CONTENT_TYPE_H_
