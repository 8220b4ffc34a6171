// A server for the rows of request_cases.h, and whether its answers are those of a row.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_CASE_SERVER_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_CASE_SERVER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "core/composer/composer.h"
#include "core/machine/scope.h"
#include "protocols/http/codec/request_case.h"
#include "protocols/http/server/server.h"

namespace rotor::http {

// Answers each request with what it saw of it, so that a client can tell.
class CaseSite {
 public:
  // Counts the bytes of all its answers, also of those that HEAD does not get.
  explicit CaseSite(size_t& bytes_seen) : bytes_seen_(&bytes_seen) {}

  void RequestReceived(const Request& request, Reply& reply, Scope& scope);

 private:
  size_t* bytes_seen_;
};

using CaseApp = Compose<Server<CaseSite>>;

// As RequestCase::answers wants it.
ServerOptions CaseOptions(const RequestCase& row, const SocketAddress& address);

// What a client has got of a connection on which it sent `row.bytes`: until everything had settled,
// and in the end, after it had ended its own side.
struct CaseResult {
  std::string_view settled;
  bool settled_ended = false;
  std::string_view all;
  bool all_ended = false;
};

// How `result` differs from what the row wants, in words; empty if it does not.
std::string Differences(const RequestCase& row, const CaseResult& result);

// The same when the network has cut the connection short at any point: what came before must be the
// beginning of what the row wants.
std::string DifferencesUntilCut(const RequestCase& row, std::string_view received, bool ended);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_CASE_SERVER_H_
