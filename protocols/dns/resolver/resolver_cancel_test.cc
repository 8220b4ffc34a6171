// Dropping lookups at any moment, in worlds of every kind, leaves nothing behind.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/resolver/resolver_test_util.h"

namespace rotor::dns {
namespace {

// Answers of every kind, chosen by `random`.
void ServeAnything(ResolverWorld& w, ScriptedServer& server, Random& random) {
  const auto Choose = [&random] {
    switch (random.Below(8)) {
      case 0:
        return Reply{.code = ResponseCode::kServerFailure};
      case 1:
        return Reply{.code = ResponseCode::kNameError, .authority = {Soa("test", 5, 5)}};
      case 2:
        return Reply{.answer = {Alias("host.test", 5, "other.test")}};
      case 3:
      case 4:
        return Reply{.truncated = true};
      default:
        return Reply{.answer = {Address("host.test", 1, "192.0.2.1")}};
    }
  };
  server.udp = [&w, &server, &random, Choose](const SimDatagram& query) {
    if (random.Chance(0.2)) return;
    w.world.After(absl::Microseconds(random.Below(20'000)),
                  [&server, query, reply = Choose()] { server.Send(query, reply); });
  };
  server.tcp = [&random, Choose](std::string_view query) {
    if (random.Chance(0.2)) return TcpAction{"", random.Chance(0.5)};
    std::string bytes = Framed(MakeReply(query, Choose()));
    const bool cut = random.Chance(0.2);
    if (cut) bytes.resize(1 + random.Below(bytes.size()));
    return TcpAction{bytes, cut};
  };
}

// One world: some lookups and subscriptions, dropped at random times.
void CancelSomewhere(uint64_t seed) {
  Random random(seed);
  WorldOptions options;
  options.servers = 1 + static_cast<int>(random.Below(2));
  if (random.Chance(0.5)) options.sim = SimOptions::Hostile(seed);
  options.sim.seed = seed;
  options.resolver.queries_per_socket = 1 + static_cast<uint32_t>(random.Below(3));
  if (random.Chance(0.2)) options.resolver.queries_max = 2;
  options.resolv_conf_extra = "options timeout:1 attempts:2\nsearch test example.test\n";
  if (random.Chance(0.2)) options.resolv_conf_extra += "options use-vc\n";
  ResolverWorld w(options);
  for (int i = 0; i < options.servers; ++i) ServeAnything(w, w.server(i), random);
  std::vector<resolve::Lookup> lookups;
  std::vector<resolve::Subscription> subscriptions;
  w.Do([&](Scope& scope) {
    for (uint64_t i = 0; i <= random.Below(4); ++i) {
      lookups.push_back(w.resolver->Find(random.Chance(0.5) ? "host.test" : "host", {}, scope));
    }
    if (random.Chance(0.3)) subscriptions.push_back(w.resolver->Watch("host.test", {}, scope));
  });
  // From the first microseconds to after the end of all.
  w.Run(absl::Microseconds(uint64_t{1} << random.Below(22)));
  w.Do([&](Scope&) {
    lookups.clear();
    subscriptions.clear();
  });
  // What is left closes at once; a connection that had served, when it has been idle.
  w.Run(absl::Milliseconds(1));
  EXPECT_EQ(w.core->lookups() + w.core->fetches() + w.core->timers(), 0u) << seed;
  w.Run(absl::Seconds(6));
  EXPECT_EQ(w.Leftovers(), "") << seed;
}

constexpr uint64_t kWorldsPerTest = 2500;

void CancelInWorlds(uint64_t first) {
  for (uint64_t seed = first; seed < first + kWorldsPerTest; ++seed) {
    CancelSomewhere(seed);
    if (testing::Test::HasFailure()) return;
  }
}

// Ten thousand worlds, in shares that run side by side.
TEST(ResolverCancelTest, NothingIsLeftOfTheFirstWorlds) { CancelInWorlds(0); }
TEST(ResolverCancelTest, NothingIsLeftOfTheSecondWorlds) { CancelInWorlds(2500); }
TEST(ResolverCancelTest, NothingIsLeftOfTheThirdWorlds) { CancelInWorlds(5000); }
TEST(ResolverCancelTest, NothingIsLeftOfTheFourthWorlds) { CancelInWorlds(7500); }

TEST(ResolverCancelTest, EveryLookupOfAHostileWorldComesToAnEnd) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    WorldOptions options;
    options.servers = 2;
    options.sim = SimOptions::Hostile(seed);
    ResolverWorld w(options);
    for (int i = 0; i < options.servers; ++i) ServeAnything(w, w.server(i), random);
    std::vector<resolve::Lookup> lookups;
    w.Do([&](Scope& scope) {
      for (int i = 0; i < 5; ++i) {
        lookups.push_back(w.resolver->Find(absl::StrCat("h", i, ".test"), {}, scope));
      }
    });
    for (resolve::Lookup& lookup : lookups) {
      EXPECT_TRUE(w.RunUntil([&] { return lookup.done(); }, absl::Seconds(30))) << seed;
    }
    lookups.clear();
    w.Run(absl::Seconds(6));
    EXPECT_EQ(w.Leftovers(), "") << seed;
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ResolverCancelTest, TheSameSeedIsTheSameRun) {
  const auto Hash = [] {
    Random random(7);
    WorldOptions options;
    options.sim = SimOptions::Hostile(7);
    ResolverWorld w(options);
    ServeAnything(w, w.server(), random);
    for (int i = 0; i < 20; ++i) w.FindText(absl::StrCat("h", i, ".test"));
    return w.world.log_hash();
  };
  EXPECT_EQ(Hash(), Hash());
}

}  // namespace
}  // namespace rotor::dns
