// Type lists behind Compose<...>. Not for authors.
#ifndef ROTOR_CORE_COMPOSER_KIND_LIST_H_
#define ROTOR_CORE_COMPOSER_KIND_LIST_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace rotor {

template <typename... Kinds>
struct Parts;
template <typename... Kinds>
class Composed;
template <typename M>
class Boxed;

namespace kind_list {

template <typename... Kinds>
struct List {
  template <template <typename...> typename Sum>
  using Into = Sum<Kinds...>;
};

// Appends a kind unless it is there already.
template <typename Kinds, typename M>
struct Append;
template <typename... Kinds, typename M>
struct Append<List<Kinds...>, M> {
  using Type =
      std::conditional_t<(std::same_as<Kinds, M> || ...), List<Kinds...>, List<Kinds..., M>>;
};

// Appends everything in `Rest`, opening nested lists.
template <typename Done, typename... Rest>
struct Flatten;
template <typename Done>
struct Flatten<Done> {
  using Type = Done;
};
template <typename Done, typename First, typename... Rest>
struct Flatten<Done, First, Rest...> : Flatten<typename Append<Done, First>::Type, Rest...> {};
template <typename Done, typename... Nested, typename... Rest>
struct Flatten<Done, Parts<Nested...>, Rest...> : Flatten<Done, Nested..., Rest...> {};
template <typename Done, typename... Nested, typename... Rest>
struct Flatten<Done, Composed<Nested...>, Rest...> : Flatten<Done, Nested..., Rest...> {};

template <template <typename...> typename Sum, typename... Kinds>
using Flat = typename Flatten<List<>, Kinds...>::Type::template Into<Sum>;

// The I-th kind of a sum.
template <size_t I, typename First, typename... Rest>
struct Pick : Pick<I - 1, Rest...> {};
template <typename First, typename... Rest>
struct Pick<0, First, Rest...> {
  using Type = First;
};
template <size_t I, typename Sum>
struct Get;
template <size_t I, typename... Kinds>
struct Get<I, Composed<Kinds...>> : Pick<I, Kinds...> {};
template <size_t I, typename Sum>
using At = typename Get<I, Sum>::Type;

// The machine in a box; other kinds are their own.
template <typename M>
struct Unboxed {
  using Type = M;
};
template <typename M>
struct Unboxed<Boxed<M>> {
  using Type = M;
};

}  // namespace kind_list

// Where in the memory of a root machine an M is to be built: the root itself, or the storage of a
// sum that lists M.
template <typename Root>
struct Placement {
  template <typename M>
  static void* Prepare(void* memory) {
    static_assert(std::same_as<M, Root>, "this loop runs one kind of machine, and this is another");
    return memory;
  }
};

template <typename... Kinds>
struct Placement<Composed<Kinds...>> {
  template <typename M>
  static void* Prepare(void* memory) {
    static_assert((std::same_as<M, Kinds> || ...),
                  "this kind of machine is not listed in the loop's Compose<...>");
    constexpr bool kMatches[] = {std::same_as<M, Kinds>...};
    constexpr auto kKind = std::find(std::begin(kMatches), std::end(kMatches), true) - kMatches;
    auto* sum = ::new (memory) Composed<Kinds...>(static_cast<uint8_t>(kKind));
    return sum->storage_;
  }
};

}  // namespace rotor

#endif  // ROTOR_CORE_COMPOSER_KIND_LIST_H_
