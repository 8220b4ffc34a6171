// An authoritative DNS server over UDP and TCP, to be mounted in any loop.
//
//   auto zone = dns::Zone::Create("example.test.");
//   ... zone->Add("www", 300, ...) ...
//   using App = rotor::Compose<dns::Server>;
//   auto mounted = dns::Mount(builder, "dns", options,
//   std::make_shared<dns::Zone>(*std::move(zone)));
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
#include "protocols/dns/zone/zone.h"
#include "protocols/stream/machine.h"

namespace rotor::dns {

struct ServerOptions : stream::ListenOptions {  // `addresses` are served over UDP and TCP both.
  ResponderOptions responder;
  // Datagrams answered in one turn before others get theirs.
  uint32_t datagrams_per_turn = 64;
  // A TCP connection without a query is closed after this (RFC 7766 section 6.2.3), as is one whose
  // query, its length known, takes longer to come, and one that does not read its answers.
  absl::Duration idle_timeout = absl::Seconds(10);
};

// What the machines of one server share.
class ServerShared {
 public:
  ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
               std::string_view name, std::shared_ptr<const Zone> zone);

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

  Fd socket_;
  ServerShared& shared_;
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
};
static_assert(IsProtocol<StreamProtocol>());

// To be listed in Compose<...>.
using Server = Parts<DatagramServer, stream::Server<StreamProtocol>>;

// Binds `address` for UDP and returns the socket with the address for TCP to follow.
struct BoundDatagram {
  Fd socket;
  SocketAddress address;
};
absl::StatusOr<std::vector<BoundDatagram>> BindDatagrams(
    Io& io, const std::vector<SocketAddress>& addresses);

// With port 0, UDP and TCP get the same port. kInvalidArgument if datagrams_per_turn is 0.
template <Composer C>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, ServerOptions options,
                              std::shared_ptr<const Zone> zone) {
  if (options.datagrams_per_turn == 0) {
    return absl::InvalidArgumentError("ServerOptions: datagrams_per_turn is 0");
  }
  absl::StatusOr<std::vector<BoundDatagram>> bound =
      BindDatagrams(composer.io(), options.addresses);
  if (!bound.ok()) return bound.status();
  for (size_t i = 0; i < bound->size(); ++i) options.addresses[i] = (*bound)[i].address;
  ServerShared& shared =
      composer.template Keep<ServerShared>(options, composer.counters(), name, std::move(zone));
  absl::StatusOr<Mounted> mounted = stream::Mount<StreamProtocol>(composer, name, options, shared);
  if (!mounted.ok()) return mounted.status();
  for (BoundDatagram& datagram : *bound) {
    absl::StatusOr<Notifier> added =
        composer.template Add<DatagramServer>(mounted->group, std::move(datagram.socket), shared);
    if (!added.ok()) return added.status();
  }
  return mounted;
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_SERVER_SERVER_H_
