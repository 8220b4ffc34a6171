// An HTTP/1.1 server to be mounted in any loop.
//
//   class Site {
//    public:
//     void RequestReceived(const http::Request& request, http::Reply& reply, rotor::Scope& scope) {
//       (void)reply.Send("text/plain", "Hello, World!");
//     }
//   };
//   using App = rotor::Compose<http::Server<Site>>;
//   ...
//   auto mounted = http::Mount(builder, "http", options, Site());
//
// One handler serves all connections; it takes ContextScope<C>& where it needs the loop's context.
// The server keeps the limits and deadlines of ServerOptions, answers what is not a valid request
// by itself (400, 408, 413, 414, 431, 501, 505), and gives the handler whole requests, in order.
// See protocols/http/codec about what is accepted.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "protocols/http/server/reply.h"
#include "protocols/http/server/server_core.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

template <typename Handler>
struct HandlerShared : ServerShared {
  HandlerShared(const ServerOptions& options, CounterRegistry& counters, std::string_view name,
                Handler&& its_handler)
      : ServerShared(options, counters, name), handler(std::move(its_handler)) {}

  Handler handler;
};

// The protocol of one connection.
template <typename Handler>
class ServerProtocol {
 public:
  using Shared = HandlerShared<Handler>;
  explicit ServerProtocol(Shared& shared) : shared_(shared) {}

  Intent Start(Stream& stream, Scope& scope) { return core_.Start(stream, scope, shared_); }

  template <typename S>
  Intent FrameReceived(std::string_view, Stream& stream, S& scope) {
    static_assert(
        requires(const Request& request, Reply& reply) {
          shared_.handler.RequestReceived(request, reply, scope);
        },
        "an HTTP handler needs: void RequestReceived(const Request&, Reply&, Scope&)");
    Incoming incoming;
    std::optional<Intent> intent = core_.Receive(stream, scope, shared_, incoming);
    if (intent.has_value()) return *std::move(intent);
    Reply reply = core_.MakeReply(incoming, stream, scope, shared_);
    const Request request = {*incoming.head, incoming.body, incoming.trailers};
    shared_.handler.RequestReceived(request, reply, scope);
    return core_.FinishRequest(reply, stream, scope, shared_);
  }
  Intent Flushed(Stream&, Scope& scope) { return core_.Flushed(scope, shared_); }
  Intent InputEnded(InputEnd, Stream& stream, Scope& scope) {
    return core_.InputEnded(stream, scope, shared_);
  }
  Intent Timeout(Stream& stream, Scope& scope) { return core_.Timeout(stream, scope, shared_); }
  Intent Wakeup(Stream& stream, Scope& scope) { return core_.Wakeup(stream, scope); }
  void Describe(Description& description) const { core_.Describe(description); }

 private:
  Shared& shared_;
  ServerCore core_;
};

// To be listed in Compose<...>.
template <typename Handler>
using Server = stream::Server<ServerProtocol<Handler>>;

// kInvalidArgument if `server_name` cannot stand in a field.
template <typename Handler, Composer C>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, const ServerOptions& options,
                              Handler handler) {
  absl::Status status = CheckServerOptions(options);
  if (!status.ok()) return status;
  return stream::Mount<ServerProtocol<Handler>>(composer, name, options, options,
                                                composer.counters(), name, std::move(handler));
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_
