// Router: one handler made of many, each for some paths and methods.
//
//   http::Router router;
//   router.Get("/", [](const http::Request&) { return http::Response::Text("hello\n"); });
//   router.Get("/users/{id}", ShowUser);
//   router.Post("/users", CreateUser, {.body_bytes_max = 4096});
//   router.Get("/static/{path...}", std::move(files));
//   auto mounted = http::Mount(builder, "http", options, std::move(router));
//
// A handler is a class with RequestReceived() and perhaps HeadReceived(), as in server.h, or a
// function as in response.h. What pattern a request matched is in RequestHead::parameters.
//
// Patterns. Each segment is a literal, `{name}` for one segment that is not empty, or, at the end,
// `{name...}` for all that follows, also nothing. Segments are compared once decoded; "/a" and
// "/a/" differ. A literal goes before a parameter before a wildcard, in the first segment in which
// two patterns differ, whatever the order of adding.
//
// What no route answers:
//   400  the path can be read in more than one way: dot segments, an encoded '/'; see DecodePath()
//   404  no pattern matches the path
//   405  one does, but for other methods: with Allow
//   204  OPTIONS, also of "*", with Allow, unless a route takes OPTIONS itself
// HEAD goes to the route of GET. TRACE and CONNECT go to none. A body for none of the routes is not
// waited for.
#ifndef ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTER_H_
#define ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/machine/scope.h"
#include "protocols/http/router/route_table.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/reply.h"
#include "protocols/http/server/response.h"

namespace rotor::http {

struct RouteOptions {
  // Of a buffered body; ServerOptions::body_bytes_max if not said. A handler with HeadReceived()
  // decides itself.
  std::optional<size_t> body_bytes_max = {};
};

// Answers what no route does.
void SendUnrouted(const RouteTable::Match& match, Method method, Reply& reply);

// S is what handlers are called with: Scope, or ContextScope<C> in a loop whose context is C.
template <typename S>
class BasicRouter {
 public:
  template <typename H>
  void Get(std::string_view pattern, H handler, const RouteOptions& options = {}) {
    Add(Method::kGet, pattern, std::move(handler), options);
  }
  template <typename H>
  void Post(std::string_view pattern, H handler, const RouteOptions& options = {}) {
    Add(Method::kPost, pattern, std::move(handler), options);
  }
  template <typename H>
  void Any(std::string_view pattern, H handler, const RouteOptions& options = {}) {
    Add(MethodSet::Any(), pattern, std::move(handler), options);
  }
  template <typename H>
  void Add(MethodSet methods, std::string_view pattern, H handler,
           const RouteOptions& options = {}) {
    table_.Add(methods, pattern);
    routes_.push_back(std::make_unique<TypedRoute<HandlerOf<H>>>(std::move(handler), options));
    reads_heads_ = reads_heads_ || TypedRoute<HandlerOf<H>>::kReadsHeads;
  }
  // Changes the page of every response that says what went wrong: see ErrorPage.
  void SetErrorPage(std::function<void(ErrorPage&)> change) { error_page_ = std::move(change); }

  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, S& scope) {
    // Without a body there is nothing to decide, unless some handler wants to.
    if (head.body_kind == BodyKind::kNone && !reads_heads_) return BodyPlan::Buffered();
    const RouteTable::Match match = table_.Find(head.method, head.path);
    if (match.kind == RouteTable::Match::Kind::kRoute) {
      return routes_[match.route]->HeadReceived(Routed(head, match), reply, scope);
    }
    SendUnrouted(match, head.method, reply);
    return BodyPlan::Answered();
  }
  void RequestReceived(const Request& request, Reply& reply, S& scope) {
    const RouteTable::Match match = table_.Find(request.head.method, request.head.path);
    if (match.kind != RouteTable::Match::Kind::kRoute) {
      return SendUnrouted(match, request.head.method, reply);
    }
    Route& route = *routes_[match.route];
    if (match.parameters.empty()) return route.RequestReceived(request, reply, scope);
    route.RequestReceived({Routed(request.head, match), request.body, request.trailers}, reply,
                          scope);
  }
  void WriteErrorPage(ErrorPage& page) {
    if (error_page_) error_page_(page);
  }

 private:
  class Route {
   public:
    virtual ~Route() = default;
    virtual BodyPlan HeadReceived(const RequestHead& head, Reply& reply, S& scope) = 0;
    virtual void RequestReceived(const Request& request, Reply& reply, S& scope) = 0;
  };

  template <typename H>
  class TypedRoute final : public Route {
   public:
    static constexpr bool kReadsHeads =
        requires(H & handler, const RequestHead& head, Reply& reply, S& scope) {
      handler.HeadReceived(head, reply, scope);
    };

    TypedRoute(H handler, const RouteOptions& options)
        : handler_(std::move(handler)), options_(options) {}

    BodyPlan HeadReceived(const RequestHead& head, Reply& reply, S& scope) override {
      if constexpr (kReadsHeads) {
        return handler_.HeadReceived(head, reply, scope);
      } else {
        return options_.body_bytes_max.has_value() ? BodyPlan::Buffered(*options_.body_bytes_max)
                                                   : BodyPlan::Buffered();
      }
    }
    void RequestReceived(const Request& request, Reply& reply, S& scope) override {
      handler_.RequestReceived(request, reply, scope);
    }

   private:
    H handler_;
    const RouteOptions options_;
  };

  static RequestHead Routed(const RequestHead& head, const RouteTable::Match& match) {
    RequestHead routed = head;
    routed.parameters = match.parameters;
    return routed;
  }

  RouteTable table_;
  std::vector<std::unique_ptr<Route>> routes_;
  bool reads_heads_ = false;
  std::function<void(ErrorPage&)> error_page_;
};

using Router = BasicRouter<Scope>;
template <typename Context>
using ContextRouter = BasicRouter<ContextScope<Context>>;

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTER_H_
