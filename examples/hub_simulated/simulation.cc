#include "examples/hub_simulated/simulation.h"

#include <csignal>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "examples/hub/hub.h"

namespace hub {

namespace {

// A drain of the hub waits for this long; see hub::Options.
constexpr absl::Duration kDrain = absl::Seconds(120);

// Machines cut at the end of a drain arrive here as log lines.
class CutLog final : public rotor::LogSink {
 public:
  explicit CutLog(std::vector<std::string>& lines) : lines_(lines) {}
  void Write(rotor::LogLevel, std::string_view message) override { lines_.emplace_back(message); }

 private:
  std::vector<std::string>& lines_;
};

// The clients of one run, arriving at random times.
class Arrivals {
 public:
  Arrivals(rotor::SimWorld& world, const Context& addresses, const SimulationOptions& options,
           Tally& tally)
      : world_(world),
        addresses_(addresses),
        options_(options),
        tally_(tally),
        random_(options.seed) {
    end_ = world.now() + options.arrivals;
    Schedule();
  }

  std::vector<std::string> Unfinished() const {
    std::vector<std::string> unfinished;
    for (const std::unique_ptr<Client>& client : clients_) {
      if (!client->finished()) unfinished.push_back(client->Describe());
    }
    return unfinished;
  }

 private:
  void Schedule() {
    const double share = static_cast<double>(random_.Below(2000)) / 1000.0;
    world_.After(options_.between_arrivals * share, [this] {
      if (world_.now() > end_) return;
      std::erase_if(clients_, [](const auto& client) { return client->finished(); });
      clients_.push_back(MakeClient(world_, addresses_, random_, tally_));
      Schedule();
    });
  }

  rotor::SimWorld& world_;
  const Context addresses_;
  const SimulationOptions options_;
  Tally& tally_;
  rotor::Random random_;
  rotor::Time end_;
  std::vector<std::unique_ptr<Client>> clients_;
};

using HubLoop = rotor::Loop<App, Context>;

// Runs until `until`, or until no machine keeps the loop running.
absl::Status RunUntil(HubLoop& loop, rotor::SimWorld& world, rotor::Time until) {
  while (world.now() < until) {
    absl::StatusOr<bool> more = loop.RunOnce(until);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Run(const SimulationOptions& options, rotor::SimWorld& world, rotor::SimBackend& host,
                 SimulationResult& result) {
  CutLog log(result.problems);
  rotor::Random random(options.seed);
  // Sometimes so few slots that connections have to wait.
  const uint32_t machines_max = random.Chance(0.3) ? 120 : 1024;
  rotor::LoopBuilder<App, Context> builder({.machines_max = machines_max, .log = &log}, host);
  absl::StatusOr<Context> context = Mount(builder, {.drain = kDrain, .resolver = "self"});
  if (!context.ok()) return context.status();
  context->announce = false;
  const Context addresses = *context;
  HubLoop loop = std::move(builder).Build(*std::move(context));

  Arrivals arrivals(world, addresses, options, result.tally);
  absl::Status status = RunUntil(loop, world, world.now() + options.arrivals + options.settling);
  if (!status.ok()) return status;
  for (const std::string& client : arrivals.Unfinished()) {
    result.problems.push_back(absl::StrCat("still waiting at the end: ", client));
  }
  world.RaiseSignal(host, SIGTERM);
  status = RunUntil(loop, world, world.now() + kDrain + absl::Seconds(30));
  // Only what runs in the background outlives a drain: signals and the resolver.
  if (loop.machines() != 2) {
    result.problems.push_back(absl::StrCat(loop.machines(), " machines are left after the drain"));
  }
  return status;
}

}  // namespace

SimulationResult Simulate(const SimulationOptions& options) {
  SimulationResult result;
  rotor::SimOptions sim_options = rotor::SimOptions::Hostile(options.seed);
  sim_options.log_sink = options.log_sink;
  rotor::SimWorld world(sim_options);
  rotor::SimBackend& host = world.AddHost("hub");
  result.status = Run(options, world, host, result);
  world.ExpectNothingOpen();
  if (!result.status.ok()) result.problems.push_back(result.status.ToString());
  for (const std::string& failure : result.tally.failures) result.problems.push_back(failure);
  for (const std::string& violation : world.violations()) result.problems.push_back(violation);
  for (const rotor::SimFaultCount& fault : world.faults()) {
    result.faults.emplace_back(fault.name, fault.count);
    result.faults_total += fault.count;
  }
  result.events = world.events_delivered();
  result.log_hash = world.log_hash();
  return result;
}

}  // namespace hub
