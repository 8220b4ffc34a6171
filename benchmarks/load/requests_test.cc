#include "benchmarks/load/requests.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace rotor::benchmarks {
namespace {

std::vector<Batch> Batches(std::string_view kind, size_t depth = 1, bool close = false) {
  auto batches =
      MakeBatches({.kind = kind, .depth = depth, .close = close, .host = "127.0.0.1:80"});
  EXPECT_TRUE(batches.ok());
  return *batches;
}

size_t Count(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(RequestsTest, OneFieldIsHostAlone) {
  EXPECT_EQ(Batches("http-one-field").at(0).bytes, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
}

TEST(RequestsTest, ABrowserSendsTwelveFieldsOfAboutSevenHundredBytes) {
  const std::string request = Batches("http-browser").at(0).bytes;
  EXPECT_EQ(Count(request, ": "), 12u);
  EXPECT_NEAR(static_cast<double>(request.size()), 700, 50);
}

TEST(RequestsTest, MixedRequestsDifferAndEachNamesItsHostOnce) {
  std::set<std::string> different;
  for (const Batch& batch : Batches("http-mixed")) {
    different.insert(batch.bytes);
    EXPECT_EQ(Count(batch.bytes, "\r\nHost: "), 1u);
    EXPECT_EQ(Count(batch.bytes, "\r\n\r\n"), 1u);
    EXPECT_TRUE(batch.bytes.ends_with("\r\n\r\n"));
  }
  EXPECT_EQ(different.size(), 1024u);
}

TEST(RequestsTest, DepthRepeatsTheRequest) {
  const Batch batch = Batches("http-mixed", 16).at(5);
  EXPECT_EQ(batch.requests, 16u);
  EXPECT_EQ(Count(batch.bytes, "\r\n\r\n"), 16u);
}

TEST(RequestsTest, CloseIsAskedForInEachRequest) {
  for (const char* kind : {"http-one-field", "http-browser", "http-mixed"}) {
    EXPECT_EQ(Count(Batches(kind, 1, true).at(0).bytes, "Connection: close\r\n\r\n"), 1u) << kind;
  }
}

TEST(RequestsTest, ALineHasSixtyFourBytes) {
  const std::string line = Batches("line").at(0).bytes;
  EXPECT_EQ(line.size(), 64u);
  EXPECT_EQ(line.find('\n'), 63u);
}

TEST(RequestsTest, DnsQueriesAskForThousandNames) {
  const std::vector<Batch> batches = Batches("dns", 2);
  EXPECT_EQ(batches.size(), kDnsNames);
  const std::string query = DnsQuery(7);
  EXPECT_EQ(query, std::string("\0\7\0\0\0\1\0\0\0\0\0\0\2n7\4test\0\0\17\0\1", 25));
  EXPECT_EQ(batches[6].bytes.substr(2 + DnsQuery(6).size()), std::string("\0\31", 2) + query);
}

TEST(RequestsTest, UnknownKindIsRefused) {
  EXPECT_FALSE(MakeBatches({.kind = "smtp", .host = "a"}).ok());
}

}  // namespace
}  // namespace rotor::benchmarks
