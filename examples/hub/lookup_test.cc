// /lookup in a simulated world: what it tells, and that nothing is left when its client goes.
#include "examples/hub/lookup.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "examples/hub/hub.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_view.h"

namespace hub {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kServer[] = "127.0.0.1:5399";

// The hub, whose resolver asks a server that the test scripts.
class LookupWorld {
 public:
  explicit LookupWorld(rotor::SimOptions sim = {}, std::string_view resolver = kServer)
      : world(std::move(sim)), host(world.AddHost("hub")) {
    rotor::LoopBuilder<App, Context> builder({.machines_max = 64}, host);
    absl::StatusOr<Context> context =
        Mount(builder,
              {.http_port = 0, .echo_port = 0, .dns_port = 0, .resolver = std::string(resolver)});
    EXPECT_TRUE(context.ok()) << context.status();
    at = *context;
    loop.emplace(std::move(builder).Build(*context));
    server = world.BindDatagram(rotor::SocketAddress::Ip("127.0.0.1", 5399).value());
    server->on_event = [this] {
      for (const rotor::SimDatagram& query : server->TakeReceived()) {
        ++queries;
        if (answer) answer(query);
      }
    };
    Run();
    files_at_rest = host.open_files();
    machines_at_rest = loop->machines();
  }
  ~LookupWorld() {
    loop.reset();
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), IsEmpty());
  }

  void Run(absl::Duration span = absl::Milliseconds(20)) {
    const rotor::Time until = world.now() + span;
    while (world.now() < until && loop->RunOnce(until).ok()) {
    }
  }
  std::unique_ptr<rotor::SimConnection> Ask(std::string_view name) {
    auto client = world.Connect(at.http);
    client->Send(absl::StrCat("GET /lookup?name=", std::string(name),
                              " HTTP/1.1\r\nHost: hub.test\r\n\r\n"));
    return client;
  }
  // The answer with these records, as counted by `counts`, behind the question.
  void SendAnswer(const rotor::SimDatagram& query, std::string_view counts,
                  std::string_view records, int code = 0) {
    std::string bytes = query.bytes;
    rotor::dns::MessageView view;
    ASSERT_EQ(view.Parse(bytes), rotor::dns::ParseResult::kComplete);
    if (view.edns().has_value()) bytes.resize(bytes.size() - 11);
    bytes[2] = static_cast<char>(0x81);
    bytes[3] = static_cast<char>(0x80 | code);
    bytes.replace(6, 6, counts);
    server->SendTo(bytes.append(records), query.from);
  }
  void SendAddress(const rotor::SimDatagram& query) {
    rotor::dns::MessageView view;
    ASSERT_EQ(view.Parse(query.bytes), rotor::dns::ParseResult::kComplete);
    using namespace std::string_view_literals;
    if (view.question()->type == rotor::dns::RecordType::kA) {
      return SendAnswer(query, "\0\1\0\0\0\0"sv, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"sv);
    }
    SendAnswer(query, "\0\0\0\0\0\0"sv, "");
  }

  // A line for each machine.
  std::string Tree() {
    std::string tree;
    loop->VisitMachines(0, 100, [&](const rotor::MachineReport& report) {
      absl::StrAppend(&tree, "\n", report.path, " ", report.description.state, ": ",
                      report.description.waits_for);
    });
    return tree;
  }

  int queries = 0;
  std::function<void(const rotor::SimDatagram& query)> answer;
  rotor::SimWorld world;
  rotor::SimBackend& host;
  Context at;
  std::optional<rotor::Loop<App, Context>> loop;
  std::unique_ptr<rotor::SimDatagramSocket> server;
  size_t files_at_rest = 0;
  uint32_t machines_at_rest = 0;
};

std::string StatusAndBody(const std::string& response) {
  const size_t body = response.find("\r\n\r\n");
  if (body == std::string::npos) return response;
  return absl::StrCat(response.substr(9, 3), " ", response.substr(body + 4));
}

TEST(LookupTest, TellsTheAddresses) {
  LookupWorld w;
  w.answer = [&](const rotor::SimDatagram& query) { w.SendAddress(query); };
  const auto client = w.Ask("example.test");
  w.Run();
  EXPECT_EQ(StatusAndBody(client->received()),
            "200 {\"name\":\"example.test\",\"addresses\":[\"192.0.2.1\"]}\n");
  // Known by now.
  const auto again = w.Ask("EXAMPLE.test");
  w.Run();
  EXPECT_THAT(StatusAndBody(again->received()), StartsWith("200 "));
  EXPECT_LE(w.queries, 3);
}

TEST(LookupTest, AsksTheHubItself) {
  LookupWorld w({}, "self");
  const auto client = w.Ask("hub.test");
  w.Run();
  EXPECT_EQ(StatusAndBody(client->received()),
            "200 {\"name\":\"hub.test\",\"addresses\":[\"::1\",\"127.0.0.1\"]}\n");
}

TEST(LookupTest, SaysWhatWentWrong) {
  LookupWorld w;
  const auto Answer = [&](std::string_view name) {
    const auto client = w.Ask(name);
    w.Run(absl::Seconds(20));
    return StatusAndBody(client->received());
  };
  EXPECT_THAT(Answer(""), StartsWith("400 "));
  EXPECT_THAT(Answer("a%20b"), StartsWith("400 "));
  EXPECT_THAT(Answer("a..b"), AllOf(StartsWith("400 "), HasSubstr("empty label")));
  EXPECT_THAT(Answer("silence.test"), StartsWith("50"));
  using namespace std::string_view_literals;
  w.answer = [&](const auto& query) { w.SendAnswer(query, "\0\0\0\0\0\0"sv, "", 3); };
  EXPECT_THAT(Answer("no.test"), AllOf(StartsWith("404 "), HasSubstr("no such name")));
  w.answer = [&](const auto& query) { w.SendAnswer(query, "\0\0\0\0\0\0"sv, "", 2); };
  EXPECT_THAT(Answer("bad.test"), AllOf(StartsWith("502 "), HasSubstr("SERVFAIL")));
}

TEST(LookupTest, ManyClientsOfOneNameMakeOneQuery) {
  LookupWorld w;
  std::vector<std::unique_ptr<rotor::SimConnection>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(w.Ask("example.test"));
  w.Run();
  EXPECT_EQ(w.queries, 2);  // A and AAAA.
}

// A client asks, and goes at a random moment: before it is heard, while the query is out, while the
// answer is on its way, or after it.
void GoSomewhere(uint64_t seed) {
  rotor::Random random(seed);
  rotor::SimOptions sim;
  if (random.Chance(0.5)) sim = rotor::SimOptions::Hostile(seed);
  sim.seed = seed;
  LookupWorld w(sim);
  const uint64_t delay = random.Below(5000);
  if (random.Chance(0.7)) {
    w.answer = [&w, delay](const rotor::SimDatagram& query) {
      w.world.After(absl::Microseconds(delay), [&w, query] { w.SendAddress(query); });
    };
  }
  std::vector<std::unique_ptr<rotor::SimConnection>> clients;
  for (uint64_t i = 0; i <= random.Below(3); ++i) clients.push_back(w.Ask("example.test"));
  w.Run(absl::Microseconds(uint64_t{1} << random.Below(21)));
  for (auto& client : clients) {
    if (random.Chance(0.5)) client->Reset();
    client = nullptr;
  }
  // Until what is under way has arrived; more than once, since the process may be stopped for a
  // while in the middle of it.
  for (int i = 0; i < 4; ++i) w.Run(absl::Milliseconds(250));
  auto& core = static_cast<rotor::dns::Resolver*>(w.at.resolver)->core();
  EXPECT_EQ(core.lookups(), 0u) << seed;
  EXPECT_EQ(core.fetches(), 0u) << seed;
  EXPECT_EQ(core.timers(), 0u) << seed;
  EXPECT_EQ(w.host.open_files(), w.files_at_rest) << seed;
  EXPECT_EQ(w.loop->machines(), w.machines_at_rest) << seed << w.Tree();
}

constexpr uint64_t kWorldsPerTest = 2500;

void GoInWorlds(uint64_t first) {
  for (uint64_t seed = first; seed < first + kWorldsPerTest; ++seed) {
    GoSomewhere(seed);
    if (testing::Test::HasFailure()) return;
  }
}

// Ten thousand worlds, in shares that run side by side.
TEST(LookupTest, NothingIsLeftOfClientsThatGoInTheFirstWorlds) { GoInWorlds(0); }
TEST(LookupTest, NothingIsLeftOfClientsThatGoInTheSecondWorlds) { GoInWorlds(2500); }
TEST(LookupTest, NothingIsLeftOfClientsThatGoInTheThirdWorlds) { GoInWorlds(5000); }
TEST(LookupTest, NothingIsLeftOfClientsThatGoInTheFourthWorlds) { GoInWorlds(7500); }

}  // namespace
}  // namespace hub
