#include "protocols/http/server/server_core.h"

#include <utility>

#include "absl/status/status.h"
#include "core/base/check.h"

namespace rotor::http {

absl::Status CheckServerOptions(const ServerOptions& options) {
  for (const char c : options.server_name) {
    // RFC 9110 section 5.5 allows more; a product name needs no more.
    if (c < 0x20 || c > 0x7e) {
      return absl::InvalidArgumentError(
          "ServerOptions: server_name has a byte that is not ASCII text");
    }
  }
  if (options.requests_per_connection_max == 0) {
    return absl::InvalidArgumentError("ServerOptions: requests_per_connection_max is 0");
  }
  if (options.body_bytes_max >= (size_t{1} << 30)) {
    return absl::InvalidArgumentError("ServerOptions: body_bytes_max is 1 GiB or more");
  }
  return absl::OkStatus();
}

ServerShared::ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
                           std::string_view name)
    : options(server_options),
      scratch(server_options.limits),
      requests(counters.Get(name, "requests")),
      requests_refused(counters.Get(name, "requests_refused")),
      responses_failed(counters.Get(name, "responses_failed")) {}

const ResponseDefaults& ServerShared::Defaults(Scope& scope) {
  if (defaults_.date.empty() || scope.now() >= date_valid_until_) {
    const absl::Time wall = scope.wall_time();
    const int64_t seconds = absl::ToUnixSeconds(wall);
    FormatHttpDate(seconds, date_);
    date_valid_until_ = scope.now() + (absl::FromUnixSeconds(seconds + 1) - wall);
    defaults_ = {.date = std::string_view(date_, kHttpDateBytes), .server = options.server_name};
  }
  return defaults_;
}

std::optional<Intent> ServerCore::Receive(Stream& stream, Scope& scope, ServerShared& shared,
                                          Incoming& incoming) {
  std::optional<Intent> intent = state_ == State::kBody
                                     ? ReceiveBody(stream, scope, shared, incoming)
                                     : ReceiveHead(stream, scope, shared, incoming);
  if (!intent.has_value()) state_ = State::kAnswering;
  return intent;
}

std::optional<Intent> ServerCore::ReceiveHead(Stream& stream, Scope& scope, ServerShared& shared,
                                              Incoming& incoming) {
  // A head that comes in one piece, as nearly all do, needs no memory of the connection.
  RequestParser whole;
  RequestParser& parser = partial_ != nullptr ? partial_->parser : whole;
  const std::string_view input = stream.input();
  const HeadResult result = parser.ParseHead(input, shared.scratch);
  if (result.outcome == HeadResult::Outcome::kError) {
    return Refuse(result.error->status, result.error->reason, stream, scope, shared);
  }
  if (result.outcome == HeadResult::Outcome::kNeedMore) {
    if (partial_ == nullptr) {
      BeginPartial(parser);
      // Absolute: a byte now and then does not extend it.
      partial_->head_deadline = scope.now() + shared.options.head_timeout;
      state_ = State::kHead;
    }
    return Expect::Bytes(static_cast<uint32_t>(input.size() + 1)).Before(partial_->head_deadline);
  }

  const RequestHead& head = *result.head;
  shared.requests.Add();
  ++requests_;
  writer_.Begin(head);
  incoming = {.head = &head, .body = {}, .trailers = {}, .input_bytes = result.head_size};
  if (!parser.body_pending()) return std::nullopt;
  if (head.content_length > shared.options.body_bytes_max) {
    return RefuseBody(stream, scope, shared);
  }
  if (head.body_kind == BodyKind::kSized &&
      input.size() - result.head_size >= head.content_length) {
    const BodyResult body = parser.ParseBody(input.substr(result.head_size), shared.scratch);
    ROTOR_CHECK(body.outcome == BodyResult::Outcome::kComplete, "a whole sized body is complete");
    incoming.body = body.data;
    incoming.input_bytes += body.consumed;
    return std::nullopt;
  }
  const bool expect_continue = head.expect_continue && input.size() == result.head_size;
  KeepHead(input.substr(0, result.head_size), parser, scope);
  stream.Consume(result.head_size);
  if (expect_continue) {
    Reply reply = MakeReply(incoming, stream, scope, shared);
    writer_.WriteContinue(reply.output_);
  }
  return ReceiveBody(stream, scope, shared, incoming);
}

void ServerCore::BeginPartial(const RequestParser& parser) {
  partial_ = std::make_unique<Partial>();
  partial_->parser = parser;
}

void ServerCore::KeepHead(std::string_view head, const RequestParser& parser, Scope& scope) {
  if (partial_ == nullptr) BeginPartial(parser);
  partial_->head.Append(scope.buffer_pool(), head);
  state_ = State::kBody;
}

std::optional<Intent> ServerCore::ReceiveBody(Stream& stream, Scope& scope, ServerShared& shared,
                                              Incoming& incoming) {
  using Outcome = BodyResult::Outcome;
  for (;;) {
    const BodyResult result = partial_->parser.ParseBody(stream.input(), shared.scratch);
    if (result.outcome == Outcome::kError) {
      return Refuse(result.error->status, result.error->reason, stream, scope, shared);
    }
    if (partial_->body.size() + result.data.size() > shared.options.body_bytes_max) {
      return RefuseBody(stream, scope, shared);
    }
    partial_->body.Append(scope.buffer_pool(), result.data);
    stream.Consume(result.consumed);
    if (result.outcome == Outcome::kNeedMore) {
      return Expect::Bytes(static_cast<uint32_t>(stream.input().size() + 1))
          .Before(scope.now() + shared.options.body_timeout);
    }
    if (result.outcome == Outcome::kData) continue;
    // Views of the head ended when its bytes were consumed; the copy gives them back.
    RequestParser again;
    const HeadResult head = again.ParseHead(partial_->head.view(), shared.scratch);
    ROTOR_CHECK(head.outcome == HeadResult::Outcome::kHead, "a head that was complete stays so");
    incoming = {.head = head.head,
                .body = partial_->body.view(),
                .trailers = result.trailers,
                .input_bytes = 0};
    return std::nullopt;
  }
}

Reply ServerCore::MakeReply(const Incoming& incoming, Stream& stream, Scope& scope,
                            ServerShared& shared) {
  // What follows CONNECT is no request but the tunnel's, if the handler grants one (RFC 9110
  // section 9.3.6).
  if (scope.draining() || requests_ >= shared.options.requests_per_connection_max ||
      incoming.head->method == Method::kConnect) {
    writer_.CloseAfterResponse();
  }
  return Reply(writer_, shared.Defaults(scope), stream, incoming.input_bytes);
}

Intent ServerCore::FinishRequest(Reply& reply, Stream& stream, Scope& scope, ServerShared& shared) {
  if (reply.hand_over_.has_value()) return *std::move(reply.hand_over_);
  if (writer_.state() == ResponseWriter::State::kHeadDue) {
    shared.responses_failed.Add();
    return Refuse(500, "The server has no answer to this request.", stream, scope, shared);
  }
  partial_.reset();
  stream.Consume(reply.request_bytes_);
  if (writer_.state() != ResponseWriter::State::kIdle) {
    // The client notices, unless it speaks HTTP/1.0: bytes or the last chunk are missing.
    shared.responses_failed.Add();
    return Close(stream, scope, shared);
  }
  if (!writer_.keep_alive()) return Close(stream, scope, shared);
  return NextRequest(stream, scope, shared);
}

Intent ServerCore::Flushed(Scope& scope, ServerShared& shared) {
  return Intent::CloseAfterFlush(
      Sooner(scope.now() + shared.options.close_timeout, scope.drain_deadline()));
}

Intent ServerCore::InputEnded(Stream& stream, Scope& scope, ServerShared& shared) {
  if (state_ == State::kIdle) return Close(stream, scope, shared);
  return Refuse(400, "The request is incomplete.", stream, scope, shared);
}

Intent ServerCore::Timeout(Stream& stream, Scope& scope, ServerShared& shared) {
  if (state_ == State::kHead || state_ == State::kBody) {
    return Refuse(408, "The request did not arrive in time.", stream, scope, shared);
  }
  if (stream.output_bytes() == 0) return Intent::Abort(absl::OkStatus());
  // A slow reader is served as long as it takes something.
  if (stream.output_bytes() < bytes_owed_) return Await(stream, scope, shared);
  return Intent::Abort(absl::DeadlineExceededError("the client does not read its responses"));
}

Intent ServerCore::Wakeup(Stream& stream, Scope& scope) {
  // A request on its way is answered first, and its response says close.
  if (scope.draining() && state_ == State::kIdle && stream.input().empty()) {
    state_ = State::kClosing;
    return stream.CloseForDrain();
  }
  return Intent::Unchanged();
}

Intent ServerCore::Refuse(int status, std::string_view reason, Stream& stream, Scope& scope,
                          ServerShared& shared) {
  shared.requests_refused.Add();
  Reply reply(writer_, shared.Defaults(scope), stream, 0);
  const absl::Status sent = reply.SendError(status, reason);
  ROTOR_CHECK(sent.ok(), "the server's own error page is refused: a bad server_name?");
  return Close(stream, scope, shared);
}

Intent ServerCore::RefuseBody(Stream& stream, Scope& scope, ServerShared& shared) {
  return Refuse(413, "The request's body is larger than this server accepts.", stream, scope,
                shared);
}

Intent ServerCore::Close(Stream& stream, Scope& scope, ServerShared& shared) {
  partial_.reset();
  state_ = State::kClosing;
  return Await(stream, scope, shared);
}

Intent ServerCore::NextRequest(Stream& stream, Scope& scope, ServerShared& shared) {
  state_ = State::kIdle;
  return Await(stream, scope, shared);
}

// The next request, or that the last response has left.
Intent ServerCore::Await(Stream& stream, Scope& scope, ServerShared& shared) {
  bytes_owed_ = static_cast<uint32_t>(stream.output_bytes());
  const Expect expect = state_ == State::kClosing ? Expect::FlushedTo(0) : Expect::Bytes(1);
  return expect.Before(scope.now() + shared.options.idle_timeout);
}

void ServerCore::Describe(Description& description) const {
  static constexpr const char* kNames[] = {"idle", "reading head", "reading body", "answering",
                                           "closing"};
  description.state = kNames[static_cast<size_t>(state_)];
  if (partial_ != nullptr) {
    description.bytes_held +=
        sizeof(Partial) + partial_->head.capacity() + partial_->body.capacity();
  }
}

}  // namespace rotor::http
