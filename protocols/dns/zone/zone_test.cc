#include "protocols/dns/zone/zone.h"

#include <string>
#include <string_view>
#include <utility>

#include "core/base/strings.h"
#include "gtest/gtest.h"

namespace rotor::dns {
namespace {

using Outcome = LookupResult::Outcome;

Name MakeName(std::string_view text) { return Name::FromText(text).value(); }
RecordData Address(std::string_view text) { return RecordData::Address(text).value(); }
RecordData Text(std::string_view text) { return RecordData::Text(text).value(); }
Zone MakeZone(std::string_view origin = "hub.test.") { return Zone::Create(origin).value(); }

Outcome Find(const Zone& zone, std::string_view name, RecordType type) {
  return zone.Lookup(MakeName(name), type).outcome;
}

// `status` has that code, and says `reason` and, for an owner, which.
void ExpectError(const absl::Status& status, absl::StatusCode code, std::string_view reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_NE(AsStd(status.message()).find(reason), std::string_view::npos) << status;
}

TEST(ZoneTest, NewZoneHasItsSoaOnly) {
  const Zone zone = Zone::Create("Hub.test", {.primary_server = "ns",
                                              .mailbox = "admin.example.net.",
                                              .serial = 5,
                                              .minimum = 60,
                                              .soa_ttl = 3600})
                        .value();
  EXPECT_EQ(zone.origin().ToText(), "Hub.test.");
  EXPECT_EQ(zone.soa().ttl, 3600u);
  ASSERT_EQ(zone.soa().records.size(), 1u);
  EXPECT_TRUE(zone.soa().records[0] == RecordData::Soa({.primary_server = MakeName("ns.hub.test."),
                                                        .mailbox = MakeName("admin.example.net."),
                                                        .serial = 5}));
  EXPECT_EQ(zone.Lookup(MakeName("hub.test"), RecordType::kSoa).rrset, &zone.soa());
  EXPECT_EQ(Find(zone, "hub.test", RecordType::kA), Outcome::kNoData);
  EXPECT_EQ(Find(zone, "x.hub.test", RecordType::kA), Outcome::kNameError);
}

TEST(ZoneTest, NegativeTtlIsTheSmallerOfSoaTtlAndMinimum) {
  EXPECT_EQ(Zone::Create("a", {.minimum = 60, .soa_ttl = 3600})->negative_ttl(), 60u);
  EXPECT_EQ(Zone::Create("a", {.minimum = 3600, .soa_ttl = 60})->negative_ttl(), 60u);
}

TEST(ZoneTest, BadZonesAreRefused) {
  ExpectError(Zone::Create("a..b").status(), absl::StatusCode::kInvalidArgument, "empty label");
  ExpectError(Zone::Create("a", {.primary_server = ""}).status(),
              absl::StatusCode::kInvalidArgument, "empty");
  ExpectError(Zone::Create("a", {.mailbox = "\\"}).status(), absl::StatusCode::kInvalidArgument,
              "broken escape");
  ExpectError(Zone::Create("a", {.minimum = 0x80000000u}).status(),
              absl::StatusCode::kInvalidArgument, "2^31 - 1");
  ExpectError(Zone::Create("a", {.soa_ttl = 0x80000000u}).status(),
              absl::StatusCode::kInvalidArgument, "2^31 - 1");
}

TEST(ZoneTest, BadRecordsAreRefusedAndChangeNothing) {
  Zone zone = MakeZone();
  ASSERT_TRUE(zone.Add("www", 60, Address("192.0.2.1")).ok());
  ASSERT_TRUE(zone.Add("alias", 60, RecordData::Cname(MakeName("www.hub.test"))).ok());
  const RecordData other = Address("192.0.2.2");
  const RecordData cname = RecordData::Cname(MakeName("x.test"));
  const auto opaque = [](int type) {
    return RecordData::FromWire(static_cast<RecordType>(type), "").value();
  };
  using Code = absl::StatusCode;
  ExpectError(zone.Add("www.example.net.", 60, other), Code::kInvalidArgument,
              "www.example.net. is not under the zone's origin hub.test.");
  ExpectError(zone.Add("a..b", 60, other), Code::kInvalidArgument, "empty label");
  ExpectError(zone.Add("x", 0x80000000u, other), Code::kInvalidArgument, "x.hub.test. A: TTL");
  ExpectError(zone.Add("www", 61, other), Code::kInvalidArgument, "differs from TTL 60");
  ExpectError(zone.Add("@", 3600, zone.soa().records[0]), Code::kInvalidArgument, "SOA");
  ExpectError(zone.Add("x", 60, zone.soa().records[0]), Code::kInvalidArgument, "SOA");
  for (int type : {0, 41, 128, 250, 251, 252, 255}) {
    ExpectError(zone.Add("x", 60, opaque(type)), Code::kInvalidArgument, "in messages only");
  }
  ExpectError(zone.Add("www", 60, Address("192.0.2.1")), Code::kAlreadyExists, "www.hub.test.");
  ExpectError(zone.Add("www", 60, cname), Code::kFailedPrecondition, "CNAME");
  ExpectError(zone.Add("@", 60, cname), Code::kFailedPrecondition, "CNAME");
  ExpectError(zone.Add("ALIAS", 60, other), Code::kFailedPrecondition, "CNAME");
  ExpectError(zone.Add("alias", 60, cname), Code::kFailedPrecondition, "CNAME");
  ExpectError(zone.Add("*.sub", 60, RecordData::Ns(MakeName("ns.hub.test"))),
              Code::kInvalidArgument, "*.sub.hub.test. NS: not at a wildcard");
  const RecordData dname = RecordData::FromWire(RecordType::kDname, Name().wire()).value();
  ExpectError(zone.Add("*.sub", 60, dname), Code::kInvalidArgument, "DNAME: not at a wildcard");

  EXPECT_EQ(Find(zone, "x.hub.test", RecordType::kAny), Outcome::kNameError);
  EXPECT_EQ(Find(zone, "sub.hub.test", RecordType::kAny), Outcome::kNameError);
  EXPECT_EQ(zone.Lookup(MakeName("www.hub.test"), RecordType::kA).rrset->records.size(), 1u);
  EXPECT_EQ(zone.Lookup(MakeName("alias.hub.test"), RecordType::kCname).rrset->records.size(), 1u);
}

TEST(ZoneTest, DynamicTextKeepsToTheSameRules) {
  Zone zone = MakeZone();
  const auto text = [] { return std::string("x"); };
  using Code = absl::StatusCode;
  ASSERT_TRUE(zone.AddDynamicText("stats", 0, text).ok());
  ASSERT_TRUE(zone.Add("stats", 60, Address("192.0.2.1")).ok());
  ASSERT_TRUE(zone.Add("fixed", 0, Text("y")).ok());
  ASSERT_TRUE(zone.Add("alias", 0, RecordData::Cname(MakeName("a"))).ok());
  ExpectError(zone.AddDynamicText("stats", 0, text), Code::kFailedPrecondition, "dynamic text");
  ExpectError(zone.Add("stats", 0, Text("y")), Code::kFailedPrecondition, "dynamic text");
  ExpectError(zone.AddDynamicText("fixed", 0, text), Code::kFailedPrecondition, "dynamic text");
  ExpectError(zone.AddDynamicText("alias", 0, text), Code::kFailedPrecondition, "CNAME");
  ExpectError(zone.AddDynamicText("a.", 0, text), Code::kInvalidArgument, "not under");
  ExpectError(zone.AddDynamicText("", 0, text), Code::kInvalidArgument, "empty");
  ExpectError(zone.AddDynamicText("x", 0x80000000u, text), Code::kInvalidArgument, "TTL");
  const LookupResult found = zone.Lookup(MakeName("stats.hub.test"), RecordType::kTxt);
  ASSERT_EQ(found.outcome, Outcome::kFound);
  EXPECT_TRUE(found.rrset->records.empty());
  EXPECT_EQ(found.rrset->dynamic_text(), "x");
}

TEST(ZoneDeathTest, DynamicTextWithoutFunctionEndsTheProcess) {
  Zone zone = MakeZone();
  EXPECT_DEATH((void)zone.AddDynamicText("stats", 0, nullptr), "needs a function");
}

TEST(ZoneTest, RrsetMayNotOutgrowAMessage) {
  Zone zone = MakeZone();
  const RecordData half =
      RecordData::FromWire(RecordType{65400}, std::string(kRrsetBytesMax / 2 - 12, 'x')).value();
  const RecordData other_half =
      RecordData::FromWire(RecordType{65400}, std::string(kRrsetBytesMax / 2 - 12, 'y')).value();
  ASSERT_TRUE(zone.Add("x", 1, half).ok());
  ASSERT_TRUE(zone.Add("x", 1, other_half).ok());
  ExpectError(zone.Add("x", 1, RecordData::FromWire(RecordType{65400}, "").value()),
              absl::StatusCode::kResourceExhausted, "x.hub.test. TYPE65400");
  ExpectError(
      zone.Add(
          "y", 1,
          RecordData::FromWire(RecordType{65400}, std::string(kRrsetBytesMax - 11, 'x')).value()),
      absl::StatusCode::kResourceExhausted, "y.hub.test.");
  EXPECT_EQ(Find(zone, "y.hub.test", RecordType::kA), Outcome::kNameError);
}

TEST(ZoneTest, LookupTellsTheOutcomesApart) {
  Zone zone = MakeZone();
  ASSERT_TRUE(zone.Add("www", 60, Address("192.0.2.1")).ok());
  ASSERT_TRUE(zone.Add("www", 60, Text("first here")).ok());
  ASSERT_TRUE(zone.Add("alias", 60, RecordData::Cname(MakeName("www.hub.test"))).ok());
  ASSERT_TRUE(zone.Add("deep.empty.inner", 60, Text("x")).ok());
  const struct {
    std::string_view name;
    RecordType type;
    Outcome outcome;
  } kCases[] = {
      {"www.hub.test", RecordType::kA, Outcome::kFound},
      {"WwW.hUb.TeSt", RecordType::kA, Outcome::kFound},
      {"www.hub.test", RecordType::kTxt, Outcome::kFound},
      {"www.hub.test", RecordType::kAny, Outcome::kFound},
      {"www.hub.test", RecordType::kAaaa, Outcome::kNoData},
      {"www.hub.test", RecordType{65400}, Outcome::kNoData},
      {"alias.hub.test", RecordType::kA, Outcome::kCname},
      {"alias.hub.test", RecordType::kCname, Outcome::kFound},
      {"alias.hub.test", RecordType::kAny, Outcome::kFound},
      {"below.alias.hub.test", RecordType::kA, Outcome::kNameError},
      {"inner.hub.test", RecordType::kA, Outcome::kNoData},
      {"inner.hub.test", RecordType::kAny, Outcome::kNoData},
      {"empty.inner.hub.test", RecordType::kTxt, Outcome::kNoData},
      {"deep.empty.inner.hub.test", RecordType::kTxt, Outcome::kFound},
      {"other.empty.inner.hub.test", RecordType::kTxt, Outcome::kNameError},
      {"below.www.hub.test", RecordType::kA, Outcome::kNameError},
      {"nothing.hub.test", RecordType::kA, Outcome::kNameError},
      {"test", RecordType::kA, Outcome::kOutOfZone},
      {".", RecordType::kA, Outcome::kOutOfZone},
      {"xhub.test", RecordType::kA, Outcome::kOutOfZone},
      {"www.hub.test.example", RecordType::kA, Outcome::kOutOfZone},
  };
  for (const auto& test : kCases) {
    const LookupResult result = zone.Lookup(MakeName(test.name), test.type);
    EXPECT_EQ(result.outcome, test.outcome) << test.name << " " << static_cast<int>(test.type);
    EXPECT_EQ(result.rrset != nullptr,
              test.outcome == Outcome::kFound || test.outcome == Outcome::kCname);
  }
}

// The zone and the answers of RFC 4592 section 2.2.1.
TEST(ZoneTest, WildcardsOfRfc4592) {
  Zone zone = MakeZone("example.");
  ASSERT_TRUE(zone.Add("*", 3600, Text("this is a wildcard")).ok());
  ASSERT_TRUE(
      zone.Add("*", 3600, RecordData::FromWire(RecordType::kMx, std::string("\0\x0a\0", 3)).value())
          .ok());
  ASSERT_TRUE(zone.Add("sub.*", 3600, Text("this is not a wildcard")).ok());
  ASSERT_TRUE(zone.Add("host1", 3600, Address("192.0.2.1")).ok());
  ASSERT_TRUE(zone.Add("_ssh._tcp.host1", 3600, Text("srv")).ok());
  ASSERT_TRUE(zone.Add("_ssh._tcp.host2", 3600, Text("srv")).ok());
  EXPECT_EQ(Find(zone, "host3.example", RecordType::kMx), Outcome::kFound);
  EXPECT_EQ(Find(zone, "host3.example", RecordType::kA), Outcome::kNoData);
  EXPECT_EQ(Find(zone, "foo.bar.example", RecordType::kTxt), Outcome::kFound);
  EXPECT_EQ(Find(zone, "host1.example", RecordType::kMx), Outcome::kNoData);
  EXPECT_EQ(Find(zone, "sub.*.example", RecordType::kMx), Outcome::kNoData);
  EXPECT_EQ(Find(zone, "_telnet._tcp.host1.example", RecordType::kTxt), Outcome::kNameError);
  EXPECT_EQ(Find(zone, "host2.example", RecordType::kTxt), Outcome::kNoData);
  EXPECT_EQ(Find(zone, "ghost.*.example", RecordType::kMx), Outcome::kNameError);
  EXPECT_EQ(Find(zone, "*.example", RecordType::kTxt), Outcome::kFound);
}

TEST(ZoneTest, CutNearestToTheOriginCounts) {
  Zone zone = MakeZone();
  const RecordData ns = RecordData::Ns(MakeName("ns.example."));
  ASSERT_TRUE(zone.Add("@", 60, ns).ok());
  ASSERT_TRUE(zone.Add("low.cut", 60, ns).ok());
  ASSERT_TRUE(zone.Add("cut", 60, ns).ok());
  ASSERT_TRUE(zone.Add("cut", 60, RecordData::FromWire(RecordType{43}, "x").value()).ok());
  for (std::string_view name : {"cut.hub.test", "a.cut.hub.test", "low.cut.hub.test"}) {
    const LookupResult found = zone.Lookup(MakeName(name), RecordType::kA);
    EXPECT_EQ(found.outcome, Outcome::kDelegation) << name;
    EXPECT_EQ(MakeName(name).Parent(found.labels_above).ToText(), "cut.hub.test.");
    EXPECT_EQ(found.rrset->type, RecordType::kNs);
  }
  EXPECT_EQ(Find(zone, "cut.hub.test", RecordType{43}), Outcome::kFound);
  EXPECT_EQ(Find(zone, "hub.test", RecordType::kNs), Outcome::kFound);
  EXPECT_TRUE(zone.Validate().ok()) << zone.Validate();
}

TEST(ZoneTest, ValidateNamesEveryFault) {
  Zone zone = MakeZone();
  const auto ns = [](std::string_view name) { return RecordData::Ns(MakeName(name)); };
  EXPECT_EQ(zone.Validate().message(), "zone hub.test.: no NS record at the origin");
  ASSERT_TRUE(zone.Add("@", 60, ns("ns.hub.test")).ok());
  ASSERT_TRUE(zone.Add("@", 60, ns("alias.hub.test")).ok());
  ASSERT_TRUE(zone.Add("@", 60, ns("far.example")).ok());
  ASSERT_TRUE(zone.Add("alias", 60, RecordData::Cname(MakeName("x.example"))).ok());
  ASSERT_TRUE(zone.Add("cut", 60, ns("ns.cut.hub.test")).ok());
  ASSERT_TRUE(zone.Add("cut", 60, ns("other.cut.hub.test")).ok());
  ASSERT_TRUE(zone.Add("other.cut", 60, Address("192.0.2.1")).ok());
  ASSERT_TRUE(zone.Add("hidden.cut", 60, ns("nothing.hub.test")).ok());
  ASSERT_TRUE(
      zone.Add("d", 60, RecordData::FromWire(RecordType::kDname, Name().wire()).value()).ok());
  ASSERT_TRUE(zone.Add("below.d", 60, Address("192.0.2.1")).ok());
  EXPECT_EQ(
      zone.Validate().message(),
      "zone hub.test.: hub.test. NS: the name server ns.hub.test. lies in the zone and has no "
      "address there (RFC 1912 section 2.3); hub.test. NS: the name server alias.hub.test. is "
      "an alias (RFC 2181 section 10.3); cut.hub.test. NS: the name server ns.cut.hub.test. "
      "lies in the zone and has no address there (RFC 1912 section 2.3); below.d.hub.test.: "
      "lies below the DNAME of d.hub.test. (RFC 6672 section 2.4)");
}

TEST(ZoneTest, WildcardWithoutRecordsMakesNames) {
  Zone zone = MakeZone();
  ASSERT_TRUE(zone.Add("a.*.wild", 60, Text("x")).ok());
  EXPECT_EQ(Find(zone, "b.wild.hub.test", RecordType::kTxt), Outcome::kNoData);
}

TEST(ZoneTest, RootMayBeTheOrigin) {
  Zone zone = MakeZone(".");
  ASSERT_TRUE(zone.Add("a.b", 60, Address("192.0.2.1")).ok());
  EXPECT_EQ(Find(zone, "a.b.", RecordType::kA), Outcome::kFound);
  EXPECT_EQ(Find(zone, ".", RecordType::kSoa), Outcome::kFound);
  EXPECT_EQ(Find(zone, "c.", RecordType::kA), Outcome::kNameError);
}

TEST(ZoneTest, LongestNameMayBeAdded) {
  Zone zone = MakeZone(".");
  std::string owner;
  for (size_t i = 0; i < kLabelsMax; ++i) owner += "a.";
  ASSERT_TRUE(zone.Add(owner, 60, Address("192.0.2.1")).ok());
  EXPECT_EQ(Find(zone, owner, RecordType::kA), Outcome::kFound);
  EXPECT_EQ(Find(zone, owner.substr(2), RecordType::kA), Outcome::kNoData);
}

TEST(ZoneTest, MovedZoneStillAnswers) {
  Zone zone = MakeZone();
  ASSERT_TRUE(zone.Add("www", 60, Address("192.0.2.1")).ok());
  Zone moved = std::move(zone);
  EXPECT_EQ(Find(moved, "www.hub.test", RecordType::kA), Outcome::kFound);
}

}  // namespace
}  // namespace rotor::dns
