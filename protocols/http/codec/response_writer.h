// Writes the responses of one HTTP/1.1 connection, as a server: values in, bytes out.
//
//   ResponseWriter writer;                               // one per connection
//   writer.Begin(head);                                  // for each request
//   writer.Respond(output, defaults, {.status = 200, .content_type = "text/plain"}, "hello");
//
// or, for a body that comes in pieces:
//
//   writer.StartSized(output, defaults, response_head, total_bytes);   // or StartStreamed()
//   writer.Write(output, piece);
//   writer.Finish(output);
//
// The writer owns the framing: it writes Content-Length, Transfer-Encoding, Connection, Date and
// Server itself, and knows which responses have no body. Names, values and reasons that would break
// the framing (CR, LF, NUL and other controls) are refused with a status before a byte is written
// (RFC 9110 section 5.5, RFC 9112 section 11.1: response splitting). Calls out of order are a
// programmer's error.
//
// Not thread-safe. Allocates only to say what was wrong.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_RESPONSE_WRITER_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_RESPONSE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/check.h"
#include "protocols/http/codec/framing_gate.h"
#include "protocols/http/codec/request_head.h"

namespace rotor::http {

// Where a response goes: one Reserve and one Commit per call of the writer.
class Output {
 public:
  virtual ~Output() = default;
  // Room for at least `bytes` bytes after what was committed, valid until the next call.
  virtual char* Reserve(size_t bytes) = 0;
  // The first `bytes` bytes of the room are now output; at most what was reserved.
  virtual void Commit(size_t bytes) = 0;
};

// What a server says in every response: Date and Server, checked and written out once and not for
// each response.
class ResponseDefaults {
 public:
  // Neither field.
  ResponseDefaults();

  // `date` in the form of FormatHttpDate; no Date field when empty, which is right only for a
  // server without a clock (RFC 9110 section 6.6.1). No Server field when `server` is empty.
  // kInvalidArgument, and nothing changed, if either would break the framing.
  absl::Status Set(std::string_view date, std::string_view server);

 private:
  friend class ResponseWriter;

  // The status line of 200, and the fields.
  std::string ok_head_;
};

struct ResponseHead {
  // 200 to 599, or 101 (see ResponseWriter::Respond).
  int status = 200;
  // The usual phrase for the status when empty.
  std::string_view reason = {};
  // No Content-Type field when empty.
  std::string_view content_type = {};
  // Further fields, written in this order. The names the writer owns (Connection, Content-Length,
  // Date, Keep-Alive, Server, Transfer-Encoding) are refused. With an Upgrade field the writer adds
  // `Connection: upgrade` (RFC 9110 section 7.8).
  std::span<const Field> fields = {};
};

class ResponseWriter {
 public:
  enum class State : uint8_t {
    kIdle,            // No request begun, or its response is complete.
    kHeadDue,         // A request has begun; nothing final written.
    kSizedBody,       // Content-Length was written.
    kChunkedBody,     // `Transfer-Encoding: chunked` was written.
    kBodyUntilClose,  // To an HTTP/1.0 client: the close ends the body.
    kBodyOmitted,     // The body that follows is checked and not sent (HEAD).
  };

  // A response to `request` is due; keeps nothing of it but method, version and persistence. In
  // state kIdle only.
  void Begin(const RequestHead& request) {
    ROTOR_CHECK(state_ == State::kIdle, "Begin() before the last response is complete");
    BeginResponse();
    method_ = request.method;
    old_version_ = request.version_minor == 0;
    upgrade_ = request.upgrade;
    keep_alive_ = request.keep_alive;
  }

  // The connection will be closed after this response, which says so. In state kHeadDue.
  void CloseAfterResponse();

  // `100 Continue` (RFC 9110 section 15.2.1), once the server wants the body of a request with
  // `expect_continue`. In state kHeadDue, not to HTTP/1.0.
  void WriteContinue(Output& output);

  // A whole response. `body` must be empty with 101, 204, 205, 304 and 2xx to CONNECT; after HEAD
  // its length is announced and it is not sent. 101 needs an Upgrade field and a request with one;
  // the connection then belongs to that protocol. In state kHeadDue; then kIdle.
  absl::Status Respond(Output& output, const ResponseDefaults& defaults, const ResponseHead& head,
                       std::string_view body);

  // The head of a response with a body of `content_length` bytes. The statuses without body, and
  // 101, go through Respond. In state kHeadDue.
  absl::Status StartSized(Output& output, const ResponseDefaults& defaults,
                          const ResponseHead& head, uint64_t content_length);

  // The same, with a body of unknown length: chunked, or until the close to HTTP/1.0 (RFC 9112
  // section 7.1 and 6.3).
  absl::Status StartStreamed(Output& output, const ResponseDefaults& defaults,
                             const ResponseHead& head);

  // Bytes of the body; may be empty. Refused as a whole when they exceed what StartSized announced.
  absl::Status Write(Output& output, std::string_view data);

  // Bytes of the body that were sent behind what was written, on another way; at most
  // body_bytes_left(). In state kSizedBody.
  void SkipBody(uint64_t bytes);
  // Of the length that StartSized announced, what is still to come. In state kSizedBody.
  uint64_t body_bytes_left() const { return body_bytes_left_; }

  // Ends the body; then kIdle. `trailers` go out after a chunked body only, and are dropped
  // otherwise (RFC 9110 section 6.5.1 allows no meaning to depend on them). Refused when a sized
  // body is short: the client cannot be told, so the connection must be closed, and keep_alive()
  // says so.
  absl::Status Finish(Output& output, std::span<const Field> trailers = {});

  // A response is due to a request whose head was the error, so that nothing is known of it: to
  // HTTP/1.1, with close. In state kIdle.
  void BeginUnknown();

  // Whether another request may follow on the connection, as far as is known by now.
  bool keep_alive() const { return keep_alive_; }
  State state() const { return state_; }
  // The final status of the response, and the bytes of its body written so far, framing not
  // counted, until the next one is begun; 0 before it is started.
  int status() const { return status_; }
  uint64_t body_bytes() const { return body_bytes_; }
  // A response is due or started, and not complete.
  bool in_progress() const { return state_ != State::kIdle; }

 private:
  enum class Framing : uint8_t;
  struct HeadPlan;

  bool in_body() const { return state_ >= State::kSizedBody; }
  absl::Status Start(Output& output, const HeadPlan& plan);
  std::string_view ConnectionLine(const ResponseHead& head) const;
  void WriteHead(Output& output, const HeadPlan& plan) const;
  void BeginResponse() {
    state_ = State::kHeadDue;
    status_ = 0;
    body_bytes_ = 0;
  }

  State state_ = State::kIdle;
  Method method_ = Method::kOther;
  bool old_version_ = false;  // The client speaks HTTP/1.0.
  bool upgrade_ = false;      // The client offers another protocol.
  bool keep_alive_ = false;
  uint16_t status_ = 0;
  uint64_t body_bytes_left_ = 0;
  uint64_t body_bytes_ = 0;
};

// A small text/html page that names `status` and `explanation`, which is plain text.
std::string ErrorPageText(int status, std::string_view explanation);

// The usual reason phrase (RFC 9110 section 15), or "" for a status without one.
std::string_view ReasonPhrase(int status);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_RESPONSE_WRITER_H_
