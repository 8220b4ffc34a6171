#include "protocols/dns/codec/record_data.h"

#include <array>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace rotor::dns {
namespace {

// Bytes with zeros in them from a literal.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

Name Parse(std::string_view text) { return Name::FromText(text).value(); }

TEST(RecordDataTest, AddressesComeFromBytesAndText) {
  EXPECT_EQ(RecordData::A({192, 0, 2, 1}).wire(), Bytes("\xc0\0\2\1"));
  EXPECT_TRUE(*RecordData::Address("192.0.2.1") == RecordData::A({192, 0, 2, 1}));
  const RecordData v6 = RecordData::Aaaa({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  EXPECT_TRUE(*RecordData::Address("2001:db8::1") == v6);
  EXPECT_EQ(v6.type(), RecordType::kAaaa);
  EXPECT_EQ(v6.wire().size(), 16u);
  for (const char* text : {"192.0.2", "hub.test", "", "1.2.3.4 "}) {
    EXPECT_FALSE(RecordData::Address(text).ok()) << text;
  }
}

TEST(RecordDataTest, SoaHasTwoNamesAndFiveNumbers) {
  const RecordData soa = RecordData::Soa({.primary_server = Parse("ns."),
                                          .mailbox = Parse("x."),
                                          .serial = 0x01020304,
                                          .refresh = 5,
                                          .retry = 6,
                                          .expire = 7,
                                          .minimum = 0xfffffffe});
  EXPECT_EQ(soa.wire(), Bytes("\2ns\0\1x\0\1\2\3\4\0\0\0\5\0\0\0\6\0\0\0\7\xff\xff\xff\xfe"));
  EXPECT_TRUE(RecordData::FromWire(RecordType::kSoa, soa.wire()).ok());
}

TEST(RecordDataTest, TextIsCutIntoStringsOf255Bytes) {
  EXPECT_EQ(RecordData::Text("")->wire(), Bytes("\0"));
  EXPECT_EQ(RecordData::Text("ab")->wire(), Bytes("\2ab"));
  const std::string text(256, 'x');
  EXPECT_EQ(RecordData::Text(text.substr(1))->wire(), std::string("\xff").append(255, 'x'));
  EXPECT_EQ(RecordData::Text(text)->wire(), std::string("\xff").append(255, 'x').append("\1x"));
  const std::string longest(65279, 'x');  // in 256 strings
  EXPECT_EQ(RecordData::Text(longest)->wire().size(), 65535u);
  EXPECT_FALSE(RecordData::Text(longest + "x").ok());
  EXPECT_TRUE(RecordData::FromWire(RecordType::kTxt, RecordData::Text(longest)->wire()).ok());
}

TEST(RecordDataTest, WireFormIsCheckedForKnownTypesOnly) {
  const std::string name = Bytes("\1a\0");
  const struct {
    RecordType type;
    std::string wire;
    bool ok;
  } kCases[] = {
      {RecordType::kA, Bytes("\1\2\3\4"), true},
      {RecordType::kA, Bytes("\1\2\3"), false},
      {RecordType::kA, Bytes("\1\2\3\4\5"), false},
      {RecordType::kAaaa, std::string(16, 1), true},
      {RecordType::kAaaa, std::string(4, 1), false},
      {RecordType::kNs, name, true},
      {RecordType::kCname, name, true},
      {RecordType::kCname, "", false},
      {RecordType::kCname, name + "x", false},
      {RecordType::kCname, Bytes("\xc0\x0c"), false},
      {RecordType::kCname, Bytes("\2a\0"), false},
      {RecordType::kPtr, Bytes("\0"), true},
      {RecordType::kMx, Bytes("\0\5") + name, true},
      {RecordType::kMx, Bytes("\0"), false},
      {RecordType::kSrv, std::string(6, 0) + name, true},
      {RecordType::kSrv, std::string(5, 0), false},
      {RecordType::kSoa, name + name + std::string(20, 0), true},
      {RecordType::kSoa, name + name + std::string(19, 0), false},
      {RecordType::kSoa, name, false},
      {RecordType::kTxt, Bytes("\1a\0"), true},
      {RecordType::kTxt, "", false},
      {RecordType::kTxt, Bytes("\2a"), false},
      {RecordType::kCaa, Bytes("\0\5issueca"), true},
      {RecordType::kCaa, Bytes("\0\5issue"), true},
      {RecordType::kCaa, Bytes("\0\6issue"), false},
      {RecordType::kCaa, Bytes("\0\0x"), false},
      {RecordType::kCaa, Bytes("\0\1"), false},
      {RecordType{65400}, "", true},
      {RecordType{65400}, Bytes("\xc0\x0c"), true},
      {RecordType{65400}, std::string(65535, 'x'), true},
      {RecordType{65400}, std::string(65536, 'x'), false},
  };
  for (const auto& test : kCases) {
    const absl::StatusOr<RecordData> data = RecordData::FromWire(test.type, test.wire);
    EXPECT_EQ(data.ok(), test.ok) << static_cast<int>(test.type) << " " << test.wire.size();
    if (data.ok()) {
      EXPECT_EQ(data->wire(), test.wire);
    }
  }
}

TEST(RecordDataTest, ValuesReadBackAsTheyWereMade) {
  std::array<uint8_t, 4> v4;
  EXPECT_TRUE(Read(RecordData::A({1, 2, 3, 4}).encoded(), &v4));
  EXPECT_EQ(v4, (std::array<uint8_t, 4>{1, 2, 3, 4}));
  const RecordData address = RecordData::Address("2001:db8::1").value();
  std::array<uint8_t, 16> v6;
  EXPECT_TRUE(Read(address.encoded(), &v6));
  EXPECT_EQ(v6[15], 1);
  for (const RecordData& data :
       {RecordData::Cname(Parse("x.test")), RecordData::Ns(Parse("x.test")),
        RecordData::Ptr(Parse("x.test"))}) {
    Name name;
    EXPECT_TRUE(Read(data.encoded(), &name));
    EXPECT_EQ(name.ToText(), "x.test.");
  }
  const RecordData mail = RecordData::Mx({10, Parse("mail.test")});
  MailExchange mx;
  EXPECT_TRUE(Read(mail.encoded(), &mx));
  EXPECT_EQ(mx.preference, 10);
  EXPECT_EQ(mx.exchange.ToText(), "mail.test.");
  const RecordData service = RecordData::Srv({1, 2, 65535, Parse("host.test")});
  ServiceLocation srv;
  EXPECT_TRUE(Read(service.encoded(), &srv));
  EXPECT_EQ(srv.priority, 1);
  EXPECT_EQ(srv.weight, 2);
  EXPECT_EQ(srv.port, 65535);
  EXPECT_EQ(srv.target.ToText(), "host.test.");
  const RecordData authority = RecordData::Caa({128, "issue", "ca.test"}).value();
  CaaProperty caa;
  EXPECT_TRUE(Read(authority.encoded(), &caa));
  EXPECT_EQ(caa.flags, 128);
  EXPECT_EQ(caa.tag, "issue");
  EXPECT_EQ(caa.value, "ca.test");
  const RecordData start = RecordData::Soa({.primary_server = Parse("ns.test"),
                                            .mailbox = Parse("mail.test"),
                                            .serial = 1,
                                            .refresh = 2,
                                            .retry = 3,
                                            .expire = 4,
                                            .minimum = 5});
  StartOfAuthority soa;
  EXPECT_TRUE(Read(start.encoded(), &soa));
  EXPECT_EQ(soa.primary_server.ToText(), "ns.test.");
  EXPECT_EQ(soa.mailbox.ToText(), "mail.test.");
  EXPECT_EQ(soa.serial, 1u);
  EXPECT_EQ(soa.minimum, 5u);
  // Of another type.
  EXPECT_FALSE(Read(mail.encoded(), &srv));
  EXPECT_FALSE(Read(start.encoded(), &v4));
}

TEST(RecordDataTest, StringsOfTxtAreReadInOrder) {
  const std::string_view strings[] = {"a", "", "bc"};
  const RecordData text = RecordData::TextOf(strings).value();
  EXPECT_EQ(text.wire(), Bytes("\1a\0\2bc"));
  TextStrings rest(text.encoded());
  std::string_view string;
  for (std::string_view expected : strings) {
    ASSERT_TRUE(rest.Next(&string));
    EXPECT_EQ(string, expected);
  }
  EXPECT_FALSE(rest.Next(&string));
  EXPECT_FALSE(rest.malformed());
  const std::string cut = Bytes("\2a");
  TextStrings broken(EncodedData{RecordType::kTxt, cut, cut});
  EXPECT_FALSE(broken.Next(&string));
  EXPECT_TRUE(broken.malformed());
  EXPECT_FALSE(TextStrings(RecordData::A({1, 2, 3, 4}).encoded()).Next(&string));
  EXPECT_FALSE(RecordData::TextOf({}).ok());
  const std::string long_string(256, 'x');
  const std::string_view too_long[] = {long_string};
  EXPECT_FALSE(RecordData::TextOf(too_long).ok());
}

TEST(RecordDataTest, CaaTagsHaveAtLeastOneByte) {
  EXPECT_FALSE(RecordData::Caa({0, "", "x"}).ok());
  EXPECT_FALSE(RecordData::Caa({0, std::string(256, 'x'), "x"}).ok());
  EXPECT_FALSE(RecordData::Caa({0, "issue", std::string(65535, 'x')}).ok());
}

TEST(RecordDataTest, NamesInDataCompareWithoutCaseAndOtherBytesWithIt) {
  EXPECT_TRUE(RecordData::Cname(Parse("A.b")) == RecordData::Cname(Parse("a.B")));
  EXPECT_FALSE(RecordData::Cname(Parse("a")) == RecordData::Ns(Parse("a")));
  EXPECT_FALSE(*RecordData::Text("A") == *RecordData::Text("a"));
  const auto mx = [](std::string_view wire) {
    return RecordData::FromWire(RecordType::kMx, wire).value();
  };
  EXPECT_TRUE(mx(Bytes("\0A\1a\0")) == mx(Bytes("\0A\1A\0")));
  EXPECT_FALSE(mx(Bytes("\0A\1a\0")) == mx(Bytes("\0a\1a\0")));
  const auto soa = [](uint32_t minimum) {
    return RecordData::Soa(
        {.primary_server = Parse("a"), .mailbox = Parse("b"), .minimum = minimum});
  };
  EXPECT_TRUE(soa('a') == soa('a'));
  EXPECT_FALSE(soa('a') == soa('A'));
}

}  // namespace
}  // namespace rotor::dns
