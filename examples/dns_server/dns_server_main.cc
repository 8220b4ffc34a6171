// An authoritative DNS server for zone files; SIGHUP reads them again.
//   dns_server --port=5300 --zone=example.zone & dig @127.0.0.1 -p 5300 www.example.test
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "core/signals/signals.h"
#include "protocols/dns/server/server.h"
#include "protocols/dns/server/zone_reloader.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "address to serve on, over UDP and TCP");
ABSL_FLAG(uint16_t, port, 5300, "port to serve on; 0 lets the kernel choose");
ABSL_FLAG(std::vector<std::string>, zone, {}, "zone files, separated by commas");

namespace {

// The first signal to end drains, the second ends at once; SIGHUP reloads.
struct SignalHandler {
  void SignalReceived(int signal, rotor::Scope& scope) {
    if (signal == SIGHUP) return reload.Request();
    if (std::exchange(draining, true)) return scope.ShutDown();
    scope.Drain(scope.now() + absl::Seconds(5));
  }

  rotor::dns::ZoneReload reload;
  bool draining = false;
};

using App = rotor::Compose<rotor::dns::Server, rotor::dns::ZoneReloader,
                           rotor::SignalMachine<SignalHandler>>;

absl::Status Serve() {
  const std::vector<std::string> paths = absl::GetFlag(FLAGS_zone);
  if (paths.empty()) return absl::InvalidArgumentError("no --zone is given");
  rotor::dns::LoadedZones loaded = rotor::dns::LoadZoneFiles(paths, nullptr);
  if (loaded.zones == nullptr) return loaded.faults[0];
  auto store = std::make_shared<rotor::dns::ZoneStore>(std::move(loaded.zones));

  auto address = rotor::SocketAddress::Ip(absl::GetFlag(FLAGS_bind), absl::GetFlag(FLAGS_port));
  if (!address.ok()) return address.status();
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();

  rotor::LoopBuilder<App> builder({}, **backend);
  rotor::dns::ServerOptions options;
  options.addresses = {*address};
  options.listener.defer_accept_seconds = 5;  // The client speaks first.
  auto mounted = rotor::dns::Mount(builder, "dns", options, store);
  if (!mounted.ok()) return mounted.status();
  auto reload =
      rotor::dns::MountZoneReloader(builder, "zones", {.paths = paths, .file = {}}, store);
  if (!reload.ok()) return reload.status();
  absl::Status signals =
      rotor::MountSignals(builder, {SIGHUP, SIGINT, SIGTERM}, SignalHandler{*std::move(reload)});
  if (!signals.ok()) return signals;

  std::printf("serving DNS on %s\n", mounted->addresses[0].ToString().c_str());
  std::fflush(stdout);
  return std::move(builder).Build().Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Answers DNS queries from zone files");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "dns_server: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
