#include "protocols/http/router/route_table.h"

#include <algorithm>

#include "core/base/check.h"
#include "protocols/http/semantics/path.h"

namespace rotor::http {
namespace {

// "{name}": the name; "{name...}": the name with the dots.
bool IsParameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool IsWildcard(std::string_view segment) {
  return IsParameter(segment) && segment.ends_with("...}");
}

std::string_view TakeSegment(std::string_view& path, bool& last) {
  const size_t size = path.find('/');
  const std::string_view segment = path.substr(0, size);
  last = size == std::string_view::npos;
  path.remove_prefix(last ? path.size() : size + 1);
  return segment;
}

std::string NameOf(std::string_view segment, std::string_view end) {
  segment.remove_prefix(1);
  segment.remove_suffix(end.size());
  ROTOR_CHECK(!segment.empty() && segment.find_first_of("{}.") == std::string_view::npos,
              "Router: a parameter is {name}, or {name...} at the end");
  return std::string(segment);
}

}  // namespace

// The node behind `segment`, which is made if there is none.
uint32_t RouteTable::Child(uint32_t node, std::string_view segment) {
  const auto next = static_cast<uint32_t>(nodes_.size());
  if (IsParameter(segment)) {
    if (nodes_[node].parameter == 0) {
      nodes_[node].parameter = next;
      nodes_.emplace_back();
    }
    return nodes_[node].parameter;
  }
  ROTOR_CHECK(segment.find_first_of("{}") == std::string_view::npos,
              "Router: a parameter is a whole segment of the pattern");
  ROTOR_CHECK(segment != "." && segment != "..", "Router: no request has such a segment");
  auto& literals = nodes_[node].literals;
  const auto place = std::lower_bound(
      literals.begin(), literals.end(), segment,
      [](const auto& literal, std::string_view wanted) { return literal.first < wanted; });
  if (place != literals.end() && place->first == segment) return place->second;
  literals.emplace(place, std::string(segment), next);
  nodes_.emplace_back();
  return next;
}

void RouteTable::Add(MethodSet methods, std::string_view pattern) {
  ROTOR_CHECK(pattern.starts_with('/'), "Router: a pattern begins with '/'");
  ROTOR_CHECK(!methods.empty() && !methods.Has(Method::kTrace) && !methods.Has(Method::kConnect),
              "Router: a route has methods, and TRACE and CONNECT are not served");
  if (methods.Has(Method::kGet)) methods = methods | Method::kHead;
  Entry entry = {.methods = methods, .route = routes_++, .names = {}};
  pattern.remove_prefix(1);
  uint32_t node = 0;
  bool last = false;
  bool wildcard = false;
  while (!last) {
    const std::string_view segment = TakeSegment(pattern, last);
    wildcard = IsWildcard(segment);
    ROTOR_CHECK(!wildcard || last, "Router: {name...} is the end of a pattern");
    if (IsParameter(segment)) entry.names.push_back(NameOf(segment, wildcard ? "...}" : "}"));
    if (!wildcard) node = Child(node, segment);
  }
  auto& entries = wildcard ? nodes_[node].wildcard_entries : nodes_[node].entries;
  for (const Entry& other : entries) {
    ROTOR_CHECK(!other.methods.Overlaps(methods), "Router: this route is there already");
  }
  all_methods_ = all_methods_ | methods | Method::kOptions;
  values_.reserve(std::max(values_.capacity(), entry.names.size()));
  parameters_.reserve(std::max(parameters_.capacity(), entry.names.size()));
  entries.push_back(std::move(entry));
}

// True if one of them takes the method.
bool RouteTable::Choose(const std::vector<Entry>& entries, Method method, Match& match) {
  for (const Entry& entry : entries) {
    if (entry.methods.Has(method)) {
      parameters_.clear();
      for (size_t i = 0; i < entry.names.size(); ++i) {
        parameters_.push_back({entry.names[i], values_[i]});
      }
      match = {.kind = Match::Kind::kRoute, .route = entry.route, .parameters = parameters_};
      return true;
    }
    match.kind = Match::Kind::kMethodNotAllowed;
    match.allowed = match.allowed | entry.methods | Method::kOptions;
  }
  return false;
}

// Literal before parameter before wildcard, decided at the first segment in which two patterns
// differ. `rest` begins with a segment. As deep as the longest pattern, whatever the path.
bool RouteTable::Walk(uint32_t index, std::string_view rest, Method method, Match& match) {
  const std::string_view all = rest;
  bool last = false;
  const std::string_view segment = TakeSegment(rest, last);
  const auto Enter = [&](uint32_t next) {
    return last ? Choose(nodes_[next].entries, method, match) : Walk(next, rest, method, match);
  };
  const Node& node = nodes_[index];
  const auto found = std::lower_bound(
      node.literals.begin(), node.literals.end(), segment,
      [](const auto& literal, std::string_view wanted) { return literal.first < wanted; });
  if (found != node.literals.end() && found->first == segment && Enter(found->second)) return true;
  const size_t depth = values_.size();
  if (node.parameter != 0 && !segment.empty()) {
    values_.push_back(segment);
    if (Enter(node.parameter)) return true;
    values_.resize(depth);
  }
  if (node.wildcard_entries.empty()) return false;
  values_.push_back(all);
  if (Choose(node.wildcard_entries, method, match)) return true;
  values_.resize(depth);
  return false;
}

RouteTable::Match RouteTable::Find(Method method, std::string_view path) {
  // About the server as a whole; see RFC 9110 section 9.3.7. CONNECT has no path.
  if (path == "*" || path.empty()) {
    return {.kind = Match::Kind::kMethodNotAllowed, .allowed = all_methods_};
  }
  if (decoded_.size() < path.size()) decoded_.resize(path.size());
  const std::optional<std::string_view> decoded = DecodePath(path, decoded_);
  if (!decoded.has_value()) return {.kind = Match::Kind::kBadPath};
  values_.clear();
  Match match;
  Walk(0, decoded->substr(1), method, match);
  return match;
}

std::string AllowValue(MethodSet methods) {
  static constexpr std::pair<Method, std::string_view> kNames[] = {
      {Method::kGet, "GET"},         {Method::kHead, "HEAD"},     {Method::kPost, "POST"},
      {Method::kPut, "PUT"},         {Method::kDelete, "DELETE"}, {Method::kPatch, "PATCH"},
      {Method::kOptions, "OPTIONS"},
  };
  std::string value;
  for (const auto& [method, name] : kNames) {
    if (!methods.Has(method)) continue;
    value.append(value.empty() ? "" : ", ").append(name);
  }
  return value;
}

}  // namespace rotor::http
