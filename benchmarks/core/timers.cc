// Timers as servers use them, ours beside those libraries that this file finds when it is compiled.
//
//   arm_cancel  N are armed; one more is armed and cancelled: ns for both
//   rearm       N are armed; one after the other, in random order, gets a new deadline a minute
//               ahead, while time passes: what each request of a connection costs. ns each
//   expire      N are armed within a second and are all due at once: ns each, until all are handled
//   fill        N are armed where none was: ns each, and memory in `bytes`
//
// Libraries that read the clock themselves get delays instead of times: the same, as long as their
// clock is not read in between.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "benchmarks/core/program.h"
#include "core/base/random.h"
#include "core/time/time.h"
#include "core/timer/timer_wheel.h"

#if __has_include(<ev.h>)
#include <ev.h>
#endif
#if __has_include(<uv.h>)
#include <uv.h>
#endif
#if __has_include(<asio.hpp>)
#include <asio.hpp>
#endif

namespace rotor::benchmarks {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1000 * kMillisecond;
constexpr int64_t kMinute = 60 * kSecond;

// Each implementation has `n` timers, and times in nanoseconds from its construction.
class Ours {
 public:
  explicit Ours(size_t n) : entries_(new TimerEntry[n]), size_(n) {}
  ~Ours() {
    for (size_t i = 0; i < size_; ++i) wheel_.Cancel(entries_[i]);
  }
  void Arm(size_t i, int64_t at) { wheel_.Set(entries_[i], Time::FromNanoseconds(at)); }
  void Cancel(size_t i) { wheel_.Cancel(entries_[i]); }
  // The clock of the loop: what the wheel does in between is part of the cost.
  void PassTime(int64_t now) { wheel_.Advance(Time::FromNanoseconds(now), due_); }
  size_t Expire(int64_t now) {
    PassTime(now);
    size_t expired = 0;
    for (TimerEntry* entry : due_) expired += entry->is_due() ? 1 : 0;
    due_.clear();
    return expired;
  }

 private:
  TimerWheel wheel_{Time()};
  std::unique_ptr<TimerEntry[]> entries_;
  size_t size_;
  std::vector<TimerEntry*> due_;
};

#if __has_include(<ev.h>)
class Libev {
 public:
  explicit Libev(size_t n) : loop_(ev_loop_new(EVFLAG_AUTO)), timers_(n) {
    ev_set_userdata(loop_, &expired_);
    for (ev_timer& timer : timers_) ev_init(&timer, Expired);
    ev_now_update(loop_);
  }
  ~Libev() {
    for (ev_timer& timer : timers_) ev_timer_stop(loop_, &timer);
    ev_loop_destroy(loop_);
  }
  // The way its manual recommends to move a timer.
  void Arm(size_t i, int64_t at) {
    timers_[i].repeat = static_cast<double>(at) * 1e-9;
    ev_timer_again(loop_, &timers_[i]);
  }
  void Cancel(size_t i) { ev_timer_stop(loop_, &timers_[i]); }
  void PassTime(int64_t) {}
  size_t Expire(int64_t) {
    expired_ = 0;
    ev_run(loop_, EVRUN_NOWAIT);
    return expired_;
  }

 private:
  static void Expired(struct ev_loop* loop, ev_timer* timer, int) {
    ++*static_cast<size_t*>(ev_userdata(loop));
    ev_timer_stop(loop, timer);
  }

  struct ev_loop* loop_;
  std::vector<ev_timer> timers_;
  size_t expired_ = 0;
};
#endif

#if __has_include(<uv.h>)
class Libuv {
 public:
  explicit Libuv(size_t n) : timers_(n) {
    uv_loop_init(&loop_);
    loop_.data = &expired_;
    for (uv_timer_t& timer : timers_) uv_timer_init(&loop_, &timer);
  }
  ~Libuv() {
    for (uv_timer_t& timer : timers_) uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  void Arm(size_t i, int64_t at) {
    const auto expired = [](uv_timer_t* timer) { ++*static_cast<size_t*>(timer->loop->data); };
    uv_timer_start(&timers_[i], expired, static_cast<uint64_t>(at / kMillisecond), 0);
  }
  void Cancel(size_t i) { uv_timer_stop(&timers_[i]); }
  void PassTime(int64_t) {}
  size_t Expire(int64_t) {
    expired_ = 0;
    uv_run(&loop_, UV_RUN_NOWAIT);
    return expired_;
  }

 private:
  uv_loop_t loop_;
  std::vector<uv_timer_t> timers_;
  size_t expired_ = 0;
};
#endif

#if __has_include(<asio.hpp>)
class Asio {
 public:
  explicit Asio(size_t n) {
    timers_.reserve(n);
    for (size_t i = 0; i < n; ++i) timers_.emplace_back(loop_);
  }
  // It calls the handler of the deadline that is replaced, too: those calls are made 64 at a time.
  void Arm(size_t i, int64_t at) {
    if (timers_[i].expires_at(start_ + std::chrono::nanoseconds(at)) > 0) RunAborted();
    timers_[i].async_wait([this](const std::error_code& error) { expired_ += error ? 0 : 1; });
  }
  void Cancel(size_t i) {
    if (timers_[i].cancel() > 0) RunAborted();
  }
  void PassTime(int64_t) {}
  size_t Expire(int64_t) {
    expired_ = 0;
    loop_.restart();
    loop_.poll();
    return expired_;
  }

 private:
  void RunAborted() {
    if (++aborted_ % 64 == 0) loop_.poll();
  }

  asio::io_context loop_{1};
  std::vector<asio::steady_timer> timers_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  size_t aborted_ = 0;
  size_t expired_ = 0;
};
#endif

std::vector<uint32_t> RandomOrder(size_t n) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  Random random(1);
  for (size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

size_t Count(const benchmark::State& state) { return static_cast<size_t>(state.range(0)); }

template <typename Timers>
void ArmCancel(benchmark::State& state) {
  const size_t n = Count(state);
  Timers timers(n + 1);
  Random random(2);
  for (size_t i = 0; i < n; ++i)
    timers.Arm(i, kSecond + static_cast<int64_t>(random.Below(kMinute)));
  for (auto unused : state) {
    timers.Arm(n, kSecond + static_cast<int64_t>(random.Below(kMinute)));
    timers.Cancel(n);
  }
}

// All are re-armed once per second of the time that passes.
template <typename Timers>
void Rearm(benchmark::State& state) {
  const size_t n = Count(state);
  Timers timers(n);
  const std::vector<uint32_t> order = RandomOrder(n);
  const int64_t step = kSecond / static_cast<int64_t>(n);
  int64_t now = 0;
  for (size_t i = 0; i < n; ++i)
    timers.Arm(order[i], kMinute - kSecond + static_cast<int64_t>(i) * step);
  size_t next = 0;
  int64_t next_turn = kMillisecond;
  for (auto unused : state) {
    if (now >= next_turn) {
      timers.PassTime(now);
      next_turn += kMillisecond;
    }
    timers.Arm(order[next], now + kMinute);
    now += step;
    if (++next == n) next = 0;
  }
}

template <typename Timers>
void Expire(benchmark::State& state) {
  const size_t n = Count(state);
  for (auto unused : state) {
    Timers timers(n);
    Random random(3);
    // Earlier than any library's clock will be when it reads it next.
    for (size_t i = 0; i < n; ++i) {
      timers.Arm(i, kMillisecond + static_cast<int64_t>(random.Below(kSecond)));
    }
    // The libraries' own clocks have to get there.
    if (!std::is_same_v<Timers, Ours>) std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    const double start = ThreadSeconds();
    size_t expired = 0;
    while (expired < n) expired += timers.Expire(2 * kSecond);
    state.SetIterationTime((ThreadSeconds() - start) / static_cast<double>(n));
  }
}

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

template <typename Timers>
void Fill(benchmark::State& state) {
  const size_t n = Count(state);
  size_t bytes = 0;
  for (auto unused : state) {
    Random random(4);
    const size_t before = HeapBytes();
    Timers timers(n);
    const double start = ThreadSeconds();
    for (size_t i = 0; i < n; ++i) {
      timers.Arm(i, kSecond + static_cast<int64_t>(random.Below(kMinute)));
    }
    state.SetIterationTime((ThreadSeconds() - start) / static_cast<double>(n));
    bytes = HeapBytes() - before;
    for (size_t i = 0; i < n; ++i) timers.Cancel(i);
  }
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(n);
}

template <typename Timers>
void Add(std::vector<Row>& rows, const std::string& who) {
  for (const int64_t n : {1000, 100'000, 1'000'000}) {
    rows.push_back({"arm_cancel/" + who, n, ArmCancel<Timers>, Clock::kCpu});
    rows.push_back({"rearm/" + who, n, Rearm<Timers>, Clock::kCpu});
    rows.push_back({"expire/" + who, n, Expire<Timers>, Clock::kOwn});
    rows.push_back({"fill/" + who, n, Fill<Timers>, Clock::kOwn});
  }
}

std::vector<Row> Rows() {
  std::vector<Row> rows;
  Add<Ours>(rows, "ours");
#if __has_include(<ev.h>)
  Add<Libev>(rows, "libev");
#endif
#if __has_include(<uv.h>)
  Add<Libuv>(rows, "libuv");
#endif
#if __has_include(<asio.hpp>)
  Add<Asio>(rows, "asio");
#endif
  return rows;
}

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  return rotor::benchmarks::RunRows(argc, argv, rotor::benchmarks::Rows());
}
