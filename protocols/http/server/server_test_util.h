// A whole HTTP server in a simulated world, for tests: what a client sends, and what it sees.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_TEST_UTIL_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_TEST_UTIL_H_

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
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
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/server/server.h"

namespace rotor::http {

// What the handler of all connections of a world does. Without `answer` it says what it was asked.
struct Script {
  std::function<BodyPlan(const RequestHead&, Reply&, Scope&)> plan = nullptr;
  std::function<void(ErrorPage&)> error_page = nullptr;
  std::function<void(const Request&, Reply&, Scope&)> answer = nullptr;
  std::vector<std::string> seen = {};  // "GET /path body", one for each request.
};

class Site {
 public:
  explicit Site(Script& script) : script_(&script) {}

  void RequestReceived(const Request& request, Reply& reply, Scope& scope) {
    const std::string said = absl::StrCat(AsAbsl(request.head.method_text), " ",
                                          AsAbsl(request.head.target), " ", AsAbsl(request.body));
    script_->seen.push_back(said);
    if (script_->answer) return script_->answer(request, reply, scope);
    EXPECT_TRUE(reply.Send("text/plain", said).ok());
  }

 private:
  Script* script_;
};

// What connections are handed over to.
class LineEcho {
 public:
  Intent Start(Stream&, Scope&) { return Expect::Delimiter("\n", 64).Forever(); }
  Intent FrameReceived(std::string_view line, Stream& stream, Scope&) {
    stream.Write(line);
    stream.Consume(line.size());
    return Intent::Unchanged();
  }
};
static_assert(IsProtocol<LineEcho>());

template <typename Handler>
using AppOf = Compose<Server<Handler>, stream::Machine<LineEcho>>;

// A simulated host that counts some of what is asked of it. What it allocates itself is not
// counted.
class ObservedHost final : public ForwardingBackend {
  static auto Aside(auto call) {
    const UncountedAllocations aside;
    return call();
  }

 public:
  explicit ObservedHost(SimBackend& host) : ForwardingBackend(host), host_(host) {}
  SimBackend& sim() { return host_; }

  int wall_times = 0;
  int writes = 0;
  int watches = 0;
  // While set, the system takes nothing, and says that so much is still untaken.
  std::optional<size_t> untaken;

  absl::Time WallTime() override {
    ++wall_times;
    return ForwardingBackend::WallTime();
  }
  absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) override {
    ++watches;
    return Aside([&] { return ForwardingBackend::Watch(fd, kind, key); });
  }
  absl::StatusOr<size_t> Wait(Deadline latest, std::span<Event> events) override {
    return Aside([&] { return ForwardingBackend::Wait(latest, events); });
  }

 private:
  Accepted Accept(const Fd& listener) override {
    return Aside([&] { return ForwardingBackend::Accept(listener); });
  }
  IoResult Read(const Fd& socket, std::span<char> into) override {
    return Aside([&] { return ForwardingBackend::Read(socket, into); });
  }
  IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) override {
    ++writes;
    if (untaken.has_value()) return {.error = EAGAIN};
    return Aside([&] { return ForwardingBackend::Write(socket, pieces); });
  }
  size_t BytesUntaken(const Fd& socket) override {
    return untaken.has_value() ? *untaken : ForwardingBackend::BytesUntaken(socket);
  }

  SimBackend& host_;
};

class RecordingLog final : public LogSink {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view message) override { lines.emplace_back(message); }

  std::vector<std::string> lines;
};

// A network without chance: what is sent at once arrives at once.
inline SimOptions Plain(absl::Duration latency = absl::Microseconds(100),
                        size_t window_bytes = 65536) {
  return {.latency_min = latency,
          .latency_max = latency,
          .window_bytes = window_bytes,
          .segment_bytes_max = size_t{1} << 40};
}

// One server on one simulated host. At the end nothing must be left open or have gone wrong.
template <typename Handler>
class BasicHttpWorld {
 public:
  explicit BasicHttpWorld(ServerOptions options = {}, SimOptions sim = Plain(),
                          LoopOptions loop_options = {.machines_max = 64})
      : world(std::move(sim)), host(world.AddHost("server")) {
    loop_options.log = &log;
    loop.emplace(LoopBuilder<AppOf<Handler>>(loop_options, host).Build());
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    absl::StatusOr<Mounted> mounted = http::Mount(*loop, "http", options, Handler(script));
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    if (!mounted.ok()) return;
    address = mounted->addresses[0];
    group = mounted->group;
  }
  ~BasicHttpWorld() {
    loop.reset();
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), ::testing::IsEmpty());
  }

  std::unique_ptr<SimConnection> Connect() {
    auto client = world.Connect(address);
    Run();
    return client;
  }
  // Long enough, unless told otherwise, for what is under way to arrive and be answered.
  void Run(absl::Duration span = absl::Milliseconds(2)) {
    const Time until = world.now() + span;
    while (world.now() < until) {
      absl::StatusOr<bool> more = loop->RunOnce(until);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.value_or(false)) world.AdvanceToNextEvent(until);
      if (!more.ok() || world.violations().size() > 10) return;
    }
  }
  // What comes back for `bytes`.
  std::string Exchange(SimConnection& client, std::string_view bytes) {
    client.Send(bytes);
    Run();
    return client.TakeReceived();
  }
  // The same on a connection of its own, with `pause` between a first part of `first` bytes and the
  // rest.
  std::string ExchangeOnce(std::string_view bytes, size_t first = 0,
                           absl::Duration pause = absl::Milliseconds(2)) {
    const auto client = Connect();
    client->Send(bytes.substr(0, first));
    if (first > 0) Run(pause);
    return Exchange(*client, bytes.substr(first));
  }
  // Until the drained loop has ended.
  void FinishDrain() {
    const absl::Status status = loop->Run();
    EXPECT_TRUE(status.ok()) << status;
  }
  int64_t Count(std::string_view name) { return loop->counters().Get("http", name).value(); }
  // Of machine `index`; the acceptor is 0.
  MachineReport Report(size_t index) {
    std::vector<MachineReport> reports;
    loop->VisitMachines(0, 64, [&](const MachineReport& report) { reports.push_back(report); });
    EXPECT_LT(index, reports.size());
    return index < reports.size() ? reports[index] : MachineReport();
  }
  // By all machines together, beyond their slots.
  size_t BytesHeld() {
    size_t bytes = 0;
    loop->VisitMachines(
        0, 4096, [&](const MachineReport& report) { bytes += report.description.bytes_held; });
    return bytes;
  }
  // Connections alive.
  uint32_t connections() { return loop->machines() - 1; }

  Script script;
  RecordingLog log;
  SimWorld world;
  ObservedHost host;
  std::optional<Loop<AppOf<Handler>>> loop;
  SocketAddress address;
  GroupId group{};
};

using App = AppOf<Site>;
using HttpWorld = BasicHttpWorld<Site>;

// The clock of a world begins here.
inline constexpr std::string_view kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

inline std::string Get(std::string_view target, std::string_view fields = "") {
  return absl::StrCat("GET ", AsAbsl(target), " HTTP/1.1\r\nHost: h\r\n", AsAbsl(fields), "\r\n");
}
inline std::string Post(std::string_view body, std::string_view fields = "") {
  return absl::StrCat("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(), "\r\n",
                      AsAbsl(fields), "\r\n", AsAbsl(body));
}

struct ReceivedResponse {
  int status = 0;
  std::string head;  // With its last empty line.
  std::string body;

  bool Has(std::string_view line) const {
    return head.find(absl::StrCat("\r\n", AsAbsl(line), "\r\n")) != std::string::npos;
  }
  bool closes() const { return Has("Connection: close"); }
};

// All of `bytes` as responses that have a Content-Length, or end with their head.
inline std::vector<ReceivedResponse> Parse(std::string_view bytes) {
  std::vector<ReceivedResponse> responses;
  while (!bytes.empty()) {
    ReceivedResponse response;
    const size_t head_size = bytes.find("\r\n\r\n") + 4;
    const bool valid = bytes.starts_with("HTTP/1.1 ") && head_size > 4 &&
                       absl::SimpleAtoi(AsAbsl(bytes.substr(9, 3)), &response.status);
    if (!valid) {
      ADD_FAILURE() << "no response: " << bytes;
      return responses;
    }
    response.head = bytes.substr(0, head_size);
    bytes.remove_prefix(head_size);
    size_t length = 0;
    const size_t field = response.head.find("\r\nContent-Length: ");
    if (field != std::string::npos) {
      const std::string value = response.head.substr(field + 18);
      EXPECT_TRUE(absl::SimpleAtoi(value.substr(0, value.find('\r')), &length)) << response.head;
    }
    EXPECT_GE(bytes.size(), length) << response.head;
    response.body = bytes.substr(0, length);
    bytes.remove_prefix(std::min(bytes.size(), length));
    responses.push_back(std::move(response));
  }
  return responses;
}

inline std::vector<int> Statuses(std::string_view bytes) {
  std::vector<int> statuses;
  for (const ReceivedResponse& response : Parse(bytes)) statuses.push_back(response.status);
  return statuses;
}

inline std::vector<std::string> Bodies(std::string_view bytes) {
  std::vector<std::string> bodies;
  for (const ReceivedResponse& response : Parse(bytes)) bodies.push_back(response.body);
  return bodies;
}

// One response that says close.
inline void ExpectClosing(std::string_view bytes, int status) {
  const std::vector<ReceivedResponse> responses = Parse(bytes);
  ASSERT_THAT(responses, ::testing::SizeIs(1)) << bytes;
  EXPECT_EQ(responses[0].status, status) << bytes;
  EXPECT_TRUE(responses[0].closes()) << bytes;
}

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_TEST_UTIL_H_
