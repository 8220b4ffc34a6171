// Request and Reply: what an HTTP handler is given.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "protocols/http/codec/request_head.h"
#include "protocols/http/codec/response_writer.h"
#include "protocols/http/server/exchange.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

class ServerShared;

// A request with its whole body. All views are valid until the handler returns.
struct Request {
  const RequestHead& head;
  std::string_view body;
  // Of a chunked body, without those that RFC 9110 section 6.5.1 forbids.
  std::span<const Field> trailers;
};

// The page of a response that says what went wrong. A handler's WriteErrorPage() may change
// `content_type` and `body`, which hold the server's own page.
struct ErrorPage {
  int status;
  std::string_view explanation;  // A sentence of the server or of who called SendError().
  std::string content_type;
  std::string body;
};

// The one response to one request; never store one. Either Send(), or StartSized() or
// StartStreamed() followed by Write() and Finish(). Framing, Date, Server and Connection are
// written by the server; a response that must not have a body (HEAD, 204, 304) has none. Names and
// values that would break the framing are refused with a status, and nothing is written.
class Reply {
 public:
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // A whole response. Not 101: see Upgrade(). The connection closes after it if the body of the
  // request was not read and is not small (see BodyPlan::Answered).
  absl::Status Send(const ResponseHead& head, std::string_view body) {
    if (head.status == 101) return absl::InvalidArgumentError("101 is sent by Reply::Upgrade()");
    // Said where it is known before the head is written (RFC 9112 section 9.6).
    if (body_left_ == BodyLeft::kMuch && !started()) writer_.CloseAfterResponse();
    return writer_.Respond(output_, defaults_, head, body);
  }
  // The common case: 200 with a body.
  absl::Status Send(std::string_view content_type, std::string_view body) {
    return Send({.content_type = content_type}, body);
  }
  // A small page that names `status` and `explanation`, plain text, or what the
  // handler's WriteErrorPage() makes of it, with further `fields`.
  absl::Status SendError(int status, std::string_view explanation,
                         std::span<const Field> fields = {});

  // A response in pieces, of a length known or unknown.
  absl::Status StartSized(const ResponseHead& head, uint64_t content_length) {
    return writer_.StartSized(output_, defaults_, head, content_length);
  }
  absl::Status StartStreamed(const ResponseHead& head) {
    return writer_.StartStreamed(output_, defaults_, head);
  }
  absl::Status Write(std::string_view data) { return writer_.Write(output_, data); }
  absl::Status Finish(std::span<const Field> trailers = {}) {
    return writer_.Finish(output_, trailers);
  }
  // The rest of a body begun with StartSized(), or the next part of it, from `offset` of `file` on
  // and without a copy; completes the response once all is sent. For an exchange's Flushed(), which
  // asks for Next::FlushedTo(0) until then: see Stream::SendFile() about the result. Not after
  // HEAD.
  IoResult SendFile(const Fd& file, uint64_t offset);
  // Something final was sent. After HEAD a response is complete with its head, and an exchange is
  // not called again.
  bool started() const { return writer_.state() != ResponseWriter::State::kHeadDue; }
  // Nothing more of the request is to come.
  bool request_complete() const { return body_left_ == BodyLeft::kNothing; }
  // Bytes of responses that the client has not taken.
  size_t bytes_owed() const { return stream_.output_bytes(); }
  // Bytes to write now, at most, so that no more than StreamOptions::output_pause_bytes are owed.
  // Wait for Next::FlushedTo() before the next ones.
  size_t room() const;

  // No further request on this connection. Before anything was sent.
  void CloseAfterResponse() { writer_.CloseAfterResponse(); }

  // From a handler: `exchange` answers, or completes the response started here. It gets the first
  // call when `next` says.
  void AnswerLater(std::unique_ptr<Exchange> exchange, Next next) {
    exchange_ = std::move(exchange);
    next_ = next;
  }

  // Answers 101, with further `fields`, and hands the connection to another protocol (RFC 9110
  // section 7.8), with what the client has sent behind the request. For a request that offers
  // `name` in its Upgrade field and has no body left. kResourceExhausted if the loop is full.
  template <typename P, typename... Args>
  absl::Status Upgrade(std::string_view name, std::span<const Field> fields,
                       const stream::Upgrade<P>& to, Args&&... args) {
    if (!to.spawner.HasRoom()) return absl::ResourceExhaustedError("no room for another protocol");
    absl::Status status = SendUpgrade(name, fields);
    if (!status.ok()) return status;
    hand_over_ = to.TakeOver(stream_, std::forward<Args>(args)...);
    return absl::OkStatus();
  }

 private:
  friend class ServerCore;

  // Of the request's body; kLittle is read and dropped if nobody wants it.
  enum class BodyLeft : uint8_t { kNothing, kLittle, kMuch };

  // Writes into the connection's buffer.
  class StreamOutput final : public Output {
   public:
    explicit StreamOutput(Stream& stream) : stream_(stream) {}
    char* Reserve(size_t bytes) override { return stream_.ReserveOutput(bytes).data(); }
    void Commit(size_t bytes) override { stream_.CommitOutput(bytes); }

   private:
    Stream& stream_;
  };

  // `request_bytes` of the stream's input are the request.
  Reply(ResponseWriter& writer, ServerShared& shared, const ResponseDefaults& defaults,
        Stream& stream, size_t request_bytes, BodyLeft body_left)
      : writer_(writer),
        shared_(shared),
        defaults_(defaults),
        output_(stream),
        stream_(stream),
        request_bytes_(request_bytes),
        body_left_(body_left) {}

  absl::Status SendUpgrade(std::string_view name, std::span<const Field> fields);

  ResponseWriter& writer_;
  ServerShared& shared_;
  const ResponseDefaults& defaults_;
  StreamOutput output_;
  Stream& stream_;
  const size_t request_bytes_;
  const BodyLeft body_left_;
  Next next_ = Next::Finished();
  std::unique_ptr<Exchange> exchange_;
  std::optional<Intent> hand_over_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_
