// Compose and Composer: many kinds of machines in one loop.
//
//   using App = rotor::Compose<http::Server<Site>, line::EchoServer, dns::Server>;
//   ...
//   rotor::LoopBuilder<App> builder(options, backend);
//   line::Mount(builder, "echo", echo_options);
//
// A protocol library offers one type to list in Compose<...>, usually Parts<...>, and one function,
//
//   template <rotor::Composer C>
//   absl::StatusOr<rotor::Mounted> Mount(C& composer, std::string_view name, Options options);
//
// which adds its machines under a group name. It knows this header, never the loop.
#ifndef ROTOR_CORE_COMPOSER_COMPOSER_H_
#define ROTOR_CORE_COMPOSER_COMPOSER_H_

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/backend/backend.h"
#include "core/composer/kind_list.h"
#include "core/machine/machine.h"
#include "core/machine/spawner.h"

namespace rotor {

// What runs machines: LoopBuilder, Loop, whatever else a machine can be mounted in. A composer also has,
// for each kind M it lists,
//   absl::StatusOr<Notifier> Add<M>(GroupId, args...)   builds M(args...) in a slot
//   Spawner<M> SpawnerFor<M>(GroupId)                   the right to do so later
//   T& Keep<T>(args...)                                 an object that outlives all machines
template <typename C>
concept Composer = requires(C& composer, std::string_view name) {
  typename C::Root;
  // A new name, of letters, digits, '-', '_' and '.': kAlreadyExists, kInvalidArgument otherwise.
  { composer.AddGroup(name) } -> std::same_as<absl::StatusOr<GroupId>>;
  { composer.io() } -> std::same_as<Io&>;
  { composer.counters() } -> std::same_as<CounterRegistry&>;
};

// What Mount() returns.
struct Mounted {
  GroupId group;
  std::vector<SocketAddress> addresses;  // Bound, with the ports the kernel chose.
};

// Kinds of machines that are mounted together. Compose<> flattens it; it is never instantiated.
template <typename... Kinds>
struct Parts;

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

// The closed sum of kinds: in each slot lives exactly one of them, in place. Made through a composer
// or a Spawner only. An event costs one comparison per kind listed before it, which compilers turn into a jump.
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
    return const_cast<Composed*>(this)->Visit([](const auto& machine) {
      return KindName<std::remove_cvref_t<decltype(machine)>>();
    });
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

// The machine of all `Kinds`. Nested Compose<...> and Parts<...> are flattened and duplicates
// dropped, so libraries may be listed in any grouping.
template <typename... Kinds>
using Compose = kind_list::Flat<Composed, Kinds...>;

// True for composed roots whose every kind is a machine in a loop with this context; see IsMachine().
// The handlers of a box fit any scope, so what counts is the machine in it.
template <typename Context, typename... Kinds>
constexpr bool AreMachines(const Composed<Kinds...>*) {
  return (IsMachine<typename kind_list::Unboxed<Kinds>::Type, Context>() && ...);
}

}  // namespace rotor

#endif  // ROTOR_CORE_COMPOSER_COMPOSER_H_
