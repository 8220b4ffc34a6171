#include "protocols/http/server/access_log.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecordingSink final : public AccessLogSink {
 public:
  void Write(std::string_view line) override {
    const UncountedAllocations aside;
    lines.emplace_back(line);
  }

  std::vector<std::string> lines;
};

class AccessLogTest : public testing::Test {
 protected:
  HttpWorld& Make(AccessLogFormat format) {
    ServerOptions options;
    options.access_log = &sink_;
    options.access_log_format = format;
    options.head_timeout = absl::Seconds(1);
    return world_.emplace(options);
  }
  HttpWorld& MakeCommon() { return Make(AccessLogFormat::kCommon); }
  HttpWorld& MakeJson() { return Make(AccessLogFormat::kJson); }
  const std::vector<std::string>& lines() const { return sink_.lines; }

  RecordingSink sink_;
  std::optional<HttpWorld> world_;
};

constexpr std::string_view kPrefix = "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] ";

std::string Common(std::string_view rest) {
  return absl::StrCat(AsAbsl(kPrefix), AsAbsl(rest), "\n");
}

TEST_F(AccessLogTest, ARequestIsALineInTheCommonFormat) {
  MakeCommon().ExchangeOnce(Get("/a?b"));
  EXPECT_THAT(lines(), ElementsAre(Common("\"GET /a?b HTTP/1.1\" 200 9")));
}

TEST_F(AccessLogTest, RequestsOfOneConnectionAreLinesInOrder) {
  MakeCommon().ExchangeOnce(Get("/1") + "HEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n" +
                            "GET /3 HTTP/1.0\r\n\r\n");
  EXPECT_THAT(lines(),
              ElementsAre(Common("\"GET /1 HTTP/1.1\" 200 7"), Common("\"HEAD /2 HTTP/1.1\" 200 -"),
                          Common("\"GET /3 HTTP/1.0\" 200 7")));
}

TEST_F(AccessLogTest, AnObjectInJsonHasWhatTheRequestSaid) {
  HttpWorld& world = MakeJson();
  world.ExchangeOnce(Get("/a?b", "Referer: http://r/\r\nUser-Agent: test/1\r\n"));
  EXPECT_THAT(lines(),
              ElementsAre(HasSubstr(
                  "Z\",\"peer\":\"127.0.0.1\",\"method\":\"GET\",\"target\":\"/a?b\","
                  "\"version\":\"HTTP/1.1\",\"host\":\"h\",\"referer\":\"http://r/\","
                  "\"user_agent\":\"test/1\",\"status\":200,\"body_bytes\":9,\"duration_us\":0,"
                  "\"complete\":true}\n")));
  EXPECT_THAT(lines()[0], ::testing::StartsWith("{\"time\":\"1994-11-06T08:49:37."));
}

TEST_F(AccessLogTest, NoValueCanForgeALine) {
  const std::string request =
      Get("/", "User-Agent: a\"}\\\t\xe2\x80\xa8 \xff\r\nReferer: \", \"status\":200\r\n");
  MakeJson().ExchangeOnce(request);
  EXPECT_THAT(lines()[0], HasSubstr("\"user_agent\":\"a\\u0022}\\u005c\\u0009\\u00e2\\u0080\\u00a8 "
                                    "\\u00ff\",\"status\":200,"));
  EXPECT_THAT(lines()[0], HasSubstr("\"referer\":\"\\u0022, \\u0022status\\u0022:200\""));
}

TEST_F(AccessLogTest, WhatIsNoRequestIsALineToo) {
  HttpWorld& world = MakeCommon();
  world.ExchangeOnce("GET / HTTP/1.1\r\nHost: h\n\"forged\" 200 1\r\n\r\n");
  ASSERT_THAT(lines(), SizeIs(1));
  EXPECT_THAT(lines()[0], HasSubstr("\"-\" 400 "));
  world.ExchangeOnce("BREW / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(lines()[1], HasSubstr("\"-\" 501 "));
  world.ExchangeOnce(Post("x", "Expect: y\r\n"));
  EXPECT_THAT(lines()[2], HasSubstr("\"-\" 417 "));
}

TEST_F(AccessLogTest, AHeadThatStallsIsALineAndAnIdleConnectionIsNot) {
  HttpWorld& world = MakeJson();
  const auto idle = world.Connect();
  const auto slow = world.Connect();
  slow->Send("GET / HT");
  world.Run(absl::Seconds(100));
  EXPECT_TRUE(idle->ended());
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("\"method\":null,\"target\":null,\"version\":null,"
                                             "\"host\":null,\"referer\":null,\"user_agent\":null,"
                                             "\"status\":408,")));
}

TEST_F(AccessLogTest, ABodyThatIsRefusedIsALineOfItsRequest) {
  HttpWorld& world = MakeCommon();
  world.ExchangeOnce("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
  world.ExchangeOnce("POST /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
  ASSERT_THAT(lines(), SizeIs(2));
  EXPECT_THAT(lines()[0], HasSubstr("\"POST /p HTTP/1.1\" 413 "));
  EXPECT_THAT(lines()[1], HasSubstr("\"POST /q HTTP/1.1\" 400 "));
}

TEST_F(AccessLogTest, BytesAreThoseOfTheBodyWithoutItsFraming) {
  HttpWorld& world = MakeCommon();
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.StartStreamed({}).ok());
    EXPECT_TRUE(reply.Write("hello").ok());
    EXPECT_TRUE(reply.Write(" world").ok());
    EXPECT_TRUE(reply.Finish().ok());
  };
  world.ExchangeOnce(Get("/"));
  EXPECT_THAT(lines(), ElementsAre(Common("\"GET / HTTP/1.1\" 200 11")));
}

// Answers half a second later.
class Later final : public Exchange {
 public:
  Next Timeout(Reply& reply, Scope&) override {
    EXPECT_TRUE(reply.Send("text/plain", "late").ok());
    return Next::Finished();
  }
};

TEST_F(AccessLogTest, ARequestAnsweredLaterIsALineThenWithItsDuration) {
  HttpWorld& world = MakeJson();
  world.script.answer = [](const Request&, Reply& reply, Scope& scope) {
    reply.AnswerLater(std::make_unique<Later>(),
                      Next::WaitUntil(scope.now() + absl::Milliseconds(500)));
  };
  const auto client = world.Connect();
  client->Send(Get("/later"));
  world.Run(absl::Milliseconds(400));
  EXPECT_THAT(lines(), IsEmpty());
  world.Run(absl::Milliseconds(200));
  ASSERT_THAT(lines(), SizeIs(1));
  EXPECT_THAT(lines()[0], HasSubstr("\"target\":\"/later\""));
  EXPECT_THAT(lines()[0], HasSubstr("\"body_bytes\":4,\"duration_us\":500"));
}

TEST_F(AccessLogTest, ARequestWhoseConnectionBreaksIsALineWithoutStatus) {
  HttpWorld& world = MakeJson();
  world.script.answer = [](const Request&, Reply& reply, Scope& scope) {
    reply.AnswerLater(std::make_unique<Later>(), Next::WaitUntil(scope.now() + absl::Seconds(100)));
  };
  const auto client = world.Connect();
  client->Send(Get("/broken"));
  world.Run();
  client->Reset();
  world.Run();
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("\"status\":null,\"body_bytes\":0,"
                                             "\"duration_us\":null,\"complete\":false}")));
}

TEST_F(AccessLogTest, AResponseThatStaysUnfinishedSaysSo) {
  HttpWorld& world = MakeJson();
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.StartSized({}, 100).ok());
    EXPECT_TRUE(reply.Write("half").ok());
  };
  world.ExchangeOnce(Get("/"));
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("\"status\":200,\"body_bytes\":4,\"duration_us\":0,"
                                             "\"complete\":false}")));
}

// Allocations of the hundred requests behind fifty that warm up.
size_t AllocationsOfRequests(const ServerOptions& options) {
  HttpWorld world(options);
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", "hello").ok());
  };
  const auto client = world.Connect();
  const std::string request = Get("/a/path/that/is/not/short", "User-Agent: a browser\r\n");
  size_t calls = 0;
  for (int i = 0; i < 150; ++i) {
    client->Send(request);
    world.script.seen.clear();
    const size_t before = AllocationCount();
    world.Run();
    if (i >= 50) calls += AllocationCount() - before;
  }
  return calls;
}

TEST_F(AccessLogTest, AllocatesNothingInSteadyTraffic) {
  const size_t without_log = AllocationsOfRequests({});
  for (const AccessLogFormat format : {AccessLogFormat::kCommon, AccessLogFormat::kJson}) {
    ServerOptions options;
    options.access_log = &sink_;
    options.access_log_format = format;
    EXPECT_EQ(AllocationsOfRequests(options), without_log);
    EXPECT_THAT(lines(), SizeIs(150));
    sink_.lines.clear();
  }
}

TEST(StdioAccessLogTest, WritesWholeLines) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  StdioAccessLog log(file);
  log.Write("one\n");
  log.Write("two\n");
  std::rewind(file);
  char text[16] = {};
  EXPECT_EQ(std::fread(text, 1, sizeof(text), file), 8u);
  EXPECT_STREQ(text, "one\ntwo\n");
  std::fclose(file);
}

}  // namespace
}  // namespace rotor::http
