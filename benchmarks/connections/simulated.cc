// What an idle HTTP connection costs in our bookkeeping, and what one request costs beside many
// idle ones, in a simulated world: no descriptors, so there may be more than a process can open.
//
// With --held one machine accepts the connections and does nothing with them. They cost what the
// simulated network and host need; the difference is what our server needs.
//
// With --machines there is no connection at all: as many machines wait for their deadlines, and 64
// at a time are woken and move theirs. That is a loop's own cost of a call.
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "core/base/check.h"
#include "core/base/random.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "protocols/http/server/server.h"

ABSL_FLAG(uint32_t, connections, 1000, "connections, all idle but those that are picked");
ABSL_FLAG(bool, held, false, "accept them and do nothing else");
ABSL_FLAG(bool, machines, false, "machines without connections, which are woken instead");
ABSL_FLAG(uint32_t, requests, 20000,
          "requests, or wakes, 64 at a time on connections picked at random");

namespace rotor::benchmarks {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr size_t kAtATime = 64;

struct Hello {
  void RequestReceived(const http::Request&, http::Reply& reply, Scope&) {
    ROTOR_CHECK(reply.Send("text/plain", "Hello, World!").ok(), "a small answer can be sent");
  }
};

size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

double ThreadSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Accepts, watches, and holds.
class Holder {
 public:
  Holder(const SocketAddress& address, uint32_t connections) : address_(address) {
    held_.reserve(connections);
  }
  Step Start(Scope& scope) {
    listener_ = *scope.io().Listen(address_, {});
    ROTOR_CHECK(scope.Watch(listener_, WatchKind::kListener).ok(), "a listener can be watched");
    return Step::WaitForever();
  }
  Step Ready(Readiness, Scope& scope) {
    while (true) {
      Accepted accepted = scope.io().Accept(listener_);
      if (accepted.error != 0) return Step::KeepWaiting();
      held_.push_back(std::move(accepted.socket));
      ROTOR_CHECK(scope.Watch(held_.back(), WatchKind::kStream, 1).ok(), "so can a connection");
    }
  }

 private:
  SocketAddress address_;
  Fd listener_;
  std::vector<Fd> held_;
};

// Waits, and moves its deadline when it is woken.
class Waiter {
 public:
  explicit Waiter(std::vector<Notifier>& notifiers) : notifiers_(notifiers) {}
  Step Start(Scope& scope) {
    notifiers_.push_back(scope.notifier());
    return Wakeup(scope);
  }
  Step Wakeup(Scope& scope) { return Step::WaitUntil(scope.now() + absl::Hours(24)); }

 private:
  std::vector<Notifier>& notifiers_;
};

using HttpServer = Compose<http::Server<Hello>>;
using HoldingServer = Compose<Holder>;

// Server is one of the two above.
template <typename Server>
class Benchmark {
  static constexpr bool kAnswers = std::is_same_v<Server, HttpServer>;

 public:
  explicit Benchmark(uint32_t connections)
      : connections_(connections),
        world_({.latency_min = absl::ZeroDuration(),
                .latency_max = absl::ZeroDuration(),
                .open_files_max = static_cast<int>(connections) + 16}),
        loop_(LoopBuilder<Server>({.machines_max = connections + 16}, world_.AddHost("server"))
                  .Build()) {
    if constexpr (kAnswers) {
      http::ServerOptions options;
      options.addresses = {address_};
      options.idle_timeout = absl::Hours(24);  // Nothing that is idle here ends.
      ROTOR_CHECK(http::Mount(loop_, "http", options, Hello()).ok(), "the server mounts");
    } else {
      const GroupId group = *loop_.AddGroup("holder");
      ROTOR_CHECK(loop_.template Add<Holder>(group, address_, connections).ok(), "it has room");
    }
    Turns();
  }

  // Connects all; each connection gets one request answered.
  void Connect() {
    clients_.reserve(connections_);
    while (clients_.size() < connections_) {
      const size_t first = clients_.size();
      while (clients_.size() < connections_ && clients_.size() < first + kAtATime) {
        clients_.push_back(world_.Connect(address_));
        if (kAnswers) clients_.back()->Send(kRequest);
      }
      Turns();
      for (size_t i = first; kAnswers && i < clients_.size(); ++i) {
        ROTOR_CHECK(clients_[i]->TakeReceived().starts_with("HTTP/1.1 200"), "each is answered");
      }
    }
  }

  // CPU seconds of this thread, the simulated network's share included.
  double Requests(uint32_t requests) {
    Random random(1);
    const double start = ThreadSeconds();
    for (uint32_t done = 0; done < requests; done += kAtATime) {
      std::vector<SimConnection*> picked;
      for (size_t i = 0; i < kAtATime; ++i) {
        picked.push_back(clients_[random.Below(clients_.size())].get());
        picked.back()->Send(kRequest);
      }
      Turns();
      for (SimConnection* client : picked) client->TakeReceived();
    }
    return ThreadSeconds() - start;
  }

  // Growth of the process since this was made, per connection.
  double BytesEach() const { return static_cast<double>(ResidentBytes() - before_) / connections_; }

 private:
  void Turns() {
    const Time until = world_.now() + absl::Milliseconds(1);
    while (world_.now() < until) ROTOR_CHECK(loop_.RunOnce(until).ok(), "the loop runs");
  }

  const size_t before_ = ResidentBytes();
  const uint32_t connections_;
  const SocketAddress address_ = *SocketAddress::Ip("127.0.0.1", 80);
  SimWorld world_;
  Loop<Server> loop_;
  std::vector<std::unique_ptr<SimConnection>> clients_;
};

template <typename Server>
void Print(uint32_t connections, uint32_t requests) {
  Benchmark<Server> benchmark(connections);
  benchmark.Connect();
  const double bytes = benchmark.BytesEach();
  const double seconds = requests == 0 ? 0 : benchmark.Requests(requests);
  std::printf("{\"bytes\": %.0f, \"nanoseconds\": %.0f}\n", bytes,
              requests == 0 ? 0 : seconds * 1e9 / requests);
}

void PrintMachines(uint32_t machines, uint32_t wakes) {
  std::vector<Notifier> notifiers;
  notifiers.reserve(machines);
  const size_t before = ResidentBytes();
  SimWorld world;
  Loop<Compose<Waiter>> loop =
      LoopBuilder<Compose<Waiter>>({.machines_max = machines}, world.AddHost("host")).Build();
  const GroupId group = *loop.AddGroup("waiters");
  for (uint32_t i = 0; i < machines; ++i) {
    ROTOR_CHECK(loop.Add<Waiter>(group, notifiers).ok(), "it has room");
  }
  ROTOR_CHECK(loop.RunOnce(world.now()).ok(), "the loop runs");
  ROTOR_CHECK(notifiers.size() == machines, "all have started");
  const double bytes = static_cast<double>(ResidentBytes() - before) / machines;
  Random random(1);
  const double start = ThreadSeconds();
  for (uint32_t done = 0; done < wakes; done += kAtATime) {
    for (size_t i = 0; i < kAtATime; ++i) notifiers[random.Below(machines)].Wake();
    ROTOR_CHECK(loop.RunOnce(world.now()).ok(), "the loop runs");
  }
  const double seconds = ThreadSeconds() - start;
  std::printf("{\"bytes\": %.0f, \"nanoseconds\": %.0f}\n", bytes, seconds * 1e9 / wakes);
}

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Costs of idle connections, simulated");
  absl::ParseCommandLine(argc, argv);
  using rotor::benchmarks::Print;
  const uint32_t connections = absl::GetFlag(FLAGS_connections);
  if (absl::GetFlag(FLAGS_machines)) {
    rotor::benchmarks::PrintMachines(connections, absl::GetFlag(FLAGS_requests));
  } else if (absl::GetFlag(FLAGS_held)) {
    Print<rotor::benchmarks::HoldingServer>(connections, 0);
  } else {
    Print<rotor::benchmarks::HttpServer>(connections, absl::GetFlag(FLAGS_requests));
  }
}
