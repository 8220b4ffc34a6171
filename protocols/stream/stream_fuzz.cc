// Any input, cut anywhere, met with any expectations, gives the frames and the answers that a model
// finds in the whole of it, and ends.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/base/check.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"
#include "protocols/stream/machine.h"

namespace rotor::stream {
namespace {

// Two bytes of the fuzzer's.
struct Operation {
  uint8_t flags = 0;
  uint8_t count = 0;

  bool is_bytes() const { return flags % 4 == 0; }
  std::string_view delimiter() const {
    return flags % 4 == 1 ? "\n" : flags % 4 == 2 ? "\r\n" : "aab";
  }
  uint32_t limit() const {
    return static_cast<uint32_t>((is_bytes() ? 1 : delimiter().size()) + count);
  }
  Expect expect() const {
    switch (flags % 4) {
      case 0:
        return Expect::Bytes(limit());
      case 1:
        return Expect::Delimiter("\n", limit());
      case 2:
        return Expect::Delimiter("\r\n", limit());
      default:
        return Expect::Delimiter("aab", limit());
    }
  }
  bool or_flushed() const { return flags & 4; }
  bool naps_first() const { return flags & 8; }
  bool flushes_first() const { return flags & 16; }
  bool echoes() const { return flags & 32; }
  // Of the frame, by the handler; the rest is found again.
  size_t consumes(size_t frame_bytes) const {
    return flags & 64 ? (frame_bytes + 1) / 2 : frame_bytes;
  }
  // Consumes nothing at first and expects one byte more.
  bool looks_ahead() const { return flags & 128; }
};

struct Outcome {
  std::vector<std::string> frames;
  bool too_long = false;
  std::string rest;  // If it is not too long.
  std::string output;

  bool operator==(const Outcome&) const = default;
};

// What the bytes of the fuzzer mean.
struct Program {
  explicit Program(std::string_view bytes) : left_(bytes) {
    loop.machines_max = 2;
    loop.receive_buffer_bytes = size_t{1} + Next();
    options.stream.read_bytes_per_turn = 1 + Next() * 4;
    options.stream.frames_per_turn = 1 + Next() % 8;
    options.stream.output_pause_bytes = 1 + Next() * 4;
    options.stream.linger_bytes_max = 1 << 30;
    const uint8_t faults = Next();
    const auto Probability = [&](int bit) { return (faults >> bit & 1) * 0.3; };
    sim.faults = {.short_read = Probability(0),
                  .short_write = Probability(1),
                  .would_block = Probability(2),
                  .spurious_event = Probability(3),
                  .spurious_wake = Probability(3),
                  .delayed_event = Probability(4)};
    if (faults & 32) sim.window_bytes = 64;
    if (faults & 64) sim.segment_bytes_max = 5;
    if (faults & 128) {
      options.listener.defer_accept_seconds = 1;
      // Room enough to hold places until a later look.
      loop.machines_max = 128;
    }
    operations.resize(1 + Next() % 8);
    for (Operation& operation : operations) operation = {Next(), Next()};
    while (!left_.empty()) {
      const size_t size = 1 + Next() % 64;
      pieces.emplace_back(left_.substr(0, size));
      left_.remove_prefix(pieces.back().size());
    }
  }

  Outcome Model() const {
    std::string input;
    for (const std::string& piece : pieces) input += piece;
    Outcome outcome;
    std::string_view left = input;
    for (size_t i = 0;; ++i) {
      const Operation& operation = operations[i % operations.size()];
      std::string_view frame = left.substr(0, operation.limit());
      bool found = frame.size() == operation.limit();
      if (!operation.is_bytes()) {
        outcome.too_long = found;
        const size_t at = frame.find(operation.delimiter());
        found = at != std::string_view::npos;
        if (found) frame = frame.substr(0, at + operation.delimiter().size());
        outcome.too_long = outcome.too_long && !found;
      }
      if (found && operation.looks_ahead()) {
        found = left.size() > frame.size();
        if (found) frame = left.substr(0, frame.size() + 1);
      }
      if (!found) break;
      outcome.frames.emplace_back(frame);
      if (operation.echoes()) outcome.output += frame;
      left.remove_prefix(operation.consumes(frame.size()));
    }
    if (!outcome.too_long) outcome.rest = left;
    outcome.output += "end";
    return outcome;
  }

  SimOptions sim = {.latency_min = absl::Microseconds(10), .latency_max = absl::Microseconds(10)};
  LoopOptions loop;
  ListenOptions options;
  std::vector<Operation> operations;
  std::vector<std::string> pieces;

 private:
  uint8_t Next() {
    if (left_.empty()) return 0;
    const char byte = left_.front();
    left_.remove_prefix(1);
    return static_cast<uint8_t>(byte);
  }

  std::string_view left_;
};

struct Meeting {
  const Program& program;
  Outcome outcome;
  int ends = 0;
};

class Interpreter {
 public:
  using Shared = Meeting* const;
  explicit Interpreter(Meeting* meeting) : meeting_(*meeting) {}

  Intent Start(Stream&, Scope& scope) { return Next(scope); }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    ROTOR_CHECK(stream.input().starts_with(frame), "a frame is the front of the input");
    ROTOR_CHECK(meeting_.ends == 0, "no frame comes after the end");
    if (operation().looks_ahead() && !std::exchange(looked_, true)) {
      looked_bytes_ = static_cast<uint32_t>(frame.size()) + 1;
      return Expect::Bytes(looked_bytes_).Forever();
    }
    ROTOR_CHECK(!looked_ || frame.size() == looked_bytes_, "a frame is as long as expected");
    looked_ = false;
    meeting_.outcome.frames.emplace_back(frame);
    if (operation().echoes()) stream.Write(frame);
    stream.Consume(operation().consumes(frame.size()));
    ROTOR_CHECK(meeting_.outcome.frames.back() == frame, "views outlive Consume()");
    ++step_;
    return Next(scope);
  }
  Intent Flushed(Stream&, Scope&) { return operation().expect().Forever(); }
  Intent Timeout(Stream&, Scope&) {
    ROTOR_CHECK(operation().naps_first(), "no other deadline was given");
    return operation().expect().Forever();
  }
  Intent InputEnded(InputEnd why, Stream& stream, Scope&) {
    ++meeting_.ends;
    meeting_.outcome.too_long = why == InputEnd::kFrameTooLong;
    if (why == InputEnd::kPeerFinished) meeting_.outcome.rest = stream.input();
    stream.Write("end");
    return Intent::CloseAfterFlush(Deadline::Never());
  }
  void Failed(const absl::Status&, Scope&) {
    ROTOR_CHECK(false, "nothing can fail, as the network does not");
  }

 private:
  const Operation& operation() const {
    return meeting_.program.operations[step_ % meeting_.program.operations.size()];
  }
  Intent Next(Scope& scope) {
    const Expect expect = operation().expect();
    if (operation().naps_first()) {
      return Expect::NothingButWakeup().Before(scope.now() + absl::Microseconds(1));
    }
    if (operation().flushes_first()) return Expect::FlushedTo(operation().count).Forever();
    return (operation().or_flushed() ? expect.OrFlushedTo(operation().count) : expect).Forever();
  }

  Meeting& meeting_;
  size_t step_ = 0;
  bool looked_ = false;
  uint32_t looked_bytes_ = 0;
};
static_assert(IsProtocol<Interpreter>());

using App = Compose<Server<Interpreter>>;

void RunUntil(Loop<App>& loop, SimWorld& world, Time until) {
  while (world.now() < until) ROTOR_CHECK(loop.RunOnce(until).ok(), "the loop does not hang");
}

void Converse(const Program& program, SimWorld& world, Meeting& meeting) {
  const SocketAddress address = *SocketAddress::Ip("127.0.0.1", 7);
  LoopBuilder<App> builder(program.loop, world.AddHost("server"));
  ListenOptions options = program.options;
  options.addresses = {address};
  ROTOR_CHECK(Mount<Interpreter>(builder, "fuzz", options, &meeting).ok(), "it can be mounted");
  Loop<App> loop = std::move(builder).Build();

  const std::unique_ptr<SimConnection> client = world.Connect(address);
  for (size_t i = 0; i < program.pieces.size(); ++i) {
    client->Send(program.pieces[i]);
    i % 3 == 1 ? client->PauseReading() : client->ResumeReading();
    RunUntil(loop, world, world.now() + absl::Microseconds(100));
  }
  client->ShutdownWrite();
  client->ResumeReading();
  const Time give_up = world.now() + absl::Minutes(10);
  while (world.now() < give_up && !(client->ended() && loop.machines() == 1)) {
    ROTOR_CHECK(loop.RunOnce(give_up).ok(), "the loop does not hang");
  }
  ROTOR_CHECK(client->ended() && loop.machines() == 1, "the connection ends");
  ROTOR_CHECK(!client->was_reset() && meeting.ends == 1, "it ends well, and once");
  meeting.outcome.output = client->received();
}

Outcome Run(const Program& program) {
  Meeting meeting{.program = program, .outcome = {}};
  SimWorld world(program.sim);
  Converse(program, world, meeting);
  world.ExpectNothingOpen();
  ROTOR_CHECK(world.violations().empty(), world.violations().front());
  return std::move(meeting.outcome);
}

}  // namespace
}  // namespace rotor::stream

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const rotor::stream::Program program({reinterpret_cast<const char*>(data), size});
  ROTOR_CHECK(Run(program) == program.Model(), "frames and answers are those of the model");
  return 0;
}
