// What a resolver is told: its options, and the files it reads and reads again.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_CONFIG_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/time/time.h"
#include "protocols/dns/resolver/cache.h"
#include "protocols/dns/resolver/hosts_file.h"
#include "protocols/dns/resolver/resolv_conf.h"
#include "protocols/dns/resolver/server_policy.h"

namespace rotor::dns {

// Files as a resolver sees them; a test has its own.
class FileReader {
 public:
  virtual ~FileReader() = default;
  // Changes whenever the file does; empty if there is none.
  virtual std::string Stamp(const std::string& path) = 0;
  // kResourceExhausted if it is larger than `bytes_max`.
  virtual absl::StatusOr<std::string> Read(const std::string& path, size_t bytes_max) = 0;
};
// stat(2) and read(2): such files are small and local.
std::shared_ptr<FileReader> SystemFiles();

struct ResolverOptions {
  // Used instead of the file `resolv_conf` if set. Its edns0 is then worth setting.
  std::optional<ResolvConf> config = std::nullopt;
  std::string resolv_conf = "/etc/resolv.conf";  // A missing file is an empty one.
  std::string hosts = "/etc/hosts";              // Empty: none.
  // How often at most the files are looked at again, when a lookup begins. A change of the servers
  // empties the cache.
  absl::Duration reload_interval = absl::Seconds(5);
  size_t file_bytes_max = 4 << 20;              // A larger file is ignored.
  std::shared_ptr<FileReader> files = nullptr;  // SystemFiles() if null.

  CacheOptions cache;
  PolicyOptions policy;

  // Lookups that are not done. Further ones are done at once with kResourceExhausted.
  uint32_t lookups_max = 10'000;
  // Names watched. Further ones have kResourceExhausted instead of addresses.
  uint32_t subscriptions_max = 1'000;
  // Queries on the way. Further ones wait for their turn, as long as their lookups do.
  uint32_t queries_max = 1'000;
  // UDP sockets, at most 200. When all are in use, queries share the one of their server that is
  // used least. No query on the way: no socket is open.
  uint32_t sockets_max = 64;
  // A socket, and so a random port, serves at most this many queries (RFC 5452 section 9.2); 1 is
  // the safest and costs a system call or four for each query.
  uint32_t queries_per_socket = 256;
  // After so many datagrams on one socket that answer nothing asked, its queries go over TCP (RFC
  // 5452 section 9.3).
  uint32_t mismatches_max = 20;
  // The case of letters is random, and an answer must repeat it (draft-vixie-dnsext-dns0x20). A
  // server that does not is asked over TCP.
  bool random_case = true;
  // Advertised with EDNS.
  uint16_t udp_payload_bytes_max = 1232;
  // A longer answer is kResourceExhausted; only over TCP are there any above a datagram.
  uint32_t answer_bytes_max = 65535;
  // Datagrams read in one turn before others get theirs.
  uint32_t datagrams_per_turn = 256;
  // A TCP connection without a query is closed after this (RFC 7766 section 6.2.3).
  absl::Duration tcp_idle_timeout = absl::Seconds(5);
};

// The files' content as of the last look. The loop's thread only.
class Config {
 public:
  explicit Config(const ResolverOptions& options);

  // Looks at the files again if it is time. True if the servers may have changed.
  bool RefreshIfDue(Time now) { return !(now < next_look_) && Refresh(now); }

  const ResolvConf& conf() const { return conf_; }
  const HostsFile& hosts() const { return hosts_; }

 private:
  bool Refresh(Time now);
  std::string ReadFile(const std::string& path);

  const ResolverOptions& options_;
  const std::shared_ptr<FileReader> files_;
  ResolvConf conf_;
  HostsFile hosts_;
  std::string conf_stamp_, hosts_stamp_;
  Time next_look_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_CONFIG_H_
