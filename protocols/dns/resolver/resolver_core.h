// ResolverCore: all of a resolver but its public face. Not for authors: see resolver.h.
//
//   lookups   what somebody waits for: a name and one or two types, tried in the search domains
//   fetches   one question each, for all lookups that need it: retried over servers and transports
//   channels  where queries are on the way: a UDP socket, a TCP connection
//
// resolver_core.cc has lookups and fetches, transport.cc the channels.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_CORE_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_CORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/machine/machine.h"
#include "protocols/dns/resolver/config.h"
#include "protocols/dns/resolver/lookup_state.h"
#include "protocols/dns/resolver/secret_random.h"
#include "protocols/stream/machine.h"

namespace rotor::dns {

// Where queries are on the way.
struct Channel {
  uint32_t number = 0;  // Distinguishes channels in the table of queries.
  size_t server = 0;
  uint32_t in_flight = 0;
  Fetch* sent = nullptr;
};

struct UdpSocket : Channel {
  Fd fd;
  uint32_t queries = 0;  // So far.
  uint32_t mismatches = 0;
  bool current = false;  // New queries of the server go here.
  bool readable = false;
};

// A TCP connection to a server. The machine that runs it is TcpProtocol's.
struct TcpLink : Channel {
  Notifier machine;
  std::string unsent;         // Messages, with their lengths.
  bool close_wanted = false;  // No new queries.
  bool answered = false;      // Once at least.
};

struct ResolverCounters {
  ResolverCounters(CounterRegistry& registry, std::string_view group);
  Counter &lookups, &cancelled, &cache_hits, &merged, &queries, &answers, &mismatches, &timeouts,
      &truncated, &tcp_connections, &failures, &refused, &reloads;
};

class TcpProtocol;

class ResolverCore {
 public:
  ResolverCore(const ResolverOptions& options, CounterRegistry& counters, std::string_view group);
  ~ResolverCore();
  ResolverCore(const ResolverCore&) = delete;
  ResolverCore& operator=(const ResolverCore&) = delete;

  // For Mount(): how TCP connections are made.
  void set_connector(const stream::Upgrade<TcpProtocol>& connector);

  // ---- For lookups and subscriptions, from any machine of the loop.

  std::unique_ptr<LookupState> Begin(std::string_view host, const Wanted& wanted, Scope& scope);
  std::unique_ptr<SubscriptionState> Subscribe(std::string_view host, const Wanted& wanted,
                                               Scope& scope);
  void Cancel(LookupState& lookup);
  void Cancel(SubscriptionState& subscription);

  // ---- For the machine that runs it.

  void MachineStarted(Scope& scope);
  void MachineGone();
  void SocketReady(Readiness readiness);
  // Receives, times out, sends.
  Step Turn(Scope& scope);
  void Describe(Description& description) const;

  // ---- For TcpProtocol.

  void MessageReceived(TcpLink& link, std::string_view message, Time now);
  // A message longer than answer_bytes_max; `id` is its beginning.
  void MessageTooLong(TcpLink& link, uint16_t id, size_t bytes, Time now);
  void LinkEnded(TcpLink& link, const absl::Status& why);
  const ResolverOptions& options() const { return options_; }

  // For tests: what is under way.
  uint32_t lookups() const { return lookup_count_; }
  uint32_t fetches() const { return fetch_count_; }
  size_t timers() const { return wheel_.has_value() ? wheel_->size() : 0; }
  const Cache& cache() const { return cache_; }

 private:
  // Lookups.
  std::unique_ptr<LookupState> BeginAt(std::string_view host, const Wanted& wanted,
                                       Notifier notifier, SubscriptionState* subscription,
                                       Time expires);
  void Start(LookupState& lookup, std::string_view host, Time now);
  bool AnswerNumerically(LookupState& lookup, std::string_view host);
  bool AnswerLocally(LookupState& lookup, const Name& name, Time now);
  bool AnswerSpecially(Part& part, const Name& name, Time now);
  void Settle(Part& part, Answer::Kind kind, const Name& name, std::vector<RecordData> records,
              Time now);
  void TryCandidates(LookupState& lookup, const TypedName& typed, Time now);
  void TryNextCandidate(LookupState& lookup, Time now);
  bool Judge(LookupState& lookup);
  void Finish(LookupState& lookup, absl::Status failure);
  void LookupTimedOut(LookupState& lookup);
  void LeaveFetches(LookupState& lookup);
  void Ask(Part& part, const Name& name, Time now);
  void Refresh(SubscriptionState& subscription, Time now);
  void TakeLooked(Time now);
  void Adopt(SubscriptionState& subscription, absl::StatusOr<resolve::Addresses> addresses,
             Time expires, Time now);
  void ConfigChanged(Time now);

  // Fetches.
  Fetch& NewFetch(const NameKey& key, const Name& name, RecordType type, Time now);
  void Forget(Fetch& fetch);
  void Release(Fetch& fetch);
  void Enqueue(Fetch& fetch);
  void Dequeue(Fetch& fetch);
  void Settle(Fetch& fetch, const Known& known, Time now);
  void Answered(Fetch& fetch, Reading& reading, Time now);
  void FollowAlias(Fetch& fetch, const Reading& reading);
  void TryFailed(Fetch& fetch, absl::Status why, bool in_time, Time now);
  void Failed(Fetch& fetch, absl::Status why, bool keep, Time now);
  void FetchTimedOut(Fetch& fetch, Time now);
  void TimersDue(Time now);

  // Channels.
  void SendQueued(Scope& scope);
  void SendOverUdp(Fetch& fetch, Scope& scope);
  void SendOverTcp(Fetch& fetch, Scope& scope);
  void BuildQuery(Fetch& fetch, bool over_tcp);
  bool Attach(Fetch& fetch, Channel& channel);
  void Detach(Fetch& fetch);
  UdpSocket* SocketFor(size_t server, Scope& scope, absl::Status& why);
  absl::Status OpenSocket(UdpSocket& socket, size_t server, Scope& scope);
  TcpLink* LinkFor(size_t server, Scope& scope, absl::Status& why);
  void CloseIdle();
  void CloseSocket(UdpSocket& socket);
  // True if the budget was spent before everything was read.
  bool Receive(Scope& scope);
  bool ReceiveFrom(UdpSocket& socket, Scope& scope, uint32_t& budget);
  void DatagramReceived(UdpSocket& socket, std::span<char> bytes, Time now);
  void Mismatch(UdpSocket& socket);
  void Refused(UdpSocket& socket, int error, Time now);
  void TooLong(Fetch& fetch, size_t bytes, Time now);
  void Process(Fetch& fetch, std::string_view message, bool over_tcp, Time now);
  Fetch* FindQuery(const Channel& channel, uint16_t id);

  const ResolverOptions options_;
  ResolverCounters counters_;
  Config config_;
  Cache cache_;
  std::optional<ServerPolicy> policy_;
  std::optional<TimerWheel> wheel_;
  std::optional<SecretRandom> random_;
  std::optional<stream::Upgrade<TcpProtocol>> connector_;
  Notifier machine_;
  bool machine_gone_ = false;
  bool in_turn_ = false;
  Time now_;  // Of the last call that told.

  LookupState* lookup_list_ = nullptr;
  uint32_t lookup_count_ = 0;
  SubscriptionState* subscription_list_ = nullptr;
  SubscriptionState* looked_list_ = nullptr;
  uint32_t subscription_count_ = 0;

  absl::flat_hash_set<Fetch*, KeyHash, KeyEqual> fetches_;
  std::vector<std::unique_ptr<Fetch>> fetch_memory_;
  Fetch* free_fetches_ = nullptr;
  Fetch* queue_first_ = nullptr;
  Fetch* queue_last_ = nullptr;
  uint32_t fetch_count_ = 0;
  uint32_t in_flight_ = 0;

  absl::flat_hash_map<uint64_t, Fetch*> queries_;  // By channel number and id.
  std::vector<UdpSocket> sockets_;                 // The index is the watch's tag.
  std::vector<uint8_t> readable_;                  // Indices of sockets.
  // The socket for new queries of each server; none is -1.
  std::array<int16_t, ServerPolicy::kServersMax> current_;
  std::vector<std::unique_ptr<TcpLink>> links_;
  uint32_t next_link_ = 256;  // Above the numbers of sockets.
  std::vector<TimerEntry*> due_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_CORE_H_
