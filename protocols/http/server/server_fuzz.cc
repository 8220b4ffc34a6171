// Whatever a client sends, and however the network brings it: the server sends well-formed
// responses, in order, nothing behind one that closes, lets its handler see nothing behind such a
// one either, holds no memory in the end, and answers the same as over a network without faults.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/check.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "protocols/http/codec/request_case.h"
#include "protocols/http/codec/request_transcript.h"
#include "protocols/http/server/sent_responses.h"
#include "protocols/http/server/server.h"

namespace rotor::http {
namespace {

constexpr std::string_view kIndexField = "X-Index";

// What the handler of the one connection has done.
struct Visits {
  int answered = 0;       // Responses that name their index.
  bool finished = false;  // A request or a response said that it is the last.
  BufferPool* pool = nullptr;
};

// What a response says of the request it answers.
class Label {
 public:
  Label(const RequestHead& head, Visits& visits)
      : visits_(visits),
        method_(head.method_text),
        status_(head.method == Method::kConnect ? 405 : 200) {}

  // Calls `send` with the head of the response.
  absl::Status Send(const std::function<absl::Status(const ResponseHead&)>& send) {
    const std::string index = absl::StrCat(visits_.answered++);
    const Field fields[] = {{kAnswersField, method_}, {kIndexField, index}};
    return send({.status = status_, .content_type = "text/plain", .fields = fields});
  }
  Visits& visits() const { return visits_; }

 private:
  Visits& visits_;
  const std::string method_;
  const int status_;
};

void CheckSent(const absl::Status& status) { ROTOR_CHECK(status.ok(), "the response is valid"); }

// Answers with what it was told, and the body if it comes in pieces, as late as `way` says.
class EchoExchange final : public Exchange {
 public:
  EchoExchange(char way, const Label& label, std::string said)
      : way_(way), label_(label), said_(std::move(said)) {}

  Next BodyReceived(std::string_view piece, Reply&, Scope& scope) override {
    said_ += piece;
    return Next::MoreBody(scope.now() + absl::Minutes(1));
  }
  Next RequestEnded(std::span<const Field> trailers, Reply& reply, Scope&) override {
    absl::StrAppend(&said_, " ", trailers.size());
    return Answer(reply);
  }
  Next Wakeup(Reply& reply, Scope&) override {
    return way_ == 'w' ? Answer(reply) : Next::Unchanged();
  }
  Next Timeout(Reply& reply, Scope& scope) override {
    if (way_ == 't') return Exchange::Timeout(reply, scope);
    return way_ == 'a' ? Answer(reply) : WriteSome(reply, scope);
  }
  Next Flushed(Reply& reply, Scope& scope) override { return WriteSome(reply, scope); }

 private:
  Next Answer(Reply& reply) {
    CheckSent(label_.Send([&](const ResponseHead& head) { return reply.Send(head, said_); }));
    return Next::Finished();
  }
  // A body of some pieces, each when the one before has left.
  Next WriteSome(Reply& reply, Scope& scope) {
    if (pieces_ == 0) {
      CheckSent(label_.Send([&](const ResponseHead& head) { return reply.StartStreamed(head); }));
    } else {
      CheckSent(reply.Write(said_));
    }
    if (++pieces_ <= 4 && !said_.empty()) {
      return Next::FlushedTo(10, scope.now() + absl::Minutes(1));
    }
    CheckSent(reply.Finish());
    return Next::Finished();
  }

  const char way_;
  Label label_;
  std::string said_;
  int pieces_ = 0;
};

// Echoes what it saw of a request, in a way that the first letter of the path chooses.
class EchoSite {
 public:
  explicit EchoSite(Visits& visits) : visits_(&visits) {}

  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, Scope& scope) {
    ROTOR_CHECK(!visits_->finished, "a request is served behind the last one");
    visits_->pool = &scope.buffer_pool();
    visits_->finished = !head.keep_alive || head.method == Method::kConnect;
    Label label(head, *visits_);
    switch (WayOf(head)) {
      case 'p':
        return BodyPlan::Progressive(std::make_unique<EchoExchange>('p', label, "pieces "), 7,
                                     Next::MoreBody(scope.now() + absl::Minutes(1)));
      case 'd':
        CheckSent(label.Send([&](const ResponseHead& page) { return reply.Send(page, "no"); }));
        return BodyPlan::Answered();
      default:
        return BodyPlan::Buffered();
    }
  }
  void RequestReceived(const Request& request, Reply& reply, Scope& scope) {
    std::string said = TranscriptOf(request.head, request.body, request.trailers);
    Label label(request.head, *visits_);
    const char way = WayOf(request.head);
    if (way == 'a' || way == 'w' || way == 't' || way == 'f') {
      if (way == 'w') scope.notifier().Wake();
      reply.AnswerLater(std::make_unique<EchoExchange>(way, label, std::move(said)),
                        Next::WaitUntil(scope.now() + absl::Milliseconds(2)));
    } else if (way != 'n') {
      CheckSent(
          label.Send([&](const ResponseHead& head) { return Answer(way, head, said, reply); }));
    }
  }

 private:
  char WayOf(const RequestHead& head) const {
    const char way = head.path.size() > 1 ? head.path[1] : '/';
    // Pages of the server's own do not say that they answer HEAD. Whether a body follows that the
    // client was not told to send depends on how the bytes come.
    if (head.method == Method::kHead && (way == 't' || way == 'n')) return '/';
    return head.expect_continue && way == 'd' ? '/' : way;
  }
  absl::Status Answer(char way, const ResponseHead& head, std::string_view said, Reply& reply) {
    switch (way) {
      case 'e':
        return reply.SendError(404, "Nothing is here.", head.fields);
      case 'x':
        visits_->finished = true;
        reply.CloseAfterResponse();
        return reply.Send(head, said);
      case 'l':
        return reply.Send(head, std::string(3000, 'l'));
      case 'c':
      case 's':
      case 'u':
        return AnswerInPieces(way, head, said, reply);
      default:
        return reply.Send(head, said);
    }
  }
  absl::Status AnswerInPieces(char way, const ResponseHead& head, std::string_view said,
                              Reply& reply) {
    absl::Status status =
        way == 's' ? reply.StartSized(head, said.size()) : reply.StartStreamed(head);
    const size_t half = said.size() / 2;
    status.Update(reply.Write(said.substr(0, half)));
    if (way == 'u') {
      visits_->finished = true;
      return status;
    }
    status.Update(reply.Write(said.substr(half)));
    const Field trailer{"X-Trailer", "1"};
    status.Update(reply.Finish({&trailer, way == 'c' ? size_t{1} : 0}));
    return status;
  }

  Visits* visits_;
};

using App = Compose<Server<EchoSite>>;

// A line for each request, which no client can forge.
class CheckingLog final : public AccessLogSink {
 public:
  void Write(std::string_view line) override {
    const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
    ROTOR_CHECK(line.ends_with('\n') && std::all_of(line.begin(), line.end() - 1, printable),
                "the log has one line of plain text at a time");
    ++lines;
  }

  int lines = 0;
};

// Everything that leaves a connection whole.
SimOptions Troubled(uint64_t seed) {
  SimOptions options = SimOptions::Hostile(seed);
  options.faults.reset_by_peer = 0;
  options.faults.half_close = 0;
  options.faults.write_error = 0;
  options.faults.aborted_accept = 0;
  options.faults.clock_jump = 0;
  return options;
}

// Ascending offsets of at most eight splits.
std::vector<size_t> Splits(std::string_view bytes, uint64_t seed) {
  Random random(seed);
  std::vector<size_t> ends(random.Below(9));
  for (size_t& end : ends) end = random.Below(bytes.size() + 1);
  std::sort(ends.begin(), ends.end());
  ends.push_back(bytes.size());
  return ends;
}

// What a client saw of the responses, without `100 Continue`, which depends on the pieces.
struct Seen {
  int status;
  std::string body;
  bool closes;
  bool complete;

  bool operator==(const Seen&) const = default;
};

std::vector<Seen> Check(std::string_view received, bool ended, bool cut, const Visits& visits) {
  const SentResponses sent = ReadResponses(received, ended);
  ROTOR_CHECK(sent.error.empty(), sent.error);
  std::vector<Seen> seen;
  int index = 0;
  for (const SentResponse& response : sent.responses) {
    if (response.interim()) continue;
    seen.push_back({response.status, response.body, response.closes, response.complete});
    const std::optional<std::string_view> claimed = response.Find(kIndexField);
    if (claimed) ROTOR_CHECK(*claimed == absl::StrCat(index++), "responses come in order");
  }
  ROTOR_CHECK(cut || index == visits.answered, "each response arrives");
  return seen;
}

std::vector<Seen> Converse(std::string_view bytes, const std::vector<size_t>& ends,
                           const RequestLimits& limits, const SimOptions& sim) {
  SimWorld world(sim);
  Visits visits;
  CheckingLog log;
  // Some read before they register, with room enough to hold places until a later look.
  const bool defers = sim.seed % 4 >= 2;
  std::optional<Loop<App>> loop(
      LoopBuilder<App>({.machines_max = defers ? 128u : 4u}, world.AddHost("server")).Build());
  ServerOptions options;
  options.listener.defer_accept_seconds = defers ? 1 : 0;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 80)};
  options.limits = limits;
  options.body_bytes_max = kCaseBodyBytesMax;
  options.requests_per_connection_max = 50;
  options.access_log = &log;
  options.access_log_format = sim.seed % 2 == 0 ? AccessLogFormat::kJson : AccessLogFormat::kCommon;
  ROTOR_CHECK(http::Mount(*loop, "http", options, EchoSite(visits)).ok(), "it can be mounted");
  const auto run_until = [&](Time time, const std::function<bool()>& done) {
    while (world.now() < time && !done()) {
      ROTOR_CHECK(loop->RunOnce(time).ok(), "the loop does not hang");
    }
  };

  const std::unique_ptr<SimConnection> client = world.Connect(options.addresses[0]);
  size_t begin = 0;
  for (const size_t end : ends) {
    client->Send(bytes.substr(begin, end - begin));
    begin = end;
    run_until(world.now() + absl::Milliseconds(1), [] { return false; });
  }
  client->ShutdownWrite();
  run_until(world.now() + absl::Minutes(5), [&] {
    return client->ended() || client->was_reset() || client->refused() || client->cut_short();
  });
  // A connection that the network has cut may be found out only by a deadline.
  run_until(world.now() + absl::Minutes(5), [&] { return loop->machines() == 1; });
  ROTOR_CHECK(loop->machines() == 1, "the connection ends");
  ROTOR_CHECK(client->cut_short() || client->ended(), "the client sees the end");
  ROTOR_CHECK(log.lines >= visits.answered, "each request is in the log");
  ROTOR_CHECK(visits.pool == nullptr || visits.pool->bytes_used() == 0, "no buffer is left over");
  std::vector<Seen> seen = Check(client->received(), client->ended(), client->cut_short(), visits);
  client->Close();
  loop.reset();
  world.ExpectNothingOpen();
  ROTOR_CHECK(world.violations().empty(), world.violations().front());
  return seen;
}

void Check(std::string_view bytes) {
  const uint64_t seed = std::hash<std::string_view>()(bytes);
  const RequestLimits limits = seed % 4 == 0 ? kSmallLimits : RequestLimits();
  const std::vector<size_t> whole = {bytes.size()};
  const std::vector<Seen> seen = Converse(bytes, whole, limits, {.seed = seed});
  const std::vector<Seen> troubled = Converse(bytes, Splits(bytes, seed), limits, Troubled(seed));
  ROTOR_CHECK(seen == troubled, "the answers depend on how the network brings the bytes");
  Converse(bytes, Splits(bytes, ~seed), limits, SimOptions::Hostile(seed));
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::http::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
