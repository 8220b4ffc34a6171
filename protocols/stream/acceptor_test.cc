#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "core/testing/sim_client.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/acceptor_core.h"
#include "protocols/stream/machine.h"
#include "protocols/stream/stream_test_util.h"

namespace rotor::stream {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

using Clients = std::vector<std::unique_ptr<SimConnection>>;

SocketAddress AnyPort() { return *SocketAddress::Ip("127.0.0.1", 0); }

Clients ConnectMany(StreamWorld& world, const SocketAddress& address, int count) {
  Clients clients;
  for (int i = 0; i < count; ++i) clients.push_back(world.world.Connect(address));
  return clients;
}

// Answers one line and closes.
Script OneAnswer() {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
    stream.Consume(frame.size());
    stream.Write("answer");
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
  };
  return script;
}

// Asks one question, and closes when the answer is complete.
void AskAndClose(SimConnection& client) {
  client.Send("question\n");
  client.on_event = [&client] {
    if (client.ended()) client.Close();
  };
}

std::string StateOf(StreamWorld& world) {
  const Description acceptor = world.Machines()[0].description;
  return absl::StrCat(acceptor.state, ", waits for ", acceptor.waits_for);
}

// ---- How many at once ----

TEST(AcceptorTest, ABacklogIsAcceptedOverSeveralTurns) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.per_turn = 4;
  const SocketAddress address = world.Mount(script, options);
  const Clients clients = ConnectMany(world, address, 10);
  world.TurnNow();  // Start of the acceptor.
  world.world.AdvanceToNextEvent(world.world.now() + absl::Milliseconds(1));
  for (const int accepted : {4, 8, 10}) {
    // Everything is there already: no event brings the acceptor on.
    ASSERT_TRUE(world.TurnNow());
    EXPECT_EQ(world.Count("connections_accepted"), accepted);
    EXPECT_EQ(StateOf(world), "accepting, waits for a connection");
  }
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(10));
  EXPECT_EQ(script.calls.size(), 10u);
  EXPECT_LE(world.turns() - turns, 3);
}

TEST(AcceptorTest, AbortedConnectionsCountAgainstTheTurnAndAreSkipped) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.per_turn = 4;
  const SocketAddress address = world.Mount(script, options);
  const Clients clients = ConnectMany(world, address, 1);
  world.backend.accept_errors.assign(9, ECONNABORTED);
  world.TurnNow();
  EXPECT_EQ(world.backend.accepts, 4);
  world.TurnNow();
  EXPECT_EQ(world.backend.accepts, 8);
  world.Run();
  EXPECT_EQ(world.Count("accept_errors"), 9);
  EXPECT_EQ(world.Count("connections_accepted"), 1);
  EXPECT_THAT(script.calls, ElementsAre("start"));
}

TEST(AcceptorTest, AConnectionThatDiesInTheQueueDoesNotHideTheNext) {
  Script script;
  StreamWorld world;
  const SocketAddress address = world.Mount(script);
  world.Run();
  int accepted = 0;
  for (const int error : {ECONNABORTED, EPROTO, EPERM, ENETDOWN, EINTR}) {
    world.backend.accept_errors = {error};
    const Clients clients = ConnectMany(world, address, 2);
    world.Run();
    EXPECT_EQ(world.Count("connections_accepted"), accepted += 2) << error;
  }
}

// ---- Shortages ----

TEST(AcceptorTest, WithoutDescriptorsConnectionsWaitAndTheAcceptorDoesNotSpin) {
  Script script;
  SimOptions sim = StreamWorld::Plain();
  sim.open_files_max = 3;  // The listener and two connections.
  StreamWorld world(sim);
  const SocketAddress address = world.Mount(script);
  Clients clients = ConnectMany(world, address, 3);
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 2);
  EXPECT_EQ(StateOf(world), "paused, waits for descriptors");
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(10));
  // Ten attempts in a second, and not more than one turn of the timer wheel's own beside each.
  EXPECT_GE(world.turns() - turns, 90);
  EXPECT_LE(world.turns() - turns, 250);
  clients[0]->Close();
  clients[1]->Close();
  world.Run(absl::Milliseconds(150));
  EXPECT_EQ(world.Count("connections_accepted"), 3);
  EXPECT_EQ(StateOf(world), "accepting, waits for a connection");
}

TEST(AcceptorTest, EveryShortageIsWaitedOutForTheInterval) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    Time tried, accepted;
    Script script;
    script.start = [&](Stream&, Scope& scope) {
      accepted = scope.now();
      return Expect::NothingButWakeup().Forever();
    };
    StreamWorld world;
    ListenOptions options;
    options.accept.retry_interval = absl::Seconds(7);
    const SocketAddress address = world.Mount(script, options);
    world.Run();
    world.backend.accept_errors = {error};
    const Clients clients = ConnectMany(world, address, 1);
    world.Run();
    tried = world.world.now();
    EXPECT_EQ(world.Count("accept_errors"), 1);
    EXPECT_EQ(world.backend.accepts, 2);
    world.Run(absl::Seconds(8));
    EXPECT_THAT(script.calls, ElementsAre("start"));
    EXPECT_GE(accepted, tried + absl::Seconds(7) - absl::Milliseconds(2));
    EXPECT_LE(accepted, tried + absl::Seconds(7) + absl::Milliseconds(1));
  }
}

TEST(AcceptorTest, WhenTheLoopIsFullConnectionsWaitAndAreServedWhenSlotsFree) {
  constexpr int kClients = 50;
  Script script = OneAnswer();
  StreamWorld world(StreamWorld::Plain(), {.machines_max = 4});  // Three connections at once.
  const SocketAddress address = world.Mount(script);
  const Clients clients = ConnectMany(world, address, kClients);
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 3);
  EXPECT_EQ(world.Count("accept_pauses"), 1);
  EXPECT_EQ(StateOf(world), "paused, waits for a free slot");
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(10));
  EXPECT_LE(world.turns() - turns, 1);
  for (const auto& client : clients) AskAndClose(*client);
  world.Run(absl::Seconds(1));
  for (const auto& client : clients) EXPECT_EQ(client->received(), "answer");
  EXPECT_EQ(world.Count("connections_accepted"), kClients);
  EXPECT_EQ(world.Count("spawns_refused", "loop"), 0);
  EXPECT_EQ(world.loop->machines(), 1u);
  EXPECT_EQ(StateOf(world), "accepting, waits for a connection");
}

TEST(AcceptorTest, AListenerThatIsNoneEndsTheAcceptor) {
  Script script;
  StreamWorld world;
  (void)world.Mount(script);
  world.backend.accept_errors = {EINVAL};
  EXPECT_FALSE(world.TurnNow());
  EXPECT_EQ(world.Count("machines_failed"), 1);
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("accept: no listener")));
}

TEST(AcceptorTest, AListenerThatCannotBeWatchedEndsTheAcceptor) {
  Script script;
  StreamWorld world;
  world.backend.watch_errors[WatchKind::kListener] = absl::ResourceExhaustedError("no watch");
  (void)world.Mount(script);
  EXPECT_FALSE(world.TurnNow());
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("no watch")));
  EXPECT_EQ(world.host.open_files(), 0u);
}

// ---- Drain ----

TEST(AcceptorTest, ADrainBeginsWithClosingTheDoor) {
  Script script = OneAnswer();
  script.wakeup = [](Stream&, Scope& scope) {
    return Expect::Delimiter("\n", 64).Before(scope.drain_deadline());
  };
  StreamWorld world;
  const SocketAddress address = world.Mount(script);
  const auto client = world.world.Connect(address);
  world.Run();
  world.loop->Drain(world.world.now() + absl::Seconds(30));
  world.Run();
  const auto late = world.world.Connect(address);
  world.Run();
  EXPECT_TRUE(late->refused());
  // Who is inside is served to the end.
  AskAndClose(*client);
  EXPECT_TRUE(world.loop->Run().ok());
  EXPECT_EQ(client->received(), "answer");
  EXPECT_EQ(world.Count("machines_cut"), 0);
}

TEST(AcceptorTest, AWakeUpWithoutADrainChangesNothing) {
  Script script;
  StreamWorld world;
  absl::StatusOr<Listeners> listeners =
      OpenListeners(world.loop->io(), std::vector<SocketAddress>{AnyPort()}, {});
  ASSERT_TRUE(listeners.ok());
  const GroupId group = *world.loop->AddGroup("test");
  const auto prepared = Prepare<Scripted>(*world.loop, group, "test", {}, &script);
  const auto acceptor = world.loop->Add<Acceptor<Scripted>>(
      group, std::move(listeners->sockets[0]), prepared.spawner, *prepared.service, AcceptLimits());
  world.Run();
  acceptor->Wake();
  world.Run();
  const auto client = world.world.Connect(listeners->addresses[0]);
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start"));
}

// ---- Mount ----

absl::StatusOr<Mounted> MountAt(StreamWorld& world, Script& script,
                                std::vector<SocketAddress> addresses, std::string_view name) {
  ListenOptions options;
  options.addresses = std::move(addresses);
  return Mount<Scripted>(*world.loop, name, options, &script);
}

TEST(MountTest, EveryAddressIsServedAndItsPortTold) {
  Script script = OneAnswer();
  StreamWorld world;
  const auto mounted = MountAt(world, script, {AnyPort(), *SocketAddress::Ip("::1", 0)}, "two");
  ASSERT_TRUE(mounted.ok()) << mounted.status();
  ASSERT_EQ(mounted->addresses.size(), 2u);
  for (const SocketAddress& address : mounted->addresses) {
    EXPECT_NE(address.port(), 0);
    const auto client = world.world.Connect(address);
    AskAndClose(*client);
    world.Run();
    EXPECT_EQ(client->received(), "answer");
  }
  EXPECT_EQ(world.Count("connections_accepted", "two"), 2);
}

TEST(MountTest, WithoutAnAddressNothingIsMounted) {
  Script script;
  StreamWorld world;
  EXPECT_EQ(MountAt(world, script, {}, "none").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.loop->machines(), 0u);
}

TEST(MountTest, AnAddressInUseIsNamedAndNothingIsLeftOpen) {
  Script script;
  StreamWorld world;
  const SocketAddress taken = world.Mount(script);
  const absl::Status status = MountAt(world, script, {AnyPort(), taken}, "second").status();
  EXPECT_THAT(status.ToString(), HasSubstr(taken.ToString()));
  EXPECT_THAT(status.ToString(), HasSubstr("in use"));
  EXPECT_EQ(world.host.open_files(), 1u);
  EXPECT_EQ(world.loop->machines(), 1u);
  // The name was not used up.
  EXPECT_TRUE(MountAt(world, script, {AnyPort()}, "second").ok());
}

TEST(MountTest, ANameInUseLeavesNothingOpen) {
  Script script;
  StreamWorld world;
  (void)world.Mount(script, {}, "test");
  EXPECT_EQ(MountAt(world, script, {AnyPort()}, "test").status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(MountAt(world, script, {AnyPort()}, "no name").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.host.open_files(), 1u);
}

TEST(MountTest, WhatALoopHasNoRoomForIsNotLeftOpen) {
  Script script;
  StreamWorld world(StreamWorld::Plain(), {.machines_max = 1});
  EXPECT_EQ(MountAt(world, script, {AnyPort(), AnyPort()}, "two").status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(world.host.open_files(), 1u);
}

TEST(MountTest, LimitsOfZeroAreProgrammersErrors) {
  Script script;
  StreamWorld world;
  const StreamOptions streams[] = {{.output_pause_bytes = 0},
                                   {.read_bytes_per_turn = 0},
                                   {.frames_per_turn = 0},
                                   {.file_bytes_per_turn = 0}};
  for (const StreamOptions& stream : streams) {
    EXPECT_DEATH((void)Prepare<Scripted>(*world.loop, GroupId{}, "zero", stream, &script),
                 "are above 0");
  }
  EXPECT_DEATH(AcceptorCore(Fd(), {.per_turn = 0}), "per_turn is above 0");
}

TEST(DescribeAcceptorTest, SaysWhereItListens) {
  Script script;
  StreamWorld world;
  const SocketAddress address = world.Mount(script);
  world.TurnNow();
  const std::vector<MachineReport> machines = world.Machines();
  ASSERT_EQ(machines.size(), 1u);
  EXPECT_EQ(machines[0].path, "/test/0");
  EXPECT_THAT(std::string(machines[0].kind), HasSubstr("stream::Acceptor<"));
  EXPECT_EQ(machines[0].description.peer, address.ToString());
  EXPECT_EQ(StateOf(world), "accepting, waits for a connection");
}

}  // namespace
}  // namespace rotor::stream
