#include "protocols/http/semantics/path.h"

#include <string>

#include "gtest/gtest.h"

namespace rotor::http {
namespace {

std::string Decode(std::string_view path) {
  std::string into(path.size(), '\0');
  return std::string(DecodePath(path, into).value_or("refused"));
}

TEST(PathTest, IsDecodedOnce) {
  EXPECT_EQ(Decode("/"), "/");
  EXPECT_EQ(Decode("/a/b.html"), "/a/b.html");
  EXPECT_EQ(Decode("/a%20b"), "/a b");
  EXPECT_EQ(Decode("/%41%6a%6A"), "/Ajj");
  EXPECT_EQ(Decode("/caf%C3%A9"), "/caf\xc3\xa9");
  EXPECT_EQ(Decode("/%2541"), "/%41");
  EXPECT_EQ(Decode("/%252e%252e/"), "/%2e%2e/");
  EXPECT_EQ(Decode("/%3f%23%25"), "/?#%");
  EXPECT_EQ(Decode("//a///b//"), "//a///b//");
  EXPECT_EQ(Decode("/.../.a/a./..a/a../.. "), "/.../.a/a./..a/a../.. ");
  EXPECT_EQ(Decode("/a\\b"), "/a\\b");
  EXPECT_EQ(Decode("/a+b;c=d"), "/a+b;c=d");
}

TEST(PathTest, WhatCouldClimbCutOrHideIsRefused) {
  for (const char* path :
       {"",        "a",           "*",      "http://h/", "/.",          "/..",     "/./",
        "/../",    "/a/../b",     "/a/./b", "/a/..",     "/%2e",        "/%2E%2e", "/.%2e/",
        "/%2e./a", "/a/%2e%2e/b", "/a%2fb", "/%2F",      "/..%2f..%2f", "/%00",    "/a%00.html",
        "/%0a",    "/%0D%0A",     "/%1f",   "/%7f",      "/%",          "/%4",     "/%g0",
        "/%0g",    "/%%30",       "/a%2",   "/%-1",      "/% 1",        "/\n"}) {
    EXPECT_EQ(Decode(path), "refused") << path;
  }
  EXPECT_EQ(Decode(std::string_view("/a\0b", 4)), "refused");
}

}  // namespace
}  // namespace rotor::http
