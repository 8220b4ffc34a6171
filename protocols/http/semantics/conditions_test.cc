// Entity tags and conditional requests, in tables.
#include "protocols/http/semantics/conditions.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocols/http/codec/http_date.h"

namespace rotor::http {
namespace {

TEST(EntityTagTest, TheGrammar) {
  for (const char* text : {"\"\"", "\"abc\"", "\"a,b\"", "\"!#~\"", "\"caf\xc3\xa9\""}) {
    const auto tag = ParseEntityTag(text);
    ASSERT_TRUE(tag.has_value()) << text;
    EXPECT_EQ(tag->quoted, text);
    EXPECT_FALSE(tag->weak);
  }
  const auto weak = ParseEntityTag("W/\"abc\"");
  ASSERT_TRUE(weak.has_value());
  EXPECT_TRUE(weak->weak);
  EXPECT_EQ(weak->quoted, "\"abc\"");
  for (const char* text :
       {"", "abc", "\"", "\"abc", "abc\"", "w/\"abc\"", "W/", "W/abc", "W \"abc\"", "\"a b\"",
        "\"a\"b\"", "\"abc\" ", "\"abc\", \"d\"", "\"\x7f\"", "*"}) {
    EXPECT_FALSE(ParseEntityTag(text).has_value()) << text;
  }
}

// The table of RFC 9110 section 8.8.3.2.
TEST(EntityTagTest, Comparison) {
  const EntityTag one = {"\"1\"", false}, weak_one = {"\"1\"", true};
  const EntityTag two = {"\"2\"", false}, weak_two = {"\"2\"", true};
  EXPECT_FALSE(StrongMatch(weak_one, weak_one));
  EXPECT_TRUE(WeakMatch(weak_one, weak_one));
  EXPECT_FALSE(StrongMatch(weak_one, weak_two));
  EXPECT_FALSE(WeakMatch(weak_one, weak_two));
  EXPECT_FALSE(StrongMatch(weak_one, one));
  EXPECT_FALSE(StrongMatch(one, weak_one));
  EXPECT_TRUE(WeakMatch(weak_one, one));
  EXPECT_TRUE(StrongMatch(one, one));
  EXPECT_FALSE(StrongMatch(one, two));
  EXPECT_FALSE(WeakMatch(one, two));
}

TagListMatch Match(std::vector<const char*> lines, std::optional<EntityTag> tag) {
  std::vector<Field> fields;
  for (const char* line : lines) {
    fields.push_back({"Other", "\"1\""});
    fields.push_back({"if-match", line});
  }
  return MatchTagList(fields, "If-Match", tag, StrongMatch);
}

TEST(EntityTagTest, Lists) {
  const EntityTag one = {"\"1\"", false};
  EXPECT_EQ(Match({}, one), TagListMatch::kAbsent);
  EXPECT_EQ(Match({"*"}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"*"}, std::nullopt), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"1\""}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"1\""}, std::nullopt), TagListMatch::kNoMatch);
  EXPECT_EQ(Match({"\"2\", \"1\""}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"1\",\"2\""}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({" ,, \"2\" ,\t, \"1\" , "}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"2\"", "\"1\""}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"1\"", "\"2\""}, one), TagListMatch::kMatches);
  EXPECT_EQ(Match({"\"2\", W/\"1\""}, one), TagListMatch::kNoMatch);
  EXPECT_EQ(Match({"\"2,1\""}, one), TagListMatch::kNoMatch);
  EXPECT_EQ(Match({""}, one), TagListMatch::kNoMatch);
  for (const char* malformed :
       {"1", "\"1\" \"2\"", "\"1\",*", "*,\"1\"", "\"1", "\"1\", 2", "**"}) {
    EXPECT_EQ(Match({malformed}, one), TagListMatch::kMalformed) << malformed;
  }
  EXPECT_EQ(Match({"*", "\"1\""}, one), TagListMatch::kMalformed);
  EXPECT_EQ(Match({"\"1\"", "*"}, one), TagListMatch::kMalformed);
  EXPECT_EQ(Match({"*", "*"}, one), TagListMatch::kMalformed);
}

constexpr const char* kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kAfter = "Sunday, 06-Nov-94 08:49:38 GMT";
constexpr int64_t kModified = 784111777;
constexpr int64_t kNow = kModified + 3600;

RequestHead Head(Method method, const std::vector<Field>& fields) {
  RequestHead head;
  head.method = method;
  head.fields = fields;
  return head;
}

// "pass", "304" or "412" for a representation "1" that was modified at kThen.
std::string Evaluate(Method method, std::vector<Field> fields, bool weak = false) {
  const Validators validators = {EntityTag{"\"1\"", weak}, kModified};
  switch (EvaluatePreconditions(Head(method, fields), validators, kNow)) {
    case Precondition::kPass:
      return "pass";
    case Precondition::kNotModified:
      return "304";
    case Precondition::kFailed:
      return "412";
  }
  return "";
}

TEST(ConditionsTest, EachAlone) {
  const struct {
    Field field;
    const char* read;
    const char* write;
  } kCases[] = {
      {{"Host", "h"}, "pass", "pass"},
      {{"If-Match", "\"1\""}, "pass", "pass"},
      {{"If-Match", "*"}, "pass", "pass"},
      {{"If-Match", "\"2\""}, "412", "412"},
      {{"If-Match", "W/\"1\""}, "412", "412"},
      {{"If-Match", "1"}, "412", "412"},
      {{"If-Unmodified-Since", kBefore}, "412", "412"},
      {{"If-Unmodified-Since", kThen}, "pass", "pass"},
      {{"If-Unmodified-Since", kAfter}, "pass", "pass"},
      {{"If-Unmodified-Since", "yesterday"}, "pass", "pass"},
      {{"If-None-Match", "\"1\""}, "304", "412"},
      {{"If-None-Match", "W/\"1\""}, "304", "412"},
      {{"If-None-Match", "*"}, "304", "412"},
      {{"If-None-Match", "\"2\""}, "pass", "pass"},
      {{"If-None-Match", "1"}, "pass", "pass"},
      {{"If-Modified-Since", kBefore}, "pass", "pass"},
      {{"If-Modified-Since", kThen}, "304", "pass"},
      {{"If-Modified-Since", kAfter}, "304", "pass"},
      {{"If-Modified-Since", "0"}, "pass", "pass"},
  };
  for (const auto& [field, read, write] : kCases) {
    const std::string said = std::string(field.name) + ": " + std::string(field.value);
    EXPECT_EQ(Evaluate(Method::kGet, {field}), read) << said;
    EXPECT_EQ(Evaluate(Method::kHead, {field}), read) << said;
    EXPECT_EQ(Evaluate(Method::kPut, {field}), write) << said;
    EXPECT_EQ(Evaluate(Method::kPost, {field}), write) << said;
  }
}

TEST(ConditionsTest, TheirOrder) {
  const Field match = {"If-Match", "\"1\""}, no_match = {"If-Match", "\"2\""};
  const Field unmodified = {"If-Unmodified-Since", kThen}, late = {"If-Unmodified-Since", kBefore};
  const Field none = {"If-None-Match", "\"1\""}, other = {"If-None-Match", "\"2\""};
  const Field since = {"If-Modified-Since", kThen}, old = {"If-Modified-Since", kBefore};
  // If-Match decides over If-Unmodified-Since, whichever comes first.
  EXPECT_EQ(Evaluate(Method::kGet, {late, match}), "pass");
  EXPECT_EQ(Evaluate(Method::kGet, {unmodified, no_match}), "412");
  // If-None-Match decides over If-Modified-Since.
  EXPECT_EQ(Evaluate(Method::kGet, {since, other}), "pass");
  EXPECT_EQ(Evaluate(Method::kGet, {old, none}), "304");
  EXPECT_EQ(Evaluate(Method::kGet, {since, {"If-None-Match", "junk"}}), "pass");
  // What fails first is said first.
  EXPECT_EQ(Evaluate(Method::kGet, {none, no_match}), "412");
  EXPECT_EQ(Evaluate(Method::kGet, {none, late}), "412");
  EXPECT_EQ(Evaluate(Method::kGet, {since, late}), "412");
  EXPECT_EQ(Evaluate(Method::kGet, {match, none}), "304");
  EXPECT_EQ(Evaluate(Method::kGet, {unmodified, since}), "304");
  // A date said twice is none.
  EXPECT_EQ(Evaluate(Method::kGet, {since, since}), "pass");
  EXPECT_EQ(Evaluate(Method::kGet, {late, late}), "pass");
}

TEST(ConditionsTest, ARepresentationWithoutValidators) {
  const auto EvaluateBare = [](Field field) {
    const std::vector<Field> fields = {field};
    return EvaluatePreconditions(Head(Method::kGet, fields), {}, kNow);
  };
  EXPECT_EQ(EvaluateBare({"If-Match", "\"1\""}), Precondition::kFailed);
  EXPECT_EQ(EvaluateBare({"If-Match", "*"}), Precondition::kPass);
  EXPECT_EQ(EvaluateBare({"If-None-Match", "\"1\""}), Precondition::kPass);
  EXPECT_EQ(EvaluateBare({"If-None-Match", "*"}), Precondition::kNotModified);
  EXPECT_EQ(EvaluateBare({"If-Modified-Since", kAfter}), Precondition::kPass);
  EXPECT_EQ(EvaluateBare({"If-Unmodified-Since", kBefore}), Precondition::kPass);
}

TEST(ConditionsTest, AWeakTagIsGoodForCachesOnly) {
  EXPECT_EQ(Evaluate(Method::kGet, {{"If-None-Match", "\"1\""}}, /*weak=*/true), "304");
  EXPECT_EQ(Evaluate(Method::kGet, {{"If-Match", "W/\"1\""}}, /*weak=*/true), "412");
}

TEST(ConditionsTest, IfRange) {
  const auto Served = [](std::vector<Field> fields, bool weak = false, int64_t now = kNow) {
    return RangeMayBeServed(Head(Method::kGet, fields), {EntityTag{"\"1\"", weak}, kModified}, now);
  };
  EXPECT_TRUE(Served({}));
  EXPECT_TRUE(Served({{"If-Range", "\"1\""}}));
  EXPECT_FALSE(Served({{"If-Range", "\"2\""}}));
  EXPECT_FALSE(Served({{"If-Range", "W/\"1\""}}));
  EXPECT_FALSE(Served({{"If-Range", "\"1\""}}, /*weak=*/true));
  EXPECT_TRUE(Served({{"if-range", kThen}}));
  EXPECT_FALSE(Served({{"If-Range", kBefore}}));
  EXPECT_FALSE(Served({{"If-Range", kAfter}}));
  // Within the second of the change, the date may stand for an earlier version.
  EXPECT_FALSE(Served({{"If-Range", kThen}}, false, kModified));
  EXPECT_FALSE(Served({{"If-Range", ""}}));
  EXPECT_FALSE(Served({{"If-Range", "*"}}));
  EXPECT_FALSE(Served({{"If-Range", "\"1\""}, {"If-Range", "\"1\""}}));
}

}  // namespace
}  // namespace rotor::http
