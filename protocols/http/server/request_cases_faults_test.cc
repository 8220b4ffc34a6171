// The rows of request_cases.h against the whole server in simulated worlds that misbehave.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/request_cases.h"
#include "protocols/http/server/case_server.h"

namespace rotor::http {
namespace {

// Everything that leaves a connection whole: "would block" at any time, short reads and writes,
// events that did not happen or come late, no descriptors for a while.
SimOptions Troubled(uint64_t seed) {
  SimOptions options = SimOptions::Hostile(seed);
  options.faults.reset_by_peer = 0;
  options.faults.half_close = 0;
  options.faults.write_error = 0;
  options.faults.aborted_accept = 0;
  options.faults.clock_jump = 0;
  return options;
}

// Sends a row's bytes over a network of its own and says how the answers differ.
std::string DifferencesIn(const RequestCase& row, const SimOptions& options) {
  SimWorld world(options);
  size_t bytes_seen = 0;
  std::optional<Loop<CaseApp>> loop(
      LoopBuilder<CaseApp>({.machines_max = 128}, world.AddHost("server")).Build());
  ServerOptions server_options = CaseOptions(row, *SocketAddress::Ip("127.0.0.1", 80));
  // Then connections are read before they are registered, and linger without that for a while.
  if (options.seed % 2 == 0) server_options.listener.defer_accept_seconds = 1;
  const auto mounted = http::Mount(*loop, "http", server_options, CaseSite(bytes_seen));
  if (!mounted.ok()) return mounted.status().ToString();
  const auto run = [&](absl::Duration span) {
    const Time until = world.now() + span;
    while (world.now() < until && loop->RunOnce(until).ok()) {
    }
  };

  const std::unique_ptr<SimConnection> client = world.Connect(mounted->addresses[0]);
  client->Send(row.bytes.view);
  // The slowest of these networks takes a round trip of 50 ms; a window of 64 bytes makes 30 of
  // them. No deadline of the server comes so soon.
  run(absl::Seconds(4));
  const std::string settled = client->received();
  const bool settled_ended = client->ended();
  client->ShutdownWrite();
  run(absl::Seconds(4));
  std::string differences =
      client->cut_short()
          ? DifferencesUntilCut(row, client->received(), client->ended())
          : Differences(row, {settled, settled_ended, client->received(), client->ended()});
  client->Close();
  run(absl::Seconds(70));
  if (loop->machines() != 1) differences += ", and the connection is not gone";
  loop.reset();
  world.ExpectNothingOpen();
  if (!world.violations().empty()) differences += ", and: " + world.violations()[0];
  return differences;
}

class FaultsCaseTest : public testing::TestWithParam<RequestCase> {};

TEST_P(FaultsCaseTest, TroubleChangesNothing) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    ASSERT_EQ(DifferencesIn(GetParam(), Troubled(seed)), "") << "seed " << seed;
  }
}

TEST_P(FaultsCaseTest, BrokenConnectionsServeNothingElse) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SimOptions options = SimOptions::Hostile(seed);
    options.faults.reset_by_peer = 0.05;
    options.faults.half_close = 0.05;
    options.faults.write_error = 0.05;
    options.faults.clock_jump = 0;
    ASSERT_EQ(DifferencesIn(GetParam(), options), "") << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, FaultsCaseTest, testing::ValuesIn(RequestCases()), kNameOfCase);

}  // namespace
}  // namespace rotor::http
