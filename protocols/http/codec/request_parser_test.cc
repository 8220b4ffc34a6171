#include "protocols/http/codec/request_parser.h"

#include <http_parser.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/codec/request_cases.h"
#include "protocols/http/codec/request_transcript.h"

namespace rotor::http {
namespace {

std::string Expected(const RequestCase& row) {
  return std::string(row.served.view) + std::string(row.rest.view);
}

class RequestTest : public testing::TestWithParam<RequestCase> {};

TEST_P(RequestTest, InOnePiece) {
  const RequestCase& row = GetParam();
  EXPECT_EQ(TranscriptOf(row.bytes.view, LimitsOf(row)), Expected(row));
}

TEST_P(RequestTest, ByteByByte) {
  const RequestCase& row = GetParam();
  EXPECT_EQ(TranscriptByteByByte(row.bytes.view, LimitsOf(row)), Expected(row));
}

TEST_P(RequestTest, AtEveryTwoWaySplit) {
  const RequestCase& row = GetParam();
  for (size_t at = 0; at <= row.bytes.view.size(); ++at) {
    const size_t ends[] = {at};
    ASSERT_EQ(TranscriptOf(row.bytes.view, ends, LimitsOf(row)), Expected(row))
        << "split at " << at;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RequestTest, testing::ValuesIn(RequestCases()), kNameOfCase);

constexpr std::string_view kPlain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(RequestParserTest, TargetOf8000BytesWorks) {
  const std::string target = "/" + std::string(7999, 'a');
  const std::string head = "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
  RequestScratch scratch;
  RequestParser parser;
  const HeadResult result = parser.ParseHead(head, scratch);
  ASSERT_EQ(result.outcome, HeadResult::Outcome::kHead);
  EXPECT_EQ(result.head->target, target);
}

TEST(RequestParserTest, HundredFieldsWorkAndOneMoreDoesNot) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 1; i < 100; ++i) head += "A" + std::to_string(i) + ": b\r\n";
  const std::string full = TranscriptOf(head + "\r\n");
  EXPECT_NE(full.find("|A99=b|\n"), full.npos);
  EXPECT_EQ(TranscriptOf(head + "B: c\r\n\r\n"), "431 too many fields");
}

TEST(RequestParserTest, HeadOf16KibibytesWorksAndOneByteMoreDoesNot) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(8189, 'a') + "\r\nB: ";
  head.append(16384 - 4 - head.size(), 'b');
  EXPECT_TRUE(TranscriptOf(head + "\r\n\r\n").starts_with("GET"));
  EXPECT_EQ(TranscriptOf(head + "b\r\n\r\n"), "431 the head of the request is too large");
}

TEST(RequestParserTest, FieldsAreFoundInAnyCase) {
  RequestScratch scratch;
  RequestParser parser;
  const HeadResult result =
      parser.ParseHead("GET / HTTP/1.1\r\nHost: h\r\nX-a: 1\r\nx-A: 2\r\n\r\n", scratch);
  ASSERT_EQ(result.outcome, HeadResult::Outcome::kHead);
  EXPECT_EQ(result.head->Find("X-A"), "1");
  EXPECT_EQ(result.head->Find("X-B"), std::nullopt);
}

TEST(RequestParserTest, MethodsAreToldApart) {
  RequestScratch scratch;
  const std::pair<std::string_view, Method> methods[] = {
      {"GET / ", Method::kGet},         {"HEAD / ", Method::kHead},
      {"POST / ", Method::kPost},       {"PUT / ", Method::kPut},
      {"DELETE / ", Method::kDelete},   {"CONNECT h:1 ", Method::kConnect},
      {"OPTIONS / ", Method::kOptions}, {"TRACE / ", Method::kTrace},
      {"PATCH / ", Method::kPatch},     {"PROPFIND / ", Method::kOther}};
  for (const auto& [line, method] : methods) {
    RequestParser parser;
    const std::string head = std::string(line) + "HTTP/1.1\r\nHost: h\r\n\r\n";
    const HeadResult result = parser.ParseHead(head, scratch);
    ASSERT_EQ(result.outcome, HeadResult::Outcome::kHead) << line;
    EXPECT_EQ(result.head->method, method) << line;
    EXPECT_EQ(result.head->method_text, line.substr(0, line.find(' ')));
  }
}

TEST(RequestParserTest, ConnectionsOfALoopShareTheScratch) {
  RequestScratch scratch;
  RequestParser first;
  RequestParser second;
  const std::string_view with_body =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(first.ParseHead(with_body.substr(0, 30), scratch).outcome,
            HeadResult::Outcome::kNeedMore);
  EXPECT_EQ(second.ParseHead(kPlain, scratch).outcome, HeadResult::Outcome::kHead);
  const HeadResult head = first.ParseHead(with_body, scratch);
  ASSERT_EQ(head.outcome, HeadResult::Outcome::kHead);
  EXPECT_EQ(head.head->host, "h");
  EXPECT_EQ(second.ParseHead(kPlain, scratch).outcome, HeadResult::Outcome::kHead);
  const BodyResult body = first.ParseBody("2\r\nab\r\n0\r\n\r\n", scratch);
  EXPECT_EQ(body.data, "ab");
}

TEST(RequestParserTest, ARequestIsReadTheSameBehindAnyOther) {
  const std::pair<std::string_view, std::string_view> requests[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "keep none"},
      {"GET / HTTP/1.0\r\n\r\n", "close none"},
      {"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "keep none"},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "close none"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "keep sized 5"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n", "keep sized 6"},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "keep chunked"},
      {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "501"}};
  RequestScratch scratch;
  const auto read = [&scratch](std::string_view bytes) -> std::string {
    RequestParser parser;
    const HeadResult result = parser.ParseHead(bytes, scratch);
    if (result.outcome == HeadResult::Outcome::kError) return std::to_string(result.error->status);
    const RequestHead& head = *result.head;
    EXPECT_EQ(parser.body_pending(), head.body_kind != BodyKind::kNone);
    EXPECT_EQ(head.method == Method::kHead, bytes.starts_with("HEAD"));
    const std::string persistence = head.keep_alive ? "keep " : "close ";
    if (head.body_kind == BodyKind::kNone) return persistence + "none";
    if (head.body_kind == BodyKind::kChunked) return persistence + "chunked";
    return persistence + "sized " + std::to_string(head.content_length);
  };
  for (const auto& [first, first_is] : requests) {
    for (const auto& [second, second_is] : requests) {
      EXPECT_EQ(read(first), first_is);
      EXPECT_EQ(read(second), second_is) << "behind " << first;
      EXPECT_EQ(read(second), second_is) << "behind itself";
    }
  }
}

TEST(RequestParserTest, SizedBodyStopsBeforeTheNextRequest) {
  RequestScratch scratch;
  RequestParser parser;
  parser.ParseHead("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", scratch);
  const BodyResult body = parser.ParseBody("abcGET", scratch);
  EXPECT_EQ(body.outcome, BodyResult::Outcome::kComplete);
  EXPECT_EQ(body.data, "abc");
  EXPECT_EQ(body.consumed, 3u);
  EXPECT_FALSE(parser.body_pending());
}

TEST(RequestParserTest, LargeBodyIsPassedThroughWithoutCopies) {
  RequestScratch scratch;
  RequestParser parser;
  parser.ParseHead("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", scratch);
  const std::string input = "100000\r\n" + std::string(0x100000, 'a');
  const BodyResult body = parser.ParseBody(input, scratch);
  EXPECT_EQ(body.outcome, BodyResult::Outcome::kData);
  EXPECT_EQ(body.data.data(), input.data() + 8);
  EXPECT_EQ(body.data.size(), 0x100000u);
  EXPECT_EQ(body.consumed, input.size());
}

TEST(RequestParserTest, NothingIsAllocated) {
  RequestScratch scratch;
  RequestParser parser;
  const std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n";
  const size_t before = AllocationCount();
  const HeadResult in_part = parser.ParseHead(bytes.substr(0, 40), scratch);
  const HeadResult head = parser.ParseHead(bytes, scratch);
  const BodyResult data = parser.ParseBody(bytes.substr(head.head_size), scratch);
  const BodyResult end = parser.ParseBody(bytes.substr(head.head_size + data.consumed), scratch);
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_EQ(in_part.outcome, HeadResult::Outcome::kNeedMore);
  EXPECT_EQ(data.data, "hello");
  ASSERT_EQ(end.outcome, BodyResult::Outcome::kComplete);
  EXPECT_EQ(end.trailers.size(), 1u);
}

TEST(RequestParserDeathTest, CallsOutOfOrderAreProgrammersErrors) {
  RequestScratch scratch;
  RequestParser with_body;
  with_body.ParseHead("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", scratch);
  EXPECT_DEATH(with_body.ParseHead(kPlain, scratch), "while a body is pending");
  RequestParser without_body;
  without_body.ParseHead(kPlain, scratch);
  EXPECT_DEATH(without_body.ParseBody("abc", scratch), "without a pending body");
  RequestParser failed;
  failed.ParseHead("\n", scratch);
  EXPECT_DEATH(failed.ParseHead(kPlain, scratch), "after an error");
  EXPECT_DEATH(RequestScratch({.head_bytes_max = 65537}), "above 65536");
}

// Why there is a gate: what the linked library takes when it sees the bytes itself. Should one of
// these fail after a change of the library, the gate loses nothing.
class LinkedHttpParser {
 public:
  explicit LinkedHttpParser(std::string_view bytes) {
    http_parser_init(&parser_, HTTP_REQUEST);
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    accepted_ =
        http_parser_execute(&parser_, &settings, bytes.data(), bytes.size()) == bytes.size();
  }
  bool accepted() const { return accepted_; }
  bool close() const { return (parser_.flags & F_CONNECTION_CLOSE) != 0; }

 private:
  http_parser parser_;
  bool accepted_;
};

TEST(LinkedHttpParserTest, AcceptsSpaceBeforeColonWhichTheGateRejects) {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: h\r\nA :b\r\n\r\n";
  EXPECT_TRUE(LinkedHttpParser(bytes).accepted());
  EXPECT_EQ(TranscriptOf(bytes), "400 whitespace before the colon of a field line");
}

TEST(LinkedHttpParserTest, AcceptsAnyByteAfterTheLastCarriageReturnWhichTheGateRejects) {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: h\r\n\rX";
  EXPECT_TRUE(LinkedHttpParser(bytes).accepted());
  EXPECT_EQ(TranscriptOf(bytes), "400 a CR is not followed by LF");
}

TEST(LinkedHttpParserTest, AcceptsLineFeedsInChunkExtensionsWhichTheGateRejects) {
  const std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;\n\n\r\na\r\n0\r\n\r\n";
  EXPECT_TRUE(LinkedHttpParser(bytes).accepted());
  EXPECT_TRUE(TranscriptOf(bytes).ends_with("400 a line ends with a bare LF"));
}

TEST(LinkedHttpParserTest, LosesCloseWhichTheGateFinds) {
  for (const std::string_view value : {", close", "c, close"}) {
    const std::string bytes =
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: " + std::string(value) + "\r\n\r\n";
    EXPECT_TRUE(LinkedHttpParser(bytes).accepted());
    EXPECT_FALSE(LinkedHttpParser(bytes).close());
    EXPECT_NE(TranscriptOf(bytes).find(" close "), std::string::npos);
  }
}

}  // namespace
}  // namespace rotor::http
