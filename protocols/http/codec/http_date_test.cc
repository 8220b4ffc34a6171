#include "protocols/http/codec/http_date.h"

#include <limits>
#include <string>

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

}  // namespace
}  // namespace rotor::http
