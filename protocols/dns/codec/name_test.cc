#include "protocols/dns/codec/name.h"

#include <string>
#include <string_view>

#include "absl/hash/hash.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "gtest/gtest.h"

namespace rotor::dns {
namespace {

Name Parse(std::string_view text) {
  absl::StatusOr<Name> name = Name::FromText(text);
  EXPECT_TRUE(name.ok()) << name.status();
  return name.ok() ? *name : Name();
}

// 4 labels, 255 bytes in wire form.
std::string LongestText() {
  const std::string label(63, 'a');
  return label + "." + label + "." + label + "." + std::string(61, 'b') + ".";
}

TEST(NameTest, TextBecomesLabelsWithLengths) {
  EXPECT_EQ(Parse("hub.test.").wire(), std::string_view("\3hub\4test\0", 10));
  EXPECT_EQ(Parse("hub.test").wire(), Parse("hub.test.").wire());
  EXPECT_EQ(Parse(".").wire(), std::string_view("\0", 1));
  EXPECT_TRUE(Name().IsRoot());
  EXPECT_EQ(Name().ToText(), ".");
  EXPECT_EQ(Parse("a.b.c.").CountLabels(), 3u);
  EXPECT_EQ(Name().CountLabels(), 0u);
}

TEST(NameTest, EscapesAreReadAndPrinted) {
  EXPECT_EQ(Parse("a\\.b.c").wire(), std::string_view("\3a.b\1c\0", 7));
  EXPECT_EQ(Parse("\\000\\255\\046x").wire(), std::string_view("\4\0\xff.x\0", 6));
  EXPECT_EQ(Parse("\\a\\\\").wire(), std::string_view("\2a\\\0", 4));
  EXPECT_EQ(Parse("a\\.b.c").ToText(), "a\\.b.c.");
  EXPECT_EQ(Parse("\\000\\255\\046x").ToText(), "\\000\\255\\.x.");
  EXPECT_EQ(Parse("a b;c\"\\@$()\\127").ToText(), "a\\032b\\;c\\\"\\@\\$\\(\\)\\127.");
  EXPECT_EQ(Parse("*._tcp").ToText(), "*._tcp.");
}

TEST(NameTest, TextOfEveryByteIsReadBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const char character = static_cast<char>(byte);
    Name name;
    ASSERT_TRUE(name.AppendLabel({&character, 1}));
    EXPECT_EQ(Parse(name.ToText()).wire(), name.wire()) << byte;
  }
}

TEST(NameTest, RelativeTextGetsTheOrigin) {
  const Name origin = Parse("hub.test.");
  EXPECT_EQ(Name::FromText("www", origin)->ToText(), "www.hub.test.");
  EXPECT_EQ(Name::FromText("www.", origin)->ToText(), "www.");
  EXPECT_EQ(Name::FromText("@", origin)->ToText(), "hub.test.");
  EXPECT_EQ(Name::FromText("\\@", origin)->ToText(), "\\@.hub.test.");
  EXPECT_EQ(Name::FromText(".", origin)->ToText(), ".");
  EXPECT_EQ(Name::FromText("a\\.", origin)->ToText(), "a\\..hub.test.");
}

TEST(NameTest, MalformedTextIsRefusedWithTheReason) {
  const struct {
    std::string text;
    std::string_view reason;
  } kCases[] = {
      {"", "empty at character 0"},
      {"..", "empty label at character 0"},
      {".a", "empty label at character 0"},
      {"a..b", "empty label at character 2"},
      {"a\\", "broken escape at character 1"},
      {"a\\1", "broken escape at character 1"},
      {"a\\12", "broken escape"},
      {"a\\1x2", "broken escape"},
      {"a\\256", "broken escape"},
      {std::string(64, 'a'), "label longer than 63 bytes at character 63"},
      {LongestText() + "c", "longer than 255 bytes"},
      {LongestText() + "c.", "longer than 255 bytes"},
      {std::string(100000, 'x'), "label longer than 63 bytes"},
  };
  for (const auto& test : kCases) {
    const absl::StatusOr<Name> name = Name::FromText(test.text);
    ASSERT_FALSE(name.ok()) << test.text;
    EXPECT_NE(AsStd(name.status().message()).find(test.reason), std::string_view::npos)
        << name.status();
    EXPECT_LT(name.status().message().size(), 200u);
  }
}

TEST(NameTest, LongestLabelAndLongestNameFit) {
  EXPECT_EQ(Parse(std::string(63, 'a')).wire().size(), 65u);
  const Name longest = Parse(LongestText());
  EXPECT_EQ(longest.wire().size(), kNameBytesMax);
  EXPECT_EQ(longest.ToText(), LongestText());
  std::string most_labels;
  for (size_t i = 0; i < kLabelsMax; ++i) most_labels += "a.";
  EXPECT_EQ(Parse(most_labels).wire().size(), kNameBytesMax);
  EXPECT_EQ(Parse(most_labels).CountLabels(), kLabelsMax);
  EXPECT_FALSE(Name::FromText(most_labels + "a").ok());
}

TEST(NameTest, RelativeNameMayBecomeTooLong) {
  const Name origin = Parse(std::string(63, 'o'));  // 65 bytes
  const std::string label(63, 'a');
  const std::string relative = label + "." + label + ".";  // 128 bytes
  EXPECT_EQ(Name::FromText(relative + std::string(61, 'b'), origin)->wire().size(), kNameBytesMax);
  EXPECT_FALSE(Name::FromText(relative + std::string(62, 'b'), origin).ok());
}

TEST(NameTest, AppendLabelThatDoesNotFitChangesNothing) {
  Name name = Parse(LongestText());
  EXPECT_FALSE(name.AppendLabel("x"));
  EXPECT_EQ(name.ToText(), LongestText());
  Name other;
  EXPECT_FALSE(other.AppendLabel(""));
  EXPECT_FALSE(other.AppendLabel(std::string(64, 'x')));
  EXPECT_TRUE(other.IsRoot());
}

TEST(NameTest, CaseIsKeptAndIgnored) {
  const Name mixed = Parse("HuB.Test.");
  const Name lower = Parse("hub.test.");
  EXPECT_EQ(mixed.ToText(), "HuB.Test.");
  EXPECT_TRUE(mixed == lower);
  EXPECT_EQ(absl::HashOf(mixed), absl::HashOf(lower));
  EXPECT_FALSE(lower == Parse("hub.tesu."));
  EXPECT_FALSE(lower == Parse("hub.test.x."));
  // The neighbours of the letters, and letters outside ASCII, have no case (RFC 4343 section 3).
  EXPECT_FALSE(Parse("@") == Parse("`"));
  EXPECT_FALSE(Parse("[") == Parse("{"));
  EXPECT_FALSE(Parse("\\196") == Parse("\\228"));
}

TEST(NameTest, LabelBordersMatterInComparison) {
  EXPECT_FALSE(Parse("ab.c") == Parse("a.bc"));
  EXPECT_FALSE(Parse("a\\.b") == Parse("a.b"));
}

TEST(NameTest, IsAtOrBelowEndsAtLabelBorders) {
  const Name origin = Parse("hub.test.");
  EXPECT_TRUE(Parse("hub.test").IsAtOrBelow(origin));
  EXPECT_TRUE(Parse("a.b.HUB.test").IsAtOrBelow(origin));
  EXPECT_TRUE(origin.IsAtOrBelow(Name()));
  EXPECT_FALSE(Parse("test").IsAtOrBelow(origin));
  EXPECT_FALSE(Parse("xhub.test").IsAtOrBelow(origin));
  EXPECT_FALSE(Parse("hub.test.org").IsAtOrBelow(origin));
  // The bytes of "\3hub\4test" inside a label are not labels.
  EXPECT_FALSE(Parse("x\\003hub\\004test").IsAtOrBelow(origin));
  EXPECT_FALSE(Parse("x\\003hub.test").IsAtOrBelow(origin));
}

TEST(NameTest, WireFormIsChecked) {
  EXPECT_EQ(Name::FromWire(std::string_view("\1a\0rest", 7))->ToText(), "a.");
  EXPECT_EQ(Name::FromWire(Parse(LongestText()).wire())->ToText(), LongestText());
  std::string too_long(Parse(LongestText()).wire().substr(0, 254));
  too_long.append("\1x\0", 3);
  for (const std::string& wire :
       {std::string(), std::string("\1"), std::string("\1a"), std::string("\x40") + "a", too_long,
        std::string("\xc0\x0c", 2), std::string("\x80\0", 2)}) {
    EXPECT_FALSE(Name::FromWire(wire).ok());
  }
}

TEST(NameTest, RandomNamesSurviveTextAndWire) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    Name name;
    while (random.Below(8) != 0) {
      std::string label(1 + random.Below(random.Chance(0.1) ? 63 : 10), '\0');
      for (char& c : label) c = static_cast<char>(random.Below(256));
      name.AppendLabel(label);
    }
    EXPECT_EQ(Parse(name.ToText()).wire(), name.wire());
    EXPECT_EQ(Name::FromWire(name.wire())->wire(), name.wire());
  }
}

}  // namespace
}  // namespace rotor::dns
