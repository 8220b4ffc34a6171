// A DNS server in a simulated world: datagrams and connections, and what comes back.
#include "protocols/dns/server/server.h"

#include <algorithm>
#include <array>
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
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"

namespace rotor::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// hub.test. with a name of two addresses, and texts too large for UDP without and with EDNS.
std::shared_ptr<ZoneStore> MakeZone() {
  Zone zone = Zone::Create("hub.test.").value();
  const auto Add = [&](std::string_view owner, const absl::StatusOr<RecordData>& data) {
    EXPECT_TRUE(zone.Add(owner, 60, data.value()).ok());
  };
  Add("www", RecordData::Address("192.0.2.1"));
  Add("www", RecordData::Address("192.0.2.2"));
  Add("text600", RecordData::Text(std::string(600, 'x')));
  Add("text40000", RecordData::Text(std::string(40'000, 'x')));
  return ZoneStore::Of(std::move(zone));
}

struct TestContext {
  int unused = 0;
};
using App = Compose<Server>;

// A network without chance: what is sent at once arrives at once.
SimOptions Plain(size_t window_bytes = 1 << 20) {
  return {.latency_min = absl::Microseconds(100),
          .latency_max = absl::Microseconds(100),
          .window_bytes = window_bytes,
          .segment_bytes_max = size_t{1} << 40};
}

// One server on one simulated host. At the end nothing must be left open or have gone wrong.
class DnsWorld {
 public:
  explicit DnsWorld(ServerOptions options = {}, SimOptions sim = Plain(),
                    const LoopOptions& loop_options = {.machines_max = 64})
      : world(Logged(std::move(sim))),
        loop(LoopBuilder<App, TestContext>(loop_options, world.AddHost("server")).Build()) {
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    absl::StatusOr<Mounted> mounted = dns::Mount(*loop, "dns", options, store);
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    if (!mounted.ok()) return;
    address = mounted->addresses[0];
    socket = world.BindDatagram(*SocketAddress::Ip("127.0.0.1", 0));
  }
  ~DnsWorld() {
    loop.reset();
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), IsEmpty());
  }

  std::unique_ptr<SimConnection> Connect() {
    auto client = world.Connect(address);
    Run();
    return client;
  }
  // Long enough, unless told otherwise, for what is under way to arrive and be answered.
  void Run(absl::Duration span = absl::Milliseconds(2)) {
    const Time until = world.now() + span;
    while (world.now() < until) {
      absl::StatusOr<bool> more = loop->RunOnce(until);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.value_or(false)) world.AdvanceToNextEvent(until);
      if (!more.ok() || world.violations().size() > 10) return;
    }
  }
  // What comes back for `bytes`.
  std::string Exchange(SimConnection& client, std::string_view bytes) {
    client.Send(bytes);
    Run();
    return client.TakeReceived();
  }
  std::vector<std::string> ExchangeDatagrams(const std::vector<std::string>& datagrams) {
    for (const std::string& datagram : datagrams) socket->SendTo(datagram, address);
    Run();
    std::vector<std::string> answers;
    for (const SimDatagram& answer : socket->TakeReceived()) {
      EXPECT_EQ(answer.from, address);
      answers.push_back(answer.bytes);
    }
    return answers;
  }
  // Lets what was sent arrive while the loop does not run.
  void Arrive() {
    const Time until = world.now() + absl::Milliseconds(1);
    while (world.AdvanceToNextEvent(until)) {
    }
  }
  int64_t Count(std::string_view name) { return loop->counters().Get("dns", name).value(); }
  // Calls of the server's host so far, as "wait", "receive", "write" and so on.
  std::vector<std::string> TakeCalls() { return std::exchange(calls, {}); }

  std::vector<std::string> calls;
  const std::shared_ptr<ZoneStore> store = MakeZone();
  SimWorld world;
  std::optional<Loop<App, TestContext>> loop;
  SocketAddress address;
  std::unique_ptr<SimDatagramSocket> socket;

 private:
  SimOptions Logged(SimOptions sim) {
    sim.log_sink = [this](std::string_view line) {
      const size_t at = line.find(" server ");
      if (at == std::string_view::npos) return;
      line.remove_prefix(at + 8);
      calls.emplace_back(line.substr(0, line.find(' ')));
    };
    return sim;
  }
};

std::string Query(uint16_t id, std::string_view name, RecordType type = RecordType::kA,
                  uint16_t edns_payload_bytes = 0) {
  std::array<char, 512> buffer;
  MessageBuilder builder(buffer);
  EXPECT_TRUE(builder.AddQuestion({.name = Name::FromText(name).value(), .type = type}));
  if (edns_payload_bytes > 0) {
    EXPECT_TRUE(builder.AddEdns({.payload_bytes = edns_payload_bytes}));
  }
  return std::string(buffer.data(), builder.Finish({.id = id, .recursion_desired = true}));
}
const auto kTxt = RecordType::kTxt;

std::string Framed(std::string_view message) {
  const char length[] = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  return std::string(length, 2).append(message);
}

// "7: 0, 2 answers", with "truncated" where it is; what the bytes of `stream` hold.
std::string Told(std::string_view answer) {
  MessageView view;
  if (view.Parse(answer) != ParseResult::kComplete) return "no message";
  return absl::StrCat(view.header().id, ": ", view.header().response_code, ", ",
                      view.Count(Section::kAnswer), " answers",
                      view.header().truncated ? ", truncated" : "");
}
std::vector<std::string> ToldAll(const std::vector<std::string>& answers) {
  std::vector<std::string> told;
  for (const std::string& answer : answers) told.push_back(Told(answer));
  return told;
}
std::vector<std::string> ToldInStream(std::string_view bytes) {
  std::vector<std::string> told;
  while (bytes.size() >= 2) {
    const size_t size = static_cast<uint8_t>(bytes[0]) * 256 + static_cast<uint8_t>(bytes[1]);
    told.push_back(Told(bytes.substr(2, size)));
    bytes.remove_prefix(std::min(bytes.size(), 2 + size));
  }
  EXPECT_THAT(bytes, IsEmpty());
  return told;
}

// ---- UDP ----

TEST(DatagramTest, QueriesAreAnswered) {
  DnsWorld world;
  EXPECT_THAT(
      ToldAll(world.ExchangeDatagrams({Query(7, "www.hub.test."), Query(8, "no.hub.test."),
                                       Query(9, "example.com."), Query(7, "WWW.Hub.Test.")})),
      ElementsAre("7: 0, 2 answers", "8: 3, 0 answers", "9: 5, 0 answers", "7: 0, 2 answers"));
  EXPECT_EQ(world.Count("datagrams_received"), 4);
  EXPECT_EQ(world.Count("queries"), 4);
}

// RFC 7766 section 5.
TEST(DatagramTest, WhatDoesNotFitIsTruncatedAndWholeOverTcp) {
  DnsWorld world;
  const std::string query = Query(7, "text600.hub.test.", kTxt);
  const std::string with_edns = Query(8, "text600.hub.test.", kTxt, 1232);
  const std::string large = Query(9, "text40000.hub.test.", kTxt, 65535);
  const std::vector<std::string> answers = world.ExchangeDatagrams({query, with_edns, large});
  EXPECT_THAT(ToldAll(answers), ElementsAre("7: 0, 0 answers, truncated", "8: 0, 1 answers",
                                            "9: 0, 0 answers, truncated"));
  EXPECT_LE(answers[0].size(), 512u);
  EXPECT_LE(answers[1].size(), 1232u);
  const auto client = world.Connect();
  EXPECT_THAT(ToldInStream(world.Exchange(*client, Framed(query) + Framed(large))),
              ElementsAre("7: 0, 1 answers", "9: 0, 1 answers"));
}

TEST(DatagramTest, WhatIsNoQueryGetsNoAnswerAndIsCounted) {
  DnsWorld world;
  std::string response = Query(7, "www.hub.test.");
  response[2] = static_cast<char>(response[2] | 0x80);
  EXPECT_THAT(world.ExchangeDatagrams({response, "", "x", response.substr(0, 11)}), IsEmpty());
  EXPECT_EQ(world.Count("datagrams_received"), 4);
  EXPECT_EQ(world.Count("queries_dropped"), 4);
  EXPECT_EQ(world.Count("datagrams_lost"), 0);
}

TEST(DatagramTest, LargeDatagramsDoNotEndTheProcess) {
  DnsWorld world;
  for (const size_t size : {513, 4095, 4096, 4097, 65'507}) {
    std::string datagram = Query(7, "www.hub.test.");
    datagram.resize(size, '\0');
    EXPECT_THAT(ToldAll(world.ExchangeDatagrams({datagram, Query(8, "www.hub.test.")})),
                ElementsAre("7: 1, 0 answers", "8: 0, 2 answers"))
        << size;
  }
}

TEST(DatagramTest, ADatagramLargerThanTheReceiveBufferIsDroppedAndCounted) {
  DnsWorld world({}, Plain(), {.machines_max = 64, .receive_buffer_bytes = 600});
  std::string datagram = Query(7, "www.hub.test.");
  datagram.resize(601, '\0');
  EXPECT_THAT(ToldAll(world.ExchangeDatagrams({datagram, Query(8, "www.hub.test.")})),
              ElementsAre("8: 0, 2 answers"));
  EXPECT_EQ(world.Count("datagrams_received"), 2);
  EXPECT_EQ(world.Count("queries_dropped"), 1);
}

TEST(DatagramTest, CompressionPointersInAQuestionAreHarmless) {
  DnsWorld world;
  const auto Pointing = [](std::string_view name) {
    std::string query("\0\7\1\0\0\1\0\0\0\0\0\0", 12);
    return query.append(name).append("\0\1\0\1", 4);
  };
  // To itself, ahead, beyond the end, into the header, to a name that contains the pointer.
  EXPECT_THAT(
      ToldAll(world.ExchangeDatagrams({Pointing("\xc0\x0c"), Pointing("\xc0\x10"),
                                       Pointing("\xff\xff"), Pointing("\3www\xc0\x04"),
                                       Pointing("\3www\xc0\x0c"), Query(8, "www.hub.test.")})),
      ElementsAre("7: 1, 0 answers", "7: 1, 0 answers", "7: 1, 0 answers", "7: 1, 0 answers",
                  "7: 1, 0 answers", "8: 0, 2 answers"));
}

TEST(DatagramTest, OthersGetTheirTurnBetweenManyDatagrams) {
  ServerOptions options;
  options.datagrams_per_turn = 3;
  DnsWorld world(options);
  world.Run();
  world.TakeCalls();
  std::vector<std::string> queries;
  for (uint16_t id = 0; id < 10; ++id) queries.push_back(Query(id, "www.hub.test."));
  EXPECT_THAT(world.ExchangeDatagrams(queries), SizeIs(10));
  int received = 0;
  for (const std::string& call : world.TakeCalls()) {
    if (call == "wait") received = 0;
    if (call == "receive") ++received;
    EXPECT_LE(received, 3);
  }
}

TEST(DatagramTest, AnAnswerThatCannotBeSentIsLostAlone) {
  SimOptions sim = Plain();
  sim.faults.would_block = 0.3;
  DnsWorld world({}, sim);
  std::vector<std::string> queries;
  for (uint16_t id = 0; id < 200; ++id) queries.push_back(Query(id, "www.hub.test."));
  int64_t answers = std::ssize(world.ExchangeDatagrams(queries));
  world.Run(absl::Seconds(1));
  answers += std::ssize(world.socket->received());
  EXPECT_EQ(world.Count("datagrams_received"), 200);
  EXPECT_GT(world.Count("datagrams_lost"), 0);
  EXPECT_GT(answers, 0);
  EXPECT_EQ(answers + world.Count("datagrams_lost"), 200);
}

// RFC 2181 section 4.
TEST(DatagramTest, AnAnswerLeavesFromTheAddressThatWasAsked) {
  SimWorld world(Plain());
  LoopBuilder<App> builder({}, world.AddHost("server"));
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("0.0.0.0", 53)};
  ASSERT_TRUE(dns::Mount(builder, "dns", options, MakeZone()).ok());
  auto loop = std::move(builder).Build();
  const auto client = world.BindDatagram(*SocketAddress::Ip("127.0.0.1", 0));
  for (const char* ip : {"127.0.0.1", "127.0.0.9", "192.0.2.1"}) {
    const SocketAddress asked = *SocketAddress::Ip(ip, 53);
    client->SendTo(Query(7, "www.hub.test."), asked);
    const Time until = world.now() + absl::Milliseconds(2);
    while (world.now() < until) ASSERT_TRUE(loop.RunOnce(until).ok());
    const std::vector<SimDatagram> answers = client->TakeReceived();
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(answers[0].from, asked);
  }
}

// ---- TCP ----

// RFC 1035 section 4.2.2, RFC 7766 section 6.2.1.
TEST(StreamTest, AllQueriesOfOneSegmentAreAnsweredInOrderInOneWrite) {
  DnsWorld world;
  const auto client = world.Connect();
  std::string queries;
  std::vector<std::string> expected;
  for (uint16_t id = 1; id <= 50; ++id) {
    queries += Framed(Query(id, "www.hub.test."));
    expected.push_back(absl::StrCat(id, ": 0, 2 answers"));
  }
  world.TakeCalls();
  EXPECT_EQ(ToldInStream(world.Exchange(*client, queries)), expected);
  const std::vector<std::string> calls = world.TakeCalls();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "write"), 1);
  EXPECT_EQ(ToldInStream(world.Exchange(*client, queries)), expected);
}

TEST(StreamTest, QueriesComeTheSameByteByByteAndAtEverySplit) {
  DnsWorld world;
  const std::string queries = Framed(Query(1, "www.hub.test.")) + Framed(Query(2, "no.hub.test."));
  const auto client = world.Connect();
  for (size_t first = 1; first < queries.size(); ++first) {
    std::string answers = world.Exchange(*client, queries.substr(0, first));
    answers += world.Exchange(*client, queries.substr(first));
    EXPECT_THAT(ToldInStream(answers), ElementsAre("1: 0, 2 answers", "2: 3, 0 answers")) << first;
  }
  std::string answers;
  for (const char& byte : queries) answers += world.Exchange(*client, {&byte, 1});
  EXPECT_THAT(ToldInStream(answers), ElementsAre("1: 0, 2 answers", "2: 3, 0 answers"));
}

TEST(StreamTest, WhatIsNoQueryIsSkipped) {
  DnsWorld world;
  const auto client = world.Connect();
  std::string response = Query(7, "www.hub.test.");
  response[2] = static_cast<char>(response[2] | 0x80);
  EXPECT_THAT(
      ToldInStream(world.Exchange(*client, Framed("") + Framed("short") + Framed(response) +
                                               Framed("") + Framed(Query(8, "www.hub.test.")))),
      ElementsAre("8: 0, 2 answers"));
  EXPECT_EQ(world.Count("queries_dropped"), 4);
}

TEST(StreamTest, TheLargestMessageIsRead) {
  DnsWorld world;
  const auto client = world.Connect();
  std::string query = Query(7, "www.hub.test.");
  query.resize(65535, '\0');
  EXPECT_THAT(
      ToldInStream(world.Exchange(*client, Framed(query) + Framed(Query(8, "www.hub.test.")))),
      ElementsAre("7: 1, 0 answers", "8: 0, 2 answers"));
}

TEST(StreamTest, AQueryThatIsAnnouncedAndDoesNotComeEndsTheConnection) {
  for (const std::string_view part : {std::string_view("\xff"), std::string_view("\xff\xff"),
                                      std::string_view("\xff\xff half of it")}) {
    ServerOptions options;
    options.idle_timeout = absl::Seconds(10);
    DnsWorld world(options);
    const auto client = world.Connect();
    client->Send(part);
    world.Run(absl::Seconds(9));
    EXPECT_FALSE(client->ended());
    world.Run(absl::Seconds(2));
    EXPECT_TRUE(client->ended() || client->was_reset());
    EXPECT_THAT(client->received(), IsEmpty());
    EXPECT_EQ(world.loop->machines(), 2u);
    EXPECT_EQ(world.Count("machines_failed"), 0);
  }
}

TEST(StreamTest, AConnectionWithoutQueriesIsClosedSilently) {
  ServerOptions options;
  options.idle_timeout = absl::Seconds(10);
  DnsWorld world(options);
  const auto client = world.Connect();
  world.Run(absl::Seconds(8));
  EXPECT_THAT(world.Exchange(*client, Framed(Query(7, "www.hub.test."))), Not(IsEmpty()));
  world.Run(absl::Seconds(8));
  EXPECT_FALSE(client->ended());
  world.Run(absl::Seconds(3));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.loop->machines(), 2u);
}

TEST(StreamTest, AClientThatHasAskedAllMayEndItsSideAndIsStillAnswered) {
  DnsWorld world;
  const auto client = world.Connect();
  client->Send(Framed(Query(1, "www.hub.test.")) + Framed(Query(2, "www.hub.test.")) + "\x01");
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(ToldInStream(client->received()), ElementsAre("1: 0, 2 answers", "2: 0, 2 answers"));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.loop->machines(), 2u);
}

TEST(StreamTest, AClientThatDoesNotReadItsAnswersEndsAndCannotMakeTheServerHoldMuch) {
  ServerOptions options;
  options.idle_timeout = absl::Seconds(10);
  options.stream.output_pause_bytes = 50'000;
  DnsWorld world(options, Plain(/*window_bytes=*/1000));
  const auto client = world.Connect();
  client->PauseReading();
  for (uint16_t id = 0; id < 100; ++id) {
    client->Send(Framed(Query(id, "text40000.hub.test.", kTxt)));
  }
  world.Run(absl::Seconds(1));
  EXPECT_LE(world.Count("queries"), 3);
  world.Run(absl::Seconds(11));
  EXPECT_EQ(world.loop->machines(), 2u);
}

TEST(StreamTest, ConnectionsAreLimitedInAllAndForEachClient) {
  ServerOptions options;
  EXPECT_EQ(options.accept.connections_max, 1000u);
  EXPECT_EQ(options.accept.connections_per_client_max, 100u);
  options.accept.connections_max = 3;
  options.accept.connections_per_client_max = 2;
  DnsWorld world(options);
  const std::string query = Framed(Query(7, "www.hub.test."));
  const auto connect = [&](std::string_view from) {
    auto client = world.world.Connect(world.address, *SocketAddress::Ip(from, 0));
    world.Run();
    return client;
  };
  const auto first = connect("127.0.0.1");
  const auto second = connect("127.0.0.1");
  EXPECT_TRUE(connect("127.0.0.1")->ended());
  EXPECT_EQ(world.Count("connections_refused"), 1);
  const auto other = connect("127.0.0.2");
  EXPECT_THAT(ToldInStream(world.Exchange(*other, query)), ElementsAre("7: 0, 2 answers"));
  const auto waiting = connect("127.0.0.3");
  EXPECT_THAT(world.Exchange(*waiting, query), IsEmpty());
  first->Close();
  world.Run();
  EXPECT_THAT(ToldInStream(waiting->received()), ElementsAre("7: 0, 2 answers"));
}

TEST(StreamTest, AConnectionEndsAfterItsLastQueryAllowed) {
  ServerOptions options;
  options.queries_per_connection_max = 2;
  DnsWorld world(options);
  const auto client = world.Connect();
  const std::string query = Framed(Query(7, "www.hub.test."));
  EXPECT_THAT(ToldInStream(world.Exchange(*client, query + query + query)),
              ElementsAre("7: 0, 2 answers", "7: 0, 2 answers"));
  EXPECT_TRUE(client->ended());
}

// ---- Reload ----

TEST(ReloadTest, ReplacedZonesAnswerTheNextQueryOnOpenConnectionsToo) {
  DnsWorld world;
  const auto client = world.Connect();
  const std::string query = Query(7, "new.hub.test.");
  EXPECT_THAT(ToldInStream(world.Exchange(*client, Framed(query))), ElementsAre("7: 3, 0 answers"));
  Zone zone = Zone::Create("hub.test.").value();
  ASSERT_TRUE(zone.Add("new", 60, RecordData::A({1, 2, 3, 4})).ok());
  world.store->Replace(ZoneStore::Of(std::move(zone))->zones());
  EXPECT_THAT(ToldInStream(world.Exchange(*client, Framed(query))), ElementsAre("7: 0, 1 answers"));
  EXPECT_THAT(ToldAll(world.ExchangeDatagrams({query})), ElementsAre("7: 0, 1 answers"));
}

// ---- Drain ----

TEST(DrainTest, WhatHasArrivedIsAnswered) {
  ServerOptions options;
  options.datagrams_per_turn = 3;
  DnsWorld world(options);
  const auto idle = world.Connect();
  const auto client = world.Connect();
  for (uint16_t id = 0; id < 10; ++id) {
    world.socket->SendTo(Query(id, "www.hub.test."), world.address);
  }
  client->Send(Framed(Query(10, "www.hub.test.")));
  world.Arrive();
  world.loop->Drain(world.world.now() + absl::Seconds(5));
  world.Run();
  EXPECT_THAT(world.socket->received(), SizeIs(10));
  EXPECT_THAT(ToldInStream(client->received()), ElementsAre("10: 0, 2 answers"));
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(idle->ended());
  client->Close();
  EXPECT_TRUE(world.loop->Run().ok());
  EXPECT_EQ(world.loop->machines(), 0u);
  EXPECT_EQ(world.Count("machines_cut"), 0);
  // Nobody is there any more.
  world.socket->TakeReceived();
  EXPECT_THAT(world.ExchangeDatagrams({Query(11, "www.hub.test.")}), IsEmpty());
}

TEST(DrainTest, AWakeUpWithoutADrainChangesNothing) {
  DnsWorld world;
  SimBackend& host = world.world.AddHost("other");
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
  LoopBuilder<DatagramServer> builder({}, host);
  absl::StatusOr<std::vector<Fd>> bound = BindDatagrams(builder.io(), options.addresses);
  ASSERT_TRUE(bound.ok());
  const SocketAddress address = options.addresses[0];
  auto& shared = builder.Keep<ServerShared>(options, builder.counters(), "dns", MakeZone());
  absl::StatusOr<Notifier> machine =
      builder.Add(*builder.AddGroup("dns"), std::move((*bound)[0]), shared);
  ASSERT_TRUE(machine.ok());
  auto loop = std::move(builder).Build();
  ASSERT_TRUE(loop.RunOnce(world.world.now()).value());
  machine->Wake();
  ASSERT_TRUE(loop.RunOnce(world.world.now()).value());
  world.socket->SendTo(Query(7, "www.hub.test."), address);
  world.Arrive();
  ASSERT_TRUE(loop.RunOnce(world.world.now()).value());
  world.Arrive();
  EXPECT_THAT(world.socket->received(), SizeIs(1));
}

// ---- Mounting, inspection ----

TEST(MountTest, UdpAndTcpShareEachAddressAndItsPort) {
  DnsWorld world;
  ServerOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 0), *SocketAddress::Ip("::1", 0)};
  const absl::StatusOr<Mounted> mounted = dns::Mount(*world.loop, "second", options, MakeZone());
  ASSERT_TRUE(mounted.ok());
  ASSERT_THAT(mounted->addresses, SizeIs(2));
  for (const SocketAddress& address : mounted->addresses) {
    const auto socket =
        world.world.BindDatagram(address.host() == "::1" ? *SocketAddress::Ip("::1", 0)
                                                         : *SocketAddress::Ip("127.0.0.1", 0));
    const auto client = world.world.Connect(address);
    client->Send(Framed(Query(7, "www.hub.test.")));
    socket->SendTo(Query(8, "www.hub.test."), address);
    world.Run();
    EXPECT_THAT(ToldInStream(client->received()), ElementsAre("7: 0, 2 answers"));
    ASSERT_THAT(socket->received(), SizeIs(1));
    EXPECT_EQ(Told(socket->received()[0].bytes), "8: 0, 2 answers");
  }
}

TEST(MountTest, APortTakenForTcpIsLeftForAnother) {
  // The same world twice: the second time its port is taken.
  const SocketAddress first = DnsWorld().address;
  SimWorld world;
  SimBackend& host = world.AddHost("server");
  LoopBuilder<App> builder({}, host);
  absl::StatusOr<Fd> taken = builder.io().Listen(first, {});
  ASSERT_TRUE(taken.ok());
  ServerOptions options;
  options.addresses = {first};
  EXPECT_EQ(dns::Mount(builder, "dns", options, MakeZone()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  options.addresses = {first.WithPort(0)};
  const absl::StatusOr<Mounted> mounted = dns::Mount(builder, "dns", options, MakeZone());
  ASSERT_TRUE(mounted.ok()) << mounted.status();
  EXPECT_NE(mounted->addresses[0], first);
}

TEST(MountTest, WhatCannotBeIsRefusedAndLeavesNothingOpen) {
  DnsWorld world;
  const auto MountWith = [&](auto change) {
    ServerOptions options;
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    change(options);
    return dns::Mount(*world.loop, "second", options, MakeZone()).status().code();
  };
  EXPECT_EQ(MountWith([](auto& options) { options.datagrams_per_turn = 0; }),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MountWith([](auto& options) { options.queries_per_connection_max = 0; }),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MountWith([](auto& options) { options.addresses.clear(); }),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MountWith([&](auto& options) { options.addresses = {world.address}; }),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MountWith([](auto&) {}), absl::StatusCode::kOk);
  EXPECT_EQ(MountWith([](auto&) {}), absl::StatusCode::kAlreadyExists);
}

TEST(DescribeTest, MachinesSayWhatTheyDo) {
  DnsWorld world;
  const auto client = world.Connect();
  client->Send("\1");
  world.Run();
  std::vector<std::string> seen;
  world.loop->VisitMachines(0, 9, [&](const MachineReport& report) {
    const Description& description = report.description;
    seen.push_back(absl::StrCat(report.path, " ", description.state, ": ", description.waits_for,
                                "; ", description.peer));
  });
  const std::string server = world.address.ToString();
  EXPECT_THAT(seen, ElementsAre(absl::StrCat("/dns/0 accepting: a connection; ", server),
                                absl::StrCat("/dns/1 answering: a datagram; ", server),
                                absl::StrCat("/dns/2 open: 2 bytes of input; ",
                                             client->local_address().ToString())));
}

}  // namespace
}  // namespace rotor::dns
