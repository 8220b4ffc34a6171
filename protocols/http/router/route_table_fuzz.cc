// Any path against patterns of every kind, compared with a search of all of them one by one.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "protocols/http/router/route_table.h"
#include "protocols/http/semantics/path.h"

namespace rotor::http {
namespace {

constexpr std::array<std::string_view, 9> kPatterns = {
    "/", "/a", "/a/b", "/{x}/b", "/a/{y}/c", "/{x}/{y}/{z}", "/b/{r...}", "/{x}/{r...}", "/a/",
};

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> segments;
  for (;;) {
    const size_t size = path.find('/');
    segments.push_back(path.substr(0, size));
    if (size == std::string_view::npos) return segments;
    path.remove_prefix(size + 1);
  }
}

// One letter for each segment: how exactly it matches. Empty if it does not. Less is better.
std::string Rank(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> wanted = Split(pattern.substr(1));
  const std::vector<std::string_view> given = Split(path.substr(1));
  std::string rank;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i == given.size()) return "";
    if (wanted[i].ends_with("...}")) return rank + "3";
    const bool parameter = wanted[i].starts_with('{');
    if (parameter ? given[i].empty() : wanted[i] != given[i]) return "";
    rank += parameter ? "2" : "1";
  }
  return wanted.size() == given.size() ? rank : "";
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rotor::http;
  RouteTable table;
  for (const std::string_view pattern : kPatterns) table.Add(Method::kGet, pattern);
  std::string path(reinterpret_cast<const char*>(data), size);
  path.insert(path.begin(), '/');
  std::string into(path.size(), '\0');
  const std::optional<std::string_view> decoded = DecodePath(path, into);
  const RouteTable::Match match = table.Find(Method::kGet, path);
  using Kind = RouteTable::Match::Kind;
  ROTOR_CHECK((match.kind == Kind::kBadPath) == !decoded.has_value(), "bad paths differ");
  if (!decoded.has_value()) return 0;
  size_t best = kPatterns.size();
  std::string best_rank;
  for (size_t i = 0; i < kPatterns.size(); ++i) {
    const std::string rank = Rank(kPatterns[i], *decoded);
    if (!rank.empty() && (best_rank.empty() || rank < best_rank)) {
      best = i;
      best_rank = rank;
    }
  }
  ROTOR_CHECK((match.kind == Kind::kRoute) == (best < kPatterns.size()), "one of them finds none");
  if (match.kind == Kind::kRoute) {
    ROTOR_CHECK(match.route == best, "another route");
    for (const Field& parameter : match.parameters) {
      ROTOR_CHECK(decoded->find(parameter.value) != std::string_view::npos, "a value from nowhere");
    }
  }
  return 0;
}
