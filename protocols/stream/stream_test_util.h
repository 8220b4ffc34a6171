// What the tests of streams share: a protocol whose handlers stand in the test, a backend that
// counts and meddles, and a loop of both in a simulated world.
#ifndef ROTOR_PROTOCOLS_STREAM_STREAM_TEST_UTIL_H_
#define ROTOR_PROTOCOLS_STREAM_STREAM_TEST_UTIL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/base/strings.h"
#include "core/loop/loop.h"
#include "core/testing/forwarding_backend.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/machine.h"

namespace rotor::stream {

// The handlers of all connections of one mount, and what was called. Null handlers answer as given.
struct Script {
  using Handler = std::function<Intent(Stream&, Scope&)>;

  Handler start = nullptr;  // Lines of at most 64 bytes, forever.
  // Consumes the frame; Unchanged.
  std::function<Intent(std::string_view, Stream&, Scope&)> frame = nullptr;
  Handler flushed = nullptr;                                         // NothingButWakeup, forever.
  std::function<Intent(InputEnd, Stream&, Scope&)> ended = nullptr;  // CloseAfterFlush in 10 s.
  Handler timeout = nullptr;                                         // Abort without a reason.
  Handler wakeup = nullptr;                                          // Unchanged.

  // "start", "frame ab\n", "flushed", "finished", "too long", "timeout", "wakeup", "failed: ...".
  std::vector<std::string> calls = {};
  BufferPool* pool = nullptr;  // The loop's, once there was a connection.
  Notifier notifier = {};      // Of the connection that started last.
};

// Has the handlers that are required, no others.
class Minimal {
 public:
  using Shared = Script* const;
  explicit Minimal(Script* script) : script_(*script) {}

  Intent Start(Stream& stream, Scope& scope) {
    script_.calls.emplace_back("start");
    script_.pool = &scope.buffer_pool();
    script_.notifier = scope.notifier();
    return script_.start ? script_.start(stream, scope) : Expect::Delimiter("\n", 64).Forever();
  }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    script_.calls.push_back(absl::StrCat("frame ", AsAbsl(frame)));
    if (script_.frame) return script_.frame(frame, stream, scope);
    stream.Consume(frame.size());
    return Intent::Unchanged();
  }

 protected:
  Script& script_;
};
static_assert(IsProtocol<Minimal>());

// Has all handlers.
class Scripted : public Minimal {
 public:
  using Minimal::Minimal;

  Intent Flushed(Stream& stream, Scope& scope) {
    script_.calls.emplace_back("flushed");
    return script_.flushed ? script_.flushed(stream, scope) : Expect::NothingButWakeup().Forever();
  }
  Intent InputEnded(InputEnd why, Stream& stream, Scope& scope) {
    script_.calls.emplace_back(why == InputEnd::kFrameTooLong ? "too long" : "finished");
    if (script_.ended) return script_.ended(why, stream, scope);
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
  }
  Intent Timeout(Stream& stream, Scope& scope) {
    script_.calls.emplace_back("timeout");
    return script_.timeout ? script_.timeout(stream, scope) : Intent::Abort(absl::OkStatus());
  }
  Intent Wakeup(Stream& stream, Scope& scope) {
    script_.calls.emplace_back("wakeup");
    return script_.wakeup ? script_.wakeup(stream, scope) : Intent::Unchanged();
  }
  void Failed(const absl::Status& why, Scope&) {
    script_.calls.push_back(absl::StrCat("failed: ", why.message()));
  }
};
static_assert(IsProtocol<Scripted>());

// A simulated host whose calls are counted and fail where a test says so.
class MeddlingBackend final : public ForwardingBackend {
 public:
  using ForwardingBackend::ForwardingBackend;

  // errno of the next calls, in order; 0 lets one pass.
  std::deque<int> accept_errors;
  std::deque<int> write_errors;
  // What Watch() answers for this kind.
  std::map<WatchKind, absl::Status> watch_errors;
  // Sees what was read and where to.
  std::function<void(std::string_view)> after_read;

  int accepts = 0;
  std::string transfers;  // "r" for each Read() that got something, "w" for each Write().
  int last_writes = 0;    // Of the "w", those by WriteLast().
  std::map<WatchKind, int> watches;
  int unwatches = 0;

  absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) override {
    ++watches[kind];
    if (watch_errors.contains(kind)) return watch_errors[kind];
    return ForwardingBackend::Watch(fd, kind, key);
  }
  void Unwatch(const Fd& fd) override {
    ++unwatches;
    ForwardingBackend::Unwatch(fd);
  }

 private:
  static int Next(std::deque<int>& errors) {
    if (errors.empty()) return 0;
    const int error = errors.front();
    errors.pop_front();
    return error;
  }

  Accepted Accept(const Fd& listener) override {
    ++accepts;
    const int error = Next(accept_errors);
    if (error != 0) return {.socket = Fd(), .error = error};
    return ForwardingBackend::Accept(listener);
  }
  IoResult Read(const Fd& socket, std::span<char> into) override {
    const IoResult result = ForwardingBackend::Read(socket, into);
    if (result.bytes > 0) transfers += 'r';
    if (after_read) after_read(std::string_view(into.data(), result.bytes));
    return result;
  }
  IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) override {
    transfers += 'w';
    const int error = Next(write_errors);
    if (error != 0) return {.error = error};
    return ForwardingBackend::Write(socket, pieces);
  }
  IoResult WriteLast(const Fd& socket, std::string_view bytes) override {
    ++last_writes;
    return ForwardingBackend::WriteLast(socket, bytes);
  }
};

class RecordingLog final : public LogSink {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view message) override { lines.emplace_back(message); }

  std::vector<std::string> lines;
};

// One loop on one simulated host. At the end nothing must be left open or have gone wrong.
template <typename App, typename Context = NoContext>
class BasicStreamWorld {
 public:
  // A network without chance: what is sent at once arrives at once, after 100 us.
  static SimOptions Plain(size_t window_bytes = 65536) {
    return {.latency_min = absl::Microseconds(100),
            .latency_max = absl::Microseconds(100),
            .window_bytes = window_bytes,
            .segment_bytes_max = size_t{1} << 40};
  }

  explicit BasicStreamWorld(SimOptions sim = Plain(), LoopOptions options = {.machines_max = 64})
      : world(std::move(sim)), host(world.AddHost("server")), backend(host) {
    options.log = &log;
    loop.emplace(LoopBuilder<App, Context>(options, backend).Build());
  }
  ~BasicStreamWorld() {
    loop.reset();
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), testing::IsEmpty());
  }

  template <typename P = Scripted>
  SocketAddress Mount(Script& script, ListenOptions options = {}, std::string_view name = "test") {
    if (options.addresses.empty()) options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    absl::StatusOr<Mounted> mounted = stream::Mount<P>(*loop, name, options, &script);
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    if (!mounted.ok()) return SocketAddress();
    group = mounted->group;
    return mounted->addresses[0];
  }
  // Mounts `script` and connects once.
  template <typename P = Scripted>
  std::unique_ptr<SimConnection> Serve(Script& script, const StreamOptions& options = {}) {
    ListenOptions listen;
    listen.stream = options;
    auto client = world.Connect(Mount<P>(script, listen));
    Run();
    return client;
  }

  // One turn that sleeps no longer than `latest`. False if nothing keeps the loop running.
  bool Turn(Deadline latest) {
    absl::StatusOr<bool> more = loop->RunOnce(latest);
    EXPECT_TRUE(more.ok()) << more.status();
    return more.value_or(false);
  }
  bool TurnNow() { return Turn(world.now()); }
  // Long enough for what is under way to arrive and be answered.
  void Run(absl::Duration span = absl::Milliseconds(2)) {
    const Time until = world.now() + span;
    while (world.now() < until) {
      if (!Turn(until)) world.AdvanceToNextEvent(until);
      if (testing::Test::HasFatalFailure() || world.violations().size() > 10) return;
    }
  }
  void Exchange(SimConnection& client, std::string_view bytes) {
    client.Send(bytes);
    Run();
  }
  // Until the drained loop has ended.
  void Drain(absl::Duration grace) {
    loop->Drain(world.now() + grace);
    const absl::Status status = loop->Run();
    EXPECT_TRUE(status.ok()) << status;
  }

  int64_t Count(std::string_view name, std::string_view of = "test") {
    return loop->counters().Get(of, name).value();
  }
  int64_t turns() { return Count("turns", "loop"); }
  std::vector<MachineReport> Machines() {
    std::vector<MachineReport> reports;
    uint32_t next = 0;
    do {
      next = loop->VisitMachines(next, 64,
                                 [&](const MachineReport& report) { reports.push_back(report); });
    } while (next != 0);
    return reports;
  }

  RecordingLog log;
  SimWorld world;
  SimBackend& host;
  MeddlingBackend backend;
  std::optional<Loop<App, Context>> loop;
  GroupId group{};
};

using StreamWorld = BasicStreamWorld<Compose<Server<Scripted>, Server<Minimal>>>;

}  // namespace rotor::stream

#endif  // ROTOR_PROTOCOLS_STREAM_STREAM_TEST_UTIL_H_
