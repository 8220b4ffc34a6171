// The tests of RFC 8906 section 8, one by one: what operators ask servers to see whether they keep
// to the protocol. All over UDP and TCP both, which is section 8.1.5.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/zone/responder.h"

namespace rotor::dns {
namespace {

// Bytes with zeros in them from a literal.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

std::string Number16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

struct Asked {
  size_t type = 6;  // SOA
  size_t header_bits = 0;
  bool opt = false;
  size_t payload_bytes = 4096;
  size_t version = 0;
  size_t flags = 0;
  std::string options = "";
  bool header_only = false;
};

std::string Query(const Asked& asked) {
  std::string query = Bytes("\x12\x34") + Number16(asked.header_bits);
  if (asked.header_only) return query + std::string(8, '\0');
  query += Bytes("\0\1\0\0\0\0\0") + std::string(1, asked.opt ? 1 : 0);
  query += Bytes("\4hard\4test\0") + Number16(asked.type) + Bytes("\0\1");
  if (!asked.opt) return query;
  return query + Bytes("\0\0\x29") + Number16(asked.payload_bytes) + Number16(asked.version) +
         Number16(asked.flags) + Number16(asked.options.size()) + asked.options;
}

// "NOERROR qr aa, 1 answers, opt 0" with the flags that are set, and what OPT says.
std::string Told(std::string_view answer) {
  MessageView view;
  if (view.Parse(answer) != ParseResult::kComplete) return "no answer";
  const Header& header = view.header();
  unsigned code = header.response_code;
  if (view.edns().has_value()) code |= view.edns()->extended_response_code << 4;
  std::string told = ToText(static_cast<ResponseCode>(code));
  const std::pair<bool, std::string_view> kFlags[] = {{header.response, " qr"},
                                                      {header.authoritative, " aa"},
                                                      {header.truncated, " tc"},
                                                      {header.recursion_desired, " rd"},
                                                      {header.recursion_available, " ra"},
                                                      {header.reserved, " z"},
                                                      {header.authentic_data, " ad"},
                                                      {header.checking_disabled, " cd"}};
  for (const auto& [set, name] : kFlags) told += set ? name : "";
  absl::StrAppend(&told, ", ", view.Count(Section::kAnswer), " answers");
  if (!view.edns().has_value()) return told;
  absl::StrAppend(&told, ", opt ", view.edns()->version);
  const bool other_flags =
      (answer[answer.size() - 4] & 0x7f) != 0 || answer[answer.size() - 3] != 0;
  if (view.edns()->dnssec_ok) told += " do";
  if (other_flags) told += " flags";
  if (!view.edns()->options.empty()) told += " options";
  return told;
}

class OperationalTest : public ::testing::Test {
 protected:
  OperationalTest() {
    Zone zone = Zone::Create("hard.test.").value();
    EXPECT_TRUE(zone.Add("@", 60, RecordData::Text(std::string(2000, 'x')).value()).ok());
    responder_ = std::make_unique<Responder>(ZoneStore::Of(std::move(zone)));
  }
  std::string Ask(const Asked& asked, Transport transport) const {
    std::string answer(kMessageBytesMax, '\0');
    answer.resize(responder_->Answer(Query(asked), transport, answer));
    return Told(answer);
  }
  std::unique_ptr<Responder> responder_;
};

TEST_F(OperationalTest, AllOfRfc8906Section8) {
  const std::string unknown_option = Bytes("\0\x64\0\0");
  const std::string known_options =
      Bytes("\0\3\0\0") + Bytes("\0\x0a\0\x08\1\2\3\4\5\6\7\x08") +  // NSID, COOKIE
      Bytes("\0\x08\0\4\0\1\0\0") + Bytes("\0\x09\0\0");             // CLIENT-SUBNET, EXPIRE
  const struct {
    const char* section;
    Asked asked;
    std::string_view told;
  } kCases[] = {
      {"8.1.1 the zone is served", {}, "NOERROR qr aa, 1 answers"},
      {"8.1.2 unknown type", {.type = 1000}, "NOERROR qr aa, 0 answers"},
      {"8.1.3.1 CD", {.header_bits = 0x0010}, "NOERROR qr aa, 1 answers"},
      {"8.1.3.2 AD", {.header_bits = 0x0020}, "NOERROR qr aa, 1 answers"},
      {"8.1.3.3 reserved bit", {.header_bits = 0x0040}, "NOERROR qr aa, 1 answers"},
      {"8.1.3.4 RD", {.header_bits = 0x0100}, "NOERROR qr aa rd, 1 answers"},
      {"8.1.4 unknown opcode",
       {.header_bits = 15 << 11, .header_only = true},
       "NOTIMP qr, 0 answers"},
      {"8.2.1 minimal EDNS", {.opt = true}, "NOERROR qr aa, 1 answers, opt 0"},
      {"8.2.2 EDNS version 1", {.opt = true, .version = 1}, "BADVERS qr, 0 answers, opt 0"},
      {"8.2.3 unknown option",
       {.opt = true, .options = unknown_option},
       "NOERROR qr aa, 1 answers, opt 0"},
      {"8.2.4 unknown flags", {.opt = true, .flags = 0x40}, "NOERROR qr aa, 1 answers, opt 0"},
      {"8.2.5 version 1 and unknown flags",
       {.opt = true, .version = 1, .flags = 0x40},
       "BADVERS qr, 0 answers, opt 0"},
      {"8.2.6 version 1 and unknown option",
       {.opt = true, .version = 1, .options = unknown_option},
       "BADVERS qr, 0 answers, opt 0"},
      {"8.2.8 DO", {.opt = true, .flags = 0x8000}, "NOERROR qr aa, 1 answers, opt 0 do"},
      {"8.2.9 version 1 and DO",
       {.opt = true, .version = 1, .flags = 0x8000},
       "BADVERS qr, 0 answers, opt 0 do"},
      {"8.2.10 several known options",
       {.opt = true, .options = known_options},
       "NOERROR qr aa, 1 answers, opt 0"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Ask(test.asked, Transport::kUdp), test.told) << test.section;
    EXPECT_EQ(Ask(test.asked, Transport::kTcp), test.told) << test.section;
  }
}

TEST_F(OperationalTest, TruncatedAnswersOfRfc8906Section8_2_7) {
  const Asked asked = {.type = 16, .opt = true, .payload_bytes = 512, .flags = 0x8000};
  EXPECT_EQ(Ask(asked, Transport::kUdp), "NOERROR qr aa tc, 0 answers, opt 0 do");
  EXPECT_EQ(Ask(asked, Transport::kTcp), "NOERROR qr aa, 1 answers, opt 0 do");
}

}  // namespace
}  // namespace rotor::dns
