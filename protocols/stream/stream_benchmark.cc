// What a stream costs beside the system calls: lines echoed through a backend that only hands over
// bytes in memory.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "core/backend/backend.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"
#include "core/base/check.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/notifier/waker.h"
#include "core/time/time.h"
#include "protocols/stream/machine.h"

namespace rotor::stream {
namespace {

class NoWaker final : public Waker {
 public:
  void Signal() override {}
};

// One listener, one connection, no network. What is fed is read in one piece; what is written is
// counted.
class MemoryBackend final : public Backend, private Io {
 public:
  void Feed(std::string_view input) { input_ = input; }
  size_t bytes_written() const { return bytes_written_; }

  std::string_view name() const override { return "memory"; }
  Time Now() override { return now_ = now_ + absl::Microseconds(1); }
  absl::Time WallTime() override { return absl::UnixEpoch(); }
  uint64_t Entropy() override { return 1; }
  absl::Status Watch(const Fd&, WatchKind kind, uint64_t key) override {
    if (kind == WatchKind::kStream) stream_key_ = key;
    return absl::OkStatus();
  }
  void Unwatch(const Fd&) override {}
  absl::StatusOr<size_t> Wait(Deadline, std::span<Event> events) override {
    if (input_.empty()) return 0;
    events[0] = {.key = stream_key_, .readiness = Readiness::Readable()};
    return 1;
  }
  std::shared_ptr<Waker> waker() override { return std::make_shared<NoWaker>(); }
  Io& io() override { return *this; }

 private:
  absl::StatusOr<Fd> Listen(const SocketAddress&, const ListenerOptions&) override {
    return Fd(*this, 3);
  }
  Accepted Accept(const Fd&) override {
    if (std::exchange(accepted_, true)) return {.socket = Fd(), .error = EAGAIN};
    return {.socket = Fd(*this, 4)};
  }
  IoResult Read(const Fd&, std::span<char> into) override {
    if (input_.empty()) return {.error = EAGAIN};
    const size_t count = std::min(into.size(), input_.size());
    std::memcpy(into.data(), input_.data(), count);
    input_.remove_prefix(count);
    return {.bytes = count};
  }
  IoResult Write(const Fd&, std::span<const std::string_view> pieces) override {
    size_t count = 0;
    for (const std::string_view piece : pieces) count += piece.size();
    bytes_written_ += count;
    return {.bytes = count};
  }
  IoResult ShutdownWrite(const Fd&) override { return {}; }
  absl::StatusOr<Fd> BindDatagram(const SocketAddress&) override {
    return absl::UnimplementedError("no datagrams");
  }
  absl::StatusOr<Fd> Connect(const SocketAddress&) override {
    return absl::UnimplementedError("no connecting");
  }
  absl::StatusOr<Fd> ConnectDatagram(const SocketAddress&, uint16_t) override {
    return absl::UnimplementedError("no datagrams");
  }
  IoResult Send(const Fd&, std::string_view) override { return {.error = EBADF}; }
  IoResult Receive(const Fd&, std::span<char>) override { return {.error = EBADF}; }
  IoResult ReceiveFrom(const Fd&, std::span<char>, SocketAddress&) override {
    return {.error = EBADF};
  }
  IoResult SendTo(const Fd&, std::string_view, const SocketAddress&) override {
    return {.error = EBADF};
  }
  absl::StatusOr<SocketAddress> LocalAddress(const Fd&) override { return SocketAddress(); }
  absl::StatusOr<SocketAddress> PeerAddress(const Fd&) override { return SocketAddress(); }
  absl::StatusOr<Fd> OpenSignals(std::span<const int>) override {
    return absl::UnimplementedError("no signals");
  }
  IoResult ReadSignal(const Fd&, int&) override { return {.error = EBADF}; }
  FileIo& files() override { std::abort(); }
  void Close(int) noexcept override {}

  Time now_ = Time::FromNanoseconds(1);
  std::string_view input_;
  size_t bytes_written_ = 0;
  uint64_t stream_key_ = 0;
  bool accepted_ = false;
};

class Echo {
 public:
  Intent Start(Stream&, Scope& scope) { return Next(scope); }
  Intent FrameReceived(std::string_view line, Stream& stream, Scope& scope) {
    stream.Write(line);
    stream.Consume(line.size());
    return Next(scope);
  }

 private:
  static Intent Next(Scope& scope) {
    return Expect::Delimiter("\n", 1 << 20).Before(scope.now() + absl::Seconds(60));
  }
};
static_assert(IsProtocol<Echo>());

Loop<Compose<Server<Echo>>> MakeLoop(MemoryBackend& backend) {
  LoopBuilder<Compose<Server<Echo>>> builder({.machines_max = 16}, backend);
  ListenOptions options;
  options.addresses = {SocketAddress()};
  ROTOR_CHECK(Mount<Echo>(builder, "echo", options).ok(), "the benchmark mounts");
  auto loop = std::move(builder).Build();
  for (int i = 0; i < 3; ++i) {
    ROTOR_CHECK(loop.RunOnce(backend.Now()).ok(), "the benchmark connects");
  }
  return loop;
}

// Lines of 32 bytes, so many at once, one write for all. Items are lines.
void BM_EchoLines(benchmark::State& state) {
  MemoryBackend backend;
  auto loop = MakeLoop(backend);
  std::string lines;
  for (int64_t i = 0; i < state.range(0); ++i) lines += std::string(31, 'x') + '\n';
  for (auto _ : state) {
    backend.Feed(lines);
    benchmark::DoNotOptimize(loop.RunOnce(Time()).ok());
  }
  ROTOR_CHECK(backend.bytes_written() == state.iterations() * lines.size(), "every line is echoed");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_EchoLines)->Arg(1)->Arg(16);

// One line in pieces of 64 bytes: the time for a byte must not grow with the length of the line.
void BM_LineInPieces(benchmark::State& state) {
  MemoryBackend backend;
  auto loop = MakeLoop(backend);
  const std::string line = std::string(static_cast<size_t>(state.range(0)) - 1, 'x') + '\n';
  for (auto _ : state) {
    for (size_t at = 0; at < line.size(); at += 64) {
      backend.Feed(std::string_view(line).substr(at, 64));
      benchmark::DoNotOptimize(loop.RunOnce(Time()).ok());
    }
  }
  ROTOR_CHECK(backend.bytes_written() == state.iterations() * line.size(), "every line is echoed");
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetComplexityN(state.range(0));
}
BENCHMARK(BM_LineInPieces)->RangeMultiplier(4)->Range(1 << 10, 1 << 18)->Complexity(benchmark::oN);

}  // namespace
}  // namespace rotor::stream
