// A resolver on one simulated host, and servers that a test scripts on another.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_TEST_UTIL_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_TEST_UTIL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/resolver/resolver.h"

namespace rotor::dns {

// ---- Messages

struct SomeRecord {
  std::string owner;
  uint32_t ttl = 0;
  RecordData data = RecordData::A({});
};
SomeRecord Address(std::string_view owner, uint32_t ttl, std::string_view address);
SomeRecord Alias(std::string_view owner, uint32_t ttl, std::string_view target);
SomeRecord Soa(std::string_view zone, uint32_t ttl, uint32_t minimum);
SomeRecord NameServer(std::string_view zone, std::string_view server);

// How to answer.
struct Reply {
  ResponseCode code = ResponseCode::kNoError;
  std::vector<SomeRecord> answer = {};
  std::vector<SomeRecord> authority = {};
  bool truncated = false;
  bool edns = false;
};
// The message that answers `query` so, with its id and question.
std::string MakeReply(std::string_view query, const Reply& reply);
// "www.example.test. A".
std::string QuestionOf(std::string_view query);
bool HasEdns(std::string_view query);

// ---- The servers' side

// What a scripted server does with a TCP query.
struct TcpAction {
  std::string bytes;   // Sent as they are; Framed() puts the length before a message.
  bool close = false;  // Afterwards; with no bytes at once.
};
std::string Framed(std::string_view message);
using TcpScript = std::function<TcpAction(std::string_view query)>;

class ScriptedTcp {
 public:
  struct Shared {
    TcpScript& script;
    int& connections;
  };
  explicit ScriptedTcp(const Shared& shared) : shared_(shared) {}
  Intent Start(Stream&, Scope&) {
    ++shared_.connections;
    return Expect::Bytes(2).Forever();
  }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope);
  Intent InputEnded(InputEnd, Stream&, Scope&) { return Intent::Abort(absl::OkStatus()); }

 private:
  const Shared& shared_;
};

// One server: its UDP socket answers by `udp`, its TCP listener, if any, by `tcp`.
struct ScriptedServer {
  SocketAddress address;
  std::unique_ptr<SimDatagramSocket> socket;
  // Called for each query with whom to answer; sends what it likes.
  std::function<void(const SimDatagram& query)> udp;
  TcpScript tcp;
  std::vector<std::string> questions;  // "name type", UDP.
  std::vector<std::string> tcp_questions;
  std::vector<std::string> queries;  // As received, UDP.
  std::vector<SocketAddress> sources;
  int connections = 0;

  void Send(const SimDatagram& query, const Reply& reply) {
    socket->SendTo(MakeReply(query.bytes, reply), query.from);
  }
  // From now on every UDP query gets this.
  void Always(const Reply& reply) {
    udp = [this, reply](const SimDatagram& query) { Send(query, reply); };
  }
  void AlwaysTcp(const Reply& reply) {
    tcp = [reply](std::string_view query) { return TcpAction{Framed(MakeReply(query, reply))}; };
  }
};

// ---- The resolver's side

// Runs what the test wants done in a scope of the resolver's loop.
class Asker {
 public:
  using Jobs = std::vector<std::function<void(Scope&)>>;
  Asker(Jobs& jobs, int& wakeups) : jobs_(jobs), wakeups_(wakeups) {}
  Step Start(Scope&) { return Step::WaitForever(); }
  Step Wakeup(Scope& scope) {
    if (scope.draining()) return Step::Done();
    ++wakeups_;
    for (const auto& job : std::exchange(jobs_, {})) job(scope);
    return Step::KeepWaiting();
  }

 private:
  Jobs& jobs_;
  int& wakeups_;
};

// Files in memory.
class FakeFiles final : public FileReader {
 public:
  std::string Stamp(const std::string& path) override;
  absl::StatusOr<std::string> Read(const std::string& path, size_t bytes_max) override;
  void Set(const std::string& path, const std::string& text) { files_[path] = {text, ++version_}; }
  int reads() const { return reads_; }

 private:
  std::map<std::string, std::pair<std::string, int>> files_;
  int version_ = 0;
  int reads_ = 0;
};

struct WorldOptions {
  int servers = 1;
  bool tcp = true;  // Whether the servers listen for TCP.
  SimOptions sim = {};
  ResolverOptions resolver = {};
  std::string resolv_conf_extra = "";  // Lines behind those of the servers.
};

class ResolverWorld {
 public:
  using App = Compose<ResolverMachines, Asker>;
  using ServerApp = Compose<stream::Server<ScriptedTcp>>;

  explicit ResolverWorld(WorldOptions options = {});
  ~ResolverWorld();

  // Lets `span` pass.
  void Run(absl::Duration span = absl::Milliseconds(20));
  // Lets time pass until `done` or `span_max` later; whether it was done.
  bool RunUntil(const std::function<bool()>& done, absl::Duration span_max = absl::Seconds(60));
  // Runs `job` in the resolver's loop.
  void Do(std::function<void(Scope&)> job);

  // Looks up and runs until it is done.
  absl::StatusOr<resolve::Addresses> Find(std::string_view host,
                                          const resolve::FindOptions& options = {});
  absl::StatusOr<std::shared_ptr<const Answer>> Ask(std::string_view name, RecordType type,
                                                    const AskOptions& options = {});
  // As text, "[2001:db8::1]:0 192.0.2.1:0", or the status.
  std::string FindText(std::string_view host, const resolve::FindOptions& options = {});

  ScriptedServer& server(size_t index = 0) { return *servers_[index]; }
  int64_t Count(std::string_view name) { return loop_->counters().Get("resolver", name).value(); }
  // Descriptors, machines, timers, queries and lookups that a resolver without work has not.
  std::string Leftovers();

  SimWorld world;
  SimBackend& host;
  std::shared_ptr<FakeFiles> files = std::make_shared<FakeFiles>();
  std::optional<Loop<App>> loop_;
  Resolver* resolver = nullptr;
  ResolverCore* core = nullptr;
  int wakeups = 0;  // Of the Asker.

 private:
  void AddServer(bool tcp);
  // Lets happen what is due, then goes to what is next, unless it is done.
  bool Advance(Time until, const std::function<bool()>& done);

  std::vector<std::unique_ptr<ScriptedServer>> servers_;
  std::optional<Loop<ServerApp>> server_loop_;
  Asker::Jobs jobs_;
  Notifier asker_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_TEST_UTIL_H_
