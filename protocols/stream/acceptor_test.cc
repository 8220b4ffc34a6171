#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
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
#include "protocols/stream/admission.h"
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

// ---- Limits of a listener ----

TEST(AdmissionTest, MoreThanTheListenersLimitWaitInTheKernelUntilOneEnds) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.connections_max = 2;
  const SocketAddress address = world.Mount(script, options);
  Clients clients = ConnectMany(world, address, 4);
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 2);
  EXPECT_EQ(StateOf(world), "full, waits for a connection to end");
  EXPECT_EQ(world.Count("accept_pauses"), 1);
  EXPECT_TRUE(clients[3]->connected());
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(10));
  EXPECT_LE(world.turns() - turns, 3);
  clients[0]->Close();
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 3);
  EXPECT_EQ(StateOf(world), "full, waits for a connection to end");
  clients.clear();
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 4);
  EXPECT_EQ(StateOf(world), "accepting, waits for a connection");
}

TEST(AdmissionTest, ListenersOfOneServerAreLimitedEachByItself) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 7), *SocketAddress::Ip("127.0.0.1", 8)};
  options.accept.connections_max = 1;
  world.Mount(script, options);
  const Clients first = ConnectMany(world, options.addresses[0], 2);
  const Clients second = ConnectMany(world, options.addresses[1], 2);
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 2);
  EXPECT_EQ(world.Count("accept_pauses"), 2);
}

TEST(AdmissionTest, AConnectionThatIsHandedOverKeepsItsPlace) {
  StreamWorld world;
  Script second;
  const auto upgrade =
      Prepare<Minimal>(*world.loop, *world.loop->AddGroup("second"), "second", {}, &second);
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    return upgrade.TakeOver(stream);
  };
  ListenOptions options;
  options.accept.connections_max = 1;
  Clients clients = ConnectMany(world, world.Mount(script, options), 2);
  clients[0]->Send("go\n");
  world.Run();
  EXPECT_EQ(second.calls.size(), 1u);
  EXPECT_EQ(world.Count("connections_accepted"), 1);
  clients[0]->Close();
  world.Run();
  EXPECT_EQ(world.Count("connections_accepted"), 2);
}

TEST(AdmissionTest, AFullListenerStillClosesItsDoorInADrain) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.connections_max = 1;
  const Clients clients = ConnectMany(world, world.Mount(script, options), 2);
  world.Run();
  world.loop->Drain(world.world.now() + absl::Seconds(1));
  EXPECT_TRUE(world.loop->Run().ok());
  EXPECT_TRUE(clients[1]->was_reset() || clients[1]->ended());
}

// Connects from `ip` and lets the connection arrive.
std::unique_ptr<SimConnection> ConnectFrom(StreamWorld& world, const SocketAddress& to,
                                           std::string_view ip) {
  static uint16_t port = 1024;
  auto client = world.world.Connect(to, *SocketAddress::Ip(ip, ++port));
  world.Run();
  return client;
}

TEST(AdmissionTest, MoreThanTheClientsLimitAreClosedAtOnceAndCounted) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.connections_per_client_max = 2;
  const SocketAddress address = world.Mount(script, options);
  Clients clients;
  for (int i = 0; i < 4; ++i) clients.push_back(ConnectFrom(world, address, "192.0.2.1"));
  EXPECT_EQ(world.Count("connections_accepted"), 2);
  EXPECT_EQ(world.Count("connections_refused"), 2);
  EXPECT_TRUE(clients[2]->ended() || clients[2]->was_reset());
  EXPECT_FALSE(clients[1]->ended());
  const auto other = ConnectFrom(world, address, "192.0.2.2");
  EXPECT_EQ(world.Count("connections_accepted"), 3);
  // A place that is given back is there for the same client again.
  clients[0]->Close();
  world.Run();
  const auto next = ConnectFrom(world, address, "192.0.2.1");
  EXPECT_EQ(world.Count("connections_accepted"), 4);
  EXPECT_FALSE(next->ended());
}

TEST(AdmissionTest, AStormOfRefusedConnectionsCountsAgainstTheTurn) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.accept.per_turn = 4;
  options.accept.connections_per_client_max = 1;
  const SocketAddress address = world.Mount(script, options);
  Clients clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(world.world.Connect(
        address, *SocketAddress::Ip("192.0.2.1", static_cast<uint16_t>(2000 + i))));
  }
  world.TurnNow();
  world.world.AdvanceToNextEvent(world.world.now() + absl::Milliseconds(1));
  world.TurnNow();
  EXPECT_EQ(world.Count("connections_refused"), 3);
  world.Run();
  EXPECT_EQ(world.Count("connections_refused"), 9);
}

TEST(AdmissionTest, ClientsAreTheFirst64BitsOfAnIpv6Address) {
  Script script;
  StreamWorld world;
  ListenOptions options;
  options.addresses = {*SocketAddress::Ip("::1", 7)};
  options.accept.connections_per_client_max = 1;
  const SocketAddress address = world.Mount(script, options);
  const auto first = ConnectFrom(world, address, "2001:db8::1");
  const auto neighbour = ConnectFrom(world, address, "2001:db8:0:0:ffff::2");
  EXPECT_EQ(world.Count("connections_refused"), 1);
  const auto other = ConnectFrom(world, address, "2001:db8:0:1::1");
  EXPECT_EQ(world.Count("connections_accepted"), 2);
}

TEST(AdmissionTest, AnIpv4ClientIsTheSameThroughAnIpv6Listener) {
  const auto key = [](std::string_view ip) { return ClientOf(*SocketAddress::Ip(ip, 80)); };
  EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1"));
  EXPECT_NE(key("::ffff:192.0.2.1"), key("::ffff:192.0.2.2"));
  EXPECT_NE(key("192.0.2.1"), key("2001:db8::1"));
  EXPECT_EQ(ClientOf(*SocketAddress::Unix("@peer")), std::nullopt);
}

TEST(AdmissionTest, OnlyClientsWithConnectionsTakeMemory) {
  Admission admission({.connections_per_client_max = 2});
  {
    std::vector<Admission::Ticket> tickets;
    for (uint64_t client = 0; client < 1000; ++client) {
      for (const bool admitted : {true, true, false}) {
        std::optional<Admission::Ticket> ticket = admission.Enter(client);
        ASSERT_EQ(ticket.has_value(), admitted);
        if (ticket) tickets.push_back(*std::move(ticket));
      }
    }
    EXPECT_EQ(admission.clients(), 1000u);
  }
  EXPECT_EQ(admission.clients(), 0u);
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
      OpenListeners(world.loop->io(), std::vector<SocketAddress>{AnyPort()}, {}, {});
  ASSERT_TRUE(listeners.ok());
  const GroupId group = *world.loop->AddGroup("test");
  const auto prepared = Prepare<Scripted>(*world.loop, group, "test", {}, &script);
  auto& admission = world.loop->Keep<Admission>(AcceptLimits());
  const auto acceptor = world.loop->Add<Acceptor<Scripted>>(
      group, std::move(listeners->sockets[0]), prepared.spawner, *prepared.service, admission);
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
  Admission nobody({.per_turn = 0});
  EXPECT_DEATH(AcceptorCore(Fd(), nobody), "per_turn is above 0");
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
