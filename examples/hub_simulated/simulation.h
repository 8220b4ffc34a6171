// One run of the hub's whole composition in a simulated world.
#ifndef ROTOR_EXAMPLES_HUB_SIMULATED_SIMULATION_H_
#define ROTOR_EXAMPLES_HUB_SIMULATED_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "examples/hub_simulated/traffic.h"

namespace hub {

struct SimulationOptions {
  uint64_t seed = 1;
  absl::Duration arrivals = absl::Seconds(30);               // New clients come this long...
  absl::Duration between_arrivals = absl::Milliseconds(55);  // ...one after this, on average.
  absl::Duration settling = absl::Seconds(240);              // Then all must finish; then SIGTERM.
  // Gets every call, segment, fault and result, a line each; for debugging.
  std::function<void(std::string_view)> log_sink = nullptr;
};

struct SimulationResult {
  absl::Status status;  // Of the loop.
  Tally tally;
  // Everything that is wrong: failures of clients, misuse of the system, machines cut or left.
  std::vector<std::string> problems;
  std::vector<std::pair<std::string, uint64_t>> faults;
  uint64_t faults_total = 0;
  uint64_t events = 0;
  uint64_t log_hash = 0;
};

SimulationResult Simulate(const SimulationOptions& options);

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_SIMULATED_SIMULATION_H_
