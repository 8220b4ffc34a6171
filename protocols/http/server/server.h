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
// A function is a handler too, see response.h; for several paths there is protocols/http/router.
//
// One handler serves all connections; it takes ContextScope<C>& where it needs the loop's context.
// The server keeps the limits and deadlines of ServerOptions, answers what is not a valid request
// by itself (400, 408, 413, 414, 417, 431, 501, 505), and gives the handler requests in order, each
// after the response to the one before. See protocols/http/codec about what is accepted.
//
// RequestReceived() is required. It answers now, or with reply.AnswerLater(). Optional are:
//
//   // Called first, when the head is there: what is to be done with the body? See exchange.h. The
//   // head is valid during the call. Without it: BodyPlan::Buffered().
//   http::BodyPlan HeadReceived(const http::RequestHead&, http::Reply&, Scope&);
//   // Changes the page of a response that says what went wrong, the server's own or SendError().
//   void WriteErrorPage(http::ErrorPage&);
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/reply.h"
#include "protocols/http/server/response.h"
#include "protocols/http/server/server_core.h"
#include "protocols/http/server/server_options.h"
#include "protocols/http/server/server_shared.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

template <typename Handler>
struct HandlerShared : ServerShared {
  HandlerShared(const ServerOptions& options, CounterRegistry& counters, std::string_view name,
                Handler&& its_handler)
      : ServerShared(options, counters, name), handler(std::move(its_handler)) {}

  Handler handler;
};

namespace internal {

// Whether a class has a member of that name, whatever its signature: see member_check.h of core.
struct HeadReceivedBase {
  int HeadReceived;
};
template <typename T>
struct HeadReceivedProbe : T, HeadReceivedBase {};
template <typename T>
inline constexpr bool kHasHeadReceived = !requires {
  &HeadReceivedProbe<T>::HeadReceived;
};

struct WriteErrorPageBase {
  int WriteErrorPage;
};
template <typename T>
struct WriteErrorPageProbe : T, WriteErrorPageBase {};
template <typename T>
inline constexpr bool kHasWriteErrorPage = !requires {
  &WriteErrorPageProbe<T>::WriteErrorPage;
};

}  // namespace internal

// True, or a compile error that says in words what is wrong with a handler:
// `static_assert(rotor::http::IsHandler<Site>());`. S is the scope it takes.
template <typename Handler, typename S = Scope>
constexpr bool IsHandler() {
  using H = Handler;
  constexpr bool kRequestReceived =
      requires(H & handler, const Request& request, Reply& reply, S& scope) {
    { handler.RequestReceived(request, reply, scope) } -> std::same_as<void>;
  };
  constexpr bool kHeadReceived =
      requires(H & handler, const RequestHead& head, Reply& reply, S& scope) {
    { handler.HeadReceived(head, reply, scope) } -> std::same_as<BodyPlan>;
  };
  constexpr bool kWriteErrorPage = requires(H & handler, ErrorPage & page) {
    { handler.WriteErrorPage(page) } -> std::same_as<void>;
  };
  static_assert(!std::is_final_v<H>, "an HTTP handler must not be a final class");
  static_assert(kRequestReceived,
                "an HTTP handler needs: void RequestReceived(const Request&, Reply&, Scope&)");
  static_assert(
      kHeadReceived || !internal::kHasHeadReceived<H>,
      "HeadReceived must be public: BodyPlan HeadReceived(const RequestHead&, Reply&, Scope&)");
  static_assert(kWriteErrorPage || !internal::kHasWriteErrorPage<H>,
                "WriteErrorPage must be public: void WriteErrorPage(ErrorPage&)");
  return kRequestReceived;
}

// `Handler`, called with scopes of type S.
template <typename Handler, typename S>
constexpr HandlerCalls CallsOf() {
  static_assert(IsHandler<Handler, S>());
  HandlerCalls calls = {};
  calls.request_received = [](ServerShared& shared, const Request& request, Reply& reply,
                              Scope& scope) {
    static_cast<HandlerShared<Handler>&>(shared).handler.RequestReceived(request, reply,
                                                                         static_cast<S&>(scope));
  };
  if constexpr (internal::kHasHeadReceived<Handler>) {
    calls.head_received = [](ServerShared& shared, const RequestHead& head, Reply& reply,
                             Scope& scope) {
      return static_cast<HandlerShared<Handler>&>(shared).handler.HeadReceived(
          head, reply, static_cast<S&>(scope));
    };
  }
  if constexpr (internal::kHasWriteErrorPage<Handler>) {
    calls.write_error_page = [](ServerShared& shared, ErrorPage& page) {
      static_cast<HandlerShared<Handler>&>(shared).handler.WriteErrorPage(page);
    };
  }
  return calls;
}

// The protocol of one connection.
template <typename Handler>
class ServerProtocol {
 public:
  using Shared = HandlerShared<Handler>;
  explicit ServerProtocol(Shared& shared) : shared_(shared) {}

  template <typename S>
  Intent Start(Stream& stream, S& scope) {
    static constexpr HandlerCalls kCalls = CallsOf<Handler, S>();
    shared_.calls = &kCalls;
    return core_.Start(stream, scope, shared_);
  }
  Intent FrameReceived(std::string_view, Stream& stream, Scope& scope) {
    return core_.FrameReceived(stream, scope, shared_);
  }
  Intent Flushed(Stream& stream, Scope& scope) { return core_.Flushed(stream, scope, shared_); }
  Intent InputEnded(InputEnd, Stream& stream, Scope& scope) {
    return core_.InputEnded(stream, scope, shared_);
  }
  Intent Timeout(Stream& stream, Scope& scope) { return core_.Timeout(stream, scope, shared_); }
  Intent Wakeup(Stream& stream, Scope& scope) { return core_.Wakeup(stream, scope, shared_); }
  void Describe(Description& description) const { core_.Describe(description); }

 private:
  Shared& shared_;
  ServerCore core_;
};

// To be listed in Compose<...>.
template <typename Handler>
using Server = stream::Server<ServerProtocol<HandlerOf<Handler>>>;

// kInvalidArgument if a value of `options` is out of range; see CheckServerOptions.
template <typename Handler, Composer C>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, const ServerOptions& options,
                              Handler handler) {
  absl::Status status = CheckServerOptions(options);
  if (!status.ok()) return status;
  return stream::Mount<ServerProtocol<HandlerOf<Handler>>>(composer, name, options, options,
                                                           composer.counters(), name,
                                                           HandlerOf<Handler>(std::move(handler)));
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_H_
