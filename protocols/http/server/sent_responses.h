// Takes apart what a server has sent, strictly: for tests.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SENT_RESPONSES_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SENT_RESPONSES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/http/codec/field.h"

namespace rotor::http {

// The field by which a handler under test says which method it answers. Without it a test cannot
// tell that a response to HEAD has no body.
inline constexpr std::string_view kAnswersField = "X-Answers";

struct SentResponse {
  int status = 0;
  std::vector<Field> fields;  // Views of the bytes given.
  std::string body;           // Framing removed.
  bool closes = false;        // `Connection: close`.
  bool complete = false;      // The body has its end; see ReadResponses() about bodies until close.

  bool interim() const { return status < 200; }
  std::optional<std::string_view> Find(std::string_view name) const;
  // The value of Content-Length; 0 without one.
  size_t length() const;
};

struct SentResponses {
  std::vector<SentResponse> responses;  // The last may be incomplete.
  // What is wrong with the bytes, in words; empty if they are responses as RFC 9112 wants them, the
  // last of which may be cut off.
  std::string error;
};

// All of `bytes`, which a connection has sent from its start. `ended`: it has also ended, which
// completes a body without length. After a response that closes nothing may follow. A page that
// refuses a request may lack the body it announces if it is the last, since the request may have
// been HEAD. RFC 9110 section 6.6.1 wants Date in every response here.
SentResponses ReadResponses(std::string_view bytes, bool ended);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SENT_RESPONSES_H_
