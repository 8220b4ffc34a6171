// Request and Reply: what an HTTP handler is given.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "protocols/http/codec/request_head.h"
#include "protocols/http/codec/response_writer.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

// A request with its whole body. All views are valid until the handler returns.
struct Request {
  const RequestHead& head;
  std::string_view body;
  // Of a chunked body, without those that RFC 9110 section 6.5.1 forbids.
  std::span<const Field> trailers;
};

// The one response to one request; never store one. Either Send(), or StartSized() or
// StartStreamed() followed by Write() and Finish(). Framing, Date, Server and Connection are
// written by the server; a response that must not have a body (HEAD, 204, 304) has none. Names and
// values that would break the framing are refused with a status, and nothing is written.
class Reply {
 public:
  // For the server: `request_bytes` of the stream's input are the request.
  Reply(ResponseWriter& writer, const ResponseDefaults& defaults, Stream& stream,
        size_t request_bytes)
      : writer_(writer),
        defaults_(defaults),
        output_(stream),
        stream_(stream),
        request_bytes_(request_bytes) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // A whole response. Not 101: see Upgrade().
  absl::Status Send(const ResponseHead& head, std::string_view body) {
    if (head.status == 101) return absl::InvalidArgumentError("101 is sent by Reply::Upgrade()");
    return writer_.Respond(output_, defaults_, head, body);
  }
  // The common case: 200 with a body.
  absl::Status Send(std::string_view content_type, std::string_view body) {
    return Send({.content_type = content_type}, body);
  }
  // A small page that names `status` and `explanation`, a literal; the connection closes after it.
  absl::Status SendError(int status, std::string_view explanation) {
    return writer_.RespondError(output_, defaults_, status, explanation);
  }

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

  // No further request on this connection. Before anything was sent.
  void CloseAfterResponse() { writer_.CloseAfterResponse(); }

  // Answers 101 and hands the connection to another protocol (RFC 9110 section 7.8), with what the
  // client has sent behind the request. For a request whose head.upgrade offers `name`, without
  // body.
  template <typename P, typename... Args>
  absl::Status Upgrade(std::string_view name, const stream::Upgrade<P>& to, Args&&... args) {
    const Field field{"Upgrade", name};
    absl::Status status =
        writer_.Respond(output_, defaults_, {.status = 101, .fields = {&field, 1}}, "");
    if (!status.ok()) return status;
    stream_.Consume(request_bytes_);
    hand_over_ = to.TakeOver(stream_, std::forward<Args>(args)...);
    return absl::OkStatus();
  }

 private:
  friend class ServerCore;

  // Writes into the connection's buffer.
  class StreamOutput final : public Output {
   public:
    explicit StreamOutput(Stream& stream) : stream_(stream) {}
    char* Reserve(size_t bytes) override { return stream_.ReserveOutput(bytes).data(); }
    void Commit(size_t bytes) override { stream_.CommitOutput(bytes); }

   private:
    Stream& stream_;
  };

  ResponseWriter& writer_;
  const ResponseDefaults& defaults_;
  StreamOutput output_;
  Stream& stream_;
  const size_t request_bytes_;
  std::optional<Intent> hand_over_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_REPLY_H_
