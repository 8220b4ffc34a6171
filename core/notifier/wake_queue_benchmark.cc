// The price of waking a machine, beside that of a bare atomic exchange.
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "core/notifier/notifier.h"
#include "core/notifier/wake_queue.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"

namespace rotor {
namespace {

class SilentWaker final : public Waker {
 public:
  void Signal() override {}
};

constexpr Token kMachine{.index = 7, .generation = 1};

std::shared_ptr<WakeQueue> QueueWithMachine() {
  auto queue = std::make_shared<WakeQueue>(16384, std::make_shared<SilentWaker>());
  queue->SlotAcquired(kMachine);
  return queue;
}

// The yardsticks.
void BareExchange(benchmark::State& state) {
  std::atomic<uint32_t> word = 0;
  for (auto unused : state) benchmark::DoNotOptimize(word.exchange(1, std::memory_order_acq_rel));
}
BENCHMARK(BareExchange);

void BareCompareExchange(benchmark::State& state) {
  std::atomic<uint32_t> word = 0;
  for (auto unused : state) {
    uint32_t value = word.load(std::memory_order_relaxed);
    benchmark::DoNotOptimize(word.compare_exchange_weak(value, value | 1));
  }
}
BENCHMARK(BareCompareExchange);

void WakeWhenPending(benchmark::State& state) {
  const Notifier notifier(QueueWithMachine(), kMachine);
  for (auto unused : state) notifier.Wake();
}
BENCHMARK(WakeWhenPending);

void WakeByStaleNotifier(benchmark::State& state) {
  const std::shared_ptr<WakeQueue> queue = QueueWithMachine();
  const Notifier notifier(queue, kMachine);
  queue->SlotReleased(kMachine);
  for (auto unused : state) notifier.Wake();
}
BENCHMARK(WakeByStaleNotifier);

void WakeAndTake(benchmark::State& state) {
  const std::shared_ptr<WakeQueue> queue = QueueWithMachine();
  const Notifier notifier(queue, kMachine);
  std::vector<Token> woken;
  for (auto unused : state) {
    notifier.Wake();
    woken.clear();
    queue->TakeAll(woken);
  }
}
BENCHMARK(WakeAndTake);

void SleepWakeAndTake(benchmark::State& state) {
  const std::shared_ptr<WakeQueue> queue = QueueWithMachine();
  const Notifier notifier(queue, kMachine);
  std::vector<Token> woken;
  for (auto unused : state) {
    queue->PrepareToSleep();
    notifier.Wake();
    woken.clear();
    queue->TakeAll(woken);
  }
}
BENCHMARK(SleepWakeAndTake);

// What each turn of the loop pays in which nobody woke anybody.
void TakeNothing(benchmark::State& state) {
  const std::shared_ptr<WakeQueue> queue = QueueWithMachine();
  std::vector<Token> woken;
  for (auto unused : state) queue->TakeAll(woken);
}
BENCHMARK(TakeNothing);

}  // namespace
}  // namespace rotor
