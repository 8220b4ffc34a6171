// Composed and Boxed: the machines behind Compose<...>.
#ifndef ROTOR_CORE_COMPOSER_COMPOSED_H_
#define ROTOR_CORE_COMPOSER_COMPOSED_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/composer/kind_list.h"
#include "core/machine/dispatch.h"
#include "core/machine/machine.h"

namespace rotor {

// Puts a kind too large for a slot on the heap: list Boxed<M>, spawn Boxed<M>(arguments of M).
template <typename M>
class Boxed {
 public:
  template <typename... Args>
  explicit Boxed(Args&&... args) : machine_(std::make_unique<M>(std::forward<Args>(args)...)) {}

  template <typename S>
  Step Start(S& scope) {
    return machine_->Start(scope);
  }
  template <typename S>
  Step Ready(Readiness readiness, S& scope) {
    return CallReady(*machine_, readiness, scope);
  }
  template <typename S>
  Step Timeout(S& scope) {
    return CallTimeout(*machine_, scope);
  }
  template <typename S>
  Step Wakeup(S& scope) {
    return CallWakeup(*machine_, scope);
  }
  template <typename S>
  Step Flush(S& scope) {
    return CallFlush(*machine_, scope);
  }
  void Describe(Description& description) const { CallDescribe(*machine_, description); }

 private:
  std::unique_ptr<M> machine_;
};

// The closed sum of kinds: in each slot lives exactly one of them, in place. Made through a
// composer or a Spawner only. An event costs one comparison per kind listed before it, which
// compilers turn into a jump.
template <typename... Kinds>
class Composed {
 public:
  static constexpr size_t kKindBytesMax = 192;
  static_assert(((sizeof(Kinds) <= kKindBytesMax) && ...),
                "every slot is as large as the largest kind: list the large one as Boxed<...>");
  static_assert(sizeof...(Kinds) <= 64, "at most 64 kinds of machines in one loop");

  Composed(const Composed&) = delete;
  Composed& operator=(const Composed&) = delete;
  ~Composed() {
    Visit([](auto& machine) { std::destroy_at(&machine); });
  }

  template <typename S>
  Step Start(S& scope) {
    return Visit([&](auto& machine) { return machine.Start(scope); });
  }
  template <typename S>
  Step Ready(Readiness readiness, S& scope) {
    return Visit([&](auto& machine) { return CallReady(machine, readiness, scope); });
  }
  template <typename S>
  Step Timeout(S& scope) {
    return Visit([&](auto& machine) { return CallTimeout(machine, scope); });
  }
  template <typename S>
  Step Wakeup(S& scope) {
    return Visit([&](auto& machine) { return CallWakeup(machine, scope); });
  }
  template <typename S>
  Step Flush(S& scope) {
    return Visit([&](auto& machine) { return CallFlush(machine, scope); });
  }
  void Describe(Description& description) const {
    const_cast<Composed*>(this)->Visit(
        [&](const auto& machine) { CallDescribe(machine, description); });
  }
  std::string_view kind_name() const {
    return const_cast<Composed*>(this)->Visit(
        [](const auto& machine) { return KindName<std::remove_cvref_t<decltype(machine)>>(); });
  }

 private:
  friend struct Placement<Composed>;
  explicit Composed(uint8_t kind) : kind_(kind) {}

  template <size_t I = 0, typename Visitor>
  decltype(auto) Visit(Visitor&& visitor) {
    if constexpr (I + 1 < sizeof...(Kinds)) {
      if (kind_ != I) return Visit<I + 1>(visitor);
    }
    using M = kind_list::At<I, Composed>;
    return visitor(*std::launder(reinterpret_cast<M*>(storage_)));
  }

  uint8_t kind_;
  alignas(Kinds...) std::byte storage_[std::max({sizeof(Kinds)...})];
};

// True for composed roots whose every kind is a machine in a loop with this context; see
// IsMachine(). The handlers of a box fit any scope, so what counts is the machine in it.
template <typename Context, typename... Kinds>
constexpr bool AreMachines(const Composed<Kinds...>*) {
  return (IsMachine<typename kind_list::Unboxed<Kinds>::Type, Context>() && ...);
}

}  // namespace rotor

#endif  // ROTOR_CORE_COMPOSER_COMPOSED_H_
