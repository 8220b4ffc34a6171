#include "examples/hub/hub.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "examples/hub/report.h"

namespace hub {

namespace {

constexpr uint32_t kTtlSeconds = 60;

absl::Status AddAddress(rotor::dns::Zone& zone, std::string_view owner, std::string_view address) {
  absl::StatusOr<rotor::dns::RecordData> data = rotor::dns::RecordData::Address(address);
  return data.ok() ? zone.Add(owner, kTtlSeconds, *std::move(data)) : data.status();
}

absl::Status AddText(rotor::dns::Zone& zone, std::string_view owner, std::string_view text) {
  absl::StatusOr<rotor::dns::RecordData> data = rotor::dns::RecordData::Text(text);
  return data.ok() ? zone.Add(owner, kTtlSeconds, *std::move(data)) : data.status();
}

}  // namespace

void SignalHandler::SignalReceived(int signal, rotor::ContextScope<Context>& scope) {
  if (signal == SIGUSR1) {
    std::fputs(TreeAsText(scope, 0, kTreeMachinesMax).c_str(), stdout);
    std::fflush(stdout);
    return;
  }
  if (std::exchange(draining_, true)) return scope.ShutDown();
  if (scope.context().announce) {
    std::printf("draining for at most %s; a second signal ends at once\n",
                absl::FormatDuration(scope.context().drain).c_str());
    std::fflush(stdout);
  }
  scope.Drain(scope.now() + scope.context().drain);
}

absl::StatusOr<std::shared_ptr<rotor::dns::ZoneStore>> MakeZones(rotor::CounterRegistry& counters) {
  absl::StatusOr<rotor::dns::Zone> zone = rotor::dns::Zone::Create("hub.test.");
  if (!zone.ok()) return zone.status();
  absl::Status status;
  status.Update(AddAddress(*zone, "@", "127.0.0.1"));
  status.Update(AddAddress(*zone, "@", "::1"));
  status.Update(AddAddress(*zone, "ns", "127.0.0.1"));
  status.Update(AddText(*zone, "@", "HTTP, line echo and DNS in one loop"));
  // The registry lives as long as the loop, and with it as long as the server that asks the zone.
  status.Update(zone->AddDynamicText("stats", 0, [&counters] { return StatsAsText(counters); }));
  if (!status.ok()) return status;
  return rotor::dns::ZoneStore::Of(*std::move(zone));
}

absl::StatusOr<rotor::dns::ResolverOptions> MakeResolverOptions(const std::string& resolver,
                                                                const rotor::SocketAddress& own) {
  rotor::dns::ResolverOptions options;
  if (resolver.empty()) return options;
  absl::StatusOr<rotor::SocketAddress> server = own;
  if (resolver != "self") server = rotor::dns::ParseServer(resolver);
  if (!server.ok()) return server.status();
  options.config.emplace();
  options.config->servers = {*server};
  options.config->edns0 = true;
  options.hosts = "";
  return options;
}

}  // namespace hub
