// What an HTTP connection does, whatever its handler. Compiled once; not for authors, except for
// ServerOptions.
//
//              first byte             head complete              body complete
//   kIdle ------------------> kHead -----------------> kBody ---------------------> handler
//     ^                         |  whole request there: the states between are skipped |
//     +------------------------------- keep-alive -------------------------------------+
//                   error, close or drain: kClosing, until the client has taken all and ends
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "core/buffer/buffer.h"
#include "core/machine/scope.h"
#include "protocols/http/codec/http_date.h"
#include "protocols/http/codec/request_parser.h"
#include "protocols/http/codec/response_writer.h"
#include "protocols/http/server/reply.h"
#include "protocols/stream/stream.h"

namespace rotor::http {

// Limits and deadlines of a server. What a peer sees when one is reached stands behind each.
struct ServerOptions : stream::ListenOptions {
  RequestLimits limits;                             // 400, 414 or 431, then close.
  size_t body_bytes_max = 1 << 20;                  // 413, then close.
  uint32_t requests_per_connection_max = 10000;     // The last response says close.
  absl::Duration head_timeout = absl::Seconds(10);  // From the first byte; 408, then close.
  absl::Duration body_timeout = absl::Seconds(30);  // From one piece to the next; 408, then close.
  // Between requests; closed silently. Also without taking any byte of a response; then aborted,
  // after at most twice this time.
  absl::Duration idle_timeout = absl::Seconds(60);
  absl::Duration close_timeout = absl::Seconds(5);  // From the end of ours to the peer's.
  std::string server_name = "rotor";                // In the Server field; none if empty.
};

// kInvalidArgument, with what and why, if a value is out of range or `server_name` cannot stand in
// a response.
absl::Status CheckServerOptions(const ServerOptions& options);

// What all connections of one server share, beside the handler.
class ServerShared {
 public:
  ServerShared(const ServerOptions& options, CounterRegistry& counters, std::string_view name);

  // With the Date of this second; formatted once per second.
  const ResponseDefaults& Defaults(Scope& scope);

  const ServerOptions options;
  RequestScratch scratch;
  Counter& requests;
  Counter& requests_refused;
  Counter& responses_failed;

 private:
  char date_[kHttpDateBytes];
  Time date_valid_until_;
  ResponseDefaults defaults_;
};

// One whole request on its way to the handler; lives on the stack.
struct Incoming {
  const RequestHead* head = nullptr;
  std::string_view body;
  std::span<const Field> trailers;
  size_t input_bytes = 0;  // What it still takes of the stream's input.
};

class ServerCore {
 public:
  Intent Start(Stream& stream, Scope& scope, ServerShared& shared) {
    return NextRequest(stream, scope, shared);
  }

  // Looks at the input. No intent: `incoming` is a whole request, to be answered.
  std::optional<Intent> Receive(Stream& stream, Scope& scope, ServerShared& shared,
                                Incoming& incoming);
  Reply MakeReply(const Incoming& incoming, Stream& stream, Scope& scope, ServerShared& shared);
  // After the handler. A response that it left out becomes 500; one left unfinished ends the
  // connection.
  Intent FinishRequest(Reply& reply, Stream& stream, Scope& scope, ServerShared& shared);

  Intent Flushed(Scope& scope, ServerShared& shared);
  Intent InputEnded(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Timeout(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Wakeup(Stream& stream, Scope& scope);
  void Describe(Description& description) const;

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kAnswering, kClosing };

  // A request that does not come in one piece.
  struct Partial {
    RequestParser parser;
    Deadline head_deadline = Deadline::Never();
    // Once the head is complete: a copy of it, and the body so far.
    Buffer head;
    Buffer body;
  };

  std::optional<Intent> ReceiveHead(Stream& stream, Scope& scope, ServerShared& shared,
                                    Incoming& incoming);
  std::optional<Intent> ReceiveBody(Stream& stream, Scope& scope, ServerShared& shared,
                                    Incoming& incoming);
  void BeginPartial(const RequestParser& parser);
  void KeepHead(std::string_view head, const RequestParser& parser, Scope& scope);
  Intent Refuse(int status, std::string_view reason, Stream& stream, Scope& scope,
                ServerShared& shared);
  Intent RefuseBody(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Close(Stream& stream, Scope& scope, ServerShared& shared);
  Intent NextRequest(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Await(Stream& stream, Scope& scope, ServerShared& shared);

  std::unique_ptr<Partial> partial_;
  ResponseWriter writer_;
  uint32_t requests_ = 0;
  uint32_t bytes_owed_ = 0;  // Of responses, when the idle timeout began.
  State state_ = State::kIdle;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_
