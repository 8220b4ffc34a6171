// The resolver's configuration file, resolv.conf(5).
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLV_CONF_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLV_CONF_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "protocols/dns/codec/name.h"

namespace rotor::dns {

struct ResolvConf {
  std::vector<SocketAddress> servers;  // `nameserver`; never empty when parsed.
  std::vector<Name> search;            // `search` or `domain`, whichever came last.
  uint32_t ndots = 1;                  // Names with fewer dots are tried in the domains first.
  // The longest wait for one answer; servers known to be quick are given less.
  absl::Duration timeout = absl::Seconds(5);
  uint32_t attempts = 2;           // Rounds over all servers.
  bool rotate = false;             // Spread queries over the servers.
  bool edns0 = false;              // Send an OPT record (RFC 6891).
  bool use_vc = false;             // TCP only.
  std::vector<std::string> notes;  // What was ignored, each with its line. At most kNotesMax.

  static constexpr size_t kServersMax = 3;
  static constexpr size_t kSearchMax = 32;
  static constexpr size_t kNotesMax = 16;
  static constexpr uint32_t kNdotsMax = 15;
  static constexpr uint32_t kTimeoutSecondsMax = 30;
  static constexpr uint32_t kAttemptsMax = 5;
};

// Never fails: what it does not understand is ignored with a note, as resolvers do, and values
// beyond a limit are cut to it. Without a usable server there is one on 127.0.0.1. Neither the
// host's own name nor the environment (LOCALDOMAIN, RES_OPTIONS) is looked at.
ResolvConf ParseResolvConf(std::string_view text);

// "192.0.2.1", "2001:db8::1", "fe80::1%eth0", each also with a port: "192.0.2.1:5300",
// "[2001:db8::1]:5300". kInvalidArgument says what is wrong.
absl::StatusOr<SocketAddress> ParseServer(std::string_view text);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLV_CONF_H_
