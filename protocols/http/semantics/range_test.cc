#include "protocols/http/semantics/range.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace rotor::http {
namespace {

// "whole", or what Content-Range would say.
std::string Ask(std::vector<Field> fields, uint64_t size, Method method = Method::kGet) {
  RequestHead head;
  head.method = method;
  head.fields = fields;
  const RangeRequest range = ParseRange(head, size);
  return range.kind == RangeRequest::Kind::kWhole ? "whole" : ContentRange(range, size);
}
std::string Ask(const char* value, uint64_t size = 1000) { return Ask({{"Range", value}}, size); }

TEST(RangeTest, OneRange) {
  EXPECT_EQ(Ask("bytes=0-499"), "bytes 0-499/1000");
  EXPECT_EQ(Ask("bytes=500-999"), "bytes 500-999/1000");
  EXPECT_EQ(Ask("bytes=500-"), "bytes 500-999/1000");
  EXPECT_EQ(Ask("bytes=500-1000"), "bytes 500-999/1000");
  EXPECT_EQ(Ask("bytes=999-"), "bytes 999-999/1000");
  EXPECT_EQ(Ask("bytes=0-0"), "bytes 0-0/1000");
  EXPECT_EQ(Ask("bytes=-1"), "bytes 999-999/1000");
  EXPECT_EQ(Ask("bytes=-500"), "bytes 500-999/1000");
  EXPECT_EQ(Ask("bytes=-1000"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("bytes=-1001"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("BYTES=007-8"), "bytes 7-8/1000");
  EXPECT_EQ(Ask("bytes= , 1-2 ,\t,"), "bytes 1-2/1000");
}

TEST(RangeTest, NumbersBeyondEveryFile) {
  EXPECT_EQ(Ask("bytes=0-18446744073709551615"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("bytes=0-18446744073709551616"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("bytes=0-99999999999999999999999999"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("bytes=-99999999999999999999999999"), "bytes 0-999/1000");
  EXPECT_EQ(Ask("bytes=99999999999999999999999999-"), "bytes */1000");
  EXPECT_EQ(Ask({{"Range", "bytes=4294967295-4294967296"}}, uint64_t{1} << 33),
            "bytes 4294967295-4294967296/8589934592");
}

TEST(RangeTest, BehindTheEnd) {
  EXPECT_EQ(Ask("bytes=1000-"), "bytes */1000");
  EXPECT_EQ(Ask("bytes=1000-2000"), "bytes */1000");
  EXPECT_EQ(Ask("bytes=-0"), "bytes */1000");
  EXPECT_EQ(Ask("bytes=0-", 0), "bytes */0");
  EXPECT_EQ(Ask("bytes=0-0", 0), "bytes */0");
  EXPECT_EQ(Ask("bytes=-5", 0), "whole");
}

TEST(RangeTest, WhatIsIgnored) {
  for (const char* value :
       {"",          "bytes",      "bytes=",        "bytes=,",        "bytes=-",
        "bytes=a-b", "bytes=1",    "bytes=1-2x",    "bytes=1 - 2",    "bytes=2-1",
        "bytes=--1", "bytes=+1-2", "bytes=0x1-2",   "bytes 0-1",      "bytes=0-1;",
        "items=0-1", "none",       "bytes=0-0,2-3", "bytes=0-,0-,0-", "bytes=-1,-2"}) {
    EXPECT_EQ(Ask(value), "whole") << value;
  }
  EXPECT_EQ(Ask({{"Range", "bytes=0-1"}, {"Range", "bytes=0-1"}}, 1000), "whole");
  EXPECT_EQ(Ask({{"Range", "bytes=0-1"}}, 1000, Method::kHead), "whole");
  EXPECT_EQ(Ask({{"Range", "bytes=0-1"}}, 1000, Method::kPost), "whole");
  EXPECT_EQ(Ask({{"Host", "h"}}, 1000), "whole");
}

}  // namespace
}  // namespace rotor::http
