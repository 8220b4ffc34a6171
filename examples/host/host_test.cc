// host against a server of ours, in a simulated world.
#include "examples/host/host.h"

#include <memory>
#include <string>
#include <utility>

#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/server/server.h"

namespace host {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using WorldApp = rotor::Compose<App, rotor::dns::Server>;

std::shared_ptr<rotor::dns::ZoneStore> MakeZone() {
  using rotor::dns::RecordData;
  auto zone = rotor::dns::Zone::Create("hub.test.").value();
  const auto Add = [&](std::string_view owner, RecordData data) {
    EXPECT_TRUE(zone.Add(owner, 60, std::move(data)).ok());
  };
  const auto target = rotor::dns::Name::FromText("www.hub.test").value();
  Add("www", RecordData::Address("192.0.2.1").value());
  Add("www", RecordData::Address("2001:db8::1").value());
  Add("alias", RecordData::Cname(target));
  Add("@", RecordData::Mx({10, target}));
  Add("text", RecordData::Text("say \"hi\"").value());
  Add("long", RecordData::Text(std::string(3000, 'x')).value());
  return rotor::dns::ZoneStore::Of(std::move(zone));
}

Outcome RunHost(std::string_view name, std::string_view type, bool tcp = false, bool json = false,
                bool serving = true) {
  rotor::SimWorld world;
  rotor::LoopBuilder<WorldApp> builder({.machines_max = 64}, world.AddHost("host"));
  Request request = MakeRequest(name, type).value();
  request.json = json;
  auto options = MakeOptions("127.0.0.1:5300", tcp).value();
  options.hosts = "";
  if (serving) {
    rotor::dns::ServerOptions server;
    server.addresses = {rotor::SocketAddress::Ip("127.0.0.1", 5300).value()};
    EXPECT_TRUE(rotor::dns::Mount(builder, "dns", server, MakeZone()).ok());
  }
  Outcome outcome;
  auto* resolver = rotor::dns::Mount(builder, "resolver", options).value();
  EXPECT_TRUE(
      builder.Add<HostMachine>(builder.AddGroup("host").value(), request, *resolver, outcome).ok());
  auto loop = std::move(builder).Build();
  const rotor::Time give_up = world.now() + absl::Seconds(60);
  while (outcome.out.empty() && outcome.err.empty() && world.now() < give_up) {
    EXPECT_TRUE(loop.RunOnce(give_up).ok());
  }
  EXPECT_THAT(world.violations(), IsEmpty());
  return outcome;
}

TEST(HostTest, PrintsRecordsAsAZoneFileHasThem) {
  const Outcome outcome = RunHost("www.hub.test", "");
  EXPECT_EQ(outcome.exit_code, kFound);
  EXPECT_THAT(outcome.out, HasSubstr("www.hub.test.\t"));
  EXPECT_THAT(outcome.out, HasSubstr("\tA\t192.0.2.1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\tAAAA\t2001:db8::1\n"));
  EXPECT_EQ(outcome.err, "");
}

TEST(HostTest, FollowsAliasesAndTakesOneFamily) {
  EXPECT_THAT(RunHost("alias.hub.test", "a").out, StartsWith("www.hub.test.\t"));
}

TEST(HostTest, EveryTypeAndLongAnswers) {
  EXPECT_THAT(RunHost("hub.test", "MX").out, HasSubstr("\tMX\t10 www.hub.test.\n"));
  EXPECT_GT(RunHost("long.hub.test", "TXT").out.size(), 3000u);
  EXPECT_THAT(RunHost("www.hub.test", "A", /*tcp=*/true).out, HasSubstr("192.0.2.1"));
}

TEST(HostTest, JsonIsOneObject) {
  const Outcome outcome = RunHost("text.hub.test", "TXT", false, true);
  EXPECT_THAT(outcome.out,
              StartsWith("{\"asked\":\"text.hub.test\",\"status\":\"NOERROR\",\"records\":[{"));
  EXPECT_THAT(outcome.out,
              HasSubstr("\"type\":\"TXT\",\"data\":\"\\\"say \\\\\\\"hi\\\\\\\"\\\"\"}]}\n"));
  EXPECT_EQ(RunHost("no.hub.test", "A", false, true).out,
            "{\"asked\":\"no.hub.test\",\"status\":\"NXDOMAIN\",\"records\":[]}\n");
}

TEST(HostTest, SaysWhatThereIsNot) {
  const Outcome no_name = RunHost("no.hub.test", "");
  EXPECT_EQ(no_name.exit_code, kNotFound);
  EXPECT_EQ(no_name.err, "host: no.hub.test: NXDOMAIN\n");
  EXPECT_EQ(RunHost("www.hub.test", "MX").err, "host: www.hub.test: NODATA\n");
  const Outcome refused = RunHost("other.test", "A");
  EXPECT_EQ(refused.exit_code, kFailed);
  EXPECT_THAT(refused.err, HasSubstr("REFUSED"));
  const Outcome nobody = RunHost("www.hub.test", "A", false, false, /*serving=*/false);
  EXPECT_EQ(nobody.exit_code, kFailed);
  EXPECT_THAT(nobody.err, HasSubstr("Connection refused"));
}

TEST(HostTest, ArgumentsAreChecked) {
  EXPECT_FALSE(MakeRequest("a", "NOSUCHTYPE").ok());
  EXPECT_FALSE(MakeOptions("example.test", false).ok());
  EXPECT_EQ(MakeRequest("192.0.2.1", "").value().name, "1.2.0.192.in-addr.arpa.");
}

}  // namespace
}  // namespace host
