// What a connection pays for its slot, and an event for finding its machine.
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "core/base/random.h"
#include "core/slab/pinned_storage.h"
#include "core/slab/slot_index.h"
#include "core/slab/token.h"

namespace rotor {
namespace {

void AcquireAndRelease(benchmark::State& state) {
  SlotIndex slots(1u << 20);
  for (int64_t i = 0; i < state.range(0); ++i) slots.Acquire();
  for (auto unused : state) slots.Release(*slots.Acquire());
}
BENCHMARK(AcquireAndRelease)->Arg(0)->Arg(100000);

std::vector<Token> ShuffledTokens(SlotIndex& slots, size_t count) {
  std::vector<Token> tokens;
  while (tokens.size() < count) tokens.push_back(*slots.Acquire());
  Random random(1);
  for (size_t i = count; i > 1; --i) std::swap(tokens[i - 1], tokens[random.Below(i)]);
  return tokens;
}

void IsLive(benchmark::State& state) {
  SlotIndex slots(1u << 20);
  const std::vector<Token> tokens = ShuffledTokens(slots, static_cast<size_t>(state.range(0)));
  size_t next = 0;
  for (auto unused : state) {
    benchmark::DoNotOptimize(slots.IsLive(tokens[next]));
    if (++next == tokens.size()) next = 0;
  }
}
BENCHMARK(IsLive)->Arg(1000)->Arg(100000);

// As for each event: is the token live, and where is its machine?
void FindMachine(benchmark::State& state) {
  struct Machine {
    uint64_t words[32];
  };
  SlotIndex slots(1u << 20);
  PinnedStorage<Machine> machines(1u << 20);
  const std::vector<Token> tokens = ShuffledTokens(slots, static_cast<size_t>(state.range(0)));
  for (const Token& token : tokens) new (machines.At(token.index)) Machine{};
  size_t next = 0;
  for (auto unused : state) {
    const Token token = tokens[next];
    if (slots.IsLive(token)) ++machines.Get(token.index)->words[0];
    if (++next == tokens.size()) next = 0;
  }
}
BENCHMARK(FindMachine)->Arg(1000)->Arg(100000);

}  // namespace
}  // namespace rotor
