// The table of names that needs no server, hosts(5).
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_HOSTS_FILE_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_HOSTS_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/backend/socket_address.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/resolver/name_key.h"

namespace rotor::dns {

// Looking up takes constant time. Memory is linear in the file.
class HostsFile {
 public:
  // Lines of an address and names. What is neither is ignored, as is an address with a scope.
  // All lines of a name count, in order, each address once.
  static HostsFile Parse(std::string_view text);

  // The addresses of a name, IPv4 and IPv6, with port 0; null if it is not in the file.
  const std::vector<SocketAddress>* FindAddresses(const NameKey& name) const;
  // The name that the file gives first for the address whose reverse name this is; null if none.
  const Name* FindReverse(const NameKey& reverse_name) const;

  size_t names() const { return addresses_.size(); }

 private:
  // By the folded wire form.
  absl::flat_hash_map<std::string, std::vector<SocketAddress>> addresses_;
  absl::flat_hash_map<std::string, Name> names_;
};

// The name that a PTR record of the address has (RFC 1035 section 3.5, RFC 3596 section 2.5). The
// root if `address` is not IP.
Name ReverseName(const SocketAddress& address);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_HOSTS_FILE_H_
