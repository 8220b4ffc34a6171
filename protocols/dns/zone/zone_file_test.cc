// Zone files: what they give, and what is said about those that are wrong.
#include "protocols/dns/zone/zone_file.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/text.h"

namespace rotor::dns {
namespace {

Name MakeName(std::string_view text) { return Name::FromText(text).value(); }

// The records of a name and type, "TTL data" each, joined by " | ".
std::string Records(const Zone& zone, std::string_view name, RecordType type) {
  const Rrset* const rrset = zone.FindExact(MakeName(name), type);
  if (rrset == nullptr) return "none";
  std::string text;
  for (const RecordData& data : rrset->records) {
    if (!text.empty()) text += " | ";
    text += std::to_string(rrset->ttl) + " " + ToText(data.encoded());
  }
  return text;
}

constexpr std::string_view kHead =
    "$ORIGIN example.test.\n"
    "$TTL 300\n"
    "@ SOA ns hostmaster 1 3600 600 86400 60\n"
    "@ NS ns.example.net.\n";

// kHead and these lines; must be fine.
Zone Parse(std::string_view lines) {
  absl::StatusOr<Zone> zone = ParseZone(std::string(kHead).append(lines), "zone");
  EXPECT_TRUE(zone.ok()) << zone.status();
  return zone.ok() ? *std::move(zone) : Zone::Create("failed.").value();
}

std::string Error(std::string_view text, const ZoneFileOptions& options = {}) {
  return std::string(AsStd(ParseZone(text, "zone", options).status().message()));
}
std::string ErrorBelowHead(std::string_view lines) {
  return Error(std::string(kHead).append(lines));
}

TEST(ZoneFileTest, EveryTypeIsRead) {
  const Zone zone = Parse(
      "a A 192.0.2.1\n"
      "a AAAA 2001:DB8::1\n"
      "c CNAME a\n"
      "d DNAME a.example.net.\n"
      "p PTR @\n"
      "m MX 10 a\n"
      "_s._tcp SRV 1 2 53 a\n"
      "t TXT \"one two\" three\n"
      "i CAA 128 issue \"ca.test; x=1\"\n"
      "u TYPE65400 \\# 4 0A0b 0c0D\n"
      "r MX \\# 3 000a00\n"
      "e TYPE65401 \\# 0\n");
  EXPECT_EQ(zone.origin().ToText(), "example.test.");
  EXPECT_EQ(Records(zone, "example.test", RecordType::kSoa),
            "300 ns.example.test. hostmaster.example.test. 1 3600 600 86400 60");
  EXPECT_EQ(Records(zone, "example.test", RecordType::kNs), "300 ns.example.net.");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kA), "300 192.0.2.1");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kAaaa), "300 2001:db8::1");
  EXPECT_EQ(Records(zone, "c.example.test", RecordType::kCname), "300 a.example.test.");
  EXPECT_EQ(Records(zone, "d.example.test", RecordType::kDname), "300 a.example.net.");
  EXPECT_EQ(Records(zone, "p.example.test", RecordType::kPtr), "300 example.test.");
  EXPECT_EQ(Records(zone, "m.example.test", RecordType::kMx), "300 10 a.example.test.");
  EXPECT_EQ(Records(zone, "_s._tcp.example.test", RecordType::kSrv), "300 1 2 53 a.example.test.");
  EXPECT_EQ(Records(zone, "t.example.test", RecordType::kTxt), "300 \"one two\" \"three\"");
  EXPECT_EQ(Records(zone, "i.example.test", RecordType::kCaa), "300 128 issue \"ca.test; x=1\"");
  EXPECT_EQ(Records(zone, "u.example.test", RecordType{65400}), "300 \\# 4 0a0b0c0d");
  EXPECT_EQ(Records(zone, "r.example.test", RecordType::kMx), "300 10 .");
  EXPECT_EQ(Records(zone, "e.example.test", RecordType{65401}), "300 \\# 0");
  EXPECT_EQ(zone.record_count(), 14u);
}

TEST(ZoneFileTest, OwnersAndNamesAreRelativeAbsoluteLeftOutOrTheOrigin) {
  const Zone zone = Parse(
      "a A 192.0.2.1\n"
      "  TXT a\n"
      "\tMX 1 @\n"
      "b.example.test. TXT b\n"
      "$ORIGIN low\n"
      "@ TXT low\n"
      "a TXT a.low\n"
      "$ORIGIN example.test.\n"
      " TXT again ; of the last owner\n"
      "x\\.y TXT dot\n"
      "\\065\\@\\$ TXT escapes\n"
      "*.w TXT wild\n");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kTxt), "300 \"a\"");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kMx), "300 1 example.test.");
  EXPECT_EQ(Records(zone, "b.example.test", RecordType::kTxt), "300 \"b\"");
  EXPECT_EQ(Records(zone, "low.example.test", RecordType::kTxt), "300 \"low\"");
  EXPECT_EQ(Records(zone, "a.low.example.test", RecordType::kTxt), "300 \"a.low\" | 300 \"again\"");
  EXPECT_EQ(Records(zone, "x\\.y.example.test", RecordType::kTxt), "300 \"dot\"");
  EXPECT_EQ(Records(zone, "a\\@\\$.example.test", RecordType::kTxt), "300 \"escapes\"");
  EXPECT_EQ(Records(zone, "*.w.example.test", RecordType::kTxt), "300 \"wild\"");
}

TEST(ZoneFileTest, TtlAndClassComeInEitherOrderOrNotAtAll) {
  const Zone zone = Parse(
      "a 60 IN A 192.0.2.1\n"
      "b IN 61 A 192.0.2.1\n"
      "c in A 192.0.2.1\n"
      "d 62 a 192.0.2.1\n"
      "e A 192.0.2.1\n"
      "f 1w2d3h4m5s A 192.0.2.1\n"
      "g 1H IN A 192.0.2.1\n"
      "h 2147483647 A 192.0.2.1\n"
      "$TTL 1d\n"
      "i A 192.0.2.1\n"
      "j CLASS1 TYPE1 192.0.2.1\n");
  const std::pair<std::string_view, std::string_view> kExpected[] = {
      {"a", "60"},     {"b", "61"},   {"c", "300"},        {"d", "62"},    {"e", "300"},
      {"f", "788645"}, {"g", "3600"}, {"h", "2147483647"}, {"i", "86400"}, {"j", "86400"}};
  for (const auto& [owner, ttl] : kExpected) {
    EXPECT_EQ(Records(zone, std::string(owner) + ".example.test", RecordType::kA),
              std::string(ttl) + " 192.0.2.1");
  }
}

TEST(ZoneFileTest, WithoutDollarTtlTheLastTtlOrTheMinimumCounts) {
  const absl::StatusOr<Zone> zone = ParseZone(
      "t. SOA a.t. b.t. 1 2 3 4 55\n"
      "t. 66 NS a.x.\n"
      "t. TXT x\n",
      "zone");
  ASSERT_TRUE(zone.ok()) << zone.status();
  EXPECT_EQ(zone->soa().ttl, 55u);
  EXPECT_EQ(Records(*zone, "t", RecordType::kTxt), "66 \"x\"");
}

TEST(ZoneFileTest, ParenthesesCommentsAndQuotes) {
  const Zone zone = Parse(
      "; nothing\n"
      "\n"
      "   ; nothing either\n"
      "a ( ; (\n"
      " TXT\n"
      "\n"
      "\"in ; quotes ( \\\" \\\\ \\065\\010\" (x\n"
      "y)) ; \"\n"
      "b TXT \"\" \"\"\n"
      "c\tTXT\tx\\ y z\\;\r\n"
      "d TXT x\"y\"z");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kTxt),
            "300 \"in ; quotes ( \\\" \\\\ A\\010\" \"x\" \"y\"");
  EXPECT_EQ(Records(zone, "b.example.test", RecordType::kTxt), "300 \"\" \"\"");
  EXPECT_EQ(Records(zone, "c.example.test", RecordType::kTxt), "300 \"x y\" \"z;\"");
  EXPECT_EQ(Records(zone, "d.example.test", RecordType::kTxt), "300 \"x\" \"y\" \"z\"");
}

TEST(ZoneFileTest, ARecordTwiceCountsOnce) {
  const Zone zone = Parse("a A 192.0.2.1\nA A 192.0.2.1\n");
  EXPECT_EQ(Records(zone, "a.example.test", RecordType::kA), "300 192.0.2.1");
}

TEST(ZoneFileTest, OriginMayComeFromTheCaller) {
  const absl::StatusOr<Zone> zone =
      ParseZone("@ 1 SOA a b 1 2 3 4 5\n@ NS a.b.\n", "zone", {.origin = "x.test."});
  ASSERT_TRUE(zone.ok()) << zone.status();
  EXPECT_EQ(zone->origin().ToText(), "x.test.");
  EXPECT_EQ(Error("", {.origin = "x"}),
            "zone: \"x\" is relative, and there is no $ORIGIN before it");
}

TEST(ZoneFileTest, FaultsAreToldWithFileLineAndWhat) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"a A 1.2.3\n", "zone:5: a.example.test. A: \"1.2.3\" is not an IPv4 address"},
      {"\n\n b A 1.2.3.4\n", "zone:7: \"b\" is not a record type"},
      {"a AAAA 1.2.3.4\n", "zone:5: a.example.test. AAAA: \"1.2.3.4\" is not an IPv6 address"},
      {"a A 1.2.3.4 x\n", "zone:5: a.example.test. A: \"x\" is too much"},
      {"a A\n", "zone:5: a.example.test. A: data is missing"},
      {"a\n", "zone:5: a record type is missing"},
      {"a IN 5 IN A 1.2.3.4\n", "zone:5: \"IN\" is not a record type"},
      {"a 5 6 A 1.2.3.4\n", "zone:5: \"6\" is not a record type"},
      {"a \"A\" 1.2.3.4\n", "zone:5: a record type is missing"},
      {"\"a\" A 1.2.3.4\n", "zone:5: an owner name is not quoted"},
      {"a CH TXT x\n", "zone:5: class CH: only IN is served"},
      {"a 5x TXT x\n", "zone:5: \"5x\" is not a time"},
      {"a 5h4 TXT x\n", ""},
      {"a 2147483648 TXT x\n", "zone:5: \"2147483648\" is a time of more than 2^31 - 1 seconds"},
      {"a 99999999999 TXT x\n", "zone:5: \"99999999999\" is not a time"},
      {"a MX 65536 b\n", "zone:5: a.example.test. MX: \"65536\" is not a number from 0 to 65535"},
      {"a MX 1 b..c\n",
       "zone:5: a.example.test. MX: domain name \"b..c\": empty label at character 2"},
      {"a..b A 1.2.3.4\n", "zone:5: domain name \"a..b\": empty label at character 2"},
      {"a SRV 1 2 3\n", "zone:5: a.example.test. SRV: data is missing"},
      {"a TXT\n", "zone:5: a.example.test. TXT: data is missing"},
      {"a TXT \\256\n", "zone:5: a.example.test. TXT: \"\\256\" begins with a broken escape"},
      {"a TXT \\25\n", "zone:5: a.example.test. TXT: \"\\25\" begins with a broken escape"},
      {"a CAA 0 \"\" x\n",
       "zone:5: a.example.test. CAA: CAA record: a tag of 0 bytes, 1 to 255 are allowed"},
      {"a HINFO x y\n",
       "zone:5: a.example.test. HINFO: data of this type is read in the form \\# only (RFC 3597 "
       "section 5)"},
      {"a TYPE65400 \\# 2 0a\n",
       "zone:5: a.example.test. TYPE65400: 2 hexadecimal digits for 2 bytes of data"},
      {"a TYPE65400 \\# 1 0g\n", "zone:5: a.example.test. TYPE65400: \"0g\" is not hexadecimal"},
      {"a TYPE65400 \\#\n", "zone:5: a.example.test. TYPE65400: data is missing"},
      {"a A \\# 3 010203\n",
       "zone:5: a.example.test. A: record data of type 1: 3 bytes that do not have the type's "
       "form"},
      {"a OPT \\# 0\n", "zone:5: a.example.test. OPT: this type exists in messages only"},
      {"a.b. A 1.2.3.4\n", "zone:5: a.b. is not under the zone's origin example.test."},
      {"@ SOA a b 1 2 3 4 5\n", "zone:5: example.test. SOA: the zone has its SOA record already"},
      {"a CNAME b\na A 1.2.3.4\n",
       "zone:6: a.example.test. A: a CNAME is the only record of its name (RFC 2181 section 10.1)"},
      {"a A 1.2.3.4\na CNAME b\n",
       "zone:6: a.example.test. CNAME: a CNAME is the only record of its name (RFC 2181 section "
       "10.1)"},
      {"a A 1.2.3.4\na 5 A 1.2.3.5\n",
       "zone:6: a.example.test. A: TTL 5 differs from TTL 300 of the other records (RFC 2181 "
       "section 5.2)"},
      {"*.a NS b\n",
       "zone:5: *.a.example.test. NS: not at a wildcard (RFC 4592 section 4.2 and 4.4)"},
      {"a NS b\n",
       "zone: zone example.test.: a.example.test. NS: the name server b.example.test. lies in the "
       "zone and has no address there (RFC 1912 section 2.3)"},
      {"$INCLUDE other\n", "zone:5: $INCLUDE: only $ORIGIN and $TTL are understood"},
      {"$GENERATE 1-2 a A 1.2.3.4\n", "zone:5: $GENERATE: only $ORIGIN and $TTL are understood"},
      {"$TTL\n", "zone:5: $TTL is followed by one word"},
      {"$TTL 1 2\n", "zone:5: $TTL is followed by one word"},
      {"$ORIGIN a..b.\n", "zone:5: domain name \"a..b.\": empty label at character 2"},
      {"a TXT (x\n\n", "zone:7: parenthesis is not closed"},
      {"a TXT x)\n", "zone:5: parenthesis is not opened"},
      {"a TXT \"x\ny\"\n", "zone:5: quoted string is not closed"},
      {"a TXT (\n\"x\n", "zone:6: quoted string is not closed"},
      {"a TXT x\\\n", "zone:5: broken escape"},
      {"a TXT x\\", "zone:5: broken escape"},
      {"a TXT \"x\\\n", "zone:5: quoted string is not closed"},
      {"a TXT \x01\n", "zone:5: control character"},
      {"a TXT \"\x7f\"\n", "zone:5: control character"},
  };
  for (const auto& [lines, error] : kCases) EXPECT_EQ(ErrorBelowHead(lines), error) << lines;
}

TEST(ZoneFileTest, ZonesWithoutSoaOrServersAreRefused) {
  EXPECT_EQ(Error(""), "zone: there is no SOA record");
  EXPECT_EQ(Error("; only a comment"), "zone: there is no SOA record");
  EXPECT_EQ(Error("a. 5 A 1.2.3.4\n"), "zone:1: a. A: the first record is the zone's SOA");
  EXPECT_EQ(Error(" 5 A 1.2.3.4\n"), "zone:1: the first record has no owner");
  EXPECT_EQ(Error("a A 1.2.3.4\n"), "zone:1: \"a\" is relative, and there is no $ORIGIN before it");
  EXPECT_EQ(Error("a\\. A 1.2.3.4\n"),
            "zone:1: \"a\\.\" is relative, and there is no $ORIGIN before it");
  EXPECT_EQ(Error("a. 5 SOA a. a. 1 2 3 4 5\n"), "zone: zone a.: no NS record at the origin");
  EXPECT_EQ(Error("a. A 1.2.3.4\n"), "zone:1: a. A: no TTL, and no $TTL before it");
  EXPECT_EQ(Error("a. 5 SOA a. a. 1 2 3 4 2147483648\n"),
            "zone:1: a. SOA: \"2147483648\" is a time of more than 2^31 - 1 seconds");
}

TEST(ZoneFileTest, LimitsAreTold) {
  const std::string text = std::string(kHead) + "a A 1.2.3.4\n";
  EXPECT_EQ(Error(text, {.origin = "", .bytes_max = text.size()}), "");
  EXPECT_EQ(Error(text, {.origin = "", .bytes_max = text.size() - 1}),
            "zone: more than bytes_max, 103 bytes");
  EXPECT_EQ(Error(text, {.origin = "", .records_max = 3}), "");
  EXPECT_EQ(Error(text, {.origin = "", .records_max = 2}),
            "zone:5: more than records_max, 2 records");
  const std::string long_string = "a TXT " + std::string(256, 'x') + "\n";
  EXPECT_EQ(ErrorBelowHead(long_string),
            "zone:5: a.example.test. TXT: TXT record: a string of 256 bytes, at most 255");
}

// Nowhere does a cut text read beyond its end; most cuts are errors, which say where.
TEST(ZoneFileTest, EveryTruncationIsAZoneOrAnErrorThatSaysWhere) {
  const std::string whole = std::string(kHead) +
                            "a 1h A 192.0.2.1\nb TXT \"q\\\"\\065\" ( x\\.\n y ) ; z\n"
                            "c TYPE65400 \\# 2 0a0b\n$ORIGIN d\n@ MX 1 e\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size, so that the address sanitizer sees every byte read beyond.
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const absl::StatusOr<Zone> zone = ParseZone({cut.data(), cut.size()}, "zone");
    if (!zone.ok()) {
      EXPECT_EQ(AsStd(zone.status().message()).substr(0, 5), "zone:") << size;
    }
  }
}

class ZoneFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "/" + name;
    FILE* const file = std::fopen(path.c_str(), "w");
    EXPECT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
    return path;
  }
  static std::string ZoneText(std::string_view origin, int serial) {
    return std::string(origin) + " 5 SOA a. a. " + std::to_string(serial) + " 2 3 4 5\n" +
           std::string(origin) + " NS a.\n";
  }
  static uint32_t Serial(const ZoneSet& zones, std::string_view origin) {
    const Zone* const zone = zones.Find(MakeName(origin));
    StartOfAuthority soa;
    return zone != nullptr && Read(zone->soa().records[0].encoded(), &soa) ? soa.serial : 0;
  }
};

TEST_F(ZoneFilesTest, AFaultyFileKeepsItsOldZoneAndOnlyThat) {
  const std::string paths[] = {Write("one", ZoneText("one.", 1)),
                               Write("two", ZoneText("two.", 1))};
  const LoadedZones first = LoadZoneFiles(paths, nullptr);
  ASSERT_NE(first.zones, nullptr);
  EXPECT_TRUE(first.faults.empty());
  Write("one", ZoneText("one.", 2));
  Write("two", ZoneText("two.", 2) + "two. A x\n");
  const LoadedZones second = LoadZoneFiles(paths, first.zones.get());
  ASSERT_NE(second.zones, nullptr);
  ASSERT_EQ(second.faults.size(), 1u);
  EXPECT_EQ(second.faults[0].message(), paths[1] + ":3: two. A: \"x\" is not an IPv4 address");
  EXPECT_EQ(Serial(*second.zones, "one."), 2u);
  EXPECT_EQ(Serial(*second.zones, "two."), 1u);
}

TEST_F(ZoneFilesTest, WithoutAnOldZoneAFaultyFileLeavesNothing) {
  const std::string paths[] = {Write("one", ZoneText("one.", 1)), Write("two", "two.")};
  const LoadedZones loaded = LoadZoneFiles(paths, nullptr);
  EXPECT_EQ(loaded.zones, nullptr);
  ASSERT_EQ(loaded.faults.size(), 1u);
}

TEST_F(ZoneFilesTest, TwoFilesOfOneOriginAreAFault) {
  const std::string paths[] = {Write("one", ZoneText("one.", 1)),
                               Write("two", ZoneText("ONE.", 1))};
  const LoadedZones loaded = LoadZoneFiles(paths, nullptr);
  EXPECT_EQ(loaded.zones, nullptr);
  ASSERT_EQ(loaded.faults.size(), 1u);
  EXPECT_EQ(loaded.faults[0].message(), "two zones have the origin ONE.");
}

TEST_F(ZoneFilesTest, WhatIsNoFileIsToldByName) {
  const std::string missing = ::testing::TempDir() + "/missing.zone";
  EXPECT_EQ(LoadZoneFile(missing).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(AsStd(LoadZoneFile(missing).status().message()).substr(0, missing.size() + 2),
            missing + ": ");
  EXPECT_EQ(LoadZoneFile(::testing::TempDir()).status().message(),
            ::testing::TempDir() + ": not a regular file");
}

}  // namespace
}  // namespace rotor::dns
