#include "protocols/http/router/router.h"

#include <string>

namespace rotor::http {

// The server's own words are accepted, so the statuses say nothing.
void SendUnrouted(const RouteTable::Match& match, Method method, Reply& reply) {
  switch (match.kind) {
    case RouteTable::Match::Kind::kBadPath:
      return (void)reply.SendError(400, "The path is not plain: see RFC 3986 section 6.2.2.");
    case RouteTable::Match::Kind::kMethodNotAllowed: {
      const std::string allow = AllowValue(match.allowed);
      const Field field = {"Allow", allow};
      if (method == Method::kOptions) {
        return (void)reply.Send({.status = 204, .fields = {&field, 1}}, "");
      }
      return (void)reply.SendError(405, "The method is not allowed here.", {&field, 1});
    }
    default:
      return (void)reply.SendError(404, "There is nothing here.");
  }
}

}  // namespace rotor::http
