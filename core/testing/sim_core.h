// What all parts of a simulated world share: the clock, the schedule, the seed, the log.
#ifndef ROTOR_CORE_TESTING_SIM_CORE_H_
#define ROTOR_CORE_TESTING_SIM_CORE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"

namespace rotor {

using SimFault = double SimFaultProbabilities::*;

class SimCore {
 public:
  explicit SimCore(SimOptions options);

  const SimOptions& options() const { return options_; }
  Random& random() { return random_; }
  Time now() const { return now_; }
  absl::Time wall_time() const;

  // `action` happens at `when`; what is scheduled for the same time happens in order of scheduling.
  void At(Time when, std::function<void()> action);
  void After(absl::Duration delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }
  Deadline next_event() const;
  // Lets all that is scheduled up to `when` happen, each at its own time.
  void AdvanceTo(Time when);

  // Uniform between `low` and `high`, inclusive.
  absl::Duration Between(absl::Duration low, absl::Duration high);
  absl::Duration Latency() { return Between(options_.latency_min, options_.latency_max); }
  // True if `fault` strikes now; counts and logs it. Draws nothing if its probability is zero.
  bool Strikes(SimFault fault);

  void Log(std::string_view who, std::string_view what, std::initializer_list<int64_t> numbers = {},
           std::string_view bytes = {});
  void Violation(std::string text);

  // Grows whenever something happens: an event, a transfer, passing of time.
  uint64_t progress() const { return progress_; }
  void Progress() { ++progress_; }
  void CountEvents(uint64_t count) { events_delivered_ += count; }

  const std::vector<std::string>& violations() const { return violations_; }
  std::span<const SimFaultCount> faults() const { return faults_; }
  uint64_t events_delivered() const { return events_delivered_; }
  uint64_t log_hash() const { return log_hash_; }

 private:
  void MoveClock(Time when);
  void Hash(std::string_view bytes);

  SimOptions options_;
  Random random_;
  Time now_;
  bool advancing_ = false;
  uint64_t sequence_ = 0;
  std::map<std::pair<Time, uint64_t>, std::function<void()>> schedule_;
  uint64_t progress_ = 0;
  uint64_t events_delivered_ = 0;
  uint64_t log_hash_;
  std::vector<SimFaultCount> faults_;
  std::vector<std::string> violations_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_CORE_H_
