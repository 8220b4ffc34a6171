#include "protocols/http/codec/http_date.h"

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace rotor::http {
namespace {

std::string Format(int64_t unix_seconds) {
  char text[kHttpDateBytes];
  FormatHttpDate(unix_seconds, text);
  return std::string(text, sizeof(text));
}

TEST(HttpDateTest, HasTheFormOfTheStandard) {
  EXPECT_EQ(Format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDateTest, CrossesDaysMonthsAndLeapYears) {
  EXPECT_EQ(Format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(Format(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(Format(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(Format(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(Format(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
  EXPECT_EQ(Format(2147483648), "Tue, 19 Jan 2038 03:14:08 GMT");
}

TEST(HttpDateTest, TimesOutsideFourDigitYearsBecomeTheNearest) {
  EXPECT_EQ(Format(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(Format(253402300800), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(Format(std::numeric_limits<int64_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(Format(std::numeric_limits<int64_t>::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

constexpr int64_t kNow = 1795000000;  // In November 2026.

TEST(HttpDateTest, AllThreeFormsAreRead) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(ParseHttpDate(text, kNow), 784111777) << text;
  }
  EXPECT_EQ(ParseHttpDate("Wed Nov 16 08:49:37 1994", kNow), 784975777);
  EXPECT_EQ(ParseHttpDate("Sat, 01 Jan 0000 00:00:00 GMT", kNow), -62167219200);
  // The first second after a leap second (RFC 9110 section 5.6.7 allows 60).
  EXPECT_EQ(ParseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", kNow), 1483228800);
  EXPECT_EQ(ParseHttpDate("Tue, 29 Feb 2000 00:00:00 GMT", kNow), 951782400);
}

TEST(HttpDateTest, WhatIsWrittenIsReadAgain) {
  for (int64_t time = -62167219200; time < 253402300800; time += 86400 * 37 + 12345) {
    EXPECT_EQ(ParseHttpDate(Format(time), kNow), time);
  }
}

TEST(HttpDateTest, TwoDigitsOfAYearLieAtMostFiftyYearsAhead) {
  const auto YearOf = [](const char* text, int64_t now) {
    return Format(ParseHttpDate(text, now).value()).substr(12, 4);
  };
  const int64_t now = *ParseHttpDate("Sat, 28 Nov 2026 12:00:00 GMT", 0);
  EXPECT_EQ(YearOf("Sunday, 06-Nov-26 08:49:37 GMT", now), "2026");
  EXPECT_EQ(YearOf("Sunday, 06-Nov-75 08:49:37 GMT", now), "2075");
  EXPECT_EQ(YearOf("Sunday, 28-Nov-76 12:00:00 GMT", now), "2076");
  EXPECT_EQ(YearOf("Sunday, 28-Nov-76 12:00:01 GMT", now), "1976");
  EXPECT_EQ(YearOf("Sunday, 06-Nov-77 08:49:37 GMT", now), "1977");
  EXPECT_EQ(YearOf("Sunday, 06-Nov-00 08:49:37 GMT", now), "2000");
  // Across the turn of a century.
  const int64_t late = *ParseHttpDate("Mon, 28 Nov 2099 12:00:00 GMT", 0);
  EXPECT_EQ(YearOf("Sunday, 06-Nov-01 08:49:37 GMT", late), "2101");
  EXPECT_EQ(YearOf("Sunday, 06-Nov-60 08:49:37 GMT", late), "2060");
}

TEST(HttpDateTest, WhatIsNoDateIsRefused) {
  for (const char* text : {
           "",
           "0",
           "Sun, 06 Nov 1994 08:49:37",
           "Sun, 06 Nov 1994 08:49:37 UTC",
           "Sun, 06 Nov 1994 08:49:37 GMT ",
           " Sun, 06 Nov 1994 08:49:37 GMT",
           "Sun, 6 Nov 1994 08:49:37 GMT",
           "Sun, 06 nov 1994 08:49:37 GMT",
           "sun, 06 Nov 1994 08:49:37 GMT",
           "Sux, 06 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 94 08:49:37 GMT",
           "Sun, 32 Nov 1994 08:49:37 GMT",
           "Sun, 31 Nov 1994 08:49:37 GMT",
           "Sun, 00 Nov 1994 08:49:37 GMT",
           "Mon, 29 Feb 1900 00:00:00 GMT",
           "Sun, 06 Nov 1994 24:00:00 GMT",
           "Sun, 06 Nov 1994 08:60:37 GMT",
           "Sun, 06 Nov 1994 08:49:61 GMT",
           "Sun, +6 Nov 1994 08:49:37 GMT",
           "Sun, 06-Nov-94 08:49:37 GMT",
           "Sunday, 06-Nov-1994 08:49:37 GMT",
           "Sunday, 06 Nov 94 08:49:37 GMT",
           "Sun Nov 6 08:49:37 1994",
           "Sun Nov  6 08:49:37 1994 GMT",
       }) {
    EXPECT_EQ(ParseHttpDate(text, kNow), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rotor::http
