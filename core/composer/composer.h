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
#include "core/composer/composed.h"
#include "core/composer/kind_list.h"
#include "core/machine/machine.h"
#include "core/machine/spawner.h"

namespace rotor {

// What runs machines: LoopBuilder, Loop, whatever else a machine can be mounted in. A composer also
// has, for each kind M it lists,
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

// The machine of all `Kinds`. Nested Compose<...> and Parts<...> are flattened and duplicates
// dropped, so libraries may be listed in any grouping.
template <typename... Kinds>
using Compose = kind_list::Flat<Composed, Kinds...>;

}  // namespace rotor

#endif  // ROTOR_CORE_COMPOSER_COMPOSER_H_
