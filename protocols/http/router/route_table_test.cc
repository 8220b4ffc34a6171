#include "protocols/http/router/route_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"

namespace rotor::http {
namespace {

// Routes of GET, in this order.
struct Routes {
  explicit Routes(std::vector<const char*> patterns) {
    for (const char* pattern : patterns) table.Add(Method::kGet, pattern);
  }
  // "2 id=7 rest=a/b", "404", "405 GET, HEAD, OPTIONS" or "400".
  std::string Find(std::string_view path, Method method = Method::kGet) {
    const RouteTable::Match match = table.Find(method, path);
    switch (match.kind) {
      case RouteTable::Match::Kind::kNoSuchPath:
        return "404";
      case RouteTable::Match::Kind::kBadPath:
        return "400";
      case RouteTable::Match::Kind::kMethodNotAllowed:
        return "405 " + AllowValue(match.allowed);
      case RouteTable::Match::Kind::kRoute:
        break;
    }
    std::string found = absl::StrCat(match.route);
    for (const Field& parameter : match.parameters) {
      found.append(" ").append(parameter.name).append("=").append(parameter.value);
    }
    return found;
  }

  RouteTable table;
};

TEST(RouteTableTest, LiteralsAreWholePaths) {
  Routes routes({"/", "/a", "/a/", "/a/b", "/ab", "/a b"});
  EXPECT_EQ(routes.Find("/"), "0");
  EXPECT_EQ(routes.Find("/a"), "1");
  EXPECT_EQ(routes.Find("/a/"), "2");
  EXPECT_EQ(routes.Find("/a/b"), "3");
  EXPECT_EQ(routes.Find("/ab"), "4");
  EXPECT_EQ(routes.Find("/a%20b"), "5");
  EXPECT_EQ(routes.Find("/%61/%62"), "3");
  for (const char* path : {"//", "/a//", "//a", "/a/b/", "/A", "/a/b/c", "/b", "/abc"}) {
    EXPECT_EQ(routes.Find(path), "404") << path;
  }
}

TEST(RouteTableTest, ParametersAreOneSegment) {
  Routes routes({"/users/{id}", "/users/{id}/posts/{post}", "/{a}/{b}/{c}/"});
  EXPECT_EQ(routes.Find("/users/7"), "0 id=7");
  EXPECT_EQ(routes.Find("/users/a%20b%25"), "0 id=a b%");
  EXPECT_EQ(routes.Find("/users/7/posts/9"), "1 id=7 post=9");
  EXPECT_EQ(routes.Find("/x/y/z/"), "2 a=x b=y c=z");
  for (const char* path :
       {"/users/", "/users", "/users/7/", "/users//posts/9", "/x/y/z", "//y/z/"}) {
    EXPECT_EQ(routes.Find(path), "404") << path;
  }
}

TEST(RouteTableTest, WildcardsAreTheRest) {
  Routes routes({"/files/{path...}", "/{user}/home/{path...}"});
  EXPECT_EQ(routes.Find("/files/"), "0 path=");
  EXPECT_EQ(routes.Find("/files/a"), "0 path=a");
  EXPECT_EQ(routes.Find("/files/a/b//c/"), "0 path=a/b//c/");
  EXPECT_EQ(routes.Find("/me/home/x/y"), "1 user=me path=x/y");
  EXPECT_EQ(routes.Find("/files"), "404");
  Routes all({"/{path...}"});
  EXPECT_EQ(all.Find("/"), "0 path=");
  EXPECT_EQ(all.Find("/a/b"), "0 path=a/b");
}

TEST(RouteTableTest, LiteralBeforeParameterBeforeWildcardInWhateverOrder) {
  const std::vector<const char*> patterns = {"/{rest...}", "/{a}/b",    "/a/{b}",
                                             "/a/b",       "/a/{r...}", "/{x}/{y}"};
  for (size_t turn = 0; turn < patterns.size(); ++turn) {
    std::vector<const char*> turned = patterns;
    std::rotate(turned.begin(), turned.begin() + static_cast<long>(turn), turned.end());
    Routes routes(turned);
    const auto Found = [&](const char* path) {
      const std::string found = routes.Find(path);
      return std::string(turned[static_cast<size_t>(found[0] - '0')]) + found.substr(1);
    };
    EXPECT_EQ(Found("/a/b"), "/a/b");
    EXPECT_EQ(Found("/a/c"), "/a/{b} b=c");
    EXPECT_EQ(Found("/c/b"), "/{a}/b a=c");
    EXPECT_EQ(Found("/c/d"), "/{x}/{y} x=c y=d");
    EXPECT_EQ(Found("/a/b/c"), "/a/{r...} r=b/c");
    EXPECT_EQ(Found("/c/d/e"), "/{rest...} rest=c/d/e");
    EXPECT_EQ(Found("/"), "/{rest...} rest=");
  }
}

TEST(RouteTableTest, AWayThatEndsIsGivenUpForALessExactOne) {
  Routes routes({"/a/b/c", "/a/{x}/d", "/{y}/b/e", "/{z...}"});
  EXPECT_EQ(routes.Find("/a/b/c"), "0");
  EXPECT_EQ(routes.Find("/a/b/d"), "1 x=b");
  EXPECT_EQ(routes.Find("/a/b/e"), "2 y=a");
  EXPECT_EQ(routes.Find("/a/b/f"), "3 z=a/b/f");
}

TEST(RouteTableTest, MethodsOfOnePath) {
  RouteTable table;
  table.Add(Method::kGet, "/a");
  table.Add(MethodSet(Method::kPost) | Method::kPut, "/a");
  table.Add(Method::kDelete, "/{x}");
  table.Add(MethodSet::Any(), "/any");
  const auto Found = [&](const char* path, Method method) {
    const RouteTable::Match match = table.Find(method, path);
    if (match.kind == RouteTable::Match::Kind::kRoute) return absl::StrCat(match.route);
    return AllowValue(match.allowed);
  };
  EXPECT_EQ(Found("/a", Method::kGet), "0");
  EXPECT_EQ(Found("/a", Method::kHead), "0");
  EXPECT_EQ(Found("/a", Method::kPost), "1");
  EXPECT_EQ(Found("/a", Method::kPut), "1");
  // A less exact pattern may have what the exact one has not.
  EXPECT_EQ(Found("/a", Method::kDelete), "2");
  EXPECT_EQ(Found("/a", Method::kPatch), "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  EXPECT_EQ(Found("/a", Method::kOptions), "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  EXPECT_EQ(Found("/b", Method::kGet), "DELETE, OPTIONS");
  for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut,
                              Method::kDelete, Method::kPatch, Method::kOptions, Method::kOther}) {
    EXPECT_EQ(Found("/any", method), "3") << static_cast<int>(method);
  }
  EXPECT_NE(Found("/any", Method::kTrace), "3");
  EXPECT_NE(Found("", Method::kConnect), "3");
}

TEST(RouteTableTest, TheServerAsAWhole) {
  RouteTable table;
  table.Add(Method::kGet, "/a");
  table.Add(Method::kPatch, "/b");
  const RouteTable::Match match = table.Find(Method::kOptions, "*");
  EXPECT_EQ(match.kind, RouteTable::Match::Kind::kMethodNotAllowed);
  EXPECT_EQ(AllowValue(match.allowed), "GET, HEAD, PATCH, OPTIONS");
}

TEST(RouteTableTest, PathsThatAreNotPlain) {
  Routes routes({"/{path...}"});
  for (const char* path : {"/..", "/a/../b", "/%2e%2e/a", "/a%2Fb", "/%00", "/%zz", "/a/."}) {
    EXPECT_EQ(routes.Find(path), "400") << path;
  }
}

TEST(RouteTableTest, NothingIsAllocatedOnTheWay) {
  Routes routes({"/", "/users/{id}/posts/{post}", "/files/{path...}"});
  (void)routes.table.Find(Method::kGet, "/" + std::string(200, 'x'));
  const size_t before = AllocationCount();
  for (const char* path :
       {"/", "/users/1234567890123456789/posts/1234567890123456789", "/files/a/b/c/d/e", "/none"}) {
    (void)routes.table.Find(Method::kGet, path);
    (void)routes.table.Find(Method::kPost, path);
  }
  EXPECT_EQ(AllocationCount(), before);
}

TEST(RouteTableTest, TheWorkOfALookupDoesNotGrowWithHowOftenAPathBranches) {
  // Most segments match both ways, and no way leads anywhere.
  RouteTable table;
  std::string path;
  for (int depth = 0; depth < 100; ++depth) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += i < depth ? "/a" : "/{p}";
    table.Add(Method::kGet, pattern + "/end");
    path += "/a";
  }
  EXPECT_EQ(table.Find(Method::kGet, path + "/nothing").kind, RouteTable::Match::Kind::kNoSuchPath);
}

TEST(RouteTableDeathTest, BadPatterns) {
  const auto Add = [](std::vector<const char*> patterns) { Routes routes(patterns); };
  EXPECT_DEATH(Add({""}), "begins with");
  EXPECT_DEATH(Add({"a"}), "begins with");
  EXPECT_DEATH(Add({"/{}"}), "a parameter is");
  EXPECT_DEATH(Add({"/{...}"}), "a parameter is");
  EXPECT_DEATH(Add({"/{a..}"}), "a parameter is");
  EXPECT_DEATH(Add({"/a{b}"}), "whole segment");
  EXPECT_DEATH(Add({"/{a}b"}), "whole segment");
  EXPECT_DEATH(Add({"/{a...}/b"}), "end of a pattern");
  EXPECT_DEATH(Add({"/a/../b"}), "no request has such");
  EXPECT_DEATH(Add({"/a", "/a"}), "there already");
  EXPECT_DEATH(Add({"/{a}/x", "/{b}/x"}), "there already");
  EXPECT_DEATH(Add({"/{a...}", "/{b...}"}), "there already");
  RouteTable table;
  EXPECT_DEATH(table.Add(MethodSet(), "/"), "has methods");
  EXPECT_DEATH(table.Add(Method::kTrace, "/"), "not served");
}

}  // namespace
}  // namespace rotor::http
