#include "protocols/http/server/server_core.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "core/base/check.h"

namespace rotor::http {

namespace {

constexpr size_t kBufferedBytesMax = (size_t{1} << 30) - 1;
constexpr uint32_t kPieceBytesMax = 64 << 10;

uint32_t LeastProgress(uint32_t bytes_per_second, absl::Duration window) {
  return static_cast<uint32_t>(
      std::clamp<int64_t>(absl::ToInt64Seconds(window * bytes_per_second), 1, 1 << 30));
}

}  // namespace

Intent ServerCore::Start(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  return NextRequest(event);
}

Intent ServerCore::FrameReceived(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  switch (state_) {
    case State::kBody:
      return ReceiveBody(event);
    case State::kStreaming:
      return ReceivePiece(event);
    case State::kDiscarding:
      return Discard(event);
    default:
      return ReceiveHead(event);
  }
}

// ---- The head ----

// The functions of a request that comes and is answered whole are inlined into each other: they
// are small, and most of what they would cost alone is their frames.
[[gnu::always_inline]] inline Intent ServerCore::ReceiveHead(const Event& event) {
  // A head that comes in one piece, as nearly all do, needs no memory of the connection.
  RequestParser whole;
  RequestParser& parser = pending_ != nullptr ? pending_->parser : whole;
  const HeadResult result = parser.ParseHead(event.stream.input(), event.shared.scratch);
  if (result.outcome == HeadResult::Outcome::kError) {
    return Refuse(result.error->status, result.error->reason, event);
  }
  if (result.outcome == HeadResult::Outcome::kNeedMore) return AwaitHead(parser, event);

  const RequestHead& head = *result.head;
  event.shared.requests.Add();
  writer_.Begin(head);
  if (event.shared.access_records.on()) BeginRecord(&head, event);
  state_ = State::kAnswering;
  // What follows CONNECT is no request but the tunnel's, if the handler grants one (RFC 9110
  // section 9.3.6).
  if (++requests_ >= event.shared.options.requests_per_connection_max ||
      head.method == Method::kConnect) {
    writer_.CloseAfterResponse();
  }
  if (event.shared.calls->head_received != nullptr) {
    return AskForPlan(head, result.head_size, parser, event);
  }
  if (parser.body_pending()) {
    return ReceiveBuffered(head, result.head_size, event.shared.options.body_bytes_max, parser,
                           event);
  }
  return Answer({.head = head, .body = {}, .trailers = {}}, result.head_size, event);
}

Intent ServerCore::AwaitHead(const RequestParser& parser, const Event& event) {
  if (pending_ == nullptr) {
    BeginPending(parser, event);
    // Absolute: a byte now and then does not extend it.
    pending_->head_deadline = event.scope.now() + event.shared.options.head_timeout;
    state_ = State::kHead;
  }
  return Expect::Bytes(static_cast<uint32_t>(event.stream.input().size() + 1))
      .Before(pending_->head_deadline);
}

Intent ServerCore::AskForPlan(const RequestHead& head, size_t head_bytes, RequestParser& parser,
                              const Event& event) {
  if (parser.body_pending()) BeginBody(head, head_bytes, parser, event);
  Reply reply = MakeReply(event, head_bytes);
  BodyPlan plan = event.shared.calls->head_received(event.shared, head, reply, event.scope);
  if (reply.hand_over_.has_value()) return *std::move(reply.hand_over_);
  const bool progressive = plan.kind_ == BodyPlan::Kind::kProgressive;
  if (!progressive && plan.kind_ != BodyPlan::Kind::kAnswered && !reply.started()) {
    ROTOR_CHECK(reply.exchange_ == nullptr,
                "HeadReceived: AnswerLater() goes with BodyPlan::Answered()");
    const bool own = plan.kind_ == BodyPlan::Kind::kBuffered;
    const size_t bytes_max = own ? plan.bytes_ : event.shared.options.body_bytes_max;
    return ReceiveBuffered(head, head_bytes, std::min(bytes_max, kBufferedBytesMax),
                           pending_ != nullptr ? pending_->parser : parser, event);
  }
  ROTOR_CHECK(!progressive || (plan.exchange_ != nullptr && reply.exchange_ == nullptr),
              "BodyPlan::Progressive() has one exchange, and AnswerLater() none");
  event.stream.Consume(head_bytes);
  if (!progressive) return TakeExchange(reply, event);
  if (pending_ == nullptr) BeginPending(parser, event);
  pending_->piece_bytes_min =
      std::clamp(static_cast<uint32_t>(plan.bytes_), uint32_t{1}, kPieceBytesMax);
  pending_->exchange = std::move(plan.exchange_);
  pending_->end_due = !pending_->parser.body_pending();
  state_ = State::kStreaming;
  return Proceed(plan.next_, reply, event);
}

void ServerCore::BeginPending(const RequestParser& parser, const Event& event) {
  pending_ = event.shared.TakePending();
  pending_->parser = parser;
}

void ServerCore::BeginBody(const RequestHead& head, size_t head_bytes, const RequestParser& parser,
                           const Event& event) {
  if (pending_ == nullptr) BeginPending(parser, event);
  pending_->body_bytes_left = head.content_length;
  pending_->sized = head.body_kind == BodyKind::kSized;
  // Not if it did not wait (RFC 9110 section 10.1.1).
  pending_->continue_due = head.expect_continue && event.stream.input().size() == head_bytes;
}

void ServerCore::EndPending(const Event& event) {
  if (pending_ != nullptr) event.shared.GiveBack(std::move(pending_));
}

// ---- The body ----

Intent ServerCore::ReceiveBuffered(const RequestHead& head, size_t head_bytes, size_t bytes_max,
                                   RequestParser& parser, const Event& event) {
  const std::string_view input = event.stream.input();
  if (!parser.body_pending()) {
    return Answer({.head = head, .body = {}, .trailers = {}}, head_bytes, event);
  }
  if (head.content_length > bytes_max) return RefuseBody(event);
  if (head.body_kind == BodyKind::kSized && input.size() - head_bytes >= head.content_length) {
    const BodyResult body = parser.ParseBody(input.substr(head_bytes), event.shared.scratch);
    ROTOR_CHECK(body.outcome == BodyResult::Outcome::kComplete, "a whole sized body is complete");
    return Answer({.head = head, .body = body.data, .trailers = {}}, head_bytes + body.consumed,
                  event);
  }
  BeginBody(head, head_bytes, parser, event);
  pending_->body_bytes_max = bytes_max;
  pending_->head.Append(event.scope.buffer_pool(), input.substr(0, head_bytes));
  event.stream.Consume(head_bytes);
  state_ = State::kBody;
  SendContinue(event);
  return ReceiveBody(event);
}

Intent ServerCore::ReceiveBody(const Event& event) {
  using Outcome = BodyResult::Outcome;
  PendingRequest& pending = *pending_;
  for (;;) {
    const BodyResult result = pending.parser.ParseBody(event.stream.input(), event.shared.scratch);
    if (result.outcome == Outcome::kError) {
      return Refuse(result.error->status, result.error->reason, event);
    }
    if (pending.body.size() + result.data.size() > pending.body_bytes_max) return RefuseBody(event);
    pending.body.Append(event.scope.buffer_pool(), result.data);
    event.stream.Consume(result.consumed);
    pending.body_bytes_in_window += result.consumed;
    if (result.outcome == Outcome::kNeedMore) return AwaitInput(event);
    if (result.outcome == Outcome::kData) continue;
    // Views of the head ended when its bytes were consumed; the copy gives them back.
    RequestParser again;
    const HeadResult head = again.ParseHead(pending.head.view(), event.shared.scratch);
    ROTOR_CHECK(head.outcome == HeadResult::Outcome::kHead, "a head that was complete stays so");
    state_ = State::kAnswering;
    return Answer({.head = *head.head, .body = pending.body.view(), .trailers = result.trailers}, 0,
                  event);
  }
}

Intent ServerCore::ReceivePiece(const Event& event) {
  using Outcome = BodyResult::Outcome;
  PendingRequest& pending = *pending_;
  BufferPool& pool = event.scope.buffer_pool();
  for (;;) {
    const RequestParser before = pending.parser;
    const BodyResult result = pending.parser.ParseBody(event.stream.input(), event.shared.scratch);
    if (result.outcome == Outcome::kError) {
      return Refuse(result.error->status, result.error->reason, event);
    }
    const bool complete = result.outcome == Outcome::kComplete;
    pending.body_bytes_in_window += result.consumed;
    const size_t piece_bytes = pending.body.size() + result.data.size();
    if (pending.sized) pending.body_bytes_left -= result.data.size();
    if (!complete && piece_bytes < pending.piece_bytes_min) {
      pending.body.Append(pool, result.data);
      event.stream.Consume(result.consumed);
      if (result.outcome == Outcome::kNeedMore) return AwaitInput(event);
      continue;
    }
    if (piece_bytes == 0) {
      event.stream.Consume(result.consumed);
      return EndRequest(result.trailers, event);
    }
    Buffer kept = std::move(pending.body);
    if (!kept.empty()) kept.Append(pool, result.data);
    if (complete && !pending.sized) {
      // The trailers are to be parsed when they are wanted.
      pending.parser = before;
    } else {
      event.stream.Consume(result.consumed);
      pending.end_due = complete;
    }
    Reply reply = ReplyForExchange(event);
    const Next next = pending.exchange->BodyReceived(kept.empty() ? result.data : kept.view(),
                                                     reply, event.scope);
    const bool goes_on = next.kind_ == Next::Kind::kBody || next.kind_ == Next::Kind::kUnchanged;
    if (!complete || pending.sized || !goes_on || !writer_.in_progress()) {
      return Proceed(next, reply, event);
    }
    if (next.kind_ == Next::Kind::kBody) pending.next = next;
  }
}

Intent ServerCore::EndRequest(std::span<const Field> trailers, const Event& event) {
  pending_->end_due = false;
  state_ = State::kAnswering;
  Reply reply = ReplyForExchange(event);
  const Next next = pending_->exchange->RequestEnded(trailers, reply, event.scope);
  return Proceed(next, reply, event);
}

// Drops the rest of a body that nobody wants, so that the next request can follow.
Intent ServerCore::Discard(const Event& event) {
  while (pending_->parser.body_pending()) {
    const BodyResult result =
        pending_->parser.ParseBody(event.stream.input(), event.shared.scratch);
    event.stream.Consume(result.consumed);
    pending_->body_bytes_in_window += result.consumed;
    if (result.outcome == BodyResult::Outcome::kNeedMore) return AwaitInput(event);
  }
  EndPending(event);
  return NextRequest(event);
}

Intent ServerCore::AwaitInput(const Event& event) {
  return Expect::Bytes(static_cast<uint32_t>(event.stream.input().size() + 1))
      .Before(BodyDeadline(event));
}

// By when the next event must come while a body is read.
Deadline ServerCore::BodyDeadline(const Event& event) {
  PendingRequest& pending = *pending_;
  if (pending.body_window_end.is_never()) {
    pending.body_window_end = event.scope.now() + event.shared.options.body_window;
    pending.body_bytes_in_window = 0;
  }
  if (state_ != State::kStreaming) return pending.body_window_end;
  return Sooner(pending.body_window_end, Sooner(pending.write_window_end, pending.next.deadline_));
}

void ServerCore::SendContinue(const Event& event) {
  if (!std::exchange(pending_->continue_due, false)) return;
  if (writer_.state() != ResponseWriter::State::kHeadDue) return;
  Reply::StreamOutput output(event.stream);
  writer_.WriteContinue(output);
}

// ---- The response ----

inline Reply::BodyLeft ServerCore::BodyLeft(const Event& event) const {
  using Left = Reply::BodyLeft;
  if (pending_ == nullptr || !pending_->parser.body_pending()) return Left::kNothing;
  // A client that waits for 100 and sees a final status may send the body or not: nobody can tell.
  const bool little = pending_->sized && !pending_->continue_due &&
                      pending_->body_bytes_left <= event.shared.options.discard_bytes_max;
  return little ? Left::kLittle : Left::kMuch;
}

inline Reply ServerCore::MakeReply(const Event& event, size_t request_bytes) {
  if (event.scope.draining() && writer_.state() == ResponseWriter::State::kHeadDue) {
    writer_.CloseAfterResponse();
  }
  return Reply(writer_, event.shared, event.shared.Defaults(event.scope), event.stream,
               request_bytes, BodyLeft(event));
}

// For a call of the exchange.
Reply ServerCore::ReplyForExchange(const Event& event) {
  // What it writes now is a new debt.
  if (event.stream.output_bytes() == 0) pending_->write_window_end = Deadline::Never();
  return MakeReply(event);
}

[[gnu::always_inline]] inline Intent ServerCore::Answer(const Request& request,
                                                        size_t request_bytes, const Event& event) {
  Reply reply = MakeReply(event, request_bytes);
  event.shared.calls->request_received(event.shared, request, reply, event.scope);
  if (reply.hand_over_.has_value()) return *std::move(reply.hand_over_);
  event.stream.Consume(request_bytes);
  // As nearly all end.
  if (reply.exchange_ == nullptr && pending_ == nullptr && !writer_.in_progress() &&
      writer_.keep_alive()) {
    return NextRequest(event);
  }
  return TakeExchange(reply, event);
}

// After a call of the handler that left the response complete, or to an exchange.
Intent ServerCore::TakeExchange(Reply& reply, const Event& event) {
  if (reply.exchange_ == nullptr) return Proceed(Next::Finished(), reply, event);
  if (pending_ == nullptr) BeginPending(RequestParser(), event);
  pending_->head.Clear();
  pending_->body.Clear();
  pending_->exchange = std::move(reply.exchange_);
  state_ = State::kAnswering;
  return Proceed(reply.next_, reply, event);
}

Intent ServerCore::Proceed(Next next, Reply& reply, const Event& event) {
  using Kind = Next::Kind;
  ROTOR_CHECK(reply.exchange_ == nullptr, "AnswerLater() is for handlers, not for exchanges");
  if (writer_.state() == ResponseWriter::State::kBodyOmitted) (void)reply.Finish();
  if (writer_.state() == ResponseWriter::State::kIdle) return FinishResponse(event);
  if (next.kind_ == Kind::kUnchanged) next = pending_->next;
  if (next.kind_ == Kind::kFinished) {
    event.shared.responses_failed.Add();
    if (!reply.started()) {
      return Refuse(500, "The server has no answer to this request.", event);
    }
    // The client notices, unless it speaks HTTP/1.0: bytes or the last chunk are missing.
    return Close(event);
  }
  pending_->next = next;
  if (next.kind_ == Kind::kBody && state_ == State::kStreaming) {
    if (pending_->end_due) return EndRequest({}, event);
    SendContinue(event);
  }
  return AwaitExchange(event);
}

Intent ServerCore::AwaitExchange(const Event& event) {
  PendingRequest& pending = *pending_;
  // Without output, a file may wait for the client.
  const bool flushing = pending.next.kind_ == Next::Kind::kFlushed;
  if (event.stream.output_bytes() == 0 && !flushing) {
    pending.write_window_end = Deadline::Never();
  } else if (pending.write_window_end.is_never()) {
    knows_taken_ = false;
    pending.write_window_end = event.scope.now() + event.shared.options.write_window;
  }
  if (pending.next.kind_ == Next::Kind::kBody && state_ == State::kStreaming) {
    return Expect::Bytes(1).Before(BodyDeadline(event));
  }
  // A client that is held back is not slow.
  pending.body_window_end = Deadline::Never();
  // So that Reply::room() is not empty then.
  const uint32_t level =
      std::min(pending.next.bytes_left_, event.shared.options.stream.output_pause_bytes / 2);
  Expect expect = flushing ? Expect::FlushedTo(level) : Expect::NothingButWakeup();
  if (state_ == State::kAnswering && pending.exchange->ends_with_client()) {
    expect = expect.OrPeerFinished();
  }
  return expect.Before(Sooner(pending.write_window_end, pending.next.deadline_));
}

Intent ServerCore::FinishResponse(const Event& event) {
  const Reply::BodyLeft left = BodyLeft(event);
  // A response begun before the drain did not say close.
  const bool drained = event.scope.draining() && event.stream.input().empty();
  if (left == Reply::BodyLeft::kMuch || !writer_.keep_alive() || drained) return Close(event);
  if (left == Reply::BodyLeft::kLittle) {
    pending_->exchange.reset();
    pending_->body.Clear();
    pending_->body_window_end = Deadline::Never();
    state_ = State::kDiscarding;
    return Discard(event);
  }
  EndPending(event);
  return NextRequest(event);
}

// ---- The other events ----

Intent ServerCore::Flushed(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  if (!exchanging()) return Linger(event);
  pending_->next = Next::WaitUntil(pending_->next.deadline_);
  // Its debt is an old one.
  Reply reply = MakeReply(event);
  const Next next = pending_->exchange->Flushed(reply, scope);
  return Proceed(next, reply, event);
}

Intent ServerCore::InputEnded(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  // Only when the exchange wants to end with its client.
  if (state_ == State::kAnswering) return Intent::Abort(absl::OkStatus());
  if (state_ == State::kIdle || state_ == State::kDiscarding) return Close(event);
  // An empty line, which some clients send behind a body, is no request (RFC 9112 section 2.2).
  if (state_ == State::kHead && stream.input() == "\r\n") return Close(event);
  return Refuse(400, "The request is incomplete.", event);
}

Intent ServerCore::Timeout(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  switch (state_) {
    case State::kIdle:
      return IdleTimeout(event);
    case State::kHead:
      return RefuseLate(event);
    case State::kBody:
      return BodyComes(event) ? AwaitInput(event) : RefuseLate(event);
    case State::kStreaming:
    case State::kAnswering:
      return ExchangeTimeout(event);
    case State::kDiscarding:
      return BodyComes(event) ? AwaitInput(event) : Close(event);
    case State::kClosing:
      break;
  }
  return ClientTakesOutput(event) ? AwaitClient(event) : AbortUnread();
}

Intent ServerCore::IdleTimeout(const Event& event) {
  const absl::Duration waited = event.shared.first_idle_wait;
  if (event.stream.output_bytes() > 0) {
    if (!ClientTakesOutput(event)) return AbortUnread();
    idle_time_left_ = true;
    return Expect::Bytes(1).Before(event.scope.now() + waited);
  }
  const absl::Duration rest = event.shared.options.idle_timeout - waited;
  if (!std::exchange(idle_time_left_, false) || rest <= absl::ZeroDuration()) {
    return Intent::Abort(absl::OkStatus());
  }
  return Expect::Bytes(1).Before(event.scope.now() + rest);
}

Intent ServerCore::ExchangeTimeout(const Event& event) {
  const Time now = event.scope.now();
  PendingRequest& pending = *pending_;
  if (pending.next.deadline_.ReachedAt(now)) {
    pending.next = Next::Finished();
    Reply reply = ReplyForExchange(event);
    const Next next = pending.exchange->Timeout(reply, event.scope);
    return Proceed(next, reply, event);
  }
  if (pending.write_window_end.ReachedAt(now)) {
    const bool owed = event.stream.output_bytes() > 0 || pending.next.kind_ == Next::Kind::kFlushed;
    if (owed && !ClientTakesOutput(event)) return AbortUnread();
    pending.write_window_end = now + event.shared.options.write_window;
  }
  if (pending.body_window_end.ReachedAt(now) && !BodyComes(event)) return RefuseLate(event);
  return AwaitExchange(event);
}

// ---- Progress of the client ----

// At the end of a window: was enough taken? Begins the next one. The first only says what the
// second begins with. What the client's host has acknowledged counts, not what the system has
// taken: that may stand still for minutes while the client reads from large buffers, and moves at
// the beginning though nobody reads.
bool ServerCore::ClientTakesOutput(const Event& event) {
  const ServerOptions& options = event.shared.options;
  const uint32_t before = taken_;
  taken_ = event.stream.bytes_sent() - static_cast<uint32_t>(event.stream.bytes_untaken());
  return !std::exchange(knows_taken_, true) ||
         taken_ - before >= LeastProgress(options.write_bytes_per_second_min, options.write_window);
}

// The same for a body.
bool ServerCore::BodyComes(const Event& event) {
  const ServerOptions& options = event.shared.options;
  const uint64_t came = std::exchange(pending_->body_bytes_in_window, 0);
  pending_->body_window_end = event.scope.now() + options.body_window;
  return came >= LeastProgress(options.body_bytes_per_second_min, options.body_window);
}

Intent ServerCore::Wakeup(Stream& stream, Scope& scope, ServerShared& shared) {
  const Event event = {stream, scope, shared};
  if (exchanging()) {
    Reply reply = ReplyForExchange(event);
    const Next next = pending_->exchange->Wakeup(reply, scope);
    return Proceed(next, reply, event);
  }
  // A request on its way is answered first, and its response says close.
  if (scope.draining() && state_ == State::kIdle && stream.input().empty()) {
    state_ = State::kClosing;
    return stream.CloseForDrain();
  }
  return Intent::Unchanged();
}

// For the access log.
void ServerCore::BeginRecord(const RequestHead* head, const Event& event) {
  event.shared.access_records.Begin(head, event.stream.peer(), event.scope.wall_time(),
                                    event.scope.now(), record_);
}

void ServerCore::EndRecord(const Event& event) {
  event.shared.access_records.End(event.scope.now(), record_);
}

Intent ServerCore::Refuse(int status, std::string_view reason, const Event& event) {
  using WriterState = ResponseWriter::State;
  event.shared.requests_refused.Add();
  if (writer_.state() == WriterState::kIdle) {
    writer_.BeginUnknown();
    if (event.shared.access_records.on()) BeginRecord(nullptr, event);
  }
  if (writer_.state() != WriterState::kHeadDue) {
    event.shared.responses_failed.Add();
    return Close(event);
  }
  writer_.CloseAfterResponse();
  Reply reply = MakeReply(event);
  absl::Status sent = reply.SendError(status, reason);
  // The handler's page cannot be sent.
  if (!sent.ok()) {
    sent =
        reply.Send({.status = status, .content_type = "text/html"}, ErrorPageText(status, reason));
  }
  ROTOR_CHECK(sent.ok(), "the server's own error page is refused: a bad server_name?");
  return Close(event);
}

Intent ServerCore::RefuseBody(const Event& event) {
  return Refuse(413, "The request's body is larger than this server accepts.", event);
}

Intent ServerCore::RefuseLate(const Event& event) {
  return Refuse(408, "The request did not arrive in time.", event);
}

Intent ServerCore::AbortUnread() {
  return Intent::Abort(absl::DeadlineExceededError("the client does not read its responses"));
}

Intent ServerCore::Close(const Event& event) {
  if (event.shared.access_records.on()) EndRecord(event);
  EndPending(event);
  state_ = State::kClosing;
  if (event.stream.output_bytes() == 0) return Linger(event);
  event.stream.EndOutput();
  knows_taken_ = false;
  return AwaitClient(event);
}

Intent ServerCore::AwaitClient(const Event& event) {
  return Expect::FlushedTo(0).Before(event.scope.now() + event.shared.options.write_window);
}

// All is sent; the client is to read it before the connection goes (RFC 9112 section 9.6).
Intent ServerCore::Linger(const Event& event) {
  return Intent::CloseAfterFlush(
      Sooner(event.scope.now() + event.shared.options.close_timeout, event.scope.drain_deadline()));
}

[[gnu::always_inline]] inline Intent ServerCore::NextRequest(const Event& event) {
  if (event.shared.access_records.on()) EndRecord(event);
  state_ = State::kIdle;
  // The last response has not even left, so the time to take it comes first.
  knows_taken_ = false;
  idle_time_left_ = event.stream.output_bytes() > 0;
  const Time now = event.scope.now();
  return Expect::Bytes(1).Before(idle_time_left_ ? event.shared.FirstIdleDeadline(now)
                                                 : now + event.shared.options.idle_timeout);
}

void ServerCore::Describe(Description& description) const {
  static constexpr const char* kNames[] = {"idle",      "reading head", "reading body",
                                           "streaming", "answering",    "discarding body",
                                           "closing"};
  description.state = kNames[static_cast<size_t>(state_)];
  if (pending_ == nullptr) return;
  description.bytes_held +=
      sizeof(PendingRequest) + pending_->head.capacity() + pending_->body.capacity();
  if (pending_->exchange != nullptr) description.bytes_held += pending_->exchange->bytes_held();
}

}  // namespace rotor::http
