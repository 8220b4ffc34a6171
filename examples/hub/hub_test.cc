// The whole hub in a simulated world, without faults: every page, name and signal.
#include "examples/hub/hub.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/strings.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"

namespace hub {
namespace {

using rotor::AsAbsl;
using rotor::SimConnection;
using rotor::SocketAddress;
using rotor::dns::RecordType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class RecordingLog final : public rotor::LogSink {
 public:
  void Write(rotor::LogLevel, std::string_view message) override { lines.emplace_back(message); }

  std::vector<std::string> lines;
};

// The hub on one simulated host. At the end nothing must be left open or have gone wrong.
class HubTest : public testing::Test {
 protected:
  HubTest() : host_(world_.AddHost("hub")) {
    rotor::LoopBuilder<App, Context> builder({.machines_max = 64, .log = &log_}, host_);
    absl::StatusOr<Context> context =
        Mount(builder, {.http_port = 0, .echo_port = 0, .dns_port = 0, .resolver = "self"});
    EXPECT_TRUE(context.ok()) << context.status();
    at_ = *context;
    loop_.emplace(std::move(builder).Build(*context));
  }
  ~HubTest() override {
    loop_.reset();
    world_.ExpectNothingOpen();
    EXPECT_THAT(world_.violations(), IsEmpty());
  }

  // Long enough, unless told otherwise, for what is under way to arrive and be answered. True while
  // the hub runs.
  bool Run(absl::Duration span = absl::Milliseconds(20)) {
    const rotor::Time until = world_.now() + span;
    while (world_.now() < until) {
      absl::StatusOr<bool> more = loop_->RunOnce(until);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.value_or(false)) return false;
    }
    return true;
  }
  std::string Exchange(const SocketAddress& address, std::string_view bytes) {
    const auto client = world_.Connect(address);
    client->Send(bytes);
    Run();
    return client->TakeReceived();
  }
  // The answer to a request line and a body. "200 text/plain: the body".
  std::string Ask(std::string_view line, std::string_view body = "", std::string_view fields = "") {
    const std::string length =
        body.empty() ? "" : absl::StrCat("Content-Length: ", body.size(), "\r\n");
    return Told(Exchange(at_.http, absl::StrCat(AsAbsl(line), " HTTP/1.1\r\nHost: hub.test\r\n",
                                                length, AsAbsl(fields), "\r\n", AsAbsl(body))));
  }
  std::string Page(std::string_view target) {
    const std::string told = Ask(absl::StrCat("GET ", AsAbsl(target)));
    EXPECT_THAT(told, StartsWith("200 "));
    return told.substr(told.find(": ") + 2);
  }
  static std::string Field(std::string_view head, std::string_view name) {
    const std::string line = absl::StrCat("\r\n", AsAbsl(name), ": ");
    const size_t at = head.find(line);
    if (at == std::string_view::npos) return "";
    head.remove_prefix(at + line.size());
    return std::string(head.substr(0, head.find('\r')));
  }
  static std::string Told(std::string_view response) {
    const size_t head_size = response.find("\r\n\r\n") + 4;
    if (!response.starts_with("HTTP/1.1 ") || head_size < 4) return std::string(response);
    const std::string_view head = response.substr(0, head_size);
    const std::string_view body = response.substr(head_size);
    if (!body.empty()) {
      EXPECT_EQ(Field(head, "Content-Length"), absl::StrCat(body.size()));
    }
    return absl::StrCat(AsAbsl(head.substr(9, 3)), " ", Field(head, "Content-Type"), ": ",
                        AsAbsl(body));
  }

  // What goes to standard output after `signal`, which must not end the hub.
  std::string PrintedAfter(int signal) {
    testing::internal::CaptureStdout();
    world_.RaiseSignal(host_, signal);
    const bool runs = Run();
    std::string printed = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(runs);
    return printed;
  }

  std::string Query(std::string_view name, RecordType type) {
    std::array<char, 512> buffer;
    rotor::dns::MessageBuilder builder(buffer);
    EXPECT_TRUE(
        builder.AddQuestion({.name = rotor::dns::Name::FromText(name).value(), .type = type}));
    EXPECT_TRUE(builder.AddEdns({.payload_bytes = 1232}));
    return std::string(buffer.data(), builder.Finish({.id = 7}));
  }
  // Over UDP: the response code and the data of all answers, a dot before each.
  std::string Resolve(std::string_view name, RecordType type) {
    const auto socket = world_.BindDatagram(*SocketAddress::Ip("127.0.0.1", 0));
    socket->SendTo(Query(name, type), at_.dns);
    Run();
    return socket->received().empty() ? "no answer" : Records(socket->received()[0].bytes);
  }
  static std::string Records(std::string_view message) {
    rotor::dns::MessageView view;
    if (view.Parse(message) != rotor::dns::ParseResult::kComplete) return "no message";
    std::string told = absl::StrCat(view.header().response_code);
    rotor::dns::MessageView::Cursor cursor(view);
    rotor::dns::RecordView record;
    while (cursor.Next(&record)) {
      if (record.section == rotor::dns::Section::kAnswer) {
        absl::StrAppend(&told, ".", AsAbsl(record.data));
      }
    }
    return told;
  }

  RecordingLog log_;
  rotor::SimWorld world_;
  rotor::SimBackend& host_;
  std::optional<rotor::Loop<App, Context>> loop_;
  Context at_;
};

// Takes one value of JSON (RFC 8259) off the front of `text`; false if there is none.
bool TakeJson(std::string_view& text);

void SkipSpace(std::string_view& text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
}
bool TakeByte(std::string_view& text, char byte) {
  SkipSpace(text);
  if (text.empty() || text[0] != byte) return false;
  text.remove_prefix(1);
  return true;
}
bool TakeString(std::string_view& text) {
  if (!TakeByte(text, '"')) return false;
  for (; !text.empty() && text[0] != '"'; text.remove_prefix(1)) {
    if (static_cast<unsigned char>(text[0]) < 0x20) return false;
    if (text[0] == '\\') text.remove_prefix(1);
  }
  return TakeByte(text, '"');
}
bool TakeList(std::string_view& text, char end, bool named) {
  if (TakeByte(text, end)) return true;
  do {
    if (named && !(TakeString(text) && TakeByte(text, ':'))) return false;
    if (!TakeJson(text)) return false;
  } while (TakeByte(text, ','));
  return TakeByte(text, end);
}
bool TakeJson(std::string_view& text) {
  if (TakeByte(text, '{')) return TakeList(text, '}', /*named=*/true);
  if (TakeByte(text, '[')) return TakeList(text, ']', /*named=*/false);
  if (!text.empty() && text[0] == '"') return TakeString(text);
  const size_t size = std::min(text.find_first_of(",]} \n"), text.size());
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  double number;
  return word == "null" || word == "true" || word == "false" ||
         (word != "inf" && absl::SimpleAtod(AsAbsl(word), &number));
}
bool IsJson(std::string_view text) {
  const bool taken = TakeJson(text);
  SkipSpace(text);
  return taken && text.empty();
}

// ---- The site ----

TEST_F(HubTest, TheFrontPageSaysWhatRunsWhere) {
  EXPECT_THAT(Ask("GET /"), AllOf(StartsWith("200 text/html; charset=utf-8: <!DOCTYPE html>"),
                                  HasSubstr(at_.http.ToString()), HasSubstr(at_.echo.ToString()),
                                  HasSubstr(at_.dns.ToString()), HasSubstr("href=\"/tree\""),
                                  EndsWith("</html>\n")));
}

TEST_F(HubTest, PlaintextIsHello) {
  EXPECT_EQ(Ask("GET /plaintext"), "200 text/plain: Hello, World!");
  EXPECT_EQ(Ask("GET /plaintext?a=b"), "200 text/plain: Hello, World!");
}

TEST_F(HubTest, HeadIsAnsweredAsGetWithoutTheBody) {
  for (const char* target : {"/", "/plaintext", "/headers", "/stats", "/tree", "/nowhere"}) {
    const auto Response = [&](std::string_view method) {
      return Exchange(at_.http, absl::StrCat(AsAbsl(method), " ", target,
                                             " HTTP/1.1\r\nHost: hub.test\r\n\r\n"));
    };
    const std::string get = Response("GET");
    const std::string head = Response("HEAD");
    EXPECT_THAT(head, EndsWith("\r\n\r\n"));
    EXPECT_THAT(head, AllOf(HasSubstr("\r\nContent-Length: "), Not(HasSubstr("Length: 0\r"))));
    EXPECT_EQ(head.substr(0, 12), get.substr(0, 12));
    EXPECT_EQ(Field(head, "Content-Type"), Field(get, "Content-Type"));
  }
}

TEST_F(HubTest, StatsAreJsonWithTheCountersOfEachProtocol) {
  Exchange(at_.echo, "a line\n");
  Page("/plaintext");
  const std::string stats = Page("/stats");
  EXPECT_TRUE(IsJson(stats)) << stats;
  for (const char* part : {"\"http\": {", "\"echo\": {", "\"dns\": {", "\"loop\": {",
                           "\"requests\": 2", "\"bytes_received\": 7", "\"machines_alive\": "}) {
    EXPECT_THAT(stats, HasSubstr(part));
  }
}

TEST_F(HubTest, EchoReturnsTheBodyOfAnyMethod) {
  EXPECT_EQ(Ask("POST /echo", "some body"), "200 application/octet-stream: some body");
  EXPECT_EQ(Ask("PUT /echo", "some body", "Content-Type: a/b\r\n"), "200 a/b: some body");
  EXPECT_EQ(Ask("DELETE /echo", "x"), "200 application/octet-stream: x");
  EXPECT_EQ(Ask("PROPFIND /echo?x", "y"), "200 application/octet-stream: y");
  EXPECT_EQ(Ask("GET /echo"), "200 application/octet-stream: ");
  EXPECT_EQ(Ask("POST /echo", "", "Content-Length: 0\r\n"), "200 application/octet-stream: ");
  EXPECT_EQ(Ask("POST /echo", "", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
            "200 application/octet-stream: abc");
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(Ask("POST /echo", large), absl::StrCat("200 application/octet-stream: ", large));
  EXPECT_THAT(Ask("POST /echo", large + "x"), StartsWith("413 "));
  const std::string head =
      Exchange(at_.http, "HEAD /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(head, AllOf(HasSubstr("\r\nContent-Length: 3\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(HubTest, HeadersAreThoseOfTheRequest) {
  EXPECT_EQ(Ask("GET /headers", "", "X: 1\r\nx:\r\nY: caf\xc3\xa9\r\n"),
            "200 text/plain: Host: hub.test\nX: 1\nx: \nY: caf\xc3\xa9\n");
}

TEST_F(HubTest, WhatIsNotThereIs404AndOtherMethodsAre405) {
  EXPECT_THAT(Ask("GET /nowhere"), StartsWith("404 text/plain: "));
  EXPECT_THAT(Ask("GET /plaintext/"), StartsWith("404 text/plain: "));
  for (const char* line : {"POST /", "DELETE /plaintext", "PROPFIND /stats", "TRACE /headers"}) {
    EXPECT_THAT(Ask(line), StartsWith("405 text/plain: ")) << line;
  }
  const std::string refused = Exchange(at_.http, "PUT / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(Field(refused, "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_THAT(Ask("OPTIONS /stats"), StartsWith("204 "));
}

TEST_F(HubTest, TheTreeNamesEveryMachine) {
  const auto idle = world_.Connect(at_.echo);
  Run();
  const std::string text = Page("/tree");
  for (const char* part : {"/http/0 ", "/echo/1 ", "/dns/2 ", "/dns/3 ", "/signals/", "answering",
                           "a frame of at most 65536 bytes", "LineEcho"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, HasSubstr(idle->local_address().ToString()));
  EXPECT_THAT(text, Not(HasSubstr("more:")));
  const std::string json = Page("/tree?format=json");
  EXPECT_TRUE(IsJson(json)) << json;
  EXPECT_THAT(json, AllOf(HasSubstr("{\"path\": \"/echo/1\", "), EndsWith("\"next\": null}\n")));
}

TEST_F(HubTest, TheTreeComesInPages) {
  const size_t mounted = loop_->machines();
  std::vector<std::unique_ptr<SimConnection>> idle;
  for (int i = 0; i < 30; ++i) idle.push_back(world_.Connect(at_.echo));
  Run();
  size_t machines = 0;
  size_t pages = 0;
  std::string next = "0";
  while (next != "null") {
    const std::string json = Page(absl::StrCat("/tree?format=json&count=7&first=", next));
    ASSERT_TRUE(IsJson(json)) << json;
    size_t here = 0;
    for (size_t at = json.find("{\"path\""); at != std::string::npos;
         at = json.find("{\"path\"", at + 1)) {
      ++here;
    }
    EXPECT_LE(here, 7u);
    machines += here;
    ASSERT_LT(++pages, 20u);
    const size_t begin = json.rfind("\"next\": ") + 8;
    next = json.substr(begin, json.rfind('}') - begin);
  }
  // Beside the idle ones: what was mounted, and on each page the connection that asks.
  EXPECT_GE(machines, mounted + idle.size());
  EXPECT_LE(machines, mounted + idle.size() + 1);
  EXPECT_THAT(Page("/tree?first=3&count=2"), EndsWith("more: /tree?first=5\n"));
  EXPECT_THAT(Page("/tree?first=3&count=2"),
              AllOf(HasSubstr("/dns/3 "), Not(HasSubstr("/dns/2 "))));
  // A page has a machine at least: one of none would lead to itself.
  EXPECT_THAT(Page("/tree?first=3&count=0"), EndsWith("more: /tree?first=4\n"));
  // What is no number is as if it were not there.
  EXPECT_THAT(Page("/tree?first=x&count=-1"), HasSubstr("/http/0 "));
  EXPECT_THAT(Page("/tree?first=4000000000"), Not(HasSubstr("/http/0 ")));
}

// ---- Line echo, DNS ----

TEST_F(HubTest, LinesComeBack) { EXPECT_EQ(Exchange(at_.echo, "a\nb\nc"), "a\nb\n"); }

TEST_F(HubTest, TheZoneHasItsNames) {
  EXPECT_EQ(Resolve("hub.test.", RecordType::kA), std::string("0.\x7f\0\0\1", 6));
  EXPECT_EQ(Resolve("HUB.test.", RecordType::kAaaa),
            absl::StrCat("0.", std::string(15, '\0'), "\1"));
  EXPECT_EQ(Resolve("ns.hub.test.", RecordType::kA), std::string("0.\x7f\0\0\1", 6));
  EXPECT_THAT(Resolve("hub.test.", RecordType::kTxt), HasSubstr("HTTP, line echo and DNS"));
  EXPECT_EQ(Resolve("none.hub.test.", RecordType::kA), "3");
  EXPECT_EQ(Resolve("example.com.", RecordType::kA), "5");
}

TEST_F(HubTest, TheCountersAreATextOfTheZone) {
  Page("/plaintext");
  EXPECT_THAT(Resolve("stats.hub.test.", RecordType::kTxt), HasSubstr("http.requests=1"));
  const std::string query = Query("stats.hub.test.", RecordType::kTxt);
  const std::string framed =
      absl::StrCat(std::string(1, '\0'), std::string(1, query.size()), query);
  EXPECT_THAT(Records(Exchange(at_.dns, framed).substr(2)),
              AllOf(StartsWith("0."), HasSubstr("http.requests=1"), HasSubstr("dns.queries=2")));
}

// ---- Signals ----

TEST_F(HubTest, Usr1PrintsTheTreeAndEndsNothing) {
  Run();
  EXPECT_THAT(PrintedAfter(SIGUSR1), AllOf(HasSubstr("/http/0 "), HasSubstr("/signals/")));
  EXPECT_EQ(Page("/plaintext"), "Hello, World!");
}

class HubSignalTest : public HubTest, public testing::WithParamInterface<int> {
 protected:
  void BeginDrain() {
    EXPECT_THAT(PrintedAfter(GetParam()),
                StartsWith("draining for at most 5s; a second signal ends at once\n"));
  }
};

TEST_P(HubSignalTest, TheFirstOneDrains) {
  const auto idle = world_.Connect(at_.http);
  const auto lines = world_.Connect(at_.echo);
  const auto busy = world_.Connect(at_.http);
  busy->Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
  Run();
  BeginDrain();
  EXPECT_TRUE(idle->ended());
  EXPECT_TRUE(lines->ended());
  EXPECT_FALSE(busy->ended());
  const auto late = world_.Connect(at_.http);
  Run();
  EXPECT_TRUE(late->refused());
  busy->Send("cd");
  Run();
  EXPECT_EQ(Told(busy->received()), "200 application/octet-stream: abcd");
  EXPECT_EQ(Field(busy->received(), "Connection"), "close");
  busy->Close();
  EXPECT_FALSE(Run());
  EXPECT_EQ(loop_->machines(), 2u);  // Which listen to signals and resolve names.
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_P(HubSignalTest, TheSecondOneEndsAtOnce) {
  const auto busy = world_.Connect(at_.http);
  busy->Send("GET / HT");
  Run();
  BeginDrain();
  const rotor::Time then = world_.now();
  world_.RaiseSignal(host_, SIGTERM);
  EXPECT_FALSE(Run());
  EXPECT_LT(world_.now() - then, absl::Milliseconds(10));
}

TEST_P(HubSignalTest, AMachineLeftAtTheEndOfTheDrainIsNamed) {
  const auto busy = world_.Connect(at_.http);
  busy->Send("GET / HT");
  Run();
  BeginDrain();
  EXPECT_TRUE(Run(absl::Milliseconds(4900)));
  EXPECT_THAT(log_.lines, IsEmpty());
  EXPECT_FALSE(Run(absl::Milliseconds(200)));
  EXPECT_THAT(log_.lines,
              ElementsAre(AllOf(HasSubstr("cut /http/"), HasSubstr("state: reading head"),
                                HasSubstr(busy->local_address().ToString()))));
}

INSTANTIATE_TEST_SUITE_P(Both, HubSignalTest, testing::Values(SIGINT, SIGTERM));

TEST(HubMountTest, AnAddressThatIsTakenIsSaidAndLeavesNothingOpen) {
  rotor::SimWorld world;
  rotor::SimBackend& host = world.AddHost("hub");
  {
    rotor::LoopBuilder<App, Context> first({}, host);
    ASSERT_TRUE(Mount(first, {}).ok());
    rotor::LoopBuilder<App, Context> second({}, world.AddHost("other"));
    const absl::Status status = Mount(second, {}).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:8080"));
    rotor::LoopBuilder<App, Context> third({}, world.AddHost("third"));
    EXPECT_EQ(Mount(third, {.bind = "localhost"}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  world.ExpectNothingOpen();
  EXPECT_THAT(world.violations(), IsEmpty());
}

}  // namespace
}  // namespace hub
