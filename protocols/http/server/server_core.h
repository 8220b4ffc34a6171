// What an HTTP connection does, whatever its handler. Compiled once; not for authors.
//
//            first byte          head complete              request complete
//   kIdle ---------------> kHead -------------> kBody  ---------------------> handler
//     ^                      |                  kStreaming (to an exchange)      |
//     |                      |                        |        kAnswering  <-----+ later
//     |                      |                        v            |             | at once
//     +--- keep-alive -------|-- kDiscarding <--------+------------+-------------+
//                            v                        v            v
//        error, close or drain: kClosing, until the client has taken all and ends
//
// A request that is there whole passes through all of them in one call.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/machine/scope.h"
#include "protocols/http/server/server_shared.h"
#include "protocols/stream/stream.h"

namespace rotor::http {

class ServerCore {
 public:
  Intent Start(Stream& stream, Scope& scope, ServerShared& shared);
  Intent FrameReceived(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Flushed(Stream& stream, Scope& scope, ServerShared& shared);
  Intent InputEnded(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Timeout(Stream& stream, Scope& scope, ServerShared& shared);
  Intent Wakeup(Stream& stream, Scope& scope, ServerShared& shared);
  void Describe(Description& description) const;

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kStreaming, kAnswering, kDiscarding, kClosing };
  // What the handlers above are given.
  struct Event {
    Stream& stream;
    Scope& scope;
    ServerShared& shared;
  };

  Intent ReceiveHead(const Event& event);
  Intent AwaitHead(const RequestParser& parser, const Event& event);
  Intent AskForPlan(const RequestHead& head, size_t head_bytes, RequestParser& parser,
                    const Event& event);
  Intent ReceiveBuffered(const RequestHead& head, size_t head_bytes, size_t bytes_max,
                         RequestParser& parser, const Event& event);
  void BeginPending(const RequestParser& parser, const Event& event);
  void BeginBody(const RequestHead& head, size_t head_bytes, const RequestParser& parser,
                 const Event& event);
  void EndPending(const Event& event);

  Intent ReceiveBody(const Event& event);
  Intent ReceivePiece(const Event& event);
  Intent EndRequest(std::span<const Field> trailers, const Event& event);
  Intent Discard(const Event& event);
  Intent AwaitInput(const Event& event);
  Deadline BodyDeadline(const Event& event);
  void SendContinue(const Event& event);

  Reply::BodyLeft BodyLeft(const Event& event) const;
  Reply MakeReply(const Event& event, size_t request_bytes = 0);
  Reply ReplyForExchange(const Event& event);
  Intent Answer(const Request& request, size_t request_bytes, const Event& event);
  Intent TakeExchange(Reply& reply, const Event& event);
  // After a call of handler or exchange that answered `next`.
  Intent Proceed(Next next, Reply& reply, const Event& event);
  Intent AwaitExchange(const Event& event);
  Intent FinishResponse(const Event& event);
  bool exchanging() const { return state_ == State::kStreaming || state_ == State::kAnswering; }

  Intent IdleTimeout(const Event& event);
  Intent ExchangeTimeout(const Event& event);
  bool ClientTakesOutput(const Event& event);
  bool BodyComes(const Event& event);

  // With a log only.
  void BeginRecord(const RequestHead* head, const Event& event);
  void EndRecord(const Event& event);
  Intent Refuse(int status, std::string_view reason, const Event& event);
  Intent RefuseBody(const Event& event);
  Intent RefuseLate(const Event& event);
  static Intent AbortUnread();
  Intent Close(const Event& event);
  Intent Linger(const Event& event);
  Intent NextRequest(const Event& event);
  Intent AwaitClient(const Event& event);

  std::unique_ptr<PendingRequest> pending_;
  ResponseWriter writer_;
  AccessRecordHolder record_{writer_};
  uint32_t requests_ = 0;
  // Bytes of output the client's host had taken when this window of time began, modulo 2^32.
  uint32_t taken_ = 0;
  bool knows_taken_ = false;
  bool idle_time_left_ = false;  // The deadline is sooner than the idle timeout.
  State state_ = State::kIdle;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_CORE_H_
