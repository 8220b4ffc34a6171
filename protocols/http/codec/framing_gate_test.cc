#include "protocols/http/codec/framing_gate.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocols/http/codec/byte_scan.h"

namespace rotor::http {
namespace {

// The requests themselves are in request_cases.h; here is what only the gate's own interface shows.

TEST(FramingGateTest, BytesOfAnIncompleteLineAreNotLookedAtAgain) {
  const RequestLimits limits;
  std::vector<Field> fields(limits.fields_max);
  LineProgress progress;
  StartLine start_line;
  std::string input = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  EXPECT_EQ(CheckHeadLines(input, limits, progress, start_line, fields).outcome,
            GateOutcome::kNeedMore);
  EXPECT_EQ(progress.scanned, input.size());
  EXPECT_EQ(progress.fields, 1u);
  // No line end in the old bytes any more, which only a second look could tell.
  std::string changed(input.size(), '\n');
  changed.replace(progress.line_start, 3, "A: ");
  changed += "b\r\n\r\n";
  const GateResult result = CheckHeadLines(changed, limits, progress, start_line, fields);
  EXPECT_EQ(result.outcome, GateOutcome::kPassed);
  EXPECT_EQ(result.size, changed.size());
}

TEST(FramingGateTest, PlainHeadSaysTheSameInThePlainestForm) {
  StartLine start_line;
  start_line.method = "POST";
  const Field fields[] = {{"host", "h"},
                          {"CONNECTION", "x, Close\t,, keep-alive,upgrade"},
                          {"content-length", "007"},
                          {"upgrade", "a/1, b"},
                          {"Proxy-Connection", "close"}};
  HeadMeaning meaning;
  ASSERT_EQ(CheckHeadMeaning(start_line, fields, meaning), nullptr);
  EXPECT_EQ(PlainHead(start_line, meaning).text(),
            "POST / HTTP/1.1\r\nContent-Length:007\r\nConnection:close\r\nConnection:upgrade\r\n"
            "Upgrade:offered\r\n\r\n");
}

TEST(FramingGateTest, KeepAliveMattersInTheOldVersionOnly) {
  StartLine start_line;
  start_line.method = "GET";
  start_line.version_minor = 0;
  const Field fields[] = {{"Connection", "keep-alive"}};
  HeadMeaning meaning;
  ASSERT_EQ(CheckHeadMeaning(start_line, fields, meaning), nullptr);
  EXPECT_EQ(PlainHead(start_line, meaning).text(),
            "GET / HTTP/1.0\r\nConnection:keep-alive\r\n\r\n");
}

TEST(FramingGateTest, LongestPlainHeadFits) {
  StartLine start_line;
  start_line.method = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF";
  const Field fields[] = {{"Host", ""},
                          {"Connection", "close, keep-alive, upgrade, close, upgrade"},
                          {"Content-Length", "9223372036854775807"},
                          {"Upgrade", "a"},
                          {"Upgrade", "b"}};
  HeadMeaning meaning;
  ASSERT_EQ(CheckHeadMeaning(start_line, fields, meaning), nullptr);
  EXPECT_TRUE(PlainHead(start_line, meaning).text().ends_with("offered\r\n\r\n"));
}

TEST(FramingGateTest, FieldsThatDecideMoreThanPersistence) {
  StartLine start_line;
  start_line.method = "GET";
  const auto only_persistence = [&start_line](Field field) {
    const Field fields[] = {{"Host", "h"}, field};
    HeadMeaning meaning;
    EXPECT_EQ(CheckHeadMeaning(start_line, fields, meaning), nullptr);
    const bool no_lines = PlainHead(start_line, meaning).text().find(':') == std::string_view::npos;
    EXPECT_EQ(meaning.OnlyPersistence(), no_lines || meaning.close || meaning.keep_alive);
    return meaning.OnlyPersistence();
  };
  EXPECT_TRUE(only_persistence({"Accept", "*/*"}));
  EXPECT_TRUE(only_persistence({"Connection", "keep-alive"}));
  EXPECT_TRUE(only_persistence({"Connection", "close"}));
  EXPECT_FALSE(only_persistence({"Connection", "upgrade"}));
  EXPECT_FALSE(only_persistence({"Upgrade", "a"}));
  EXPECT_FALSE(only_persistence({"Content-Length", "0"}));
  EXPECT_FALSE(only_persistence({"Transfer-Encoding", "chunked"}));
  start_line.version_minor = 0;
  EXPECT_TRUE(only_persistence({"Connection", "keep-alive"}));
  EXPECT_TRUE(only_persistence({"Upgrade", "a"}));
}

// Everything CheckHeadLines finds in a head, in one string. With `in_pieces` it sees the first byte
// alone, and so looks closely at each line.
std::string FindingsOf(std::string_view head, const RequestLimits& limits, bool in_pieces) {
  LineProgress progress;
  StartLine start_line;
  std::vector<Field> fields(limits.fields_max);
  if (in_pieces) CheckHeadLines(head.substr(0, 1), limits, progress, start_line, fields);
  const GateResult result = CheckHeadLines(head, limits, progress, start_line, fields);
  if (result.outcome == GateOutcome::kNeedMore) return "more";
  if (result.outcome == GateOutcome::kRefused) return std::string(result.fault->reason);
  std::string findings = std::to_string(result.size);
  const auto add = [&findings](std::string_view text) { findings.append("|").append(text); };
  for (const std::string_view part : {start_line.method, start_line.target, start_line.path,
                                      start_line.query, start_line.authority}) {
    add(part);
  }
  add(std::to_string(start_line.version_minor));
  for (size_t i = 0; i < progress.fields; ++i) {
    add(fields[i].name);
    add(fields[i].value);
  }
  return findings;
}

TEST(FramingGateTest, ALookAtAllLinesFindsWhatACloseLookFinds) {
  std::vector<RequestLimits> cases(6);
  cases[1].target_bytes_max = 6;
  cases[2].fields_max = 2;
  cases[3].field_line_bytes_max = 9;
  cases[4].head_bytes_max = 58;
  cases[5].head_bytes_max = 59;
  const std::string_view heads[] = {
      "GET /a%2f?b HTTP/1.1\r\nHost: h\r\nName-0: a b\r\nX:y\r\nEmpty:\r\n\r\n",
      "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nA: \tb\r\nC: d\t\r\nE: \r\n\r\n"};
  for (const RequestLimits& limits : cases) {
    for (const std::string_view head : heads) {
      for (size_t at = 1; at < head.size(); ++at) {
        ASSERT_EQ(FindingsOf(head.substr(0, at), limits, false),
                  FindingsOf(head.substr(0, at), limits, true));
        for (int byte = 0; byte < 256; ++byte) {
          std::string changed(head);
          changed[at] = static_cast<char>(byte);
          ASSERT_EQ(FindingsOf(changed, limits, false), FindingsOf(changed, limits, true))
              << byte << " at " << at;
        }
      }
    }
  }
}

TEST(FramingGateTest, FieldsThatSteerTheMessageMayNotTrail) {
  for (const std::string_view name :
       {"Content-Length", "TRANSFER-ENCODING", "host", "Connection", "Authorization", "Set-Cookie",
        "Trailer", "Content-Type", "Content-Encoding", "Range", "If-Match", "Expect", "TE"}) {
    EXPECT_FALSE(AllowedInTrailers(name)) << name;
  }
  for (const std::string_view name : {"Server-Timing", "Digest", "ETag", "X-Checksum", "T"}) {
    EXPECT_TRUE(AllowedInTrailers(name)) << name;
  }
}

TEST(ByteScanTest, StridesFindWhatSingleStepsFind) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t size = 1; size <= 40; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, at % 2 == 0 ? '\t' : '\xff');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(FindControl(text, 0), FindNot(kText, text)) << byte << " at " << at;
        ASSERT_EQ(FindControl(text, at), FindNot(kText, text, at)) << byte << " at " << at;
        ASSERT_EQ(internal::FindControlInWords(text, 0), FindNot(kText, text)) << byte;
        ASSERT_EQ(internal::FindControlInWords(text, at), FindNot(kText, text, at)) << byte;
      }
    }
  }
}

template <ByteClass kWanted>
void ExpectStridesToFindWhatSingleStepsFind() {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t size = 1; size <= 40; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, "aZ0-.9"[at % 6]);
        text[at] = static_cast<char>(byte);
        if (at + 3 < size) text[at + 3] = '\x7f';
        ASSERT_EQ(FindNotInStrides<kWanted>(text), FindNot(kWanted, text)) << byte << " at " << at;
        ASSERT_EQ(FindNotInStrides<kWanted>(text, at), FindNot(kWanted, text, at)) << byte;
      }
    }
  }
}

TEST(ByteScanTest, StridesOverTextFindWhatSingleStepsFind) {
  ExpectStridesToFindWhatSingleStepsFind<kToken>();
  ExpectStridesToFindWhatSingleStepsFind<kPath>();
  ExpectStridesToFindWhatSingleStepsFind<kQuery>();
  ExpectStridesToFindWhatSingleStepsFind<kRegName>();
}

TEST(FieldTest, TokensAreComparedInAnyCase) {
  const auto check = [](std::string_view name, const auto& word) {
    EXPECT_TRUE(TokenIs(name, word));
    EXPECT_FALSE(TokenIs(name.substr(1), word));
    EXPECT_FALSE(TokenIs(std::string(name) + "x", word));
    for (size_t at = 0; at < name.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        if (!IsOf(kToken, static_cast<char>(byte))) continue;
        std::string other(name);
        other[at] = static_cast<char>(byte);
        ASSERT_EQ(TokenIs(other, word), EqualsIgnoreCase(other, word)) << other;
      }
    }
  };
  check("HoSt", "host");
  check("close", "close");
  check("EXPECT", "expect");
  check("Upgrade", "upgrade");
  check("keep-Alive", "keep-alive");
  check("Content-Length", "content-length");
  check("Transfer-Encoding", "transfer-encoding");
}

TEST(ByteScanTest, ClassesAreThoseOfTheGrammars) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool digit = byte >= '0' && byte <= '9';
    const auto any_of = [byte](std::string_view set) { return set.find(byte) != set.npos; };
    const bool unreserved = letter || digit || any_of("-._~");
    const bool reg_name = unreserved || any_of("!$&'()*+,;=");
    EXPECT_EQ(IsOf(kToken, byte), letter || digit || any_of("!#$%&'*+-.^_`|~")) << value;
    EXPECT_EQ(IsOf(kRegName, byte), reg_name) << value;
    EXPECT_EQ(IsOf(kPath, byte), reg_name || any_of(":@/")) << value;
    EXPECT_EQ(IsOf(kQuery, byte), reg_name || any_of(":@/?[]")) << value;
    EXPECT_EQ(IsOf(kDigit, byte), digit) << value;
    EXPECT_EQ(IsOf(kHexDigit, byte), digit || any_of("abcdefABCDEF")) << value;
    EXPECT_EQ(IsOf(kText, byte), value == 9 || (value >= 32 && value != 127)) << value;
  }
}

}  // namespace
}  // namespace rotor::http
