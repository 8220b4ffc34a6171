// A router in a whole server, in a simulated world.
#include "protocols/http/router/router.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Response Hello(const Request&) { return Response::Text("hello"); }

Response Plain(const Request&) { return {.content_type = "text/plain", .body = "Hello, World!"}; }

Response ShowUser(const Request& request) {
  return Response::Text(absl::StrCat("user ", AsAbsl(request.head.Parameter("id")), ", ",
                                     request.head.parameters.size(), " parameter, ",
                                     AsAbsl(request.head.Parameter("none")), "."));
}

// A class that takes what it wants of a body.
class Upload {
 public:
  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, Scope&) {
    if (head.Parameter("name") == "full") {
      EXPECT_TRUE(reply.SendError(507, "There is no room.").ok());
      return BodyPlan::Answered();
    }
    return BodyPlan::Buffered(4);
  }
  void RequestReceived(const Request& request, Reply& reply, Scope&) {
    EXPECT_TRUE(reply
                    .Send("text/plain", absl::StrCat(AsAbsl(request.head.Parameter("name")), "=",
                                                     AsAbsl(request.body)))
                    .ok());
  }
};

class TestedRouter : public Router {
 public:
  explicit TestedRouter(Script&) {
    Get("/", Hello);
    Get("/users/{id}", &ShowUser);
    Get("/plain", Plain);
    Get("/plain/{number}", Plain);
    Get("/now", [](const Request&, Scope& scope) {
      return Response::Text(absl::FormatTime(scope.wall_time(), absl::UTCTimeZone()));
    });
    Post("/raw", [](const Request& request, Reply& reply, Scope&) {
      EXPECT_TRUE(reply.Send("a/b", request.body).ok());
    });
    Post("/small", [](const Request& request) { return Response::Text(std::string(request.body)); },
         {.body_bytes_max = 3});
    Add(MethodSet(Method::kPut) | Method::kPost, "/upload/{name}", Upload());
    Any("/any", Hello);
    Get("/bad", [](const Request&) { return Response{.content_type = "a\nb"}; });
    Get("/error", [](const Request&) { return Response::Error(503, "Come back later."); });
    Get("/moved", [](const Request&) { return Response::Redirect(308, "/"); });
    Get("/json", [](const Request&) { return Response::Json("{}"); });
    Get("/html", [](const Request&) { return Response::Html("<p>"); });
    SetErrorPage([](ErrorPage& page) {
      page.content_type = "text/plain";
      page.body = absl::StrCat(page.status, "! ", AsAbsl(page.explanation));
    });
  }
};

using RouterWorld = BasicHttpWorld<TestedRouter>;

std::string Body(std::string_view response) {
  return std::string(response.substr(response.find("\r\n\r\n") + 4));
}

TEST(RouterTest, EveryFormOfHandler) {
  RouterWorld world;
  EXPECT_EQ(Body(world.ExchangeOnce(Get("/"))), "hello");
  EXPECT_EQ(Body(world.ExchangeOnce(Get("/users/7%208"))), "user 7 8, 1 parameter, .");
  EXPECT_EQ(Body(world.ExchangeOnce(Get("/now?x"))).substr(0, 10), "1994-11-06");
  EXPECT_EQ(
      Body(world.ExchangeOnce("POST /raw HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")),
      "abc");
  EXPECT_EQ(
      Body(world.ExchangeOnce("PUT /upload/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")),
      "x=abc");
}

TEST(RouterTest, ResponsesAsValues) {
  RouterWorld world;
  EXPECT_THAT(world.ExchangeOnce(Get("/")),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n")));
  EXPECT_THAT(world.ExchangeOnce(Get("/json")),
              HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(world.ExchangeOnce(Get("/html")),
              HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(world.ExchangeOnce(Get("/moved")),
              AllOf(StartsWith("HTTP/1.1 308 "), HasSubstr("\r\nLocation: /\r\n"),
                    HasSubstr("\r\nContent-Length: 0\r\n")));
  EXPECT_THAT(world.ExchangeOnce(Get("/error")),
              AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("\r\n\r\n503! Come back later.")));
}

TEST(RouterTest, AResponseThatCannotBeSentIs500AndSaidInTheLog) {
  RouterWorld world;
  EXPECT_THAT(world.ExchangeOnce(Get("/bad")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("response refused: HTTP response: control")));
}

TEST(RouterTest, WhatNoRouteAnswers) {
  RouterWorld world;
  EXPECT_THAT(world.ExchangeOnce(Get("/nowhere")),
              AllOf(StartsWith("HTTP/1.1 404 "), EndsWith("404! There is nothing here."),
                    Not(HasSubstr("Connection: close"))));
  EXPECT_THAT(world.ExchangeOnce(Get("/a/../b")), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(world.ExchangeOnce("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n")));
  EXPECT_THAT(world.ExchangeOnce("TRACE /any HTTP/1.1\r\nHost: h\r\nCookie: c\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), Not(HasSubstr("Cookie"))));
  EXPECT_THAT(world.ExchangeOnce("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
}

TEST(RouterTest, HeadIsGetWithoutItsBody) {
  RouterWorld world;
  EXPECT_THAT(world.ExchangeOnce("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\nContent-Length: 5\r\n"),
                    EndsWith("\r\n\r\n")));
}

TEST(RouterTest, OptionsSayWhatIsAllowed) {
  RouterWorld world;
  EXPECT_THAT(world.ExchangeOnce("OPTIONS /upload/x HTTP/1.1\r\nHost: h\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 204 "), HasSubstr("\r\nAllow: POST, PUT, OPTIONS\r\n"),
                    Not(HasSubstr("Content-Length"))));
  EXPECT_THAT(world.ExchangeOnce("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 204 "),
                    HasSubstr("\r\nAllow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n")));
  EXPECT_THAT(world.ExchangeOnce("OPTIONS /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.ExchangeOnce("OPTIONS /any HTTP/1.1\r\nHost: h\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST(RouterTest, EachRouteHasItsLimitOfABody) {
  RouterWorld world;
  const auto Send = [&](std::string_view line, std::string_view body) {
    return world.ExchangeOnce(absl::StrCat(AsAbsl(line), " HTTP/1.1\r\nHost: h\r\nContent-Length: ",
                                           body.size(), "\r\n\r\n", AsAbsl(body)));
  };
  EXPECT_EQ(Body(Send("POST /small", "abc")), "abc");
  EXPECT_THAT(Send("POST /small", "abcd"), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(Body(Send("POST /raw", "abcd")), "abcd");
  EXPECT_THAT(Send("PUT /upload/x", "abcd"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Send("PUT /upload/x", "abcde"), StartsWith("HTTP/1.1 413 "));
}

TEST(RouterTest, ABodyForNobodyIsNotWaitedFor) {
  RouterWorld world;
  const std::string head =
      " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
  EXPECT_THAT(world.ExchangeOnce("POST /nowhere" + head), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(world.ExchangeOnce("POST /" + head), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(world.ExchangeOnce("POST /upload/full" + head), StartsWith("HTTP/1.1 507 "));
  EXPECT_THAT(world.ExchangeOnce("POST /raw" + head), StartsWith("HTTP/1.1 100 "));
}

TEST(RouterTest, ARequestInPiecesFindsTheSameRoute) {
  const std::string request =
      "PUT /upload/name HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
  RouterWorld world;
  for (size_t first = 1; first < request.size(); first += 3) {
    EXPECT_EQ(Body(world.ExchangeOnce(request, first)), "name=ab") << first;
  }
}

TEST(RouterTest, AKeepAliveRequestAnsweredByAFunctionAllocatesNothing) {
  RouterWorld world;
  const auto client = world.Connect();
  const std::string requests = Get("/plain") + Get("/plain/7");
  size_t calls = 0;
  for (int i = 0; i < 200; ++i) {
    client->Send(requests);
    const Time until = world.world.now() + absl::Milliseconds(2);
    while (world.world.now() < until) {
      const size_t before = AllocationCount();
      ASSERT_TRUE(world.loop->RunOnce(until).ok());
      // The first ones fill the pool and let vectors grow.
      if (i >= 100) calls += AllocationCount() - before;
    }
    ASSERT_THAT(client->TakeReceived(), EndsWith("Hello, World!"));
  }
  EXPECT_EQ(calls, 0u);
}

// ---- Functions without a router

TEST(FunctionTest, APlainFunctionIsAHandler) {
  SimWorld world;
  SimBackend& host = world.AddHost("server");
  using App = Compose<Server<decltype(&Hello)>>;
  LoopBuilder<App> builder({}, host);
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 80)};
  ASSERT_TRUE(http::Mount(builder, "http", options, &Hello).ok());
  auto loop = std::move(builder).Build();
  const auto client = world.Connect(options.addresses[0]);
  client->Send("GET /x HTTP/1.0\r\n\r\n");
  while (!client->ended()) ASSERT_TRUE(loop.RunOnce(world.now() + absl::Seconds(1)).ok());
  EXPECT_THAT(client->received(), EndsWith("\r\n\r\nhello"));
}

struct Context {
  int requests = 0;
};

TEST(FunctionTest, ALambdaReachesTheContextWithAndWithoutARouter) {
  SimWorld world;
  SimBackend& host = world.AddHost("server");
  const auto count = [](const Request&, ContextScope<Context>& scope) {
    return Response::Text(absl::StrCat(++scope.context().requests));
  };
  using App = Compose<Server<decltype(count)>, Server<ContextRouter<Context>>>;
  LoopBuilder<App, Context> builder({}, host);
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 80)};
  ASSERT_TRUE(http::Mount(builder, "one", options, count).ok());
  ContextRouter<Context> router;
  router.Get("/count", count);
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 81)};
  ASSERT_TRUE(http::Mount(builder, "two", options, std::move(router)).ok());
  auto loop = std::move(builder).Build(Context());
  for (int turn = 1; turn <= 4; ++turn) {
    const auto client = world.Connect(options.addresses[0].WithPort(turn % 2 == 0 ? 80 : 81));
    client->Send("GET /count HTTP/1.0\r\n\r\n");
    while (!client->ended()) ASSERT_TRUE(loop.RunOnce(world.now() + absl::Seconds(1)).ok());
    EXPECT_THAT(client->received(), EndsWith(absl::StrCat("\r\n\r\n", turn)));
  }
}

}  // namespace
}  // namespace rotor::http
