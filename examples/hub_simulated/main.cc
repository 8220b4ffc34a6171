// The hub's composition, unchanged, in a simulated world: simulated clients, faults, one virtual hour.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/hub_simulated/simulation.h"

ABSL_FLAG(uint64_t, seed, 42, "the run: the same seed gives the same log");
ABSL_FLAG(absl::Duration, duration, absl::Hours(1), "virtual time in which clients arrive");
ABSL_FLAG(bool, log, false, "print every call, segment and fault to standard error");

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Time start = absl::Now();
  hub::SimulationOptions options = {.seed = absl::GetFlag(FLAGS_seed),
                                    .arrivals = absl::GetFlag(FLAGS_duration)};
  if (absl::GetFlag(FLAGS_log)) {
    options.log_sink = [](std::string_view line) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
  }
  const hub::SimulationResult result = hub::Simulate(options);

  std::printf("clients         %" PRIu64 ", cut short by faults %" PRIu64 "\n", result.tally.clients,
              result.tally.cut_short);
  std::printf("http responses  %" PRIu64 "\n", result.tally.http_responses);
  std::printf("echoed bytes    %" PRIu64 "\n", result.tally.echo_bytes);
  std::printf("dns answers     %" PRIu64 "\n", result.tally.dns_answers);
  std::printf("events          %" PRIu64 "\n", result.events);
  std::printf("faults          %" PRIu64 "\n", result.faults_total);
  for (const auto& [name, count] : result.faults) {
    std::printf("  %-22s %" PRIu64 "\n", name.c_str(), count);
  }
  std::printf("wall seconds    %.2f\n", absl::ToDoubleSeconds(absl::Now() - start));
  std::printf("log hash        %016" PRIx64 "\n", result.log_hash);
  for (const std::string& problem : result.problems) std::printf("PROBLEM: %s\n", problem.c_str());
  return result.problems.empty() ? 0 : 1;
}
