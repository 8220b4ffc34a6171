// MessageView and MessageBuilder against bytes written by hand, and against each other.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/random.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_round_trip.h"
#include "protocols/dns/codec/message_view.h"

namespace rotor::dns {
namespace {

// Bytes with zeros in them from a literal.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

Name MakeName(std::string_view text) { return Name::FromText(text).value(); }

std::string Number16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// A header with ID 0x1234, RD, and these counts.
std::string HeaderBytes(size_t questions, size_t answers = 0, size_t authorities = 0,
                        size_t additionals = 0) {
  return Bytes("\x12\x34\x01\x00") + Number16(questions) + Number16(answers) +
         Number16(authorities) + Number16(additionals);
}

// "www.hub.test. A IN", at offset 12: 18 bytes.
std::string QuestionBytes() { return Bytes("\3www\3hub\4test\0\0\1\0\1"); }

// Type, class IN, TTL 60, data; goes behind an owner.
std::string RecordTail(size_t type, std::string_view data) {
  return Number16(type) + Bytes("\0\1\0\0\0\x3c") + Number16(data.size()) + std::string(data);
}

std::string OptBytes(std::string_view options = "") {
  return Bytes("\0\0\x29\x04\xd0\0\0\x80\0") + Number16(options.size()) + std::string(options);
}

// A response with something of everything, 4 sections and compression in owners and data.
std::string RichMessage() {
  std::string m = Bytes("\x12\x34\x85\x80") + Bytes("\0\1\0\4\0\1\0\6") + QuestionBytes();
  m += Bytes("\xc0\x0c") + RecordTail(5, Bytes("\4web1\xc0\x10"));   // at 30: CNAME web1.hub.test
  m += Bytes("\xc0\x2a") + RecordTail(1, Bytes("\xc0\0\2\1"));       // owner: web1.hub.test
  m += Bytes("\xc0\x2a") + RecordTail(16, Bytes("\5hello\0"));       // two strings
  m += Bytes("\xc0\x2a") + RecordTail(65400, Bytes("\xc0\x0cxyz"));  // opaque
  m += Bytes("\xc0\x10") + RecordTail(6, Bytes("\2ns\xc0\x10\4host\xc0\x10") + std::string(20, 7));
  m += Bytes("\xc0\x10") + RecordTail(15, Bytes("\0\x0a\4mail\xc0\x10"));  // MX
  m += Bytes("\1s\xc0\x10") + RecordTail(33, std::string(6, 1) + Bytes("\1t\xc0\x10"));
  m += Bytes("\0") + RecordTail(28, std::string(16, 9));
  m += Bytes("\xc0\x10") + RecordTail(12, Bytes("\xc0\x0c"));           // PTR
  m += Bytes("\xc0\x10") + RecordTail(257, Bytes("\0\5issueca.test"));  // CAA
  m += OptBytes(Bytes("\0\x0a\0\2ab\0\3\0\0"));
  return m;
}

TEST(MessageViewTest, EveryHeaderBitIsReadAndWritten) {
  for (int bit = 0; bit < 16; ++bit) {
    const unsigned bits = 1u << bit;
    std::string packet = Bytes("\xab\xcd") + Number16(bits) + std::string(8, '\0');
    MessageView view;
    ASSERT_EQ(view.Parse(packet), ParseResult::kComplete);
    const Header& header = view.header();
    EXPECT_EQ(header.id, 0xabcd);
    EXPECT_EQ(header.response, bit == 15);
    EXPECT_EQ(static_cast<unsigned>(header.opcode), bit >= 11 && bit <= 14 ? bits >> 11 : 0);
    EXPECT_EQ(header.authoritative, bit == 10);
    EXPECT_EQ(header.truncated, bit == 9);
    EXPECT_EQ(header.recursion_desired, bit == 8);
    EXPECT_EQ(header.recursion_available, bit == 7);
    EXPECT_EQ(header.reserved, bit == 6);
    EXPECT_EQ(header.authentic_data, bit == 5);
    EXPECT_EQ(header.checking_disabled, bit == 4);
    EXPECT_EQ(header.response_code, bit <= 3 ? bits : 0);

    std::array<char, kHeaderBytes> written;
    EXPECT_EQ(MessageBuilder(written).Finish(header), kHeaderBytes);
    EXPECT_EQ(std::string_view(written.data(), written.size()), packet);
  }
}

TEST(MessageViewTest, RichMessageIsRead) {
  const std::string packet = RichMessage();
  const DecodedMessage message = DecodeAll(packet);
  ASSERT_TRUE(message.valid);
  EXPECT_EQ(message.view.question()->name.ToText(), "www.hub.test.");
  EXPECT_EQ(message.view.question()->type, RecordType::kA);
  ASSERT_TRUE(message.view.edns().has_value());
  EXPECT_EQ(message.view.edns()->payload_bytes, 1232);
  EXPECT_EQ(message.view.edns()->version, 0);
  EXPECT_TRUE(message.view.edns()->dnssec_ok);
  EdnsOptions options(message.view.edns()->options);
  EdnsOption option;
  ASSERT_TRUE(options.Next(&option));
  EXPECT_EQ(option.code, 10);
  EXPECT_EQ(option.data, "ab");
  ASSERT_TRUE(options.Next(&option));
  EXPECT_EQ(option.code, 3);
  EXPECT_EQ(option.data, "");
  EXPECT_FALSE(options.Next(&option));
  EXPECT_FALSE(options.malformed());
  std::string written;
  AppendEdnsOption({10, "ab"}, &written);
  AppendEdnsOption({3, ""}, &written);
  EXPECT_EQ(message.view.edns()->options, written);
  const struct {
    Section section;
    std::string_view owner;
    RecordType type;
    std::string data;
  } kExpected[] = {
      {Section::kAnswer, "www.hub.test.", RecordType::kCname, Bytes("\4web1\3hub\4test\0")},
      {Section::kAnswer, "web1.hub.test.", RecordType::kA, Bytes("\xc0\0\2\1")},
      {Section::kAnswer, "web1.hub.test.", RecordType::kTxt, Bytes("\5hello\0")},
      {Section::kAnswer, "web1.hub.test.", RecordType{65400}, Bytes("\xc0\x0cxyz")},
      {Section::kAuthority, "hub.test.", RecordType::kSoa,
       Bytes("\2ns\3hub\4test\0\4host\3hub\4test\0") + std::string(20, 7)},
      {Section::kAdditional, "hub.test.", RecordType::kMx, Bytes("\0\x0a\4mail\3hub\4test\0")},
      {Section::kAdditional, "s.hub.test.", RecordType::kSrv,
       std::string(6, 1) + Bytes("\1t\3hub\4test\0")},
      {Section::kAdditional, ".", RecordType::kAaaa, std::string(16, 9)},
      {Section::kAdditional, "hub.test.", RecordType::kPtr, Bytes("\3www\3hub\4test\0")},
      {Section::kAdditional, "hub.test.", RecordType::kCaa, Bytes("\0\5issueca.test")},
  };
  ASSERT_EQ(message.records.size(), std::size(kExpected));
  for (size_t i = 0; i < std::size(kExpected); ++i) {
    EXPECT_EQ(message.records[i].section, kExpected[i].section) << i;
    EXPECT_EQ(message.records[i].owner.ToText(), kExpected[i].owner) << i;
    EXPECT_EQ(message.records[i].data.type(), kExpected[i].type) << i;
    EXPECT_EQ(message.records[i].data.wire(), kExpected[i].data) << i;
    EXPECT_EQ(message.records[i].ttl, 60u) << i;
  }
}

TEST(MessageViewTest, EveryTruncationIsRefused) {
  const std::string packet = RichMessage();
  for (size_t size = 0; size < packet.size(); ++size) {
    // A copy of exactly that size, so that the address sanitizer sees every byte read beyond.
    const std::vector<char> cut(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(size));
    MessageView view;
    EXPECT_EQ(view.Parse({cut.data(), cut.size()}),
              size < kHeaderBytes ? ParseResult::kNoHeader : ParseResult::kMalformed)
        << size;
  }
  MessageView view;
  EXPECT_EQ(view.Parse(packet), ParseResult::kComplete);
  EXPECT_EQ(view.Parse(packet + "x"), ParseResult::kMalformed);
}

TEST(MessageViewTest, HeaderSaysWhatIsMissing) {
  MessageView view;
  EXPECT_EQ(view.Parse(HeaderBytes(0)), ParseResult::kComplete);
  EXPECT_EQ(view.question(), nullptr);
  for (size_t section = 0; section < 4; ++section) {
    std::array<size_t, 4> counts = {};
    counts[section] = 65535;
    const std::string packet = HeaderBytes(counts[0], counts[1], counts[2], counts[3]);
    EXPECT_EQ(view.Parse(packet), ParseResult::kMalformed);
    EXPECT_EQ(view.Count(static_cast<Section>(section)), 65535);
    EXPECT_EQ(view.header().id, 0x1234);
  }
}

TEST(MessageViewTest, FirstOfSeveralQuestionsIsKept) {
  const std::string packet = HeaderBytes(2) + QuestionBytes() + Bytes("\0\0\2\0\3");
  MessageView view;
  EXPECT_EQ(view.Parse(packet), ParseResult::kComplete);
  EXPECT_EQ(view.Count(Section::kQuestion), 2);
  EXPECT_EQ(view.question()->name.ToText(), "www.hub.test.");
}

TEST(MessageViewTest, MalformedNamesAreRefused) {
  const std::string tail = Bytes("\0\1\0\1");
  std::string longest;  // 254 bytes, without the root
  for (int i = 0; i < 127; ++i) longest += Bytes("\1a");
  const struct {
    const char* what;
    std::string name;
    ParseResult result;
  } kCases[] = {
      {"longest", longest + Bytes("\0"), ParseResult::kComplete},
      {"too long by one label", longest + Bytes("\1a\0"), ParseResult::kMalformed},
      {"label type 01", Bytes("\x41") + std::string(65, 'a') + Bytes("\0"),
       ParseResult::kMalformed},
      {"label type 10", Bytes("\x81") + std::string(129, 'a') + Bytes("\0"),
       ParseResult::kMalformed},
      {"pointer to itself", Bytes("\xc0\x0c"), ParseResult::kMalformed},
      {"pointer to its own first label", Bytes("\1a\xc0\x0c"), ParseResult::kMalformed},
      {"pointer forward", Bytes("\xc0\x0e\0"), ParseResult::kMalformed},
      {"pointer into the header", Bytes("\xc0\x00"), ParseResult::kMalformed},
      {"pointer to the last byte of the header", Bytes("\1a\xc0\x0b"), ParseResult::kMalformed},
      {"pointer out of range", Bytes("\xff\xff"), ParseResult::kMalformed},
  };
  for (const auto& test : kCases) {
    MessageView view;
    EXPECT_EQ(view.Parse(HeaderBytes(1) + test.name + tail), test.result) << test.what;
    // The same in an owner, where names are only stepped over, and in a second question.
    EXPECT_EQ(view.Parse(HeaderBytes(0, 1) + test.name + RecordTail(1, "abcd")), test.result)
        << test.what;
  }
  MessageView view;
  EXPECT_EQ(view.Parse(HeaderBytes(1) + Bytes("\xc0")), ParseResult::kMalformed);
}

TEST(MessageViewTest, OnlyTwoHighBitsMakeAPointer) {
  for (const std::string& name : {Bytes("\x40\x0c"), Bytes("\x80\x0c"), Bytes("\xc0\x0c")}) {
    const bool is_pointer = name[0] == '\xc0';
    MessageView view;
    EXPECT_EQ(view.Parse(HeaderBytes(1, 1) + QuestionBytes() + name + RecordTail(1, "abcd")),
              is_pointer ? ParseResult::kComplete : ParseResult::kMalformed);
    const std::string packet =
        HeaderBytes(1, 1) + QuestionBytes() + Bytes("\xc0\x0c") + RecordTail(5, name);
    ASSERT_EQ(view.Parse(packet), ParseResult::kComplete);
    MessageView::Cursor cursor(view);
    RecordView record;
    ASSERT_TRUE(cursor.Next(&record));
    EXPECT_EQ(RecordData::Decode(record.encoded()).ok(), is_pointer);
  }
}

TEST(MessageViewTest, PointerBehindWhichNoNameLiesFailsWhenRead) {
  // Both lead backwards, as they must, to bytes that are no name: a length that leads past the end,
  // and a pointer that leads forward from where it stands.
  for (const std::string& trap : {Bytes("\x3f"), Bytes("\xc0\x7f")}) {
    const std::string packet = HeaderBytes(0, 2) + Bytes("\0") + RecordTail(65400, trap) +
                               Bytes("\xc0\x17") + RecordTail(1, "abcd");
    MessageView view;
    ASSERT_EQ(view.Parse(packet), ParseResult::kComplete);
    MessageView::Cursor cursor(view);
    RecordView record;
    EXPECT_TRUE(cursor.Next(&record));
    EXPECT_FALSE(cursor.malformed());
    EXPECT_FALSE(cursor.Next(&record));
    EXPECT_TRUE(cursor.malformed());
    EXPECT_FALSE(cursor.Next(&record));
  }
}

TEST(MessageViewTest, ChainsOfPointersAreFollowedUpToTheMostLabels) {
  // Opaque data: a root label and then pointers, each to the one before.
  const auto packet_with = [](size_t pointers) {
    const size_t root_at = kHeaderBytes + 1 + 10;
    std::string chain = Bytes("\0");
    for (size_t i = 0; i + 1 < pointers; ++i) {
      chain += Number16(0xc000 | (i == 0 ? root_at : root_at + 1 + 2 * (i - 1)));
    }
    const size_t last = root_at + chain.size() - (pointers > 1 ? 2 : 1);
    return HeaderBytes(0, 2) + Bytes("\0") + RecordTail(65400, chain) + Number16(0xc000 | last) +
           RecordTail(1, "abcd");
  };
  for (size_t pointers : {size_t{1}, size_t{2}, kLabelsMax, kLabelsMax + 1, size_t{8000}}) {
    const std::string packet = packet_with(pointers);
    MessageView view;
    ASSERT_EQ(view.Parse(packet), ParseResult::kComplete);
    MessageView::Cursor cursor(view);
    RecordView record;
    EXPECT_TRUE(cursor.Next(&record));
    EXPECT_EQ(cursor.Next(&record), pointers <= kLabelsMax) << pointers;
    EXPECT_EQ(cursor.malformed(), pointers > kLabelsMax) << pointers;
  }
}

TEST(MessageViewTest, OptIsReadOnceAndInItsPlaceOnly) {
  const std::string opt = OptBytes();
  std::string named_opt = opt;
  named_opt.replace(0, 1, Bytes("\1a\0"));
  const struct {
    const char* what;
    std::string packet;
    ParseResult result;
    bool has_edns;
  } kCases[] = {
      {"one", HeaderBytes(0, 0, 0, 1) + opt, ParseResult::kComplete, true},
      {"before another record", HeaderBytes(0, 0, 0, 2) + opt + Bytes("\0") + RecordTail(1, "abcd"),
       ParseResult::kComplete, true},
      {"two", HeaderBytes(0, 0, 0, 2) + opt + opt, ParseResult::kMalformed, true},
      {"answer", HeaderBytes(0, 1) + opt, ParseResult::kMalformed, false},
      {"authority", HeaderBytes(0, 0, 1) + opt, ParseResult::kMalformed, false},
      {"not the root's", HeaderBytes(0, 0, 0, 1) + named_opt, ParseResult::kMalformed, false},
      {"options", HeaderBytes(0, 0, 0, 1) + OptBytes(Bytes("\xff\xff\0\1x")),
       ParseResult::kComplete, true},
      {"option without length", HeaderBytes(0, 0, 0, 1) + OptBytes(Bytes("\0\1\0")),
       ParseResult::kMalformed, true},
      {"option too long", HeaderBytes(0, 0, 0, 1) + OptBytes(Bytes("\0\1\0\2x")),
       ParseResult::kMalformed, true},
  };
  for (const auto& test : kCases) {
    MessageView view;
    EXPECT_EQ(view.Parse(test.packet), test.result) << test.what;
    EXPECT_EQ(view.edns().has_value(), test.has_edns) << test.what;
  }
}

TEST(MessageViewTest, ViewIsUsedAgain) {
  MessageView view;
  const std::string rich = RichMessage();
  const std::string empty = HeaderBytes(0);
  ASSERT_EQ(view.Parse(rich), ParseResult::kComplete);
  ASSERT_EQ(view.Parse(empty), ParseResult::kComplete);
  EXPECT_EQ(view.question(), nullptr);
  EXPECT_FALSE(view.edns().has_value());
  RecordView record;
  EXPECT_FALSE(MessageView::Cursor(view).Next(&record));
}

TEST(MessageViewTest, DataThatDoesNotFitItsTypeIsRefused) {
  const struct {
    size_t type;
    std::string data;
  } kCases[] = {
      {1, "abc"},
      {5, ""},
      {5, Bytes("\1a")},            // the name runs into the next record
      {5, Bytes("\1a\0x")},         // and here something is left
      {5, Bytes("\xc0\x17")},       // a pointer to itself
      {6, Bytes("\1a\0\1b\0abc")},  // five numbers are 20 bytes
      {15, Bytes("\0")},
      {16, Bytes("\2a")},
  };
  for (const auto& test : kCases) {
    const std::string packet = HeaderBytes(0, 2) + Bytes("\0") + RecordTail(test.type, test.data) +
                               Bytes("\0") + RecordTail(1, "abcd");
    MessageView view;
    ASSERT_EQ(view.Parse(packet), ParseResult::kComplete);
    MessageView::Cursor cursor(view);
    RecordView record;
    ASSERT_TRUE(cursor.Next(&record));
    EXPECT_FALSE(RecordData::Decode(record.encoded()).ok()) << test.type << " " << test.data.size();
  }
}

TEST(MessageBuilderTest, NamesAreCompressed) {
  std::array<char, 512> buffer;
  MessageBuilder builder(buffer);
  ASSERT_TRUE(builder.AddQuestion({MakeName("WWW.hub.test"), RecordType::kA, RecordClass::kIn}));
  ASSERT_TRUE(builder.AddRecord(Section::kAnswer, MakeName("www.HUB.test"), RecordClass::kIn, 60,
                                RecordData::Cname(MakeName("web1.hub.test"))));
  ASSERT_TRUE(builder.AddRecord(Section::kAnswer, MakeName("web1.hub.test"), RecordClass::kIn, 60,
                                RecordData::A({192, 0, 2, 1})));
  const size_t size = builder.Finish({.id = 0x1234, .recursion_desired = true});
  EXPECT_EQ(std::string_view(buffer.data(), size),
            HeaderBytes(1, 2) + Bytes("\3WWW\3hub\4test\0\0\1\0\1") + Bytes("\xc0\x0c") +
                RecordTail(5, Bytes("\4web1\xc0\x10")) + Bytes("\xc0\x2a") +
                RecordTail(1, Bytes("\xc0\0\2\1")));
}

TEST(MessageBuilderTest, NamesInForeignTypesAreNotCompressed) {
  std::array<char, 512> buffer;
  MessageBuilder builder(buffer);
  const RecordData srv =
      RecordData::FromWire(RecordType::kSrv, std::string(6, 0) + Bytes("\3hub\4test\0")).value();
  ASSERT_TRUE(builder.AddRecord(Section::kAnswer, MakeName("hub.test"), RecordClass::kIn, 60, srv));
  const size_t size = builder.Finish({.id = 0x1234, .recursion_desired = true});
  EXPECT_EQ(std::string_view(buffer.data(), size),
            HeaderBytes(0, 1) + Bytes("\3hub\4test\0") + RecordTail(33, srv.wire()));
}

TEST(MessageBuilderTest, EveryBufferSizeHoldsWholeRrsetsOrNone) {
  const std::vector<RecordData> records = {RecordData::A({1, 1, 1, 1}), RecordData::A({2, 2, 2, 2}),
                                           RecordData::A({3, 3, 3, 3})};
  const Name owner = MakeName("www.hub.test");
  constexpr size_t kQuestionBytes = kHeaderBytes + 18;
  constexpr size_t kWholeBytes = kQuestionBytes + 3 * 16;
  for (size_t size = kHeaderBytes; size < kWholeBytes + 20; ++size) {
    std::vector<char> buffer(size);  // exactly: the address sanitizer watches its end
    MessageBuilder builder(buffer);
    const bool asked = builder.AddQuestion({owner, RecordType::kA, RecordClass::kIn});
    EXPECT_EQ(asked, size >= kQuestionBytes) << size;
    if (!asked) {
      EXPECT_EQ(builder.Finish({}), kHeaderBytes);
      continue;
    }
    EXPECT_EQ(builder.AddRrset(Section::kAnswer, owner, 60, records), size >= kWholeBytes) << size;
    const size_t written = builder.Finish({});
    EXPECT_EQ(written, size >= kWholeBytes ? kWholeBytes : kQuestionBytes);
    const DecodedMessage decoded = DecodeAll({buffer.data(), written});
    ASSERT_TRUE(decoded.valid) << size;
    EXPECT_EQ(decoded.records.size(), size >= kWholeBytes ? 3u : 0u);
  }
}

TEST(MessageBuilderTest, RrsetTakenBackLeavesNoTrace) {
  const Name owner = MakeName("a.hub.test");
  std::string many_labels;
  for (int i = 0; i < 100; ++i) many_labels += "b.";
  const std::vector<RecordData> too_large = {
      RecordData::Cname(MakeName(many_labels)),
      RecordData::FromWire(RecordType{65400}, std::string(512, 'x')).value()};
  std::string messages[2];
  for (const bool try_first : {false, true}) {
    std::vector<char> buffer(512);
    MessageBuilder builder(buffer);
    if (try_first) {
      EXPECT_FALSE(builder.AddRrset(Section::kAnswer, MakeName("x.example"), 1, too_large));
    }
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(builder.AddRecord(Section::kAnswer, owner, RecordClass::kIn, 1,
                                    RecordData::A({1, 2, 3, 4})));
    }
    messages[try_first ? 1 : 0].assign(buffer.data(), builder.Finish({}));
  }
  EXPECT_EQ(messages[0], messages[1]);
}

TEST(MessageBuilderTest, ReservedOptAlwaysFits) {
  for (size_t size = kHeaderBytes; size < kHeaderBytes + 60; ++size) {
    std::vector<char> buffer(size);
    MessageBuilder builder(buffer);
    const bool reserved = builder.ReserveEdns();
    EXPECT_EQ(reserved, size >= kHeaderBytes + kEdnsBytes);
    while (builder.AddRecord(Section::kAnswer, Name(), RecordClass::kIn, 1,
                             RecordData::A({1, 2, 3, 4}))) {
    }
    if (!reserved) continue;
    EXPECT_TRUE(builder.AddEdns({.payload_bytes = 1232, .dnssec_ok = true}));
    MessageView view;
    const size_t written = builder.Finish({});
    EXPECT_EQ(view.Parse({buffer.data(), written}), ParseResult::kComplete);
    EXPECT_TRUE(view.edns()->dnssec_ok);
    EXPECT_EQ(view.Count(Section::kAnswer), (size - kHeaderBytes - kEdnsBytes) / 15);
  }
}

TEST(MessageBuilderTest, OptWithOptionsThatDoNotFitIsRefused) {
  std::vector<char> buffer(kHeaderBytes + kEdnsBytes + 4);
  MessageBuilder builder(buffer);
  EXPECT_FALSE(builder.AddEdns({.options = "12345"}));
  EXPECT_TRUE(builder.AddEdns({.options = std::string_view("\0\1\0\0", 4)}));
  EXPECT_EQ(builder.Finish({}), buffer.size());
}

TEST(MessageBuilderTest, MoreNamesThanAreRememberedAndFartherThanPointersReach) {
  std::vector<char> buffer(kMessageBytesMax);
  MessageBuilder builder(buffer);
  std::vector<Name> owners;
  for (int i = 0; i < 200; ++i) owners.push_back(MakeName(absl::StrCat("host", i, ".hub.test")));
  const RecordData text = RecordData::Text(std::string(200, 'x')).value();
  for (const Name& owner : owners) {
    ASSERT_TRUE(builder.AddRecord(Section::kAnswer, owner, RecordClass::kIn, 1, text));
  }
  const size_t size = builder.Finish({});
  EXPECT_GT(size, 0x4000u);
  const DecodedMessage decoded = DecodeAll({buffer.data(), size});
  ASSERT_TRUE(decoded.valid);
  ASSERT_EQ(decoded.records.size(), owners.size());
  for (size_t i = 0; i < owners.size(); ++i) EXPECT_TRUE(decoded.records[i].owner == owners[i]);
}

TEST(MessageBuilderTest, NameFirstWrittenBeyondThePointersReachIsRepeated) {
  std::vector<char> buffer(kMessageBytesMax);
  MessageBuilder builder(buffer);
  const Name far = MakeName("far.test");
  ASSERT_TRUE(builder.AddRecord(Section::kAnswer, Name(), RecordClass::kIn, 1,
                                RecordData::Text(std::string(0x4000, 'x')).value()));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(
        builder.AddRecord(Section::kAnswer, far, RecordClass::kIn, 1, RecordData::A({1, 2, 3, 4})));
  }
  const DecodedMessage decoded = DecodeAll({buffer.data(), builder.Finish({})});
  ASSERT_TRUE(decoded.valid);
  EXPECT_TRUE(decoded.records[1].owner == far);
  EXPECT_TRUE(decoded.records[2].owner == far);
}

TEST(MessageBuilderDeathTest, BreakingARuleEndsTheProcess) {
  std::array<char, 512> buffer;
  EXPECT_DEATH(MessageBuilder(std::span<char>(buffer).first(11)), "12 bytes");
  EXPECT_DEATH(
      {
        MessageBuilder builder(buffer);
        builder.AddEdns({});
        builder.AddRrset(Section::kAnswer, Name(), 0, {});
      },
      "in order");
}

TEST(MessageRoundTripTest, RichMessageSurvives) {
  const std::string packet = RichMessage();
  ASSERT_TRUE(DecodeAll(packet).valid);
  EXPECT_EQ(CheckRoundTrip(packet), nullptr);
  EXPECT_LE(EncodeAll(DecodeAll(packet), kMessageBytesMax).size(), packet.size() + 9u);
}

TEST(MessageRoundTripTest, RandomMutationsDecodeOrAreRefused) {
  const std::string original = RichMessage();
  Random random(20240607);
  int valid = 0;
  for (int round = 0; round < 30000; ++round) {
    std::string mutated = original;
    for (uint64_t i = 1 + random.Below(4); i > 0; --i) {
      mutated[random.Below(mutated.size())] = static_cast<char>(random.Below(256));
    }
    if (random.Chance(0.2)) mutated.resize(random.Below(mutated.size() + 1));
    // A copy of exactly that size, so that the address sanitizer sees every byte read beyond.
    const std::vector<char> packet(mutated.begin(), mutated.end());
    const std::string_view view(packet.data(), packet.size());
    ASSERT_EQ(CheckRoundTrip(view), nullptr) << "round " << round;
    if (DecodeAll(view).valid) ++valid;
  }
  // Otherwise the mutations would test nothing but refusals.
  EXPECT_GT(valid, 3000);
}

}  // namespace
}  // namespace rotor::dns
