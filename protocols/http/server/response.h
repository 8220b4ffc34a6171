// Response: an answer as a value, and functions that return one as handlers.
//
//   http::Response Hello(const http::Request&) { return http::Response::Text("Hello, World!"); }
//
//   using App = rotor::Compose<http::Server<decltype(&Hello)>>;
//   auto mounted = http::Mount(builder, "http", options, &Hello);
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_RESPONSE_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_RESPONSE_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/machine/scope.h"
#include "protocols/http/server/reply.h"

namespace rotor::http {

// Owns what it holds: strings of up to 15 bytes without an allocation. Framing, Date, Server and
// Connection are the server's. One with names or values that would break the framing, or with a
// body where none may be, becomes 500.
struct Response {
  struct OwnedField {
    std::string name;
    std::string value;
  };

  int status = 200;
  std::string content_type = {};  // No Content-Type field when empty.
  std::string body = {};
  std::vector<OwnedField> fields = {};
  // `body` is plain text that explains `status`; it goes out in the server's error page, or what
  // the handler's WriteErrorPage() makes of it.
  bool is_error_page = false;

  static Response Text(std::string body) {
    return {.content_type = "text/plain; charset=utf-8", .body = std::move(body)};
  }
  static Response Html(std::string body) {
    return {.content_type = "text/html; charset=utf-8", .body = std::move(body)};
  }
  static Response Json(std::string body) {
    return {.content_type = "application/json", .body = std::move(body)};
  }
  static Response Error(int status, std::string explanation) {
    return {.status = status, .body = std::move(explanation), .is_error_page = true};
  }
  // 303, for one after a POST; 301, 302, 307 or 308 for what has moved (RFC 9110 section 15.4).
  static Response Redirect(int status, std::string location) {
    return {.status = status, .fields = {{"Location", std::move(location)}}};
  }
};

// Sends it; allocates only for further fields and error pages.
void Send(const Response& response, Reply& reply, Scope& scope);

// What a function may be to serve as a handler: a function pointer, a lambda, a std::function.
template <typename F>
inline constexpr bool kIsFunction = std::is_function_v<std::remove_pointer_t<F>> || requires {
  &F::operator();
};

// The handler of a function of one of these forms; S is Scope or the ContextScope of the loop.
//   Response(const Request&)
//   Response(const Request&, S&)
//   void(const Request&, Reply&, S&)
template <typename F>
class FunctionHandler {
 public:
  FunctionHandler(F function) : function_(std::move(function)) {}

  template <typename S>
  void RequestReceived(const Request& request, Reply& reply, S& scope) {
    if constexpr (std::is_invocable_r_v<Response, F&, const Request&>) {
      Send(function_(request), reply, scope);
    } else if constexpr (std::is_invocable_r_v<Response, F&, const Request&, S&>) {
      Send(function_(request, scope), reply, scope);
    } else {
      static_assert(std::is_invocable_v<F&, const Request&, Reply&, S&>,
                    "a function that handles requests is Response(const Request&), "
                    "Response(const Request&, Scope&) or void(const Request&, Reply&, Scope&)");
      function_(request, reply, scope);
    }
  }

 private:
  F function_;
};

// Of a class with RequestReceived(): itself.
template <typename T>
using HandlerOf = std::conditional_t<kIsFunction<T>, FunctionHandler<std::remove_cv_t<T>>, T>;

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_RESPONSE_H_
