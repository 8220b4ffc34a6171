// The hub's composition, unchanged, in a simulated world: simulated clients, faults, one virtual
// hour.
#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "examples/hub_simulated/simulation.h"

ABSL_FLAG(uint64_t, seed, 42, "the run: the same seed gives the same log");
ABSL_FLAG(absl::Duration, duration, absl::Hours(1), "virtual time in which clients arrive");
ABSL_FLAG(uint64_t, worlds, 1, "with more than one: that many seeds from `seed` on, 30 s each");
ABSL_FLAG(bool, log, false, "print every call, segment and fault to standard error");

namespace {

void Print(const hub::SimulationResult& result) {
  std::printf("clients         %" PRIu64 ", cut short by faults %" PRIu64 "\n",
              result.tally.clients, result.tally.cut_short);
  std::printf("http responses  %" PRIu64 "\n", result.tally.http_responses);
  std::printf("echoed bytes    %" PRIu64 "\n", result.tally.echo_bytes);
  std::printf("dns answers     %" PRIu64 "\n", result.tally.dns_answers);
  std::printf("events          %" PRIu64 "\n", result.events);
  std::printf("faults          %" PRIu64 "\n", result.faults_total);
  for (const auto& [name, count] : result.faults) {
    std::printf("  %-22s %" PRIu64 "\n", name.c_str(), count);
  }
  std::printf("log hash        %016" PRIx64 "\n", result.log_hash);
}

void PrintProblems(uint64_t seed, const hub::SimulationResult& result) {
  for (const std::string& problem : result.problems) {
    std::printf("PROBLEM, seed %" PRIu64 ": %s\n", seed, problem.c_str());
  }
}

hub::SimulationResult RunOne(uint64_t seed) {
  hub::SimulationOptions options = {.seed = seed, .arrivals = absl::GetFlag(FLAGS_duration)};
  if (absl::GetFlag(FLAGS_log)) {
    options.log_sink = [](std::string_view line) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
  }
  hub::SimulationResult result = hub::Simulate(options);
  Print(result);
  PrintProblems(seed, result);
  return result;
}

// The sums over many worlds. True if all were right.
bool RunMany(uint64_t first, uint64_t worlds) {
  hub::SimulationResult sum;
  uint64_t events_min = UINT64_MAX, faults_min = UINT64_MAX, wrong = 0;
  for (uint64_t seed = first; seed < first + worlds; ++seed) {
    const hub::SimulationResult result = hub::Simulate({.seed = seed});
    PrintProblems(seed, result);
    wrong += result.problems.empty() ? 0 : 1;
    events_min = std::min(events_min, result.events);
    faults_min = std::min(faults_min, result.faults_total);
    sum.tally.clients += result.tally.clients;
    sum.tally.cut_short += result.tally.cut_short;
    sum.tally.http_responses += result.tally.http_responses;
    sum.tally.echo_bytes += result.tally.echo_bytes;
    sum.tally.dns_answers += result.tally.dns_answers;
    sum.events += result.events;
    sum.faults_total += result.faults_total;
    sum.log_hash ^= result.log_hash;
    if (sum.faults.empty()) sum.faults.resize(result.faults.size());
    for (size_t i = 0; i < result.faults.size(); ++i) {
      sum.faults[i].first = result.faults[i].first;
      sum.faults[i].second += result.faults[i].second;
    }
  }
  Print(sum);
  std::printf("worlds          %" PRIu64 ", wrong %" PRIu64 "; at least %" PRIu64
              " events and %" PRIu64 " faults in each\n",
              worlds, wrong, events_min, faults_min);
  return wrong == 0;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("The hub with simulated clients and faults; one seed, one log");
  absl::ParseCommandLine(argc, argv);
  // The only real thing here: a clock, to say how long the run took.
  absl::StatusOr<std::unique_ptr<rotor::EpollBackend>> clock = rotor::EpollBackend::Create();
  if (!clock.ok()) {
    std::fprintf(stderr, "hub_simulated: %s\n", clock.status().ToString().c_str());
    return 1;
  }
  const rotor::Time start = (*clock)->Now();
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  const uint64_t worlds = absl::GetFlag(FLAGS_worlds);
  const bool right = worlds > 1 ? RunMany(seed, worlds) : RunOne(seed).problems.empty();
  std::printf("wall seconds    %.2f\n", absl::ToDoubleSeconds((*clock)->Now() - start));
  return right ? 0 : 1;
}
