// What an event pays for finding its machine among the kinds of Compose<...>: per call.
//
// state.range(0) machines of random kinds are called in random order, which is as unkind to branch
// prediction as traffic gets; "OneByOne" calls kind after kind.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "core/base/random.h"
#include "core/composer/composer.h"
#include "core/machine/machine.h"
#include "core/slab/pinned_storage.h"
#include "core/testing/machine_tester.h"

namespace rotor {
namespace {

// Kinds with a handler that does next to nothing, each another nothing.
template <int kNumber>
class Kind {
 public:
  Step Start(Scope&) { return Step::WaitForever(); }
  Step Ready(Readiness, Scope&) {
    count_ += kNumber;
    return Step::KeepWaiting();
  }

 private:
  uint64_t count_ = 0;
};

using One = Compose<Kind<1>>;
using Two = Compose<Kind<1>, Kind<2>>;
using Four = Compose<Kind<1>, Kind<2>, Kind<3>, Kind<4>>;
using Eight = Compose<Four, Kind<5>, Kind<6>, Kind<7>, Kind<8>>;
// Flattened, so that nesting must cost nothing.
using Nested =
    Compose<Compose<Parts<Kind<1>, Compose<Kind<2>>>, Compose<Compose<Kind<3>, Kind<4>>>>,
            Parts<Parts<Kind<5>, Kind<6>>, Compose<Kind<7>, Kind<8>>>>;
static_assert(std::is_same_v<Nested, Eight>);
using EightBoxed = Compose<Boxed<Kind<1>>, Boxed<Kind<2>>, Boxed<Kind<3>>, Boxed<Kind<4>>,
                           Boxed<Kind<5>>, Boxed<Kind<6>>, Boxed<Kind<7>>, Boxed<Kind<8>>>;

template <typename Root>
class Machines;

template <typename... Kinds>
class Machines<Composed<Kinds...>> {
 public:
  using Root = Composed<Kinds...>;

  Machines(int64_t count, bool shuffled) : storage_(static_cast<uint32_t>(count)) {
    static constexpr void (*kBuild[])(void*) = {&Build<Kinds>...};
    Random random(1);
    for (uint32_t i = 0; i < count; ++i) {
      kBuild[random.Below(sizeof...(Kinds))](storage_.At(i));
      order_.push_back(storage_.Get(i));
    }
    for (size_t i = shuffled ? order_.size() : 0; i > 1; --i) {
      std::swap(order_[i - 1], order_[random.Below(i)]);
    }
    if (shuffled) return;
    std::stable_sort(order_.begin(), order_.end(),
                     [](const Root* a, const Root* b) { return a->kind_name() < b->kind_name(); });
  }
  ~Machines() {
    for (Root* machine : order_) std::destroy_at(machine);
  }

  const std::vector<Root*>& order() const { return order_; }

 private:
  template <typename M>
  static void Build(void* memory) {
    ::new (Placement<Root>::template Prepare<M>(memory)) M();
  }

  PinnedStorage<Root> storage_;
  std::vector<Root*> order_;
};

template <typename Root>
void Dispatch(benchmark::State& state, bool shuffled) {
  const Machines<Root> machines(state.range(0), shuffled);
  MachineTester<Kind<0>> host;
  NoContext context;
  ContextScope<NoContext> scope(host, {.index = 0, .generation = 1}, context);
  size_t next = 0;
  for (auto unused : state) {
    const Step step = machines.order()[next]->Ready(Readiness::Readable(), scope);
    benchmark::DoNotOptimize(step.kind());
    if (++next == machines.order().size()) next = 0;
  }
}

template <typename Root>
void Shuffled(benchmark::State& state) {
  Dispatch<Root>(state, true);
}
template <typename Root>
void OneByOne(benchmark::State& state) {
  Dispatch<Root>(state, false);
}

BENCHMARK(Shuffled<One>)->Arg(256)->Arg(16384);
BENCHMARK(Shuffled<Two>)->Arg(256)->Arg(16384);
BENCHMARK(Shuffled<Four>)->Arg(256)->Arg(16384);
BENCHMARK(Shuffled<Eight>)->Arg(256)->Arg(16384);
BENCHMARK(Shuffled<Nested>)->Arg(256)->Arg(16384);
BENCHMARK(Shuffled<EightBoxed>)->Arg(256)->Arg(16384);
BENCHMARK(OneByOne<Two>)->Arg(256);
BENCHMARK(OneByOne<Eight>)->Arg(256)->Arg(16384);

}  // namespace
}  // namespace rotor
