// Files, names, cache and policy of a resolver, without a socket.
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/dns/resolver/cache.h"
#include "protocols/dns/resolver/config.h"
#include "protocols/dns/resolver/hosts_file.h"
#include "protocols/dns/resolver/resolv_conf.h"
#include "protocols/dns/resolver/search.h"
#include "protocols/dns/resolver/secret_random.h"
#include "protocols/dns/resolver/server_policy.h"

namespace rotor::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Name N(std::string_view text) { return Name::FromText(text).value(); }
SocketAddress Ip(std::string_view ip, uint16_t port) { return SocketAddress::Ip(ip, port).value(); }

// ---- resolv.conf

TEST(ResolvConfTest, ReadsEveryDirective) {
  const ResolvConf conf = ParseResolvConf(
      "# a comment\n; another\nnameserver 192.0.2.1\n"
      "\tnameserver\t2001:db8::1 trailing\nnameserver 127.0.0.53:5353\r\n"
      "domain ignored.test\nsearch one.test  two.test.\n"
      "options ndots:3 timeout:7 attempts:4 rotate edns0\noptions use-vc\n");
  EXPECT_THAT(conf.servers,
              ElementsAre(Ip("192.0.2.1", 53), Ip("2001:db8::1", 53), Ip("127.0.0.53", 5353)));
  EXPECT_THAT(conf.search, ElementsAre(N("one.test"), N("two.test")));
  EXPECT_EQ(conf.ndots, 3u);
  EXPECT_EQ(conf.timeout, absl::Seconds(7));
  EXPECT_EQ(conf.attempts, 4u);
  EXPECT_TRUE(conf.rotate && conf.edns0 && conf.use_vc);
  EXPECT_THAT(conf.notes, IsEmpty());
}

TEST(ResolvConfTest, AnEmptyFileMeansTheServerOnThisMachine) {
  const ResolvConf conf = ParseResolvConf("");
  EXPECT_THAT(conf.servers, ElementsAre(Ip("127.0.0.1", 53)));
  EXPECT_EQ(conf.ndots, 1u);
  EXPECT_EQ(conf.timeout, absl::Seconds(5));
  EXPECT_EQ(conf.attempts, 2u);
  EXPECT_FALSE(conf.rotate || conf.edns0 || conf.use_vc);
}

TEST(ResolvConfTest, ValuesAreCutToTheirLimits) {
  const ResolvConf conf = ParseResolvConf("options ndots:99 timeout:999 attempts:99");
  EXPECT_EQ(conf.ndots, 15u);
  EXPECT_EQ(conf.timeout, absl::Seconds(30));
  EXPECT_EQ(conf.attempts, 5u);
  const ResolvConf zero = ParseResolvConf("options ndots:0 timeout:0 attempts:0");
  EXPECT_EQ(zero.ndots, 0u);
  EXPECT_EQ(zero.timeout, absl::Seconds(1));
  EXPECT_EQ(zero.attempts, 1u);
}

TEST(ResolvConfTest, WhatIsIgnoredIsNotedWithItsLine) {
  const ResolvConf conf = ParseResolvConf(
      "nameserver example.test\nsortlist 1.2.3.4\noptions inet6 ndots:x ndots\n"
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
      "search a..b ok.test\n");
  EXPECT_THAT(conf.servers, SizeIs(3));
  EXPECT_THAT(conf.search, ElementsAre(N("ok.test")));
  EXPECT_THAT(conf.notes,
              ElementsAre(HasSubstr("line 1: not a server"), HasSubstr("line 2: ignored"),
                          HasSubstr("line 3: option ignored: inet6"), HasSubstr("ndots:x"),
                          HasSubstr("line 3: option ignored: ndots"),
                          HasSubstr("line 7: more servers"), HasSubstr("line 8: not a domain")));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "nonsense\n";
  EXPECT_THAT(ParseResolvConf(many).notes, SizeIs(ResolvConf::kNotesMax));
}

TEST(ResolvConfTest, TheLastOfSearchAndDomainCounts) {
  EXPECT_THAT(ParseResolvConf("search a.test b.test\ndomain c.test\n").search,
              ElementsAre(N("c.test")));
  EXPECT_THAT(ParseResolvConf("search a.test\nsearch .\n").search, IsEmpty());
}

TEST(ResolvConfTest, ServersHavePortsAndScopes) {
  EXPECT_EQ(ParseServer("192.0.2.1:99").value(), Ip("192.0.2.1", 99));
  EXPECT_EQ(ParseServer("[2001:db8::1]:99").value(), Ip("2001:db8::1", 99));
  EXPECT_EQ(ParseServer("[2001:db8::1]").value(), Ip("2001:db8::1", 53));
  EXPECT_TRUE(ParseServer("fe80::1%1").ok());
  EXPECT_TRUE(ParseServer("fe80::1%lo").ok());
  EXPECT_FALSE(ParseServer("fe80::1%lo") == ParseServer("fe80::1"));
  for (const char* wrong : {"", "a", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "[::1",
                            "[::1]x", "[::1]:", "fe80::1%nosuchif", "192.0.2.1%lo", "[]:5"}) {
    EXPECT_FALSE(ParseServer(wrong).ok()) << wrong;
  }
}

// ---- hosts

TEST(HostsFileTest, NamesHaveTheAddressesOfAllTheirLines) {
  const HostsFile hosts = HostsFile::Parse(
      "127.0.0.1\tlocalhost # comment\n\n# 192.0.2.9 hidden\n192.0.2.1  Web.test web\r\n"
      "2001:db8::1 web.test\n192.0.2.1 web.test\nnonsense web.test\n192.0.2.3\n192.0.2.4 a..b "
      "ok\n");
  EXPECT_THAT(*hosts.FindAddresses(NameKey(N("WEB.TEST"))),
              ElementsAre(Ip("192.0.2.1", 0), Ip("2001:db8::1", 0)));
  EXPECT_THAT(*hosts.FindAddresses(NameKey(N("web"))), ElementsAre(Ip("192.0.2.1", 0)));
  EXPECT_THAT(*hosts.FindAddresses(NameKey(N("ok"))), ElementsAre(Ip("192.0.2.4", 0)));
  EXPECT_EQ(hosts.FindAddresses(NameKey(N("hidden"))), nullptr);
  EXPECT_EQ(*hosts.FindReverse(NameKey(N("1.2.0.192.in-addr.arpa"))), N("web.test"));
  EXPECT_EQ(hosts.FindReverse(NameKey(N("9.2.0.192.in-addr.arpa"))), nullptr);
}

TEST(HostsFileTest, ReverseNames) {
  EXPECT_EQ(ReverseName(Ip("192.0.2.1", 0)).ToText(), "1.2.0.192.in-addr.arpa.");
  EXPECT_EQ(ReverseName(Ip("2001:db8::567:89ab", 0)).ToText(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
  EXPECT_TRUE(ReverseName(SocketAddress()).IsRoot());
}

// ---- Search

std::string Candidates(std::string_view typed, std::string_view conf_text) {
  const ResolvConf conf = ParseResolvConf(conf_text);
  const TypedName name = ParseTypedName(typed).value();
  std::string text;
  for (size_t i = 0;; ++i) {
    const std::optional<Name> candidate = SearchCandidate(name, i, conf);
    if (!candidate.has_value()) return text;
    absl::StrAppend(&text, text.empty() ? "" : " ", candidate->ToText());
  }
}

TEST(SearchTest, NdotsSaysWhatComesFirst) {
  EXPECT_EQ(Candidates("a", ""), "a.");
  EXPECT_EQ(Candidates("a", "search x y"), "a.x. a.y. a.");
  EXPECT_EQ(Candidates("a.b", "search x y"), "a.b. a.b.x. a.b.y.");
  EXPECT_EQ(Candidates("a.b", "search x\noptions ndots:2"), "a.b.x. a.b.");
  EXPECT_EQ(Candidates("a", "search x\noptions ndots:0"), "a. a.x.");
  EXPECT_EQ(Candidates("a.", "search x"), "a.");
  EXPECT_EQ(Candidates(".", "search x"), ".");
  EXPECT_EQ(Candidates("a\\.", "search x"), "a\\..x. a\\..");
  EXPECT_EQ(Candidates("a\\\\.", "search x"), "a\\\\.");
}

TEST(SearchTest, NamesThatWouldBeTooLongAreLeftOut) {
  const std::string label(60, 'a');
  const std::string typed = absl::StrCat(label, ".", label, ".", label);
  const std::string conf = absl::StrCat("search ", label, ".", label, " x");
  EXPECT_EQ(Candidates(typed, conf), absl::StrCat(typed, ". ", typed, ".x."));
}

TEST(SearchTest, SpecialNamesAreKnownByTheirLastLabel) {
  EXPECT_EQ(ClassifyName(N("localhost")), SpecialName::kLocalhost);
  EXPECT_EQ(ClassifyName(N("a.LOCALHOST")), SpecialName::kLocalhost);
  EXPECT_EQ(ClassifyName(N("localhost.test")), SpecialName::kNone);
  EXPECT_EQ(ClassifyName(N("a.invalid")), SpecialName::kInvalid);
  EXPECT_EQ(ClassifyName(N(".")), SpecialName::kNone);
}

// ---- Cache

Answer AnswerOf(std::string_view name, size_t text_bytes) {
  Answer answer;
  answer.name_wire = N(name).wire();
  answer.records = {RecordData::Text(std::string(text_bytes, 'x')).value()};
  return answer;
}

TEST(CacheTest, TheLeastRecentlyUsedGoesFirst) {
  const Time now = Time() + absl::Seconds(1);
  Cache cache({.bytes_max = 8000});
  const auto Key = [](int i) { return NameKey(N(absl::StrCat("n", i, ".test"))); };
  for (int i = 0; i < 100; ++i) {
    cache.Insert(Key(i), RecordType::kTxt, AnswerOf("n.test", 500), 60, now);
    EXPECT_NE(cache.Find(Key(0), RecordType::kTxt, now), nullptr)
        << i;  // Kept, because it is used.
    EXPECT_LE(cache.bytes(), 8000u);
  }
  EXPECT_GT(cache.entries(), 3u);
  EXPECT_NE(cache.Find(Key(99), RecordType::kTxt, now), nullptr);
  EXPECT_EQ(cache.Find(Key(50), RecordType::kTxt, now), nullptr);
  // What is larger than everything is not kept, and pushes nothing out.
  cache.Insert(Key(500), RecordType::kTxt, AnswerOf("n.test", 9000), 60, now);
  EXPECT_EQ(cache.Find(Key(500), RecordType::kTxt, now), nullptr);
  EXPECT_NE(cache.Find(Key(99), RecordType::kTxt, now), nullptr);
  cache.Clear();
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(CacheTest, TtlsAreCappedAndCountDown) {
  const Time now = Time() + absl::Seconds(1);
  Cache cache(CacheOptions{});
  const NameKey key(N("a.test"));
  EXPECT_EQ(cache.Insert(key, RecordType::kTxt, AnswerOf("a.test", 1), 0x7fffffff, now)->expires,
            now + absl::Hours(24));
  EXPECT_EQ(cache.Insert(key, RecordType::kTxt, AnswerOf("a.test", 1), 60, now)->expires,
            now + absl::Seconds(60));
  EXPECT_NE(cache.Find(key, RecordType::kTxt, now + absl::Milliseconds(59'999)), nullptr);
  EXPECT_EQ(cache.Find(key, RecordType::kTxt, now + absl::Seconds(60)), nullptr);
  EXPECT_EQ(cache.entries(), 0u);
  cache.Insert(key, RecordType::kTxt, AnswerOf("a.test", 1), 0, now);
  cache.Insert(key, RecordType::kTxt, AnswerOf("a.test", 1), std::nullopt, now);
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(CacheTest, FailuresAreRememberedForASecondOrTwo) {
  const Time now = Time() + absl::Seconds(1);
  Cache cache(CacheOptions{});
  const NameKey key(N("a.test"));
  cache.InsertFailure(key, RecordType::kTxt, absl::UnavailableError("SERVFAIL"), now);
  EXPECT_EQ(cache.Find(key, RecordType::kTxt, now + absl::Seconds(1))->failure,
            absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(cache.Find(key, RecordType::kTxt, now + absl::Seconds(2)), nullptr);
}

// ---- Policy

TEST(ServerPolicyTest, TimeoutsFollowTheMeasurementsWithinTheirLimits) {
  ServerPolicy policy({Ip("192.0.2.1", 53)}, false, {});
  const Time now = Time() + absl::Seconds(100);
  EXPECT_EQ(policy.TimeoutFor(0, 0), absl::Seconds(2));
  EXPECT_EQ(policy.TimeoutFor(0, 1), absl::Seconds(4));
  EXPECT_EQ(policy.TimeoutFor(0, 2), absl::Seconds(5));
  EXPECT_EQ(policy.TimeoutFor(0, 1000), absl::Seconds(5));
  policy.Answered(0, now, now + absl::Milliseconds(1));
  EXPECT_EQ(policy.TimeoutFor(0, 0), absl::Milliseconds(250));
  for (int i = 0; i < 50; ++i) policy.Answered(0, now, now + absl::Milliseconds(600));
  EXPECT_NEAR(absl::ToDoubleMilliseconds(policy.TimeoutFor(0, 0)), 600, 30);
  policy.Answered(0, now, now);  // Quicker than the clock.
  policy.Answered(0, now, now - absl::Seconds(5));
  EXPECT_GE(policy.TimeoutFor(0, 0), absl::Milliseconds(250));
}

TEST(ServerPolicyTest, TheDeadComeLastAndOneQueryProbesThem) {
  ServerPolicy policy({Ip("192.0.2.1", 53), Ip("192.0.2.2", 53)}, false, {});
  const auto First = [&](Time now) { return static_cast<int>(policy.NextOrder(now).servers[0]); };
  Time now = Time() + absl::Seconds(100);
  EXPECT_EQ(First(now), 0);
  policy.Unanswered(0, now);
  EXPECT_EQ(First(now), 0);
  policy.Unanswered(0, now);
  EXPECT_EQ(First(now), 1);
  EXPECT_EQ(policy.NextOrder(now).count, 2);
  now = now + absl::Seconds(5);
  EXPECT_EQ(First(now), 0);  // The probe.
  EXPECT_EQ(First(now), 1);
  policy.Answered(0, now, now + absl::Milliseconds(1));
  EXPECT_EQ(First(now), 0);
}

TEST(ServerPolicyTest, MoreServersThanCanBeUsedAreLeftOut) {
  ServerPolicy policy(std::vector<SocketAddress>(20, Ip("192.0.2.1", 53)), true, {});
  EXPECT_EQ(policy.size(), ServerPolicy::kServersMax);
  EXPECT_EQ(policy.NextOrder(Time()).count, ServerPolicy::kServersMax);
}

// ---- Secrets

// RFC 8439 section 2.3.2.
TEST(SecretRandomTest, TheBlockFunctionHasTheStandardsVector) {
  const std::array<uint32_t, 16> state = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
                                          0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                                          0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
                                          0x00000001, 0x09000000, 0x4a000000, 0x00000000};
  const std::array<uint32_t, 16> block = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                                          0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                          0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                          0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  EXPECT_EQ(ChaCha20Block(state), block);
}

TEST(SecretRandomTest, NumbersCoverTheirRangeAndDependOnTheKey) {
  SecretRandom a({1}), same({1}), other({2});
  int equal = 0;
  uint32_t seen = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t number = a.Next32();
    EXPECT_EQ(number, same.Next32());
    equal += number == other.Next32();
    const uint32_t below = SecretRandom(a).Below(32);
    ASSERT_LT(below, 32u);
    seen |= 1u << below;
  }
  EXPECT_EQ(equal, 0);
  EXPECT_EQ(seen, 0xffffffffu);
}

// ---- Files

TEST(ConfigTest, SystemFilesAreStampedReadAndBounded) {
  const std::string path = absl::StrCat(testing::TempDir(), "/resolver_config_test");
  const auto files = SystemFiles();
  EXPECT_EQ(files->Stamp(absl::StrCat(path, ".none")), "");
  EXPECT_FALSE(files->Read(absl::StrCat(path, ".none"), 100).ok());
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("nameserver 192.0.2.1\n", file);
  std::fclose(file);
  EXPECT_NE(files->Stamp(path), "");
  EXPECT_EQ(files->Read(path, 100).value(), "nameserver 192.0.2.1\n");
  EXPECT_EQ(files->Read(path, 21).value().size(), 21u);
  EXPECT_EQ(files->Read(path, 20).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace rotor::dns
