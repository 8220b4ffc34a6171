#include "protocols/dns/resolver/server_policy.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/base/check.h"

namespace rotor::dns {

ServerPolicy::ServerPolicy(std::vector<SocketAddress> servers, bool rotate,
                           const PolicyOptions& options)
    : options_(options),
      timeout_min_(absl::ToInt64Nanoseconds(std::min(options.timeout_min, options.timeout_max))),
      timeout_initial_(absl::ToInt64Nanoseconds(options.timeout_initial)),
      timeout_max_(absl::ToInt64Nanoseconds(options.timeout_max)),
      rotate_(rotate) {
  ROTOR_CHECK(!servers.empty(), "a resolver has at least one server");
  if (servers.size() > kServersMax) servers.resize(kServersMax);
  for (SocketAddress& address : servers) servers_.push_back({.address = std::move(address)});
}

ServerPolicy::Order ServerPolicy::NextOrder(Time now) {
  Order order;
  const size_t first = rotate_ ? next_first_++ % servers_.size() : 0;
  std::array<uint8_t, kServersMax> dead;
  uint8_t dead_count = 0;
  for (size_t i = 0; i < servers_.size(); ++i) {
    const size_t index = (first + i) % servers_.size();
    Server& server = servers_[index];
    const bool is_dead = IsDead(index);
    // This query is the one that finds out.
    const bool probe = is_dead && server.probe_at <= now;
    if (probe) server.probe_at = now + options_.dead_interval;
    if (!is_dead || probe) {
      order.servers[order.count++] = static_cast<uint8_t>(index);
    } else {
      dead[dead_count++] = static_cast<uint8_t>(index);
    }
  }
  std::copy_n(dead.begin(), dead_count, order.servers.begin() + order.count);
  order.count = static_cast<uint8_t>(order.count + dead_count);
  return order;
}

absl::Duration ServerPolicy::TimeoutFor(size_t index, uint32_t round) const {
  const Server& server = servers_[index];
  int64_t timeout = timeout_initial_;
  if (server.smoothed > 0) timeout = server.smoothed + 4 * server.variation;
  timeout = std::clamp(timeout, timeout_min_, timeout_max_);
  constexpr uint32_t kDoublingsMax = 10;
  timeout = std::min(timeout << std::min(round, kDoublingsMax), timeout_max_);
  return absl::Nanoseconds(timeout);
}

void ServerPolicy::Answered(size_t index, Time sent_at, Time now) {
  Server& server = servers_[index];
  server.failures = 0;
  // A server as quick as the clock is still one that was measured.
  const int64_t round_trip = std::max<int64_t>(now.nanoseconds() - sent_at.nanoseconds(), 1);
  if (server.smoothed == 0) {
    server.smoothed = round_trip;
    server.variation = round_trip / 2;
    return;
  }
  const int64_t error = round_trip - server.smoothed;
  server.variation += (std::abs(error) - server.variation) / 4;
  server.smoothed = std::max<int64_t>(server.smoothed + error / 8, 1);
}

void ServerPolicy::Unanswered(size_t index, Time now) {
  Server& server = servers_[index];
  if (++server.failures == options_.failures_until_dead || !IsDead(index)) {
    server.probe_at = now + options_.dead_interval;
  }
}

void ServerPolicy::DoesNotUnderstandEdns(size_t index, Time now) {
  servers_[index].no_edns_until = now + options_.no_edns_interval;
}

}  // namespace rotor::dns
