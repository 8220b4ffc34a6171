// An authoritative DNS server over UDP and TCP, to be mounted in any loop.
//
//   auto zone = dns::LoadZoneFile("example.zone");
//   using App = rotor::Compose<dns::Server>;
//   auto mounted = dns::Mount(builder, "dns", options, dns::ZoneStore::Of(*std::move(zone)));
//
// What is answered is the Responder's business (protocols/dns/zone); here are the machines that
// carry it: one per UDP socket, one per TCP listener, one per TCP connection.
#ifndef ROTOR_PROTOCOLS_DNS_SERVER_SERVER_H_
#define ROTOR_PROTOCOLS_DNS_SERVER_SERVER_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "protocols/dns/zone/responder.h"
#include "protocols/dns/zone/zone_set.h"
#include "protocols/stream/machine.h"

namespace rotor::dns {

struct ServerOptions : stream::ListenOptions {  // `addresses` are served over UDP and TCP both.
  // RFC 7766 section 6.2.2.
  ServerOptions() {
    accept.connections_max = 1000;
    accept.connections_per_client_max = 100;
  }
  ResponderOptions responder;
  // Datagrams answered in one turn before others get theirs.
  uint32_t datagrams_per_turn = 64;
  // A TCP connection without a query is closed after this (RFC 7766 section 6.2.3), as is one whose
  // query, its length known, takes longer to come, and one that does not read its answers.
  absl::Duration idle_timeout = absl::Seconds(10);
  // After so many queries a TCP connection is closed, its answers sent.
  uint32_t queries_per_connection_max = 1'000'000;
};

// What the machines of one server share.
class ServerShared {
 public:
  ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
               std::string_view name, std::shared_ptr<const ZoneStore> store);

  // The answer to `query`, valid until the next call; empty if there must be none.
  std::string_view Answer(std::string_view query, Transport transport);

  const ServerOptions options;
  Counter& datagrams_received;
  Counter& datagrams_lost;   // Answers that could not be sent.
  Counter& queries_dropped;  // Without an answer, because there must be none.

 private:
  Responder responder_;
  std::vector<char> response_;
  Counter& queries_;
};

// Answers the datagrams of one socket.
class DatagramServer {
 public:
  DatagramServer(Fd socket, ServerShared& shared) : socket_(std::move(socket)), shared_(shared) {}

  Step Start(Scope& scope);
  Step Ready(Readiness, Scope& scope) { return AnswerSome(scope); }
  // What has arrived is still answered before the socket closes.
  Step Wakeup(Scope& scope) { return AnswerSome(scope); }
  void Describe(Description& description) const;

 private:
  Step AnswerSome(Scope& scope);
  void AnswerOne(Scope& scope, const IoResult& received, const DatagramEnds& ends);

  Fd socket_;
  ServerShared& shared_;
  bool is_wildcard_ = false;  // Answers leave from the address that was asked (RFC 2181 section 4).
};
static_assert(IsMachine<DatagramServer>());

// One TCP connection: messages behind two bytes of length each (RFC 1035 section 4.2.2). All
// answers to one read leave in one write.
class StreamProtocol {
 public:
  struct Shared {
    ServerShared& server;  // With the UDP machines.
  };
  explicit StreamProtocol(const Shared& shared) : shared_(shared) {}

  Intent Start(Stream&, Scope& scope) { return NextQuery(scope); }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope);
  // A connection without queries is closed silently, as is one whose query stays incomplete.
  Intent Timeout(Stream&, Scope&) { return Intent::Abort(absl::OkStatus()); }
  Intent InputEnded(InputEnd, Stream&, Scope& scope);

 private:
  Intent NextQuery(Scope& scope) const;

  const Shared& shared_;
  uint32_t queries_ = 0;
};
static_assert(IsProtocol<StreamProtocol>());

// To be listed in Compose<...>.
using Server = Parts<DatagramServer, stream::Server<StreamProtocol>>;

// UDP sockets bound to `addresses`, each of which gets the port that was chosen for it.
absl::StatusOr<std::vector<Fd>> BindDatagrams(Io& io, std::vector<SocketAddress>& addresses);

// Whether a port the kernel chose for UDP was taken for TCP, so that another one may do.
bool IsWorthAnotherPort(const absl::Status& status, const std::vector<SocketAddress>& addresses);
inline constexpr int kPortsTriedMax = 16;

absl::Status CheckOptions(const ServerOptions& options);

// With port 0, UDP and TCP get the same port. kInvalidArgument if a limit is 0.
template <Composer C>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, const ServerOptions& options,
                              std::shared_ptr<const ZoneStore> store) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  ServerShared& shared =
      composer.template Keep<ServerShared>(options, composer.counters(), name, std::move(store));
  for (int attempt = 1;; ++attempt) {
    ServerOptions bound = options;
    absl::StatusOr<std::vector<Fd>> sockets = BindDatagrams(composer.io(), bound.addresses);
    if (!sockets.ok()) return sockets.status();
    absl::StatusOr<Mounted> mounted = stream::Mount<StreamProtocol>(composer, name, bound, shared);
    if (!mounted.ok()) {
      const bool again =
          attempt < kPortsTriedMax && IsWorthAnotherPort(mounted.status(), options.addresses);
      if (again) continue;
      return mounted.status();
    }
    for (Fd& socket : *sockets) {
      absl::StatusOr<Notifier> added =
          composer.template Add<DatagramServer>(mounted->group, std::move(socket), shared);
      if (!added.ok()) return added.status();
    }
    return mounted;
  }
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_SERVER_SERVER_H_
