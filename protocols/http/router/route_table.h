// RouteTable: from method and path to the number of a route. Compiled once; not for authors: see
// router.h for what patterns mean.
#ifndef ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTE_TABLE_H_
#define ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/http/codec/request_head.h"

namespace rotor::http {

// A set of methods.
class MethodSet {
 public:
  constexpr MethodSet() = default;
  constexpr MethodSet(Method method)
      : bits_(static_cast<uint16_t>(1 << static_cast<int>(method))) {}

  // Every method, those without a name here too, but TRACE, which tells a client what was on the
  // way to us, and CONNECT, which has no path.
  static constexpr MethodSet Any() {
    MethodSet set;
    set.bits_ = static_cast<uint16_t>((2 << static_cast<int>(Method::kOther)) - 1);
    set.bits_ &= static_cast<uint16_t>(~(MethodSet(Method::kTrace) | Method::kConnect).bits_);
    return set;
  }

  constexpr bool Has(Method method) const { return (bits_ & MethodSet(method).bits_) != 0; }
  constexpr bool Overlaps(MethodSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr MethodSet operator|(MethodSet left, MethodSet right) {
    left.bits_ |= right.bits_;
    return left;
  }

 private:
  uint16_t bits_ = 0;
};

class RouteTable {
 public:
  struct Match {
    enum class Kind {
      kRoute,             // `route`, with `parameters`.
      kNoSuchPath,        // 404.
      kMethodNotAllowed,  // 405, or the answer to OPTIONS; `allowed` says what is.
      kBadPath,           // 400: see DecodePath().
    };
    Kind kind = Kind::kNoSuchPath;
    uint32_t route = 0;
    MethodSet allowed = {};
    std::span<const Field> parameters = {};  // Valid until the next Find().
  };

  // The n-th call makes route n. A bad pattern, and one that is there already for one of the
  // `methods`, are a programmer's error. HEAD comes with GET.
  void Add(MethodSet methods, std::string_view pattern);

  // Looks at each node of the tree of patterns at most once, and at each byte of the path once to
  // decode it: whatever a client sends, the time is linear in it, with a factor that the patterns
  // alone decide. Allocates only when the path is longer than every one before.
  Match Find(Method method, std::string_view path);

 private:
  struct Entry {
    MethodSet methods;
    uint32_t route;
    std::vector<std::string> names;  // Of the parameters on the way here.
  };
  struct Node {
    std::vector<std::pair<std::string, uint32_t>> literals;  // By name, sorted.
    uint32_t parameter = 0;  // The node behind any one segment; 0: none, since 0 is the root.
    std::vector<Entry> entries;
    std::vector<Entry> wildcard_entries;  // For all that follows.
  };

  uint32_t Child(uint32_t node, std::string_view segment);
  bool Walk(uint32_t node, std::string_view rest, Method method, Match& match);
  bool Choose(const std::vector<Entry>& entries, Method method, Match& match);

  std::vector<Node> nodes_ = std::vector<Node>(1);
  uint32_t routes_ = 0;
  MethodSet all_methods_;
  std::string decoded_;
  std::vector<std::string_view> values_;  // Of the parameters on the way.
  std::vector<Field> parameters_;
};

// "GET, HEAD, OPTIONS": the value of an Allow field.
std::string AllowValue(MethodSet methods);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_ROUTER_ROUTE_TABLE_H_
