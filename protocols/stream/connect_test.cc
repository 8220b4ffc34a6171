// Outgoing connections in a simulated world.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/machine.h"

namespace rotor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Sends every line back.
class Echo {
 public:
  Intent Start(Stream&, Scope& scope) { return Next(scope); }
  Intent FrameReceived(std::string_view line, Stream& stream, Scope& scope) {
    stream.Write(line);
    stream.Consume(line.size());
    return Next(scope);
  }

 private:
  static Intent Next(Scope& scope) {
    return Expect::Delimiter("\n", 1024).Before(scope.now() + absl::Seconds(60));
  }
};

// Sends one line, waits for one, and records what happened.
class Caller {
 public:
  explicit Caller(std::vector<std::string>& log) : log_(log) {}
  Intent Start(Stream& stream, Scope& scope) {
    stream.Write("hello\n");
    return Expect::Delimiter("\n", 1024).Before(scope.now() + absl::Seconds(30));
  }
  Intent FrameReceived(std::string_view line, Stream& stream, Scope&) {
    log_.push_back("received " + std::string(line));
    stream.Consume(line.size());
    return Intent::Abort(absl::OkStatus());
  }
  Intent InputEnded(InputEnd, Stream&, Scope&) {
    log_.push_back("ended");
    return Intent::Abort(absl::OkStatus());
  }
  Intent Timeout(Stream&, Scope&) {
    log_.push_back("timeout");
    return Intent::Abort(absl::OkStatus());
  }
  void Failed(const absl::Status& why, Scope&) { log_.push_back(why.ToString()); }

 private:
  std::vector<std::string>& log_;
};

using App = Compose<stream::Server<Echo>, stream::Machine<Caller>>;

// What one Caller records that connects to a listening Echo, or to nobody.
std::vector<std::string> Call(SimWorld& world, bool listening, size_t callers = 1,
                              uint32_t machines_max = 16) {
  std::vector<std::string> log;
  LoopBuilder<App> builder({.machines_max = machines_max}, world.AddHost("host"));
  Io& io = builder.io();
  const SocketAddress to = SocketAddress::Ip("127.0.0.1", 7).value();
  if (listening) {
    stream::ListenOptions options;
    options.addresses = {to};
    EXPECT_TRUE(stream::Mount<Echo>(builder, "echo", options).ok());
  }
  const GroupId group = builder.AddGroup("calls").value();
  const auto prepared = stream::Prepare<Caller>(builder, group, "calls", StreamOptions());
  auto loop = std::move(builder).Build();
  for (size_t i = 0; i < callers; ++i) {
    const auto connected = stream::Connect(io, to, prepared, log);
    if (!connected.ok()) log.push_back(connected.status().ToString());
  }
  const Time give_up = world.now() + absl::Seconds(40);
  while (log.size() < callers && world.now() < give_up) {
    EXPECT_TRUE(loop.RunOnce(give_up).ok());
  }
  return log;
}

TEST(ConnectTest, WhatIsWrittenBeforeTheConnectionIsThereArrives) {
  SimWorld world;
  EXPECT_THAT(Call(world, true), testing::ElementsAre("received hello\n"));
  EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(ConnectTest, ARefusalIsTheReasonOfTheFailure) {
  SimWorld world;
  EXPECT_THAT(Call(world, false), testing::ElementsAre(HasSubstr("Connection refused")));
  EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(ConnectTest, AFullLoopIsSaidBeforeASocketIsOpened) {
  SimWorld world;
  EXPECT_THAT(Call(world, false, 2, 1),
              testing::Contains(HasSubstr("no room for the machine of a connection")));
  EXPECT_THAT(world.violations(), IsEmpty());
}

TEST(ConnectTest, EveryCallerOfAHostileNetworkComesToAnEnd) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimWorld world(SimOptions::Hostile(seed));
    EXPECT_EQ(Call(world, seed % 8 != 0, 3).size(), 3u) << seed;
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), IsEmpty()) << seed;
  }
}

}  // namespace
}  // namespace rotor
