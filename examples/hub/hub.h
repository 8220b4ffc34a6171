// The hub: three protocols in one loop. Everything but main(), so that //examples/hub_simulated
// runs the same composition in a simulated world.
#ifndef ROTOR_EXAMPLES_HUB_HUB_H_
#define ROTOR_EXAMPLES_HUB_HUB_H_

#include <csignal>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "core/machine/scope.h"
#include "core/signals/signals.h"
#include "examples/hub/context.h"
#include "examples/hub/site.h"
#include "protocols/dns/resolver/resolver.h"
#include "protocols/dns/server/server.h"
#include "protocols/http/server/server.h"
#include "protocols/line/line.h"

namespace hub {

struct Options {
  std::string bind = "127.0.0.1";
  uint16_t http_port = 8080;
  uint16_t echo_port = 7007;
  uint16_t dns_port = 5300;
  absl::Duration drain = absl::Seconds(5);
  // Whom /lookup asks: IP or IP:PORT, and nothing else; "self": the hub's own DNS server; empty:
  // the hosts file and the servers of resolv.conf.
  std::string resolver = "";
};

// The first signal to end drains, the second ends at once; SIGUSR1 prints the tree of machines.
class SignalHandler {
 public:
  void SignalReceived(int signal, rotor::ContextScope<Context>& scope);

 private:
  bool draining_ = false;
};

using App = rotor::Compose<rotor::http::Server<Site>, rotor::line::EchoServer, rotor::dns::Server,
                           rotor::dns::ResolverMachines, rotor::SignalMachine<SignalHandler>>;

// The zone hub.test., with the loop's counters as the text of stats.hub.test.
absl::StatusOr<std::shared_ptr<rotor::dns::ZoneStore>> MakeZones(rotor::CounterRegistry& counters);

// `resolver` as in Options, `own` where the hub's DNS server is.
absl::StatusOr<rotor::dns::ResolverOptions> MakeResolverOptions(const std::string& resolver,
                                                                const rotor::SocketAddress& own);

// Mounts all protocols and returns the context for the loop.
template <rotor::Composer C>
absl::StatusOr<Context> Mount(C& composer, const Options& options) {
  Context context;
  context.drain = options.drain;

  auto address = rotor::SocketAddress::Ip(options.bind, 0);
  if (!address.ok()) return address.status();

  rotor::http::ServerOptions http_options;
  http_options.addresses = {address->WithPort(options.http_port)};
  auto http = rotor::http::Mount(composer, "http", http_options, MakeSite());
  if (!http.ok()) return http.status();
  context.http = http->addresses[0];

  rotor::line::EchoOptions echo_options;
  echo_options.addresses = {address->WithPort(options.echo_port)};
  auto echo = rotor::line::Mount(composer, "echo", echo_options);
  if (!echo.ok()) return echo.status();
  context.echo = echo->addresses[0];

  auto zones = MakeZones(composer.counters());
  if (!zones.ok()) return zones.status();
  rotor::dns::ServerOptions dns_options;
  dns_options.addresses = {address->WithPort(options.dns_port)};
  auto dns = rotor::dns::Mount(composer, "dns", dns_options, *std::move(zones));
  if (!dns.ok()) return dns.status();
  context.dns = dns->addresses[0];

  auto resolver_options = MakeResolverOptions(options.resolver, context.dns);
  if (!resolver_options.ok()) return resolver_options.status();
  auto resolver = rotor::dns::Mount(composer, "resolver", *resolver_options);
  if (!resolver.ok()) return resolver.status();
  context.resolver = *resolver;

  absl::Status signals = rotor::MountSignals(composer, {SIGINT, SIGTERM, SIGUSR1}, SignalHandler());
  if (!signals.ok()) return signals;
  return context;
}

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_HUB_H_
