#include "protocols/dns/codec/text.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace rotor::dns {
namespace {

template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

Name Parse(std::string_view text) { return Name::FromText(text).value(); }

TEST(TextTest, TypesClassesAndCodesHaveTheirNamesAndNumbersElse) {
  EXPECT_EQ(ToText(RecordType::kCaa), "CAA");
  EXPECT_EQ(ToText(RecordType{65400}), "TYPE65400");
  EXPECT_EQ(ToText(RecordClass::kChaos), "CH");
  EXPECT_EQ(ToText(RecordClass{77}), "CLASS77");
  EXPECT_EQ(ToText(ResponseCode::kNameError), "NXDOMAIN");
  EXPECT_EQ(ToText(ResponseCode{77}), "RCODE77");
}

TEST(TextTest, EveryTypeAndClassReadsBack) {
  for (int number = 0; number <= 65535; ++number) {
    const RecordType type = static_cast<RecordType>(number);
    ASSERT_EQ(RecordTypeFromText(ToText(type)), type) << number;
    const RecordClass record_class = static_cast<RecordClass>(number);
    ASSERT_EQ(RecordClassFromText(ToText(record_class)), record_class) << number;
  }
  EXPECT_EQ(RecordTypeFromText("mx"), RecordType::kMx);
  EXPECT_EQ(RecordTypeFromText("type1"), RecordType::kA);
  for (const char* text : {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "TYPE 1", "MXX", "1"}) {
    EXPECT_FALSE(RecordTypeFromText(text).has_value()) << text;
  }
  EXPECT_FALSE(RecordClassFromText("CLASSY").has_value());
}

TEST(TextTest, RecordDataIsWrittenAsInAZoneFile) {
  const std::string_view strings[] = {"a\"b\\", "", "\x01\xff;"};
  const struct {
    RecordData data;
    std::string text;
  } kCases[] = {
      {RecordData::A({192, 0, 2, 1}), "192.0.2.1"},
      {RecordData::Address("2001:DB8::1").value(), "2001:db8::1"},
      {RecordData::Cname(Parse("a.b")), "a.b."},
      {RecordData::Ns(Name()), "."},
      {RecordData::Ptr(Parse("x\\.y.z")), "x\\.y.z."},
      {RecordData::Mx({10, Parse("mail.test")}), "10 mail.test."},
      {RecordData::Srv({1, 2, 3, Parse("host.test")}), "1 2 3 host.test."},
      {RecordData::Soa({.primary_server = Parse("ns"), .mailbox = Parse("x"), .serial = 9}),
       "ns. x. 9 3600 600 604800 60"},
      {RecordData::TextOf(strings).value(), "\"a\\\"b\\\\\" \"\" \"\\001\\255;\""},
      {RecordData::Caa({128, "issue", "ca.test; x=1"}).value(), "128 issue \"ca.test; x=1\""},
      {RecordData::Caa({0, "i s", ""}).value(), "\\# 5 0003692073"},
      {RecordData::FromWire(RecordType{65400}, "").value(), "\\# 0"},
      {RecordData::FromWire(RecordType{65400}, "\x0a\xff").value(), "\\# 2 0aff"},
  };
  for (const auto& test : kCases) EXPECT_EQ(ToText(test.data.encoded()), test.text);
}

TEST(TextTest, DataThatDoesNotFitItsTypeIsWrittenAsBytes) {
  const std::string three = Bytes("\1\2\3");
  EXPECT_EQ(ToText(EncodedData{RecordType::kA, three, three}), "\\# 3 010203");
  EXPECT_EQ(ToText(EncodedData{RecordType::kTxt, three, three}), "\\# 3 010203");
  EXPECT_EQ(ToText(EncodedData{RecordType::kTxt, "", ""}), "\\# 0");
  EXPECT_EQ(ToText(EncodedData{RecordType::kMx, three, three}), "\\# 3 010203");
}

}  // namespace
}  // namespace rotor::dns
