#include "protocols/dns/zone/responder.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/random.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/zone/responder_check.h"
#include "protocols/dns/zone/zone.h"

// Counts what this program allocates; the only way to see that an answer allocates nothing. Not
// inlined, because g++ 12 then takes the pair for mismatched.
static size_t allocations = 0;
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

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

struct QueryOptions {
  size_t bits = 0;  // of the header
  size_t record_class = 1;
  size_t payload_bytes = 0;  // 0: no OPT
  size_t version = 0;
  size_t flags = 0;  // of the OPT record
  std::string options = "";
};

std::string OptBytes(const QueryOptions& query) {
  return Bytes("\0\0\x29") + Number16(query.payload_bytes) + Number16(query.version) +
         Number16(query.flags) + Number16(query.options.size()) + query.options;
}

std::string QuestionBytes(std::string_view name, size_t type, size_t record_class = 1) {
  return std::string(Name::FromText(name)->wire()) + Number16(type) + Number16(record_class);
}

std::string Query(std::string_view name, RecordType type, const QueryOptions& query = {}) {
  const bool has_opt = query.payload_bytes != 0;
  return Bytes("\x12\x34") + Number16(query.bits) + Bytes("\0\1\0\0\0\0\0") +
         std::string(1, has_opt ? 1 : 0) +
         QuestionBytes(name, static_cast<size_t>(type), query.record_class) +
         (has_opt ? OptBytes(query) : "");
}

// An answer on one line: "NXDOMAIN aa | | hub.test. SOA 60 | opt".
std::string Describe(std::string_view answer) {
  if (answer.empty()) return "dropped";
  MessageView view;
  if (view.Parse(answer) != ParseResult::kComplete) return "malformed";
  unsigned code = view.header().response_code;
  if (view.edns().has_value()) code |= view.edns()->extended_response_code << 4;
  std::string text = ToText(static_cast<ResponseCode>(code));
  if (view.header().authoritative) text += " aa";
  if (view.header().truncated) text += " tc";
  text += " |";
  Section section = Section::kAnswer;
  MessageView::Cursor cursor(view);
  RecordView record;
  while (cursor.Next(&record)) {
    for (; section < record.section;
         section = static_cast<Section>(static_cast<int>(section) + 1)) {
      text += " |";
    }
    if (record.type == RecordType::kOpt) {
      text += " opt";
      continue;
    }
    absl::StrAppend(&text, " ", record.owner.ToText(), " ", ToText(record.type), " ", record.ttl);
  }
  return text;
}

class ResponderTest : public ::testing::Test {
 protected:
  // The answer, after the rules that hold for every answer were checked.
  std::string Ask(const std::string& query, Transport transport = Transport::kUdp,
                  size_t buffer_bytes = kMessageBytesMax) {
    const char* const broken_rule = CheckAnswer(responder_, query, transport, buffer_bytes);
    EXPECT_EQ(broken_rule, nullptr) << broken_rule;
    stats_calls_ = 0;
    std::string answer(buffer_bytes, '\0');
    answer.resize(responder_.Answer(query, transport, answer));
    return answer;
  }

  std::string stats_ = "queries=7";
  int stats_calls_ = 0;
  Responder responder_{MakeTestZone([this] {
    ++stats_calls_;
    return stats_;
  })};
};

TEST_F(ResponderTest, AnswersFromTheZone) {
  const std::string chain =
      "NOERROR aa | c0.hub.test. CNAME 300 c1.hub.test. CNAME 300 c2.hub.test. CNAME 300"
      " c3.hub.test. CNAME 300 c4.hub.test. CNAME 300 c5.hub.test. CNAME 300"
      " c6.hub.test. CNAME 300 c7.hub.test. CNAME 300";
  const struct {
    std::string_view name;
    RecordType type;
    std::string answer;
  } kCases[] = {
      {"ns.hub.test", RecordType::kA, "NOERROR aa | ns.hub.test. A 300"},
      {"www.hub.test", RecordType::kA, "NOERROR aa | www.hub.test. A 300 www.hub.test. A 300"},
      {"www.hub.test", RecordType::kAaaa, "NOERROR aa | www.hub.test. AAAA 300"},
      {"hub.test", RecordType::kSoa, "NOERROR aa | hub.test. SOA 3600"},
      {"opaque.hub.test", RecordType{65400}, "NOERROR aa | opaque.hub.test. TYPE65400 300"},
      {"www.hub.test", RecordType::kTxt, "NOERROR aa | | hub.test. SOA 60"},
      {"www.hub.test", RecordType{65400}, "NOERROR aa | | hub.test. SOA 60"},
      {"nothing.hub.test", RecordType::kA, "NXDOMAIN aa | | hub.test. SOA 60"},
      {"empty.inner.hub.test", RecordType::kA, "NOERROR aa | | hub.test. SOA 60"},
      {"x.wild.hub.test", RecordType::kA, "NOERROR aa | x.wild.hub.test. A 300"},
      {"x.y.wild.hub.test", RecordType::kA, "NOERROR aa | x.y.wild.hub.test. A 300"},
      {"x.wild.hub.test", RecordType::kTxt, "NOERROR aa | | hub.test. SOA 60"},
      {"x.sub.wild.hub.test", RecordType::kA, "NXDOMAIN aa | | hub.test. SOA 60"},
      {"x.many.hub.test", RecordType::kAaaa,
       "NOERROR aa | x.many.hub.test. CNAME 300 www.hub.test. AAAA 300"},
      {"alias.hub.test", RecordType::kAaaa,
       "NOERROR aa | alias.hub.test. CNAME 300 www.hub.test. AAAA 300"},
      {"alias.hub.test", RecordType::kCname, "NOERROR aa | alias.hub.test. CNAME 300"},
      {"away.hub.test", RecordType::kA, "NOERROR aa | away.hub.test. CNAME 300"},
      {"gone.hub.test", RecordType::kA,
       "NXDOMAIN aa | gone.hub.test. CNAME 300 | hub.test. SOA 60"},
      {"untyped.hub.test", RecordType::kTxt,
       "NOERROR aa | untyped.hub.test. CNAME 300 | hub.test. SOA 60"},
      {"self.hub.test", RecordType::kA, "NOERROR aa | self.hub.test. CNAME 300"},
      {"loop1.hub.test", RecordType::kA,
       "NOERROR aa | loop1.hub.test. CNAME 300 loop2.hub.test. CNAME 300"},
      {"x.turning.hub.test", RecordType::kA, "NOERROR aa | x.turning.hub.test. CNAME 300"},
      {"c3.hub.test", RecordType::kA,
       "NOERROR aa | c3.hub.test. CNAME 300 c4.hub.test. CNAME 300 c5.hub.test. CNAME 300"
       " c6.hub.test. CNAME 300 c7.hub.test. CNAME 300 c8.hub.test. CNAME 300"
       " c9.hub.test. CNAME 300 c10.hub.test. A 300"},
      {"c0.hub.test", RecordType::kA, chain},
      {"www.hub.test", RecordType::kAny, "NOERROR aa | www.hub.test. A 300 www.hub.test. A 300"},
      {"alias.hub.test", RecordType::kAny, "NOERROR aa | alias.hub.test. CNAME 300"},
      {"hub.test", RecordType::kAny, "NOERROR aa | hub.test. SOA 3600"},
      {"nothing.hub.test", RecordType::kAny, "NXDOMAIN aa | | hub.test. SOA 60"},
      {"www.example.net", RecordType::kA, "REFUSED |"},
      {"test", RecordType::kA, "REFUSED |"},
      {".", RecordType::kNs, "REFUSED |"},
      {"hub.test", RecordType::kAxfr, "REFUSED |"},
      {"hub.test", RecordType::kIxfr, "REFUSED |"},
  };
  for (const auto& test : kCases) {
    const std::string query = Query(test.name, test.type);
    const std::string with_opt = Query(test.name, test.type, {.payload_bytes = 1232});
    const std::string bars =
        std::string(test.answer.find("SOA 60") != std::string::npos ? " |" : " | |");
    EXPECT_EQ(Describe(Ask(query)), test.answer) << test.name;
    EXPECT_EQ(Describe(Ask(query, Transport::kTcp)), test.answer) << test.name;
    EXPECT_EQ(Describe(Ask(with_opt)), test.answer + bars + " opt") << test.name;
  }
}

TEST_F(ResponderTest, ZoneCutsAreReferredTo) {
  const std::string referral =
      " cut.hub.test. NS 300 cut.hub.test. NS 300 cut.hub.test. NS 300 cut.hub.test. NS 300"
      " | ns.cut.hub.test. A 300 ns.cut.hub.test. AAAA 300 ns.deep.cut.hub.test. A 300"
      " ns.hub.test. A 300";
  const struct {
    std::string_view name;
    RecordType type;
    std::string answer;
  } kCases[] = {
      {"cut.hub.test", RecordType::kA, "NOERROR | |" + referral},
      {"cut.hub.test", RecordType::kNs, "NOERROR | |" + referral},
      {"cut.hub.test", RecordType::kAny, "NOERROR | |" + referral},
      {"x.y.cut.hub.test", RecordType::kA, "NOERROR | |" + referral},
      {"ns.cut.hub.test", RecordType::kA, "NOERROR | |" + referral},
      {"hidden.cut.hub.test", RecordType::kTxt, "NOERROR | |" + referral},
      {"x.lower.cut.hub.test", RecordType::kA, "NOERROR | |" + referral},
      {"x.cut.hub.test", RecordType{43}, "NOERROR | |" + referral},
      {"cut.hub.test", RecordType{43}, "NOERROR aa | cut.hub.test. DS 300"},
      {"tocut.hub.test", RecordType::kA, "NOERROR aa | tocut.hub.test. CNAME 300 |" + referral},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Describe(Ask(Query(test.name, test.type))), test.answer) << test.name;
  }
}

TEST_F(ResponderTest, ReferralWithoutNeededGlueIsTruncated) {
  const std::string query = Query("x.broad.hub.test", RecordType::kA, {.payload_bytes = 1232});
  EXPECT_EQ(Describe(Ask(query)).substr(0, 11), "NOERROR tc ");
  const std::string whole = Ask(query, Transport::kTcp);
  MessageView view;
  ASSERT_EQ(view.Parse(whole), ParseResult::kComplete);
  EXPECT_EQ(view.Count(Section::kAuthority), 30);
  EXPECT_EQ(view.Count(Section::kAdditional), 31);
  EXPECT_FALSE(view.header().truncated);
}

TEST_F(ResponderTest, AddressesOfTargetsAreAdded) {
  EXPECT_EQ(Describe(Ask(Query("hub.test", RecordType::kNs))),
            "NOERROR aa | hub.test. NS 300 | | ns.hub.test. A 300");
  const std::string mx =
      "NOERROR aa | mail.hub.test. MX 300 mail.hub.test. MX 300"
      " mail.hub.test. MX 300 mail.hub.test. MX 300 mail.hub.test. MX 300 | |";
  EXPECT_EQ(Describe(Ask(Query("mail.hub.test", RecordType::kMx))),
            mx + " www.hub.test. A 300 www.hub.test. A 300 www.hub.test. AAAA 300"
                 " ns.cut.hub.test. A 300 ns.cut.hub.test. AAAA 300 x.wild.hub.test. A 300");
}

// RFC 2181 section 9: no TC for what is only additional.
TEST_F(ResponderTest, AddressesThatDoNotFitAreLeftOutWithoutTruncation) {
  Zone zone = Zone::Create("hub.test.").value();
  for (int i = 0; i < 10; ++i) {
    const std::string host = absl::StrCat("host", i);
    MustAdd(zone, "@", RecordData::Mx({1, Name::FromText(host + ".hub.test.").value()}));
    for (int j = 0; j < 4; ++j) {
      MustAdd(zone, host, RecordData::Address(absl::StrCat("2001:db8::", j)));
    }
  }
  const Responder responder(ZoneStore::Of(std::move(zone)));
  const std::string query = Query("hub.test", RecordType::kMx);
  std::vector<char> buffer(kMessageBytesMax);
  const auto ask = [&](Transport transport, MessageView& view) {
    const size_t size = responder.Answer(query, transport, buffer);
    ASSERT_EQ(view.Parse({buffer.data(), size}), ParseResult::kComplete);
  };
  MessageView view;
  ask(Transport::kUdp, view);
  EXPECT_FALSE(view.header().truncated);
  EXPECT_EQ(view.Count(Section::kAnswer), 10);
  EXPECT_GT(view.Count(Section::kAdditional), 0);
  EXPECT_EQ(view.Count(Section::kAdditional) % 4, 0);  // RRsets are whole
  EXPECT_LT(view.Count(Section::kAdditional), 40);
  ask(Transport::kTcp, view);
  EXPECT_EQ(view.Count(Section::kAdditional), 40);
}

TEST_F(ResponderTest, DnameRedirectsWhatIsBelowIt) {
  const struct {
    std::string_view name;
    RecordType type;
    std::string answer;
  } kCases[] = {
      {"dname.hub.test", RecordType::kDname, "NOERROR aa | dname.hub.test. DNAME 300"},
      {"dname.hub.test", RecordType::kTxt, "NOERROR aa | dname.hub.test. TXT 300"},
      {"dname.hub.test", RecordType::kA, "NOERROR aa | | hub.test. SOA 60"},
      {"a.b.dname.hub.test", RecordType::kA,
       "NOERROR aa | dname.hub.test. DNAME 300 a.b.dname.hub.test. CNAME 300"
       " a.b.wild.hub.test. A 300"},
      {"a.dname.hub.test", RecordType::kCname,
       "NOERROR aa | dname.hub.test. DNAME 300 a.dname.hub.test. CNAME 300"},
      {"a.dname.hub.test", RecordType::kAny,
       "NOERROR aa | dname.hub.test. DNAME 300 a.dname.hub.test. CNAME 300"
       " a.wild.hub.test. A 300"},
      {"a.dname.hub.test", RecordType::kTxt,
       "NOERROR aa | dname.hub.test. DNAME 300 a.dname.hub.test. CNAME 300 | hub.test. SOA 60"},
      {"x.off.hub.test", RecordType::kA,
       "NOERROR aa | off.hub.test. DNAME 300 x.off.hub.test. CNAME 300"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Describe(Ask(Query(test.name, test.type))), test.answer) << test.name;
  }
  const std::string growing = Describe(Ask(Query("x.growing.hub.test", RecordType::kA)));
  EXPECT_EQ(growing.substr(0, 44), "NOERROR aa | growing.hub.test. DNAME 300 x.g") << growing;
  EXPECT_EQ(growing.find("DNAME", 40), std::string::npos) << growing;
  std::string longest;
  while (longest.size() + 2 < 238) longest += "a.";
  EXPECT_EQ(Describe(Ask(Query(longest + "growing.hub.test", RecordType::kA))),
            "YXDOMAIN aa | growing.hub.test. DNAME 300");
}

TEST_F(ResponderTest, ZoneWithTheLongestOriginAnswers) {
  std::vector<std::shared_ptr<const Zone>> zones;
  for (std::string_view origin : {"test.", "b.a.test.", "a.test."}) {
    Zone zone = Zone::Create(origin).value();
    ASSERT_TRUE(zone.Add("www", 60, RecordData::A({1, 2, 3, 4})).ok());
    zones.push_back(Seal(std::move(zone)));
  }
  EXPECT_EQ(ZoneSet::Create({zones[0], zones[1], zones[0]}).status().code(),
            absl::StatusCode::kAlreadyExists);
  const Responder responder(std::make_shared<ZoneStore>(ZoneSet::Create(zones).value()));
  const auto ask = [&](std::string_view name) {
    std::vector<char> buffer(512);
    const std::string query = Query(name, RecordType::kA);
    return Describe({buffer.data(), responder.Answer(query, Transport::kUdp, buffer)});
  };
  EXPECT_EQ(ask("www.test"), "NOERROR aa | www.test. A 60");
  EXPECT_EQ(ask("www.A.test"), "NOERROR aa | www.A.test. A 60");
  EXPECT_EQ(ask("www.b.a.test"), "NOERROR aa | www.b.a.test. A 60");
  EXPECT_EQ(ask("b.a.test"), "NOERROR aa | | b.a.test. SOA 60");
  EXPECT_EQ(ask("x.a.test"), "NXDOMAIN aa | | a.test. SOA 60");
  EXPECT_EQ(ask("c.test"), "NXDOMAIN aa | | test. SOA 60");
  EXPECT_EQ(ask("example"), "REFUSED |");
  EXPECT_EQ(ask("."), "REFUSED |");
}

// Every name and type of the zone: what was prepared is what would be written without it.
TEST_F(ResponderTest, PreparedAnswersDifferFromOthersInNothing) {
  Zone zone = Zone::Create("hub.test.").value();
  MustAdd(zone, "www", RecordData::A({1, 2, 3, 4}));
  MustAdd(zone, "mail", RecordData::Mx({1, Name::FromText("www.hub.test.").value()}));
  const Responder prepared(ZoneStore::Of(std::move(zone)));
  Zone wild = Zone::Create("hub.test.").value();
  MustAdd(wild, "*", RecordData::Mx({1, Name::FromText("www.hub.test.").value()}));
  MustAdd(wild, "www", RecordData::A({1, 2, 3, 4}));
  const Responder written(
      ZoneStore::Of(std::move(wild)));  // wildcards are never prepared for a name
  const std::string query = Query("mAil.hub.TEST", RecordType::kMx, {.payload_bytes = 1232});
  std::string answers[2] = {std::string(512, 0), std::string(512, 0)};
  answers[0].resize(prepared.Answer(query, Transport::kUdp, answers[0]));
  answers[1].resize(written.Answer(query, Transport::kUdp, answers[1]));
  EXPECT_EQ(answers[0], answers[1]);
}

TEST_F(ResponderTest, AnswerIsTheseBytes) {
  EXPECT_EQ(Ask(Query("Ns.hub.test", RecordType::kA,
                      {.bits = 0x0100, .payload_bytes = 4096, .flags = 0x8000})),
            Bytes("\x12\x34\x85\0\0\1\0\1\0\0\0\1\2Ns\3hub\4test\0\0\1\0\1") +
                Bytes("\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\x35") +
                Bytes("\0\0\x29\x04\xd0\0\0\x80\0\0\0"));
  EXPECT_EQ(Ask(Query("x.hub.test", RecordType::kA)),
            Bytes("\x12\x34\x84\3\0\1\0\0\0\1\0\0\1x\3hub\4test\0\0\1\0\1") +
                Bytes("\xc0\x0e\0\6\0\1\0\0\0\x3c\0\x26\2ns\xc0\x0e\x0ahostmaster\xc0\x0e") +
                Bytes("\0\0\0\7\0\0\x0e\x10\0\0\2\x58\0\x09\x3a\x80\0\0\0\x3c"));
}

TEST_F(ResponderTest, EveryHeaderBitOfTheQuery) {
  for (int bit = 0; bit < 16; ++bit) {
    const std::string answer =
        Ask(Query("ns.hub.test", RecordType::kA, {.bits = size_t{1} << bit}));
    std::string_view expected = "NOERROR aa | ns.hub.test. A 300";
    if (bit == 15) expected = "dropped";
    if (bit >= 11 && bit <= 14) expected = bit == 13 ? "REFUSED |" : "NOTIMP |";
    EXPECT_EQ(Describe(answer), expected) << bit;
    if (bit != 15) {
      EXPECT_EQ((static_cast<uint8_t>(answer[2]) & 1) != 0, bit == 8);  // RD
    }
  }
}

TEST_F(ResponderTest, EveryOpcode) {
  for (size_t opcode = 0; opcode < 16; ++opcode) {
    std::string_view expected = "NOTIMP |";
    if (opcode == 0) expected = "NOERROR aa | ns.hub.test. A 300";
    if (opcode == 4 || opcode == 5) expected = "REFUSED |";
    EXPECT_EQ(Describe(Ask(Query("ns.hub.test", RecordType::kA, {.bits = opcode << 11}))), expected)
        << opcode;
    // A bare header, as operational tests send it (RFC 8906 section 8.1.4).
    const std::string header = Bytes("\x12\x34") + Number16(opcode << 11) + std::string(8, '\0');
    const bool is_known = opcode == 0 || opcode == 4 || opcode == 5;
    EXPECT_EQ(Describe(Ask(header)), is_known ? "FORMERR |" : "NOTIMP |") << opcode;
  }
}

TEST_F(ResponderTest, MalformedQueriesAreFormatErrors) {
  const std::string question = QuestionBytes("ns.hub.test", 1);
  const std::string opt = OptBytes({.payload_bytes = 1232});
  const auto message = [](std::string_view counts, std::string_view rest) {
    return Bytes("\x12\x34\0\0") + std::string(counts) + std::string(rest);
  };
  const struct {
    const char* what;
    std::string query;
    std::string_view answer;
  } kCases[] = {
      {"no question", message(Bytes("\0\0\0\0\0\0\0\0"), ""), "FORMERR |"},
      {"no question, OPT", message(Bytes("\0\0\0\0\0\0\0\1"), opt), "FORMERR | | | opt"},
      {"two questions", message(Bytes("\0\2\0\0\0\0\0\0"), question + question), "FORMERR |"},
      {"promised question", message(Bytes("\0\1\0\0\0\0\0\0"), ""), "FORMERR |"},
      {"promised questions", message(Bytes("\xff\xff\0\0\0\0\0\0"), question), "FORMERR |"},
      {"promised record", message(Bytes("\0\1\0\0\0\0\0\1"), question), "FORMERR |"},
      {"two OPT", message(Bytes("\0\1\0\0\0\0\0\2"), question + opt + opt), "FORMERR | | | opt"},
      {"OPT in the answer", message(Bytes("\0\1\0\1\0\0\0\0"), question + opt), "FORMERR |"},
      {"bytes left", message(Bytes("\0\1\0\0\0\0\0\0"), question + "x"), "FORMERR |"},
      {"pointer in the question", message(Bytes("\0\1\0\0\0\0\0\0"), Bytes("\xc0\x0c\0\1\0\1")),
       "FORMERR |"},
      {"bad option", Query("ns.hub.test", RecordType::kA, {.payload_bytes = 1232, .options = "x"}),
       "FORMERR | | | opt"},
  };
  for (const auto& test : kCases) EXPECT_EQ(Describe(Ask(test.query)), test.answer) << test.what;
}

TEST_F(ResponderTest, EveryTruncationIsDroppedOrAFormatError) {
  const std::string query = Query("ns.hub.test", RecordType::kA, {.payload_bytes = 1232});
  for (size_t size = 0; size < query.size(); ++size) {
    const std::string answer = Describe(Ask(query.substr(0, size)));
    EXPECT_EQ(answer, size < kHeaderBytes ? "dropped" : "FORMERR |") << size;
  }
}

TEST_F(ResponderTest, RecordsInTheQueryAreIgnored) {
  std::string query = Query("ns.hub.test", RecordType::kA);
  query[7] = query[9] = query[11] = 1;
  for (int i = 0; i < 3; ++i) query += Bytes("\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd");
  EXPECT_EQ(Describe(Ask(query)), "NOERROR aa | ns.hub.test. A 300");
}

TEST_F(ResponderTest, ClassesOtherThanInAreRefused) {
  for (size_t record_class : {0, 3, 254, 255, 65535}) {
    EXPECT_EQ(Describe(Ask(Query("ns.hub.test", RecordType::kA, {.record_class = record_class}))),
              "REFUSED |");
  }
}

TEST_F(ResponderTest, NewerEdnsVersionGetsOurs) {
  for (size_t version : {1, 255}) {
    const std::string answer =
        Ask(Query("ns.hub.test", RecordType::kA, {.payload_bytes = 1232, .version = version}));
    EXPECT_EQ(Describe(answer), "BADVERS | | | opt");
    MessageView view;
    ASSERT_EQ(view.Parse(answer), ParseResult::kComplete);
    EXPECT_EQ(view.edns()->version, 0);
    EXPECT_EQ(view.header().response_code, 0);
  }
}

TEST_F(ResponderTest, UnknownEdnsFlagsAndOptionsAreIgnored) {
  const std::string answer =
      Ask(Query("ns.hub.test", RecordType::kA,
                {.payload_bytes = 1232, .flags = 0x7fff, .options = Bytes("\xff\xfe\0\2ab")}));
  EXPECT_EQ(Describe(answer), "NOERROR aa | ns.hub.test. A 300 | | opt");
  // DO and the other flags clear, no options.
  EXPECT_EQ(answer.substr(answer.size() - 11), Bytes("\0\0\x29\x04\xd0\0\0\0\0\0\0"));
}

TEST_F(ResponderTest, SizeOfAnUdpAnswerIsBounded) {
  const struct {
    std::string_view name;
    size_t payload_bytes;
    std::string_view answer;
  } kCases[] = {
      {"text600.hub.test", 0, "NOERROR aa tc |"},
      {"text600.hub.test", 1, "NOERROR aa tc | | | opt"},
      {"text600.hub.test", 511, "NOERROR aa tc | | | opt"},
      {"text600.hub.test", 512, "NOERROR aa tc | | | opt"},
      {"text600.hub.test", 659, "NOERROR aa tc | | | opt"},
      {"text600.hub.test", 660, "NOERROR aa | text600.hub.test. TXT 300 | | opt"},
      {"text600.hub.test", 65535, "NOERROR aa | text600.hub.test. TXT 300 | | opt"},
      {"text2000.hub.test", 65535, "NOERROR aa tc | | | opt"},
      {"totext600.hub.test", 512, "NOERROR aa tc | totext600.hub.test. CNAME 300 | | opt"},
  };
  for (const auto& test : kCases) {
    const std::string query =
        Query(test.name, RecordType::kTxt, {.payload_bytes = test.payload_bytes});
    EXPECT_EQ(Describe(Ask(query)), test.answer) << test.name << " " << test.payload_bytes;
  }
}

TEST_F(ResponderTest, LargerUdpAnswersAreAnOption) {
  const Responder responder(MakeTestZone([] { return std::string(); }),
                            {.udp_payload_bytes_max = 4096});
  std::vector<char> buffer(4096);
  const std::string query = Query("text2000.hub.test", RecordType::kTxt, {.payload_bytes = 4000});
  const size_t size = responder.Answer(query, Transport::kUdp, buffer);
  EXPECT_EQ(Describe({buffer.data(), size}), "NOERROR aa | text2000.hub.test. TXT 300 | | opt");
  MessageView view;
  ASSERT_EQ(view.Parse({buffer.data(), size}), ParseResult::kComplete);
  EXPECT_EQ(view.edns()->payload_bytes, 4096);
}

TEST_F(ResponderTest, TcpAnswersTakeWhatIsThere) {
  for (std::string_view name :
       {"text2000.hub.test", "text48000.hub.test", "totext48000.hub.test"}) {
    const std::string answer = Ask(Query(name, RecordType::kTxt), Transport::kTcp);
    EXPECT_EQ(Describe(answer).substr(0, 13), "NOERROR aa | ") << name;
    EXPECT_GT(answer.size(), 2000u);
  }
  const std::string query = Query("text2000.hub.test", RecordType::kTxt);
  EXPECT_EQ(Describe(Ask(query, Transport::kTcp, 1000)), "SERVFAIL |");
  EXPECT_EQ(Describe(Ask(query, Transport::kUdp, 512)), "NOERROR aa tc |");
}

TEST_F(ResponderTest, LongestQuestionIsRepeatedInTheSmallestBuffer) {
  std::string name;
  for (size_t i = 0; i < kLabelsMax; ++i) name += "a.";
  EXPECT_EQ(Describe(Ask(Query(name, RecordType::kA, {.payload_bytes = 512}), Transport::kUdp,
                         kResponseBytesMin)),
            "REFUSED | | | opt");
  name.resize(244);  // with the origin 254 bytes in wire form
  EXPECT_EQ(Describe(Ask(Query(name + "hub.test", RecordType::kA, {.payload_bytes = 512}),
                         Transport::kUdp, kResponseBytesMin)),
            "NXDOMAIN aa | | hub.test. SOA 60 | opt");
}

TEST_F(ResponderTest, DynamicTextIsMadeOncePerAnswer) {
  const std::string query = Query("stats.hub.test", RecordType::kTxt);
  std::string answer = Ask(query);
  EXPECT_EQ(Describe(answer), "NOERROR aa | stats.hub.test. TXT 0");
  EXPECT_EQ(answer.substr(answer.size() - 10), "\x09queries=7");
  EXPECT_EQ(stats_calls_, 1);
  stats_ = std::string(300, 'y');
  answer = Ask(query);
  EXPECT_EQ(answer.substr(answer.size() - 302),
            std::string("\xff").append(255, 'y').append("-").append(45, 'y'));
  stats_ = "";
  answer = Ask(query);
  EXPECT_EQ(answer.substr(answer.size() - 3), Bytes("\0\1\0"));
  EXPECT_EQ(Describe(Ask(Query("stats.hub.test", RecordType::kA))),
            "NOERROR aa | | hub.test. SOA 60");
  EXPECT_EQ(stats_calls_, 0);
}

TEST_F(ResponderTest, DynamicTextThatIsTooLong) {
  const std::string query = Query("stats.hub.test", RecordType::kTxt);
  stats_ = std::string(48000, 'y');
  EXPECT_EQ(Describe(Ask(query)), "NOERROR aa tc |");
  EXPECT_EQ(Describe(Ask(query, Transport::kTcp)), "NOERROR aa | stats.hub.test. TXT 0");
  for (size_t bytes : {size_t{49153}, size_t{65000}, size_t{70000}}) {
    stats_ = std::string(bytes, 'y');
    EXPECT_EQ(Describe(Ask(query)), "SERVFAIL |");
    EXPECT_EQ(Describe(Ask(query, Transport::kTcp)), "SERVFAIL |");
  }
}

TEST_F(ResponderTest, LongestAnswerStaysBelowTheLimitOfTcp) {
  // The largest RRset behind the longest chain of the longest names.
  Zone zone = Zone::Create("hub.test.").value();
  const auto link = [](size_t i) {
    std::string name = absl::StrCat("x", i);
    while (name.size() + 64 < 244) name.append(".").append(63, static_cast<char>('a' + i));
    return Name::FromText(absl::StrCat(name, ".hub.test.")).value();
  };
  for (size_t i = 0; i + 1 < kCnameChainMax; ++i) {
    ASSERT_TRUE(zone.Add(link(i), 1, RecordData::Cname(link(i + 1))).ok());
  }
  const Name last = link(kCnameChainMax - 1);
  for (size_t i = 0; i < 3; ++i) {
    const std::string data(kRrsetBytesMax / 3 - 12, static_cast<char>('a' + i));
    ASSERT_TRUE(zone.Add(last, 1, RecordData::FromWire(RecordType{65400}, data).value()).ok());
  }
  const Responder responder(ZoneStore::Of(std::move(zone)));
  std::vector<char> buffer(kMessageBytesMax);
  const std::string query = Query(link(0).ToText(), RecordType{65400}, {.payload_bytes = 1232});
  const size_t size = responder.Answer(query, Transport::kTcp, buffer);
  MessageView view;
  ASSERT_EQ(view.Parse({buffer.data(), size}), ParseResult::kComplete);
  EXPECT_EQ(view.Count(Section::kAnswer), kCnameChainMax - 1 + 3);
}

TEST_F(ResponderTest, AnswersAllocateNothing) {
  std::vector<char> buffer(kMessageBytesMax);
  for (std::string_view name : {"www.hub.test", "alias.hub.test", "nothing.hub.test", "c0.hub.test",
                                "x.wild.hub.test", "example.net", "text48000.hub.test"}) {
    const std::string query = Query(name, RecordType::kA, {.payload_bytes = 1232});
    const size_t before = allocations;
    EXPECT_NE(responder_.Answer(query, Transport::kTcp, buffer), 0u);
    EXPECT_NE(responder_.Answer(std::string_view(query).substr(0, 20), Transport::kUdp, buffer),
              0u);
    EXPECT_EQ(allocations, before) << name;
  }
}

TEST_F(ResponderTest, RandomMutationsAreAnsweredByTheRules) {
  const std::string originals[] = {
      Query("www.hub.test", RecordType::kA),
      Query("alias.hub.test", RecordType::kAaaa, {.payload_bytes = 1232}),
      Query("totext600.hub.test", RecordType::kTxt,
            {.payload_bytes = 600, .options = Bytes("\0\x0a\0\2ab")}),
  };
  Random random(20240608);
  for (int round = 0; round < 60000; ++round) {
    std::string mutated = originals[random.Below(3)];
    for (uint64_t i = 1 + random.Below(3); i > 0; --i) {
      mutated[random.Below(mutated.size())] = static_cast<char>(random.Below(256));
    }
    if (random.Chance(0.1)) mutated.resize(random.Below(mutated.size() + 1));
    // A copy of exactly that size, so that the address sanitizer sees every byte read beyond.
    const std::vector<char> query(mutated.begin(), mutated.end());
    const Transport transport = random.Chance(0.5) ? Transport::kTcp : Transport::kUdp;
    const char* const broken_rule =
        CheckAnswer(responder_, {query.data(), query.size()}, transport, 512 + random.Below(1000));
    ASSERT_EQ(broken_rule, nullptr) << broken_rule << " in round " << round;
  }
}

TEST(ResponderDeathTest, BreakingARuleEndsTheProcess) {
  const std::shared_ptr<const ZoneStore> zone = MakeTestZone([] { return std::string(); });
  EXPECT_DEATH(Responder(nullptr), "needs zones");
  EXPECT_DEATH(Responder(zone, {.udp_payload_bytes_max = 511}), "at least 512");
  std::vector<char> buffer(511);
  EXPECT_DEATH((void)Responder(zone).Answer("", Transport::kUdp, buffer), "512 bytes");
}

}  // namespace
}  // namespace rotor::dns
