// What a resolver finds, in a simulated world.
#include "protocols/dns/resolver/resolver.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/resolver/resolver_test_util.h"

namespace rotor::dns {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// A server that knows host.test. in both families.
void ServeHost(ScriptedServer& server, uint32_t ttl = 60) {
  server.udp = [&server, ttl](const SimDatagram& query) {
    const std::string question = QuestionOf(query.bytes);
    Reply reply;
    if (question == "host.test. A") reply.answer = {Address("host.test", ttl, "192.0.2.1")};
    if (question == "host.test. AAAA") reply.answer = {Address("host.test", ttl, "2001:db8::1")};
    if (reply.answer.empty()) {
      reply.code = ResponseCode::kNameError;
      reply.authority = {Soa("test", 60, 60)};
    }
    server.Send(query, reply);
  };
}

TEST(ResolverTest, FindsTheAddressesOfBothFamilies) {
  ResolverWorld w;
  ServeHost(w.server());
  EXPECT_EQ(w.FindText("host.test", {.port = 80}), "[2001:db8::1]:80 192.0.2.1:80");
  EXPECT_THAT(w.server().questions, UnorderedElementsAre("host.test. A", "host.test. AAAA"));
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.Leftovers(), "");
}

TEST(ResolverTest, AsksForTheWantedFamilyOnly) {
  ResolverWorld w;
  ServeHost(w.server());
  EXPECT_EQ(w.FindText("host.test", {.family = resolve::Family::kIpv4}), "192.0.2.1:0");
  EXPECT_EQ(w.FindText("host.test", {.family = resolve::Family::kIpv6}), "[2001:db8::1]:0");
  EXPECT_THAT(w.server().questions, ElementsAre("host.test. A", "host.test. AAAA"));
}

TEST(ResolverTest, OneFamilyIsEnough) {
  ResolverWorld w;
  w.server().udp = [&](const SimDatagram& query) {
    Reply reply;
    reply.authority = {Soa("test", 60, 60)};
    if (QuestionOf(query.bytes) == "host.test. A") {
      reply.answer = {Address("host.test", 60, "192.0.2.1")};
    }
    w.server().Send(query, reply);
  };
  EXPECT_EQ(w.FindText("host.test"), "192.0.2.1:0");
}

TEST(ResolverTest, NumericHostsAreTheirOwnAnswer) {
  ResolverWorld w;
  EXPECT_EQ(w.FindText("192.0.2.7", {.port = 5}), "192.0.2.7:5");
  EXPECT_EQ(w.FindText("2001:db8::7", {.port = 5}), "[2001:db8::7]:5");
  EXPECT_THAT(w.FindText("192.0.2.7", {.family = resolve::Family::kIpv6}), StartsWith("NOT_FOUND"));
  EXPECT_THAT(w.server().questions, IsEmpty());
}

TEST(ResolverTest, ABadNameIsSaidAtOnce) {
  ResolverWorld w;
  EXPECT_THAT(w.FindText("a..b"), StartsWith("INVALID_ARGUMENT"));
  EXPECT_THAT(w.FindText(""), StartsWith("INVALID_ARGUMENT"));
  EXPECT_THAT(w.FindText(std::string(64, 'a')), StartsWith("INVALID_ARGUMENT"));
  EXPECT_THAT(w.server().questions, IsEmpty());
}

TEST(ResolverTest, RecordsOfEveryTypeCanBeAskedFor) {
  ResolverWorld w;
  w.server().udp = [&](const SimDatagram& query) {
    MessageView view;
    ASSERT_EQ(view.Parse(query.bytes), ParseResult::kComplete);
    const RecordType type = view.question()->type;
    absl::StatusOr<RecordData> data = RecordData::FromWire(type, "abc");
    const Name target = Name::FromText("mail.test").value();
    if (type == RecordType::kMx) data = RecordData::Mx({10, target});
    if (type == RecordType::kSrv) data = RecordData::Srv({1, 2, 3, target});
    if (type == RecordType::kTxt) data = RecordData::Text("hello");
    if (type == RecordType::kPtr) data = RecordData::Ptr(target);
    Reply reply;
    reply.answer.push_back({"host.test", 60, data.value()});
    w.server().Send(query, reply);
  };
  for (const RecordType type : {RecordType::kMx, RecordType::kSrv, RecordType::kTxt,
                                RecordType::kPtr, static_cast<RecordType>(65400)}) {
    const auto answer = w.Ask("host.test.", type);
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_THAT((*answer)->records, SizeIs(1));
    EXPECT_EQ((*answer)->records[0].type(), type);
  }
}

// ---- Cache

TEST(ResolverTest, AnswersAreKeptAsLongAsTheySay) {
  ResolverWorld w;
  ServeHost(w.server(), 60);
  const resolve::FindOptions v4 = {.family = resolve::Family::kIpv4};
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.1:0");
  w.Run(absl::Seconds(59));
  EXPECT_EQ(w.FindText("HOST.test.", v4), "192.0.2.1:0");
  EXPECT_THAT(w.server().questions, SizeIs(1));
  w.Run(absl::Seconds(2));
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.1:0");
  EXPECT_THAT(w.server().questions, SizeIs(2));
}

TEST(ResolverTest, ACachedAnswerIsThereAtOnceAndWakesAllTheSame) {
  ResolverWorld w;
  ServeHost(w.server());
  w.FindText("host.test");
  resolve::Lookup lookup;
  bool at_once = false;
  const int before = w.wakeups;
  w.Do([&](Scope& scope) {
    lookup = w.resolver->Find("host.test", {}, scope);
    at_once = lookup.done();
  });
  EXPECT_TRUE(at_once);
  w.Run();
  EXPECT_EQ(w.wakeups, before + 2);  // The first is the test's own.
}

TEST(ResolverTest, AnswersWithoutATtlAreNotKept) {
  ResolverWorld w;
  // The highest bit set means 0 (RFC 2181 section 8).
  for (const uint32_t ttl : {0u, 0x80000000u, 0xffffffffu}) {
    w.server().questions.clear();
    w.server().Always({.answer = {Address("host.test", ttl, "192.0.2.1")}});
    w.Ask("host.test.", RecordType::kA).IgnoreError();
    w.Ask("host.test.", RecordType::kA).IgnoreError();
    EXPECT_THAT(w.server().questions, SizeIs(2)) << ttl;
  }
}

TEST(ResolverTest, ThatThereIsNoSuchNameIsKeptForEveryTypeButNotForLong) {
  ResolverWorld w;
  w.server().Always(
      {.code = ResponseCode::kNameError, .authority = {Soa("test", 300, 0x7fffffff)}});
  EXPECT_THAT(w.FindText("no.test"), AllOf(StartsWith("NOT_FOUND"), HasSubstr("no such name")));
  const size_t asked = w.server().questions.size();
  EXPECT_EQ((*w.Ask("no.test.", RecordType::kMx))->kind, Answer::Kind::kNoSuchName);
  EXPECT_THAT(w.server().questions, SizeIs(asked));
  w.Run(absl::Seconds(301));
  w.FindText("no.test");
  EXPECT_GT(w.server().questions.size(), asked);
}

TEST(ResolverTest, ANegativeTtlIsCapped) {
  ResolverWorld w;
  w.server().Always(
      {.code = ResponseCode::kNameError, .authority = {Soa("test", 0x7fffffff, 0x7fffffff)}});
  w.Ask("no.test.", RecordType::kA).IgnoreError();
  w.Run(absl::Hours(3) + absl::Seconds(1));
  w.Ask("no.test.", RecordType::kA).IgnoreError();
  EXPECT_THAT(w.server().questions, SizeIs(2));
}

TEST(ResolverTest, ANegativeAnswerWithoutSoaIsNotKept) {
  ResolverWorld w;
  w.server().Always({.code = ResponseCode::kNameError});
  w.Ask("no.test.", RecordType::kA).IgnoreError();
  w.Ask("no.test.", RecordType::kA).IgnoreError();
  EXPECT_THAT(w.server().questions, SizeIs(2));
}

TEST(ResolverTest, NoDataIsOfItsTypeOnly) {
  ResolverWorld w;
  w.server().Always({.authority = {Soa("test", 60, 60)}});
  EXPECT_EQ((*w.Ask("host.test.", RecordType::kA))->kind, Answer::Kind::kNoData);
  EXPECT_EQ((*w.Ask("host.test.", RecordType::kA))->kind, Answer::Kind::kNoData);
  EXPECT_EQ((*w.Ask("host.test.", RecordType::kMx))->kind, Answer::Kind::kNoData);
  EXPECT_THAT(w.server().questions, ElementsAre("host.test. A", "host.test. MX"));
}

TEST(ResolverTest, TheSameQuestionIsAskedOnceForAll) {
  ResolverWorld w;
  std::vector<resolve::Lookup> lookups(10);
  w.Do([&](Scope& scope) {
    for (resolve::Lookup& lookup : lookups) {
      lookup = w.resolver->Find("Host.Test", {.family = resolve::Family::kIpv4}, scope);
    }
  });
  ServeHost(w.server());
  EXPECT_TRUE(w.RunUntil([&] { return lookups[9].done(); }));
  for (resolve::Lookup& lookup : lookups) EXPECT_TRUE(lookup.Take().ok());
  EXPECT_THAT(w.server().questions, SizeIs(1));
  EXPECT_EQ(w.Count("queries_merged"), 9);
}

// ---- Aliases

TEST(ResolverTest, AliasesInAnyOrderLeadToTheRecordsAndTheSmallestTtlHolds) {
  ResolverWorld w;
  w.server().Always(
      {.answer = {Address("c.test", 300, "192.0.2.1"), Alias("b.test", 10, "c.test"),
                  Alias("a.test", 300, "b.test"), Address("other.test", 300, "192.0.2.99")}});
  const auto answer = w.Ask("a.test.", RecordType::kA);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)->name().ToText(), "c.test.");
  EXPECT_THAT((*answer)->records, ElementsAre(RecordData::Address("192.0.2.1").value()));
  w.Run(absl::Seconds(11));
  w.Ask("a.test.", RecordType::kA).IgnoreError();
  EXPECT_THAT(w.server().questions, SizeIs(2));
  // Nothing but the question's own chain is believed.
  w.Ask("other.test.", RecordType::kA).IgnoreError();
  EXPECT_THAT(w.server().questions, SizeIs(3));
}

TEST(ResolverTest, AChainThatEndsOutsideIsFollowedByAnotherQuestion) {
  ResolverWorld w;
  w.server().udp = [&](const SimDatagram& query) {
    Reply reply;
    if (QuestionOf(query.bytes) == "a.test. A") reply.answer = {Alias("a.test", 9, "b.test")};
    if (QuestionOf(query.bytes) == "b.test. A") {
      reply.answer = {Address("b.test", 99, "192.0.2.2")};
    }
    w.server().Send(query, reply);
  };
  const auto answer = w.Ask("a.test.", RecordType::kA);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)->name().ToText(), "b.test.");
  EXPECT_LE((*answer)->expires - w.world.now(), absl::Seconds(9));
}

TEST(ResolverTest, LoopsOfAliasesAndLongChainsFail) {
  ResolverWorld w;
  w.server().Always({.answer = {Alias("a.test", 60, "b.test"), Alias("b.test", 60, "a.test")}});
  EXPECT_THAT(w.FindText("a.test"), AllOf(StartsWith("UNAVAILABLE"), HasSubstr("aliases")));
  // One alias per message, for ever.
  int n = 0;
  w.server().udp = [&](const SimDatagram& query) {
    MessageView view;
    view.Parse(query.bytes);
    w.server().Send(
        query,
        {.answer = {Alias(view.question()->name.ToText(), 60, absl::StrCat("x", ++n, ".test"))}});
  };
  w.server().questions.clear();
  EXPECT_THAT(w.Ask("x.test.", RecordType::kA).status().message(), HasSubstr("aliases"));
  EXPECT_LE(w.server().questions.size(), 12u);
}

TEST(ResolverTest, ThatAnAliasLeadsNowhereIsNotSaidOfOtherTypes) {
  ResolverWorld w;
  w.server().Always({.code = ResponseCode::kNameError,
                     .answer = {Alias("a.test", 60, "gone.test")},
                     .authority = {Soa("test", 60, 60)}});
  EXPECT_EQ((*w.Ask("a.test.", RecordType::kA))->kind, Answer::Kind::kNoSuchName);
  w.server().Always({.answer = {Alias("a.test", 60, "gone.test")}});
  EXPECT_EQ((*w.Ask("a.test.", RecordType::kCname))->kind, Answer::Kind::kRecords);
}

// ---- Names that need no server, search domains, files

TEST(ResolverTest, SpecialNamesNeverLeave) {
  ResolverWorld w({.resolv_conf_extra = "search corp.test\noptions ndots:5\n"});
  EXPECT_EQ(w.FindText("localhost"), "[::1]:0 127.0.0.1:0");
  EXPECT_EQ(w.FindText("a.b.LocalHost."), "[::1]:0 127.0.0.1:0");
  EXPECT_EQ((*w.Ask("localhost", RecordType::kMx))->kind, Answer::Kind::kNoData);
  EXPECT_THAT(w.FindText("x.invalid"), HasSubstr("no such name"));
  EXPECT_THAT(w.server().questions, IsEmpty());
}

TEST(ResolverTest, TheHostsFileComesFirst) {
  ResolverWorld w;
  w.files->Set("/etc/hosts", "192.0.2.9 db.test db\n2001:db8::9 db.test\n");
  w.Run(absl::Seconds(6));
  EXPECT_EQ(w.FindText("db.test"), "[2001:db8::9]:0 192.0.2.9:0");
  EXPECT_EQ(w.FindText("DB"), "192.0.2.9:0");
  const auto pointer = w.Ask("9.2.0.192.in-addr.arpa.", RecordType::kPtr);
  EXPECT_THAT((*pointer)->records, ElementsAre(RecordData::Ptr(Name::FromText("db.test").value())));
  EXPECT_THAT(w.server().questions, IsEmpty());
}

TEST(ResolverTest, SearchDomainsAreTriedInOrder) {
  ResolverWorld w({.resolv_conf_extra = "search one.test two.test\n"});
  w.server().udp = [&](const SimDatagram& query) {
    Reply reply = {.code = ResponseCode::kNameError};
    if (QuestionOf(query.bytes) == "www.two.test. A") {
      reply = {.answer = {Address("www.two.test", 60, "192.0.2.2")}};
    }
    w.server().Send(query, reply);
  };
  const resolve::FindOptions v4 = {.family = resolve::Family::kIpv4};
  EXPECT_EQ(w.FindText("www", v4), "192.0.2.2:0");
  EXPECT_THAT(w.server().questions, ElementsAre("www.one.test. A", "www.two.test. A"));
  w.server().questions.clear();
  EXPECT_THAT(w.FindText("a.b", v4), StartsWith("NOT_FOUND"));
  EXPECT_THAT(w.server().questions, ElementsAre("a.b. A", "a.b.one.test. A", "a.b.two.test. A"));
  w.server().questions.clear();
  EXPECT_THAT(w.FindText("www.", v4), StartsWith("NOT_FOUND"));
  EXPECT_THAT(w.server().questions, ElementsAre("www. A"));
}

TEST(ResolverTest, AFailureEndsTheSearch) {
  ResolverWorld w({.resolv_conf_extra = "search one.test two.test\noptions attempts:1\n"});
  w.server().Always({.code = ResponseCode::kServerFailure});
  EXPECT_THAT(w.FindText("www", {.family = resolve::Family::kIpv4}), StartsWith("UNAVAILABLE"));
  EXPECT_THAT(w.server().questions, ElementsAre("www.one.test. A"));
}

TEST(ResolverTest, ChangedFilesAreReadAgainAndNewServersAsked) {
  ResolverWorld w({.servers = 2});
  ServeHost(w.server(0));
  w.server(1).Always({.answer = {Address("host.test", 60, "192.0.2.77")}});
  w.files->Set("/etc/resolv.conf", absl::StrCat("nameserver ", w.server(0).address.ToString()));
  w.Run(absl::Seconds(6));
  const resolve::FindOptions v4 = {.family = resolve::Family::kIpv4};
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.1:0");
  w.files->Set("/etc/resolv.conf", absl::StrCat("nameserver ", w.server(1).address.ToString()));
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.1:0");  // Not looked at yet.
  w.Run(absl::Seconds(6));
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.77:0");
  const int reads = w.files->reads();
  w.Run(absl::Seconds(60));
  EXPECT_EQ(w.FindText("host.test", v4), "192.0.2.77:0");
  EXPECT_EQ(w.files->reads(), reads);
}

TEST(ResolverTest, QueriesOnTheWayMoveToTheNewServers) {
  ResolverWorld w({.servers = 2});
  w.files->Set("/etc/resolv.conf", absl::StrCat("nameserver ", w.server(0).address.ToString()));
  w.Run(absl::Seconds(6));
  resolve::Lookup lookup;
  w.Do([&](Scope& scope) { lookup = w.resolver->Find("host.test", {}, scope); });
  w.Run(absl::Seconds(5));
  w.server(1).Always({.answer = {Address("host.test", 60, "192.0.2.77")}});
  w.files->Set("/etc/resolv.conf", absl::StrCat("nameserver ", w.server(1).address.ToString()));
  w.Run(absl::Seconds(1));
  w.FindText("other.test");  // Whoever comes next looks.
  EXPECT_TRUE(w.RunUntil([&] { return lookup.done(); }, absl::Seconds(1)));
  EXPECT_TRUE(lookup.Take().ok());
}

// ---- Chance

TEST(ResolverTest, IdsAndPortsAreSpreadOverTheirRanges) {
  WorldOptions options;
  options.resolver.queries_per_socket = 1;
  ResolverWorld w(options);
  ServeHost(w.server(), 0);
  std::set<uint16_t> ids;
  std::set<uint16_t> ports;
  constexpr int kQueries = 2000;
  for (int i = 0; i < kQueries; ++i) w.Ask("host.test.", RecordType::kA).IgnoreError();
  ASSERT_THAT(w.server().queries, SizeIs(kQueries));
  double id_sum = 0;
  for (int i = 0; i < kQueries; ++i) {
    const std::string& query = w.server().queries[i];
    const auto id =
        static_cast<uint16_t>(static_cast<uint8_t>(query[0]) << 8 | static_cast<uint8_t>(query[1]));
    id_sum += id;
    ids.insert(id);
    ports.insert(w.server().sources[i].port());
  }
  // Of 2000 chosen from 65536, some 30 meet another.
  EXPECT_GT(ids.size(), 1930u);
  EXPECT_GT(ports.size(), 1930u);
  EXPECT_NEAR(id_sum / kQueries, 32768, 2000);
  EXPECT_GE(*ports.begin(), 1024);
  EXPECT_LT(*ports.begin(), 2000);
  EXPECT_GT(*ports.rbegin(), 64000);
}

TEST(ResolverTest, TheCaseOfLettersIsRandom) {
  ResolverWorld w;
  w.server().Always({.code = ResponseCode::kNameError});
  std::set<std::string> spellings;
  for (int i = 0; i < 20; ++i) {
    w.Ask("abcdefghijklmnop.test.", RecordType::kA).IgnoreError();
    spellings.insert(w.server().queries.back().substr(12, 22));
  }
  EXPECT_GT(spellings.size(), 15u);
}

// ---- Ends

TEST(ResolverTest, ALookupThatOutlivesTheResolverIsCancelled) {
  resolve::Lookup lookup;
  resolve::Subscription subscription;
  {
    ResolverWorld w;
    w.Do([&](Scope& scope) {
      lookup = w.resolver->Find("host.test", {}, scope);
      subscription = w.resolver->Watch("host.test", {}, scope);
    });
    EXPECT_FALSE(lookup.done());
  }
  ASSERT_TRUE(lookup.done());
  EXPECT_EQ(lookup.Take().status().code(), absl::StatusCode::kCancelled);
}

TEST(ResolverTest, TheResolverDoesNotKeepTheLoopRunning) {
  ResolverWorld w;
  ServeHost(w.server());
  w.FindText("host.test");
  w.loop_->Drain(w.world.now() + absl::Seconds(5));
  const Time before = w.world.now();
  for (int i = 0; i < 10; ++i) {
    const absl::StatusOr<bool> more = w.loop_->RunOnce(w.world.now() + absl::Seconds(1));
    ASSERT_TRUE(more.ok());
    if (!*more) break;
  }
  EXPECT_LT(w.world.now() - before, absl::Seconds(1));
}

// ---- Subscriptions

TEST(ResolverTest, ASubscriberIsWokenWhenTheAddressesChangeAndOnlyThen) {
  ResolverWorld w;
  std::vector<SomeRecord> addresses = {Address("host.test", 10, "192.0.2.1"),
                                       Address("host.test", 10, "192.0.2.2")};
  w.server().udp = [&](const SimDatagram& query) { w.server().Send(query, {.answer = addresses}); };
  resolve::Subscription subscription;
  w.Do([&](Scope& scope) {
    subscription = w.resolver->Watch("host.test", {.family = resolve::Family::kIpv4}, scope);
  });
  w.Run(absl::Seconds(1));
  EXPECT_TRUE(subscription.TakeChanged());
  ASSERT_TRUE(subscription.addresses().ok()) << subscription.addresses().status();
  EXPECT_THAT(*subscription.addresses(), SizeIs(2));
  // The same in another order is no change.
  std::swap(addresses[0], addresses[1]);
  const int before = w.wakeups;
  w.Run(absl::Seconds(30));
  EXPECT_FALSE(subscription.TakeChanged());
  EXPECT_EQ(w.wakeups, before);
  EXPECT_GE(w.server().questions.size(), 3u);
  EXPECT_LE(w.server().questions.size(), 5u);
  addresses.pop_back();
  w.Run(absl::Seconds(11));
  EXPECT_TRUE(subscription.TakeChanged());
  EXPECT_THAT(*subscription.addresses(), SizeIs(1));
  EXPECT_EQ(w.wakeups, before + 1);
}

TEST(ResolverTest, ASubscriptionKeepsWhatItKnowsWhenServersFailAndLosesWhatIsGone) {
  ResolverWorld w({.resolv_conf_extra = "options timeout:1 attempts:1\n"});
  w.server().Always({.answer = {Address("host.test", 5, "192.0.2.1")}});
  resolve::Subscription subscription;
  w.Do([&](Scope& scope) {
    subscription = w.resolver->Watch("host.test", {.family = resolve::Family::kIpv4}, scope);
  });
  w.Run(absl::Seconds(1));
  EXPECT_TRUE(subscription.TakeChanged());
  w.server().udp = nullptr;
  w.Run(absl::Minutes(5));
  EXPECT_FALSE(subscription.TakeChanged());
  EXPECT_TRUE(subscription.addresses().ok());
  w.server().Always({.code = ResponseCode::kNameError, .authority = {Soa("test", 5, 5)}});
  w.Run(absl::Minutes(2));
  EXPECT_TRUE(subscription.TakeChanged());
  EXPECT_EQ(subscription.addresses().status().code(), absl::StatusCode::kNotFound);
  w.server().Always({.answer = {Address("host.test", 5, "192.0.2.9")}});
  w.Run(absl::Minutes(2));
  EXPECT_TRUE(subscription.TakeChanged());
  EXPECT_TRUE(subscription.addresses().ok());
  w.Do([&](Scope&) { subscription = resolve::Subscription(); });
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.Leftovers(), "");
}

TEST(ResolverTest, ADeadServerIsAskedAtGrowingIntervalsForASubscription) {
  ResolverWorld w({.tcp = false, .resolv_conf_extra = "options timeout:1 attempts:1\n"});
  resolve::Subscription subscription;
  w.Do([&](Scope& scope) {
    subscription = w.resolver->Watch("host.test", {.family = resolve::Family::kIpv4}, scope);
  });
  w.Run(absl::Seconds(5));
  EXPECT_TRUE(subscription.TakeChanged());  // That it failed, once.
  EXPECT_EQ(subscription.addresses().status().code(), absl::StatusCode::kUnavailable);
  w.Run(absl::Minutes(10));
  EXPECT_FALSE(subscription.TakeChanged());
  EXPECT_LE(w.server().questions.size(), 20u);
}

}  // namespace
}  // namespace rotor::dns
