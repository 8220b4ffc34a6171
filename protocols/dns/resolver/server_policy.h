// Which server to ask next, and how long to wait for it.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_SERVER_POLICY_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_SERVER_POLICY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/time/time.h"

namespace rotor::dns {

struct PolicyOptions {
  // The wait for one answer is what the server's past answers suggest (RFC 6298 section 2), between
  // these; of an unknown server `timeout_initial`. Each further round over the servers doubles it.
  // ResolvConf::timeout, if smaller, bounds it too.
  absl::Duration timeout_min = absl::Milliseconds(250);
  absl::Duration timeout_initial = absl::Seconds(2);
  absl::Duration timeout_max = absl::Seconds(5);
  // After this many queries without an answer in a row a server is dead: it is asked last, and only
  // one query at a time finds out whether it lives again, `dead_interval` later at the soonest.
  uint32_t failures_until_dead = 2;
  absl::Duration dead_interval = absl::Seconds(5);
  // How long it is remembered that a server does not understand EDNS (RFC 6891 section 6.2.2).
  absl::Duration no_edns_interval = absl::Minutes(30);
};

class ServerPolicy {
 public:
  static constexpr size_t kServersMax = 8;
  // Indices of servers, the first to be asked first.
  struct Order {
    std::array<uint8_t, kServersMax> servers = {};
    uint8_t count = 0;
  };

  // The first kServersMax of `servers` are used; there must be one. With `rotate` the first to be
  // asked changes with each query.
  ServerPolicy(std::vector<SocketAddress> servers, bool rotate, const PolicyOptions& options);

  size_t size() const { return servers_.size(); }
  const SocketAddress& address(size_t server) const { return servers_[server].address; }

  Order NextOrder(Time now);
  // `round` counts from 0.
  absl::Duration TimeoutFor(size_t server, uint32_t round) const;

  // `sent_at` is when the query was sent.
  void Answered(size_t server, Time sent_at, Time now);
  // A query was given up: no answer in time, or nobody there.
  void Unanswered(size_t server, Time now);
  bool IsDead(size_t server) const {
    return servers_[server].failures >= options_.failures_until_dead;
  }

  void DoesNotUnderstandEdns(size_t server, Time now);
  bool UnderstandsEdns(size_t server, Time now) const {
    return servers_[server].no_edns_until <= now;
  }

 private:
  struct Server {
    SocketAddress address;
    // In nanoseconds: arithmetic on absl::Duration costs more than all the rest here.
    int64_t smoothed = 0;  // 0: nothing was measured.
    int64_t variation = 0;
    uint32_t failures = 0;   // In a row.
    Time probe_at = Time();  // When dead.
    Time no_edns_until = Time();
  };

  const PolicyOptions options_;
  const int64_t timeout_min_, timeout_initial_, timeout_max_;  // In nanoseconds.
  const bool rotate_;
  std::vector<Server> servers_;
  size_t next_first_ = 0;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_SERVER_POLICY_H_
