#include "protocols/http/codec/response_writer.h"

#include <http_parser.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/codec/string_output.h"

namespace rotor::http {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

RequestHead Request(Method method = Method::kGet, int version_minor = 1, bool keep_alive = true) {
  RequestHead head;
  head.method = method;
  head.version_minor = version_minor;
  head.keep_alive = keep_alive;
  return head;
}

ResponseHead Head(int status, std::span<const Field> fields = {}) {
  ResponseHead head;
  head.status = status;
  head.fields = fields;
  return head;
}

class ResponseWriterTest : public testing::Test {
 protected:
  ResponseWriter writer_;
  StringOutput output_;
  ResponseDefaults defaults_;
};

TEST_F(ResponseWriterTest, WholeResponse) {
  ASSERT_TRUE(defaults_.Set(kDate, "Rotor").ok());
  const Field fields[] = {{"ETag", "\"1\""}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}};
  ResponseHead head = Head(200, fields);
  head.content_type = "text/plain";
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, head, "hello").ok());
  EXPECT_EQ(output_.text(),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: Rotor\r\n"
            "Content-Type: text/plain\r\nETag: \"1\"\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
            "Content-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(writer_.keep_alive());
  EXPECT_EQ(writer_.state(), ResponseWriter::State::kIdle);
}

TEST_F(ResponseWriterTest, ReasonIsTheUsualOneUnlessGiven) {
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(404), "").ok());
  ResponseHead head = Head(404);
  head.reason = "Gone Fishing";
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, head, "").ok());
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(599), "").ok());
  EXPECT_EQ(output_.text(),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            "HTTP/1.1 404 Gone Fishing\r\nContent-Length: 0\r\n\r\n"
            "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n");
}

struct Persistence {
  int version_minor;
  bool keep_alive;
  std::string_view expected;
};

TEST_F(ResponseWriterTest, ConnectionSaysWhatTheVersionDoesNot) {
  const Persistence rows[] = {{1, true, ""},
                              {1, false, "Connection: close\r\n"},
                              {0, true, "Connection: keep-alive\r\n"},
                              {0, false, "Connection: close\r\n"}};
  for (const Persistence& row : rows) {
    output_.Clear();
    writer_.Begin(Request(Method::kGet, row.version_minor, row.keep_alive));
    ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "").ok());
    EXPECT_EQ(output_.text(),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + std::string(row.expected) + "\r\n");
    EXPECT_EQ(writer_.keep_alive(), row.keep_alive);
  }
}

TEST_F(ResponseWriterTest, ServerMayClose) {
  writer_.Begin(Request());
  writer_.CloseAfterResponse();
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(writer_.keep_alive());
}

TEST_F(ResponseWriterTest, HeadGetsTheFieldsOfGetAndNoBody) {
  writer_.Begin(Request(Method::kHead));
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "hello").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  output_.Clear();
  writer_.Begin(Request(Method::kHead));
  ASSERT_TRUE(writer_.StartSized(output_, defaults_, Head(200), 7).ok());
  ASSERT_TRUE(writer_.Write(output_, "hello").ok());
  ASSERT_TRUE(writer_.Finish(output_).ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_TRUE(writer_.keep_alive());
  output_.Clear();
  writer_.Begin(Request(Method::kHead));
  ASSERT_TRUE(writer_.StartStreamed(output_, defaults_, Head(200)).ok());
  ASSERT_TRUE(writer_.Write(output_, "hello").ok());
  ASSERT_TRUE(writer_.Finish(output_).ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_F(ResponseWriterTest, SomeStatusesHaveNoBody) {
  for (const int status : {204, 304}) {
    output_.Clear();
    writer_.Begin(Request());
    EXPECT_EQ(writer_.Respond(output_, defaults_, Head(status), "x").code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(writer_.StartSized(output_, defaults_, Head(status), 1).ok());
    EXPECT_FALSE(writer_.StartStreamed(output_, defaults_, Head(status)).ok());
    EXPECT_EQ(output_.text(), "");
    ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(status), "").ok());
    EXPECT_EQ(output_.text().find("Content-Length"), std::string::npos);
    EXPECT_EQ(output_.text().find("Transfer-Encoding"), std::string::npos);
  }
  output_.Clear();
  writer_.Begin(Request());
  EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(205), "x").ok());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(205), "").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseWriterTest, SuccessOfConnectIsATunnel) {
  writer_.Begin(Request(Method::kConnect));
  EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(200), "x").ok());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\n\r\n");
  output_.Clear();
  writer_.Begin(Request(Method::kConnect));
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(405), "no").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 2\r\n\r\nno");
}

TEST_F(ResponseWriterTest, Upgrade) {
  const Field fields[] = {{"Upgrade", "websocket"}};
  RequestHead offer = Request();
  offer.upgrade = true;
  writer_.Begin(offer);
  EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(101), "").ok());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(101, fields), "").ok());
  EXPECT_EQ(
      output_.text(),
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  output_.Clear();
  writer_.Begin(Request(Method::kGet, 1, false));
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(426, fields), "").ok());
  EXPECT_EQ(output_.text(),
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
            "Connection: close, upgrade\r\n\r\n");
  // Nobody asked for it.
  writer_.Begin(Request());
  EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(101, fields), "").ok());
}

TEST_F(ResponseWriterTest, ContinueComesBeforeTheResponse) {
  writer_.Begin(Request(Method::kPost));
  writer_.WriteContinue(output_);
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(201), "").ok());
  EXPECT_EQ(output_.text(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseWriterTest, SizedBodyInPieces) {
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.StartSized(output_, defaults_, Head(200), 6).ok());
  ASSERT_TRUE(writer_.Write(output_, "abc").ok());
  EXPECT_EQ(writer_.Write(output_, "defg").code(), absl::StatusCode::kOutOfRange);
  ASSERT_TRUE(writer_.Write(output_, "def").ok());
  ASSERT_TRUE(writer_.Finish(output_).ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
  EXPECT_TRUE(writer_.keep_alive());
}

TEST_F(ResponseWriterTest, ShortBodyEndsTheConnection) {
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.StartSized(output_, defaults_, Head(200), 6).ok());
  ASSERT_TRUE(writer_.Write(output_, "abc").ok());
  EXPECT_EQ(writer_.Finish(output_).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(writer_.keep_alive());
  EXPECT_EQ(writer_.state(), ResponseWriter::State::kIdle);
}

TEST_F(ResponseWriterTest, ChunkedBodyWithTrailers) {
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.StartStreamed(output_, defaults_, Head(200)).ok());
  ASSERT_TRUE(writer_.Write(output_, "hello").ok());
  ASSERT_TRUE(writer_.Write(output_, "").ok());
  ASSERT_TRUE(writer_.Write(output_, "0123456789abcdef").ok());
  const Field forbidden[] = {{"Content-Length", "1"}};
  EXPECT_FALSE(writer_.Finish(output_, forbidden).ok());
  const Field trailers[] = {{"Digest", "x"}};
  ASSERT_TRUE(writer_.Finish(output_, trailers).ok());
  EXPECT_EQ(output_.text(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nDigest: x\r\n\r\n");
  EXPECT_TRUE(writer_.keep_alive());
}

TEST_F(ResponseWriterTest, OldVersionIsStreamedUntilTheClose) {
  writer_.Begin(Request(Method::kGet, 0, true));
  ASSERT_TRUE(writer_.StartStreamed(output_, defaults_, Head(200)).ok());
  ASSERT_TRUE(writer_.Write(output_, "hello").ok());
  const Field trailers[] = {{"Digest", "x"}};
  ASSERT_TRUE(writer_.Finish(output_, trailers).ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_FALSE(writer_.keep_alive());
}

TEST_F(ResponseWriterTest, WhatWouldSplitTheResponseIsRefused) {
  const std::string_view bad_values[] = {
      "a\r\nb", "a\nb", "a\rb", std::string_view("a\0b", 3), "a\x7f", "0123456789abcdef\n"};
  writer_.Begin(Request());
  for (const std::string_view bad : bad_values) {
    const Field value[] = {{"A", bad}};
    EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(200, value), "").ok());
    EXPECT_FALSE(writer_.StartStreamed(output_, defaults_, Head(200, value)).ok());
    const Field name[] = {{bad, "a"}};
    EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(200, name), "").ok());
    ResponseHead head = Head(200);
    head.reason = bad;
    EXPECT_FALSE(writer_.Respond(output_, defaults_, head, "").ok());
    head = Head(200);
    head.content_type = bad;
    EXPECT_FALSE(writer_.Respond(output_, defaults_, head, "").ok());
    EXPECT_FALSE(defaults_.Set(bad, "").ok());
    EXPECT_FALSE(defaults_.Set("", bad).ok());
  }
  for (const std::string_view bad : {"", "A B", "A:", "A\xc3\xa9", "(A)"}) {
    const Field name[] = {{bad, "a"}};
    EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(200, name), "").ok()) << bad;
  }
  EXPECT_EQ(output_.text(), "");
  ASSERT_TRUE(writer_.StartStreamed(output_, defaults_, Head(200)).ok());
  output_.Clear();
  const Field trailers[] = {{"A", "b\r\n\r\n"}};
  EXPECT_FALSE(writer_.Finish(output_, trailers).ok());
  EXPECT_EQ(output_.text(), "");
}

TEST_F(ResponseWriterTest, DefaultsThatAreRefusedLeaveThoseBefore) {
  ASSERT_TRUE(defaults_.Set("", "Rotor").ok());
  ASSERT_FALSE(defaults_.Set(kDate, "a\nb").ok());
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "").ok());
  EXPECT_EQ(output_.text(), "HTTP/1.1 200 OK\r\nServer: Rotor\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ResponseWriterTest, FieldsTheWriterOwnsAreRefused) {
  writer_.Begin(Request());
  for (const std::string_view name :
       {"content-length", "Transfer-Encoding", "Connection", "KEEP-ALIVE", "Date", "Server"}) {
    const Field field[] = {{name, "1"}};
    EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(200, field), "").ok()) << name;
  }
  for (const int status : {-1, 0, 100, 199, 600, 1000}) {
    EXPECT_FALSE(writer_.Respond(output_, defaults_, Head(status), "").ok()) << status;
  }
  EXPECT_EQ(output_.text(), "");
}

TEST_F(ResponseWriterTest, ResponseToAnUnknownRequestHasABodyAndEndsTheConnection) {
  writer_.Begin(Request(Method::kHead, 0));
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(200), "").ok());
  output_.Clear();
  // The next head is broken: nobody knows its method.
  writer_.BeginUnknown();
  EXPECT_FALSE(writer_.keep_alive());
  ASSERT_TRUE(defaults_.Set(kDate, "").ok());
  ASSERT_TRUE(writer_.Respond(output_, defaults_, Head(400), "broken").ok());
  EXPECT_TRUE(output_.text().starts_with("HTTP/1.1 400 Bad Request\r\nDate: Sun, "));
  EXPECT_TRUE(output_.text().ends_with("\r\nConnection: close\r\n\r\nbroken"));
}

TEST(ErrorPageTest, NamesStatusAndExplanationAndEscapesIt) {
  const std::string page = ErrorPageText(400, "a <script> & more");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_NE(page.find("<h1>400 Bad Request</h1><p>a &lt;script&gt; &amp; more</p>"),
            std::string::npos);
}

TEST_F(ResponseWriterTest, WholeResponseDoesNotAllocate) {
  class FixedOutput final : public Output {
   public:
    char* Reserve(size_t bytes) override { return bytes <= sizeof(bytes_) ? bytes_ : nullptr; }
    void Commit(size_t bytes) override { size = bytes; }
    size_t size = 0;

   private:
    char bytes_[1024];
  };
  FixedOutput output;
  ResponseHead head = Head(200);
  head.content_type = "text/plain";
  ASSERT_TRUE(defaults_.Set(kDate, "Rotor").ok());
  const size_t before = AllocationCount();
  writer_.Begin(Request());
  // The next second's fields fit into the memory of the last.
  const bool ok =
      defaults_.Set(kDate, "Rotor").ok() && writer_.Respond(output, defaults_, head, "hello").ok();
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_TRUE(ok);
  EXPECT_GT(output.size, 0u);
}

// What a client's parser makes of a response.
struct Received {
  std::string body;
  int messages = 0;
};

TEST_F(ResponseWriterTest, ClientsParserReadsWhatWasWritten) {
  std::string body;
  writer_.Begin(Request());
  ASSERT_TRUE(writer_.StartStreamed(output_, defaults_, Head(200)).ok());
  for (size_t size : {1u, 15u, 16u, 255u, 256u, 70000u}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    body += piece;
    ASSERT_TRUE(writer_.Write(output_, piece).ok());
  }
  ASSERT_TRUE(writer_.Finish(output_).ok());

  Received received;
  http_parser parser;
  http_parser_init(&parser, HTTP_RESPONSE);
  parser.data = &received;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_body = [](http_parser* from, const char* data, size_t size) {
    static_cast<Received*>(from->data)->body.append(data, size);
    return 0;
  };
  settings.on_message_complete = [](http_parser* from) {
    ++static_cast<Received*>(from->data)->messages;
    return 0;
  };
  const std::string& text = output_.text();
  EXPECT_EQ(http_parser_execute(&parser, &settings, text.data(), text.size()), text.size());
  EXPECT_EQ(received.body, body);
  EXPECT_EQ(received.messages, 1);
}

TEST(ResponseWriterDeathTest, CallsOutOfOrderAreProgrammersErrors) {
  StringOutput output;
  ResponseWriter idle;
  EXPECT_DEATH((void)idle.Respond(output, {}, Head(200), ""), "no response is due");
  EXPECT_DEATH((void)idle.StartStreamed(output, {}, Head(200)), "none is due");
  EXPECT_DEATH((void)idle.Write(output, "a"), "without a started response");
  EXPECT_DEATH((void)idle.Finish(output), "without a started response");
  EXPECT_DEATH(idle.CloseAfterResponse(), "after the head was written");
  ResponseWriter begun;
  begun.Begin(Request());
  EXPECT_DEATH(begun.Begin(Request()), "before the last response is complete");
  ResponseWriter started;
  started.Begin(Request());
  ASSERT_TRUE(started.StartStreamed(output, {}, Head(200)).ok());
  EXPECT_DEATH(started.BeginUnknown(), "before the last response is complete");
  EXPECT_DEATH(started.WriteContinue(output), "after the head was written");
  ResponseWriter old_version;
  old_version.Begin(Request(Method::kPost, 0));
  EXPECT_DEATH(old_version.WriteContinue(output), "HTTP/1.0");
}

}  // namespace
}  // namespace rotor::http
