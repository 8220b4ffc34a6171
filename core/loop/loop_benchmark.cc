// What the loop itself costs per call of a machine. In each turn all state.range(0) machines are
// called once; the one system call per turn, of epoll, is in the figures and weighs most when the
// machines are few.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/machine/machine.h"

namespace rotor {
namespace {

// Called in every turn because it yields.
struct Yielding {
  Step Start(Scope&) { return Step::Yield(Deadline::Never()); }
  Step Ready(Readiness, Scope&) { return Step::Yield(Deadline::Never()); }
};

// The same with a deadline that moves each time, as that of a connection does.
struct YieldingWithDeadline {
  Step Start(Scope& scope) { return Ready(Readiness(), scope); }
  Step Ready(Readiness, Scope& scope) { return Step::Yield(scope.now() + absl::Seconds(60)); }
};

// Called because it wakes itself.
struct Waking {
  Step Start(Scope& scope) {
    self = scope.notifier();
    return Wakeup(scope);
  }
  Step Wakeup(Scope&) {
    self.Wake();
    return Step::KeepWaiting();
  }
  Notifier self;
};

// Called for its flush.
struct Flushing {
  Step Start(Scope& scope) { return Flush(scope); }
  Step Flush(Scope& scope) {
    scope.FlushAtEndOfTurn();
    return Step::KeepWaiting();
  }
};

// Called for a deadline that has long passed.
struct Expiring {
  Step Start(Scope& scope) { return Timeout(scope); }
  Step Timeout(Scope& scope) { return Step::WaitUntil(scope.now() - absl::Seconds(1)); }
};

// Spawns its successor and ends: what a short connection pays for its slot.
class Successive {
 public:
  explicit Successive(std::shared_ptr<Spawner<Successive>> spawner)
      : spawner_(std::move(spawner)) {}
  Step Start(Scope&) {
    if (!spawner_->Spawn(std::move(spawner_)).ok()) std::abort();
    return Step::Done();
  }

 private:
  std::shared_ptr<Spawner<Successive>> spawner_;
};

template <typename M>
void Turn(benchmark::State& state) {
  using Root = Compose<Yielding, YieldingWithDeadline, Waking, Flushing, Expiring, Successive>;
  std::unique_ptr<EpollBackend> backend = *EpollBackend::Create();
  Loop<Root> loop = LoopBuilder<Root>({.machines_max = 1 << 15}, *backend).Build();
  const GroupId group = *loop.AddGroup("benchmark");
  for (int64_t i = 0; i < state.range(0); ++i) {
    if constexpr (std::is_same_v<M, Successive>) {
      auto spawner = std::make_shared<Spawner<Successive>>(loop.SpawnerFor<Successive>(group));
      if (!loop.Add<M>(group, std::move(spawner)).ok()) std::abort();
    } else {
      if (!loop.Add<M>(group).ok()) std::abort();
    }
  }
  for (auto unused : state) {
    if (!loop.RunOnce(Deadline::Never()).ok()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Turn<Yielding>)->Arg(1)->Arg(256)->Arg(16384);
BENCHMARK(Turn<YieldingWithDeadline>)->Arg(1)->Arg(256)->Arg(16384);
BENCHMARK(Turn<Waking>)->Arg(1)->Arg(256)->Arg(16384);
BENCHMARK(Turn<Flushing>)->Arg(1)->Arg(256)->Arg(16384);
BENCHMARK(Turn<Expiring>)->Arg(1)->Arg(256)->Arg(16384);
BENCHMARK(Turn<Successive>)->Arg(1)->Arg(256)->Arg(16384);

}  // namespace
}  // namespace rotor
