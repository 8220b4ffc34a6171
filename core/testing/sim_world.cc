#include "core/testing/sim_world.h"

#include <iterator>
#include <utility>

#include "core/base/random.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_core.h"
#include "core/testing/sim_network.h"

namespace rotor {

SimOptions SimOptions::Hostile(uint64_t seed) {
  SimOptions options{.seed = seed};
  options.faults = {.short_read = 0.1,
                    .short_write = 0.1,
                    .would_block = 0.05,
                    .spurious_event = 0.05,
                    .spurious_wake = 0.05,
                    .delayed_event = 0.1,
                    .reset_by_peer = 0.002,
                    .half_close = 0.002,
                    .write_error = 0.002,
                    .aborted_accept = 0.02,
                    .out_of_files = 0.02,
                    .datagram_loss = 0.05,
                    .datagram_duplication = 0.05,
                    .datagram_reordering = 0.1,
                    .clock_jump = 0.001};
  // A stream of its own, so that the run does not repeat what chose its world.
  Random random(~seed);
  constexpr size_t kSegments[] = {1, 7, 100, 1460};
  constexpr size_t kWindows[] = {64, 1000, 65536};
  options.segment_bytes_max = kSegments[random.Below(std::size(kSegments))];
  options.window_bytes = kWindows[random.Below(std::size(kWindows))];
  options.latency_max = absl::Microseconds(200) * (1 << random.Below(8));
  return options;
}

SimWorld::SimWorld(SimOptions options)
    : core_(std::make_unique<SimCore>(std::move(options))),
      network_(std::make_unique<SimNetwork>(*core_)) {}

SimWorld::~SimWorld() { ExpectNothingOpen(); }

SimBackend& SimWorld::AddHost(std::string_view name) {
  hosts_.emplace_back(new SimBackend(name, *core_, *network_));
  return *hosts_.back();
}

Time SimWorld::now() const { return core_->now(); }

bool SimWorld::AdvanceToNextEvent(Deadline latest) {
  const Deadline next = core_->next_event();
  const bool happens = !next.is_never() && next <= latest;
  if (happens) {
    core_->AdvanceTo(next.time());
  } else if (!latest.is_never()) {
    core_->AdvanceTo(latest.time());
  }
  return happens;
}

void SimWorld::At(Time when, std::function<void()> action) { core_->At(when, std::move(action)); }

void SimWorld::After(absl::Duration delay, std::function<void()> action) {
  core_->After(delay, std::move(action));
}

std::unique_ptr<SimConnection> SimWorld::Connect(const SocketAddress& to,
                                                 const SocketAddress& from) {
  return network_->Connect(to, from);
}

std::unique_ptr<SimDatagramSocket> SimWorld::BindDatagram(const SocketAddress& address) {
  return network_->BindDatagram(address);
}

void SimWorld::RaiseSignal(SimBackend& host, int signal) { host.RaiseSignal(signal); }

void SimWorld::ExpectNothingOpen() {
  for (const std::unique_ptr<SimBackend>& host : hosts_) host->ExpectNothingOpen();
}

const std::vector<std::string>& SimWorld::violations() const { return core_->violations(); }
std::span<const SimFaultCount> SimWorld::faults() const { return core_->faults(); }
uint64_t SimWorld::events_delivered() const { return core_->events_delivered(); }
uint64_t SimWorld::log_hash() const { return core_->log_hash(); }

}  // namespace rotor
