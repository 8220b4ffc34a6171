// Timers as a server uses them, with state.range(0) of them queued, in random order.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "core/base/random.h"
#include "core/time/time.h"
#include "core/timer/timer_wheel.h"

namespace rotor {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;

class Timers {
 public:
  explicit Timers(int64_t count, uint64_t span = kMinute)
      : wheel(Time()), entries(new TimerEntry[static_cast<size_t>(count)]) {
    Random random(1);
    for (int64_t i = 0; i < count; ++i) order.push_back(static_cast<uint32_t>(i));
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
    for (const uint32_t i : order) {
      wheel.Set(entries[i], At(static_cast<int64_t>(random.Below(span))));
    }
  }
  ~Timers() {
    for (const uint32_t i : order) wheel.Cancel(entries[i]);
  }

  static Time At(int64_t nanoseconds) { return Time::FromNanoseconds(nanoseconds); }

  TimerEntry& Next() {
    if (++next == order.size()) next = 0;
    return entries[order[next]];
  }

  TimerWheel wheel;
  std::unique_ptr<TimerEntry[]> entries;
  std::vector<uint32_t> order;
  size_t next = 0;
};

void SetAndCancel(benchmark::State& state) {
  Timers timers(state.range(0));
  TimerEntry entry;
  Random random(2);
  for (auto unused : state) {
    timers.wheel.Set(entry, Timers::At(static_cast<int64_t>(random.Below(kMinute))));
    timers.wheel.Cancel(entry);
  }
}
BENCHMARK(SetAndCancel)->Arg(1000)->Arg(100000)->Arg(1000000);

void SetLater(benchmark::State& state) {
  Timers timers(state.range(0));
  int64_t deadline = kMinute;
  for (auto unused : state) timers.wheel.Set(timers.Next(), Timers::At(++deadline));
}
BENCHMARK(SetLater)->Arg(1000)->Arg(100000)->Arg(1000000);

void SetEarlier(benchmark::State& state) {
  Timers timers(state.range(0));
  // By two seconds, so that the entry changes its bucket; after 20 passes all start again.
  size_t left = 0;
  for (auto unused : state) {
    if (left == 0) {
      state.PauseTiming();
      for (const uint32_t i : timers.order) {
        const int64_t within_minute = timers.entries[i].deadline().time().nanoseconds() % kMinute;
        timers.wheel.Cancel(timers.entries[i]);
        timers.wheel.Set(timers.entries[i], Timers::At(kMinute + within_minute));
      }
      left = 20 * timers.order.size();
      state.ResumeTiming();
    }
    --left;
    TimerEntry& entry = timers.Next();
    timers.wheel.Set(entry, Timers::At(entry.deadline().time().nanoseconds() - 2 * kSecond));
  }
}
BENCHMARK(SetEarlier)->Arg(1000)->Arg(100000)->Arg(1000000);

// A minute in steps of a millisecond, in which everything expires. Per entry.
void ExpireAll(benchmark::State& state) {
  std::vector<TimerEntry*> due;
  int64_t expired = 0;
  for (auto unused : state) {
    state.PauseTiming();
    auto timers = std::make_unique<Timers>(state.range(0));
    state.ResumeTiming();
    for (int64_t now = 0; timers->wheel.size() > 0; now += kSecond / 1000) {
      due.clear();
      timers->wheel.Advance(Timers::At(now), due);
      expired += static_cast<int64_t>(due.size());
    }
    state.PauseTiming();
    timers.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(expired);
}
BENCHMARK(ExpireAll)->Arg(1000)->Arg(100000)->Arg(1000000);

// Deadlines within one second, all passed by the first look. Per entry.
void ExpireAtOnce(benchmark::State& state) {
  std::vector<TimerEntry*> due;
  int64_t expired = 0;
  for (auto unused : state) {
    state.PauseTiming();
    auto timers = std::make_unique<Timers>(state.range(0), kSecond);
    due.clear();
    state.ResumeTiming();
    timers->wheel.Advance(Timers::At(2 * kSecond), due);
    expired += static_cast<int64_t>(due.size());
    state.PauseTiming();
    timers.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(expired);
}
BENCHMARK(ExpireAtOnce)->Arg(1000)->Arg(100000)->Arg(1000000);

// What each turn of the loop pays in which nothing is due.
void AdvanceAndNextWake(benchmark::State& state) {
  Timers timers(state.range(0));
  std::vector<TimerEntry*> due;
  for (auto unused : state) {
    timers.wheel.Advance(Timers::At(1), due);
    benchmark::DoNotOptimize(timers.wheel.NextWake());
  }
}
BENCHMARK(AdvanceAndNextWake)->Arg(1000)->Arg(1000000);

}  // namespace
}  // namespace rotor
