// Whole connections with an HTTP server in a simulated world: what a client sends, and what it
// sees.
#include "protocols/http/server/server.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// ---- Requests and responses ----

TEST(RequestTest, GetIsAnsweredWithTheFieldsOfTheServer) {
  HttpWorld world;
  const auto client = world.Connect();
  EXPECT_EQ(world.Exchange(*client, Get("/a")),
            absl::StrCat("HTTP/1.1 200 OK\r\n", AsAbsl(kDate),
                         "Server: rotor\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n"
                         "GET /a "));
  EXPECT_FALSE(client->ended());
  EXPECT_EQ(world.Count("requests"), 1);
}

TEST(RequestTest, HeadHasTheHeadOfGetWithoutItsBodyAndTheConnectionGoesOn) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", "some body").ok());
  };
  const auto client = world.Connect();
  const std::string get = world.Exchange(*client, Get("/a"));
  const std::string head = world.Exchange(*client, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(absl::StrCat(head, "some body"), get);
  EXPECT_EQ(world.Exchange(*client, Get("/a")), get);
}

TEST(RequestTest, EveryMethodReachesTheHandler) {
  constexpr std::string_view kMethods[] = {"GET",   "POST",     "PUT",   "DELETE",    "OPTIONS",
                                           "TRACE", "PATCH",    "LOCK",  "PROPFIND",  "SEARCH",
                                           "PURGE", "M-SEARCH", "MERGE", "SUBSCRIBE", "REPORT"};
  HttpWorld world;
  const auto client = world.Connect();
  for (const std::string_view method : kMethods) {
    const std::string answer =
        world.Exchange(*client, absl::StrCat(AsAbsl(method), " /m HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_THAT(Bodies(answer), ElementsAre(absl::StrCat(AsAbsl(method), " /m ")));
  }
  EXPECT_THAT(Bodies(world.Exchange(*client, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")),
              ElementsAre("OPTIONS * "));
}

// RFC 9110 section 9.3.6: after 2xx the client sends what is no HTTP, so nothing of it may be
// served.
TEST(RequestTest, NothingIsServedBehindConnect) {
  HttpWorld world;
  world.script.answer = [](const Request& request, Reply& reply, Scope&) {
    EXPECT_EQ(request.head.host, "host:443");
    EXPECT_TRUE(reply.Send({.status = 200}, "").ok());
  };
  const auto client = world.Connect();
  const std::string answer = world.Exchange(
      *client, absl::StrCat("CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\r\n", Get("/inner")));
  ExpectClosing(answer, 200);
  EXPECT_THAT(world.script.seen, SizeIs(1));
  EXPECT_TRUE(client->ended());
}

TEST(RequestTest, BodiesComeTheSameWholeByteByByteAndAtEverySplit) {
  const std::string chunked =
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nCheck: 1\r\nHost: no\r\n\r\n";
  const std::pair<std::string, std::string> kRequests[] = {
      {Post("0123456789"), "POST /p 0123456789"},
      {chunked, "PUT /c abcdefg"},
      {Post(""), "POST /p "},
      {"PUT /n HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "PUT /n "}};
  for (const auto& [request, said] : kRequests) {
    HttpWorld world;
    for (size_t first = 0; first < request.size(); ++first) {
      const std::string answer = world.ExchangeOnce(request, first);
      ASSERT_THAT(Bodies(answer), ElementsAre(said)) << request << " split at " << first;
    }
    const auto client = world.Connect();
    for (int round = 0; round < 2; ++round) {
      for (const char& byte : request) {
        client->Send({&byte, 1});
        world.Run(absl::Milliseconds(1));
      }
      EXPECT_THAT(Bodies(client->TakeReceived()), ElementsAre(said)) << request;
    }
    EXPECT_THAT(world.script.seen, AllOf(SizeIs(request.size() + 2), Each(said)));
  }
}

TEST(RequestTest, TrailersOfAChunkedBodyReachTheHandlerUnlessTheyAreForbidden) {
  for (const size_t first : {size_t{0}, size_t{70}, size_t{85}}) {
    HttpWorld world;
    world.script.answer = [](const Request& request, Reply& reply, Scope&) {
      ASSERT_EQ(request.trailers.size(), 1u);
      EXPECT_EQ(request.trailers[0].name, "Check");
      EXPECT_EQ(request.trailers[0].value, "1");
      EXPECT_EQ(request.head.Find("host"), "h");
      EXPECT_TRUE(reply.Send({.status = 204}, "").ok());
    };
    const std::string answer = world.ExchangeOnce(
        "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\nHost: no\r\nCheck: 1\r\n\r\n",
        first);
    EXPECT_THAT(Statuses(answer), ElementsAre(204)) << first;
  }
}

TEST(RequestTest, AThousandPipelinedRequestsAreAnsweredInOrder) {
  HttpWorld world;
  const auto client = world.Connect();
  std::string requests;
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    requests += Get(absl::StrCat("/", i));
    expected.push_back(absl::StrCat("GET /", i, " "));
  }
  client->Send(requests);
  world.Run(absl::Milliseconds(50));
  EXPECT_EQ(Bodies(client->received()), expected);
  EXPECT_EQ(world.script.seen, expected);
  // What one turn answers leaves in one piece.
  EXPECT_LT(world.host.writes, 20);
}

TEST(RequestTest, RequestsPipelinedBehindBodiesAreAnswered) {
  HttpWorld world;
  const std::string requests =
      absl::StrCat(Post("one"),
                   "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\ntwo\r\n0\r\n\r\n",
                   Get("/three"), Post("four"), Get("/five"));
  for (const size_t first : {size_t{0}, size_t{60}, requests.size() - 40}) {
    EXPECT_THAT(
        Bodies(world.ExchangeOnce(requests, first)),
        ElementsAre("POST /p one", "PUT /c two", "GET /three ", "POST /p four", "GET /five "));
  }
}

// ---- Persistence ----

TEST(PersistenceTest, NothingIsServedBehindConnectionClose) {
  HttpWorld world;
  const auto client = world.Connect();
  client->Send(Get("/last", "Connection: close\r\n") + Get("/never"));
  world.Run();
  ExpectClosing(client->TakeReceived(), 200);
  EXPECT_TRUE(client->ended());
  client->Send(Get("/never"));
  client->Close();
  world.Run();
  EXPECT_THAT(world.script.seen, ElementsAre("GET /last "));
  EXPECT_EQ(world.connections(), 0u);
}

TEST(PersistenceTest, NothingIsServedBehindAnErrorResponse) {
  HttpWorld world;
  const auto client = world.Connect();
  const std::string answer = world.Exchange(
      *client, Get("/first") + "GET /bad HTTP/1.1\r\nHost : h\r\n\r\n" + Get("/never"));
  EXPECT_THAT(Statuses(answer), ElementsAre(200, 400));
  EXPECT_TRUE(Parse(answer)[1].closes());
  EXPECT_TRUE(client->ended());
  EXPECT_THAT(world.Exchange(*client, Get("/never")), IsEmpty());
  EXPECT_THAT(world.script.seen, ElementsAre("GET /first "));
  EXPECT_EQ(world.Count("requests_refused"), 1);
}

TEST(PersistenceTest, AHandlerMayEndTheConnection) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    reply.CloseAfterResponse();
    EXPECT_TRUE(reply.Send("text/plain", "bye").ok());
  };
  ExpectClosing(world.ExchangeOnce(Get("/a") + Get("/b")), 200);
}

TEST(PersistenceTest, Http10EndsUnlessTheClientAsksOtherwise) {
  HttpWorld world;
  const auto once = world.Connect();
  ExpectClosing(world.Exchange(*once, "GET /a HTTP/1.0\r\n\r\n"), 200);
  EXPECT_TRUE(once->ended());
  const auto both = world.Connect();
  ExpectClosing(world.Exchange(*both, "GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
                200);
  const auto client = world.Connect();
  for (int i = 0; i < 3; ++i) {
    const std::string answer =
        world.Exchange(*client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ASSERT_THAT(Statuses(answer), ElementsAre(200));
    EXPECT_TRUE(Parse(answer)[0].Has("Connection: keep-alive"));
  }
  EXPECT_FALSE(client->ended());
}

TEST(PersistenceTest, TheLastOfTheRequestsAConnectionMayMakeSaysClose) {
  ServerOptions options;
  options.requests_per_connection_max = 3;
  HttpWorld world(options);
  const auto client = world.Connect();
  const std::string answer = world.Exchange(*client, Get("/1") + Get("/2") + Get("/3") + Get("/4"));
  const std::vector<ReceivedResponse> responses = Parse(answer);
  ASSERT_THAT(responses, SizeIs(3));
  EXPECT_FALSE(responses[0].closes());
  EXPECT_FALSE(responses[1].closes());
  EXPECT_TRUE(responses[2].closes());
  EXPECT_TRUE(client->ended());
}

// RFC 9112 section 9.6.
TEST(PersistenceTest, AClientThatHasSentAllMayEndItsSideAndIsStillAnswered) {
  for (const std::string& request : {Get("/a"), Post("body"), Get("/1") + Get("/2")}) {
    HttpWorld world;
    const auto client = world.Connect();
    client->Send(request);
    client->ShutdownWrite();
    world.Run();
    EXPECT_THAT(Statuses(client->received()), Each(200)) << request;
    EXPECT_EQ(Parse(client->received()).size(), world.script.seen.size());
    EXPECT_TRUE(client->ended());
    EXPECT_FALSE(client->was_reset());
    EXPECT_EQ(world.connections(), 0u);
  }
}

TEST(PersistenceTest, AnEndInTheMiddleOfARequestIs400) {
  const std::string chunked =
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const std::string& request : {Post("0123456789"), chunked}) {
    for (size_t sent = 1; sent < request.size(); ++sent) {
      HttpWorld world;
      const auto client = world.Connect();
      client->Send(request.substr(0, sent));
      client->ShutdownWrite();
      world.Run();
      ExpectClosing(client->received(), 400);
      EXPECT_TRUE(client->ended());
      EXPECT_THAT(world.script.seen, IsEmpty());
      EXPECT_EQ(world.connections(), 0u);
    }
  }
}

TEST(PersistenceTest, AClientThatEndsWithoutARequestGetsNothing) {
  HttpWorld world;
  const auto client = world.Connect();
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(client->received(), IsEmpty());
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.connections(), 0u);
  EXPECT_EQ(world.Count("requests_refused"), 0);
}

TEST(PersistenceTest, AResetInTheMiddleOfARequestEndsThatConnectionOnly) {
  HttpWorld world;
  const auto other = world.Connect();
  for (const std::string& part : {std::string("GET / HT"), Post("0123456789").substr(0, 60)}) {
    const auto client = world.Connect();
    client->Send(part);
    world.Run();
    EXPECT_EQ(world.connections(), 2u);
    client->Reset();
    world.Run();
    EXPECT_EQ(world.connections(), 1u);
  }
  EXPECT_THAT(Statuses(world.Exchange(*other, Get("/a"))), ElementsAre(200));
}

// ---- Expect: 100-continue ----

constexpr std::string_view kExpect = "Expect: 100-continue\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

TEST(ContinueTest, AClientThatWaitsIsToldToSendItsBody) {
  const std::string head =
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
  const std::string sized = Post("0123456789", kExpect);
  HttpWorld world;
  const auto client = world.Connect();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(world.Exchange(*client, sized.substr(0, sized.size() - 10)), kContinue);
    EXPECT_THAT(Bodies(world.Exchange(*client, "0123456789")), ElementsAre("POST /p 0123456789"));
    EXPECT_EQ(world.Exchange(*client, head), kContinue);
    EXPECT_THAT(Bodies(world.Exchange(*client, "2\r\nab\r\n0\r\n\r\n")), ElementsAre("POST /p ab"));
  }
}

TEST(ContinueTest, AClientThatDoesNotWaitIsNot) {
  HttpWorld world;
  const std::string request = Post("0123456789", kExpect);
  EXPECT_THAT(Statuses(world.ExchangeOnce(request)), ElementsAre(200));
  EXPECT_THAT(Statuses(world.ExchangeOnce(request, request.size() - 5)), ElementsAre(200));
  EXPECT_THAT(Statuses(world.ExchangeOnce(Post("", kExpect))), ElementsAre(200));
  EXPECT_THAT(Statuses(world.ExchangeOnce(Get("/", kExpect))), ElementsAre(200));
  const std::string old =
      absl::StrCat("POST /p HTTP/1.0\r\nContent-Length: 1\r\n", AsAbsl(kExpect), "\r\n");
  EXPECT_THAT(world.ExchangeOnce(old), IsEmpty());
  EXPECT_THAT(Statuses(world.ExchangeOnce(old + "x", old.size())), ElementsAre(200));
}

TEST(ContinueTest, ABodyThatIsNotWantedIsRefusedInstead) {
  ServerOptions options;
  options.body_bytes_max = 9;
  HttpWorld world(options);
  const std::string request = Post("0123456789", kExpect);
  ExpectClosing(world.ExchangeOnce(request.substr(0, request.size() - 10)), 413);
}

// ---- Handlers ----

TEST(HandlerTest, OneThatAnswersNothingIs500) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply&, Scope&) {};
  for (const std::string& request : {Get("/a") + Get("/b"), Post("0123456789")}) {
    for (const size_t first : {size_t{0}, request.size() - 2}) {
      world.script.seen.clear();
      ExpectClosing(world.ExchangeOnce(request, first), 500);
      EXPECT_THAT(world.script.seen, SizeIs(1));
    }
  }
  EXPECT_EQ(world.Count("responses_failed"), 4);
}

TEST(HandlerTest, OneThatLeavesItsResponseUnfinishedEndsTheConnection) {
  HttpWorld world;
  world.script.answer = [](const Request& request, Reply& reply, Scope&) {
    if (request.head.path == "/sized") {
      EXPECT_TRUE(reply.StartSized({.content_type = "text/plain"}, 10).ok());
    } else {
      EXPECT_TRUE(reply.StartStreamed({.content_type = "text/plain"}).ok());
    }
    EXPECT_TRUE(reply.Write("12345").ok());
  };
  int failed = 0;
  for (const auto& [target, end] :
       {std::pair("/sized", "\r\n\r\n12345"), std::pair("/streamed", "\r\n\r\n5\r\n12345\r\n")}) {
    const auto client = world.Connect();
    EXPECT_THAT(world.Exchange(*client, Get(target) + Get("/next")), EndsWith(end));
    EXPECT_TRUE(client->ended());
    EXPECT_EQ(world.Count("responses_failed"), ++failed);
  }
  EXPECT_THAT(world.script.seen, SizeIs(2));
}

TEST(HandlerTest, OneThatFinishesASizedResponseTooSoonEndsTheConnection) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.StartSized({}, 10).ok());
    EXPECT_EQ(reply.Write("12345678901").code(), absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(reply.Write("12345").ok());
    EXPECT_EQ(reply.Finish().code(), absl::StatusCode::kFailedPrecondition);
  };
  const auto client = world.Connect();
  EXPECT_THAT(world.Exchange(*client, Get("/a") + Get("/b")), EndsWith("\r\n\r\n12345"));
  EXPECT_TRUE(client->ended());
}

TEST(HandlerTest, ARefusedFieldLeavesTheReplyOpenForAnotherTry) {
  HttpWorld world;
  world.script.answer = [](const Request& request, Reply& reply, Scope&) {
    const Field kBad[] = {{"Location", "/\r\nSet-Cookie: a=b"},
                          {"Bad Name", "x"},
                          {"Content-Length", "3"},
                          {"Date", "today"}};
    for (const Field& field : kBad) {
      const ResponseHead head = {.status = 302, .fields = {&field, 1}};
      EXPECT_EQ(reply.Send(head, "").code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(reply.StartSized(head, 3).code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(reply.StartStreamed(head).code(), absl::StatusCode::kInvalidArgument);
    }
    EXPECT_FALSE(reply.Send({.reason = "a\nb"}, "").ok());
    EXPECT_FALSE(reply.Send({.status = 204}, "body").ok());
    EXPECT_FALSE(reply.Send({.status = 99}, "").ok());
    if (request.head.path == "/error") reply.CloseAfterResponse();
    if (request.head.path == "/error") return (void)reply.SendError(500, "Sorry.");
    EXPECT_TRUE(reply.Send("text/plain", "at last").ok());
  };
  const auto client = world.Connect();
  EXPECT_THAT(Bodies(world.Exchange(*client, Get("/a"))), ElementsAre("at last"));
  ExpectClosing(world.Exchange(*client, Get("/error")), 500);
}

TEST(HandlerTest, FieldsAndReasonsOfAResponseAreSent) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    const Field kFields[] = {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}};
    EXPECT_TRUE(reply.Send({.status = 201, .reason = "Made", .fields = kFields}, "").ok());
  };
  const std::string answer = world.ExchangeOnce(Get("/a"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 201 Made\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
}

void AnswerInPieces(const Request&, Reply& reply, Scope&) {
  const Field trailer{"Check", "1"};
  EXPECT_TRUE(reply.StartStreamed({.content_type = "text/plain"}).ok());
  EXPECT_TRUE(reply.Write("Hello, ").ok());
  EXPECT_TRUE(reply.Write("").ok());
  EXPECT_TRUE(reply.Write("World!").ok());
  EXPECT_TRUE(reply.Finish({&trailer, 1}).ok());
}

TEST(HandlerTest, AResponseInPiecesIsChunkedAndTheConnectionGoesOn) {
  HttpWorld world;
  world.script.answer = AnswerInPieces;
  const auto client = world.Connect();
  const std::string answer =
      absl::StrCat("HTTP/1.1 200 OK\r\n", AsAbsl(kDate),
                   "Server: rotor\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "7\r\nHello, \r\n6\r\nWorld!\r\n0\r\nCheck: 1\r\n\r\n");
  EXPECT_EQ(world.Exchange(*client, Get("/a")), answer);
  EXPECT_EQ(world.Exchange(*client, Get("/b")), answer);
  EXPECT_THAT(world.Exchange(*client, "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n"),
              EndsWith("chunked\r\n\r\n"));
  EXPECT_EQ(world.Exchange(*client, Get("/d")), answer);
}

TEST(HandlerTest, AResponseInPiecesToHttp10EndsWithTheConnection) {
  HttpWorld world;
  world.script.answer = AnswerInPieces;
  const auto client = world.Connect();
  const std::string answer =
      world.Exchange(*client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, AllOf(HasSubstr("\r\nConnection: close\r\n"), Not(HasSubstr("chunked")),
                            EndsWith("\r\n\r\nHello, World!")));
  EXPECT_TRUE(client->ended());
}

TEST(HandlerTest, ASizedResponseInPiecesIsOneBody) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.StartSized({}, 6).ok());
    EXPECT_TRUE(reply.Write("abc").ok());
    EXPECT_TRUE(reply.Write("def").ok());
    EXPECT_TRUE(reply.Finish().ok());
  };
  EXPECT_THAT(Bodies(world.ExchangeOnce(Get("/1") + Get("/2"))), ElementsAre("abcdef", "abcdef"));
}

// ---- Date and Server ----

TEST(DateTest, AdvancesWithTheClockAndIsMadeOncePerSecond) {
  HttpWorld world;
  const auto client = world.Connect();
  const Time start = world.world.now();
  for (int i = 0; i < 30; ++i) {
    const std::string answer = world.Exchange(*client, Get("/a"));
    const int64_t second =
        absl::ToInt64Seconds(world.world.now() - Time::FromNanoseconds(1'000'000'000'000));
    EXPECT_TRUE(
        Parse(answer)[0].Has(absl::StrCat("Date: Sun, 06 Nov 1994 08:49:", 37 + second, " GMT")))
        << answer;
    world.Run(absl::Milliseconds(98));
  }
  EXPECT_EQ(world.world.now() - start, absl::Seconds(3));
  EXPECT_LE(world.host.wall_times, 4);
  world.Run(absl::Seconds(40));
  EXPECT_TRUE(
      Parse(world.Exchange(*client, Get("/a")))[0].Has("Date: Sun, 06 Nov 1994 08:50:20 GMT"));
}

TEST(ServerNameTest, IsSentUnlessItIsEmpty) {
  ServerOptions options;
  options.server_name = "a/1 (b)";
  HttpWorld named(options);
  EXPECT_THAT(named.ExchangeOnce(Get("/")), HasSubstr("\r\nServer: a/1 (b)\r\n"));
  options.server_name = "";
  HttpWorld unnamed(options);
  EXPECT_THAT(unnamed.ExchangeOnce(Get("/")), Not(HasSubstr("Server:")));
}

TEST(ServerOptionsTest, WhatCannotBeIsRefused) {
  HttpWorld world;
  const auto MountWith = [&](auto change) {
    ServerOptions options;
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    change(options);
    return http::Mount(*world.loop, "second", options, Site(world.script)).status();
  };
  for (const char* name : {"a\r\nb", "a\n", "\t", "\x7f", "caf\xc3\xa9"}) {
    const absl::Status status = MountWith([&](auto& options) { options.server_name = name; });
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("server_name"));
  }
  EXPECT_EQ(MountWith([](auto& options) { options.requests_per_connection_max = 0; }).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MountWith([](auto& options) { options.body_bytes_max = 1 << 30; }).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MountWith([](auto& options) { options.stream.output_pause_bytes = 1000; }).code(),
            absl::StatusCode::kInvalidArgument);
  for (const auto time : {&ServerOptions::head_timeout, &ServerOptions::body_window,
                          &ServerOptions::write_window, &ServerOptions::idle_timeout}) {
    EXPECT_EQ(MountWith([&](auto& options) { options.*time = absl::ZeroDuration(); }).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(MountWith([](auto&) {}).ok());
  EXPECT_EQ(MountWith([](auto&) {}).code(), absl::StatusCode::kAlreadyExists);
}

// ---- Other protocols ----

std::string GetUpgrade(std::string_view name) {
  return Get("/", absl::StrCat("Connection: upgrade\r\nUpgrade: ", AsAbsl(name), "\r\n"));
}

TEST(UpgradeTest, TheConnectionGoesOverWithWhatWasSentBehindTheRequest) {
  for (const size_t first : {size_t{0}, size_t{20}}) {
    HttpWorld world;
    const auto upgrade = stream::Prepare<LineEcho>(*world.loop, world.group, "lines", {});
    world.script.answer = [&](const Request& request, Reply& reply, Scope&) {
      ASSERT_TRUE(request.head.upgrade);
      const Field field{"Key", "1"};
      EXPECT_TRUE(reply.Upgrade("lines", {&field, 1}, upgrade).ok());
    };
    const auto client = world.Connect();
    client->Send(GetUpgrade("lines").substr(0, first));
    world.Run();
    EXPECT_EQ(world.Exchange(*client, GetUpgrade("lines").substr(first) + "one\ntw"),
              absl::StrCat("HTTP/1.1 101 Switching Protocols\r\n", AsAbsl(kDate),
                           "Server: rotor\r\nKey: 1\r\nUpgrade: lines\r\n"
                           "Connection: upgrade\r\n\r\none\n"));
    EXPECT_EQ(world.Exchange(*client, "o\n"), "two\n");
    EXPECT_EQ(world.Exchange(*client, Get("/a")), Get("/a"));
    EXPECT_THAT(world.script.seen, SizeIs(1));
    EXPECT_EQ(world.connections(), 1u);
  }
}

TEST(UpgradeTest, AnOfferThatIsIgnoredIsAnsweredAsAnyRequest) {
  HttpWorld world;
  const std::string post = Post("body", "Connection: upgrade\r\nUpgrade: h2c\r\n");
  EXPECT_THAT(Bodies(world.ExchangeOnce(post + GetUpgrade("x") + Get("/next"))),
              ElementsAre("POST /p body", "GET / ", "GET /next "));
}

TEST(UpgradeTest, OnlyUpgradeSends101) {
  HttpWorld world;
  world.script.answer = [&](const Request&, Reply& reply, Scope&) {
    const Field field{"Upgrade", "lines"};
    EXPECT_FALSE(reply.Send({.status = 101, .fields = {&field, 1}}, "").ok());
    EXPECT_TRUE(reply.Send({.status = 426, .fields = {&field, 1}}, "").ok());
  };
  const std::string answer = world.ExchangeOnce(GetUpgrade("lines"));
  EXPECT_THAT(Statuses(answer), ElementsAre(426));
  EXPECT_TRUE(Parse(answer)[0].Has("Connection: upgrade"));
}

TEST(UpgradeTest, WithoutRoomForTheOtherMachineTheHandlerAnswers) {
  HttpWorld world({}, Plain(), {.machines_max = 2});
  const auto upgrade = stream::Prepare<LineEcho>(*world.loop, world.group, "lines", {});
  world.script.answer = [&](const Request&, Reply& reply, Scope&) {
    EXPECT_EQ(reply.Upgrade("lines", {}, upgrade).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(reply.SendError(503, "Try again later.").ok());
  };
  const auto client = world.Connect();
  EXPECT_THAT(Statuses(world.Exchange(*client, GetUpgrade("lines"))), ElementsAre(503));
  EXPECT_EQ(world.connections(), 1u);
}

// RFC 9110 section 7.8: a server must not switch to what was not offered.
TEST(UpgradeTest, WhatWasNotOfferedIsRefused) {
  HttpWorld world;
  const auto upgrade = stream::Prepare<LineEcho>(*world.loop, world.group, "lines", {});
  world.script.answer = [&](const Request&, Reply& reply, Scope&) {
    EXPECT_FALSE(reply.Upgrade("lines", {}, upgrade).ok());
    EXPECT_TRUE(reply.Send("text/plain", "as before").ok());
  };
  const auto client = world.Connect();
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: lines\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: lines\r\n\r\n"}) {
    EXPECT_THAT(Bodies(world.Exchange(*client, request)), ElementsAre("as before"));
  }
}

}  // namespace
}  // namespace rotor::http
