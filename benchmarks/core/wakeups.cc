// Waking a loop from another thread and handing it messages, ours beside those libraries that this
// file finds when it is compiled. The consumer is a whole loop that sleeps in epoll_wait(2) when
// there is nothing to do, on one core; producers are on the other.
//
//   exchange  nothing but an atomic exchange, the yardstick of `wake`: ns
//   wake      asks for one wake-up of a machine, which publishes what came before: ns per call
//   notify    says that there is a message, which something else has published: ns per call
//   message   hands over a pointer: ns per message until the last has been taken; 1 or 2 producers
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "benchmarks/core/program.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "core/notifier/mailbox.h"
#include "core/notifier/notifier.h"

#if __has_include(<uv.h>)
#include <uv.h>
#endif
#if __has_include(<asio.hpp>)
#include <asio.hpp>
#endif

namespace rotor::benchmarks {
namespace {

constexpr size_t kMessages = 1'000'000;
// No sender has to wait, as with the others, whose queues have no bound.
constexpr uint32_t kMailboxMessages = kMessages;
constexpr size_t kMessagesPerTurn = 4096;

// The first two cores this process may use: of the consumer and of the producers.
int CoreNumber(size_t which) {
  static const std::vector<int> cores = [] {
    cpu_set_t set;
    ::sched_getaffinity(0, sizeof set, &set);
    std::vector<int> allowed;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) allowed.push_back(core);
    }
    return allowed;
  }();
  return cores[which % cores.size()];
}

void Pin(size_t which) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(CoreNumber(which), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}
void PinConsumer() { Pin(0); }
void PinProducer() { Pin(1); }

struct Message {
  uint64_t value = 1;
};

// ------------------------------------------------------------------------------------------- ours

// Hands out its notifier and counts its wake-ups until it is asked to stop.
struct Woken {
  Woken(Notifier& notifier, std::atomic<bool>& ready, std::atomic<bool>& stop)
      : notifier(notifier), ready(ready), stop(stop) {}
  Step Start(Scope& scope) {
    notifier = scope.notifier();
    ready.store(true);
    return Step::WaitForever();
  }
  Step Wakeup(Scope&) { return stop.load() ? Step::Done() : Step::KeepWaiting(); }
  Notifier& notifier;
  std::atomic<bool>& ready;
  std::atomic<bool>& stop;
};

// The same, as a mailbox's owner: it looks before it can be told again.
struct Told {
  Told(mailbox_internal::Signal& signal, std::atomic<bool>& ready, std::atomic<bool>& stop)
      : signal(signal), ready(ready), stop(stop) {}
  Step Start(Scope& scope) {
    signal.WakeBy(scope.notifier());
    ready.store(true);
    return Step::WaitForever();
  }
  Step Wakeup(Scope&) {
    signal.Rearm();
    return stop.load() ? Step::Done() : Step::KeepWaiting();
  }
  mailbox_internal::Signal& signal;
  std::atomic<bool>& ready;
  std::atomic<bool>& stop;
};

class Receiver {
 public:
  explicit Receiver(Mailbox<Message*> mailbox) : mailbox_(std::move(mailbox)) {}
  Step Start(Scope& scope) {
    mailbox_.WakeBy(scope.notifier());
    return Step::WaitForever();
  }
  Step Wakeup(Scope&) {
    taken_ += mailbox_.Take(kMessagesPerTurn, [this](Message* message) { sum_ += message->value; });
    benchmark::DoNotOptimize(sum_);
    return taken_ == kMessages ? Step::Done() : Step::KeepWaiting();
  }

 private:
  Mailbox<Message*> mailbox_;
  size_t taken_ = 0;
  uint64_t sum_ = 0;
};

using Root = Compose<Woken, Told, Receiver>;

template <typename M, typename... Args>
void RunLoop(Args&&... args) {
  std::unique_ptr<EpollBackend> backend = *EpollBackend::Create();
  Loop<Root> loop = LoopBuilder<Root>({}, *backend).Build();
  const GroupId group = *loop.AddGroup("benchmark");
  if (!loop.Add<M>(group, std::forward<Args>(args)...).ok() || !loop.Run().ok()) std::abort();
}

// Calls `notify()` as fast as it goes while `consume()` runs in a thread of its own.
template <typename Consume, typename Notify>
void CallNotify(benchmark::State& state, std::atomic<bool>& ready, std::atomic<bool>& stop,
                Consume consume, Notify notify) {
  std::thread consumer([&] {
    PinConsumer();
    consume();
  });
  PinProducer();
  while (!ready.load()) std::this_thread::yield();
  for (auto unused : state) notify();
  stop.store(true);
  notify();
  consumer.join();
}

void WakeOurs(benchmark::State& state) {
  Notifier notifier;
  std::atomic<bool> ready = false;
  std::atomic<bool> stop = false;
  CallNotify(
      state, ready, stop, [&] { RunLoop<Woken>(notifier, ready, stop); }, [&] { notifier.Wake(); });
}

void NotifyOurs(benchmark::State& state) {
  mailbox_internal::Signal signal;
  std::atomic<bool> ready = false;
  std::atomic<bool> stop = false;
  CallNotify(
      state, ready, stop, [&] { RunLoop<Told>(signal, ready, stop); }, [&] { signal.Notify(); });
}

void Exchange(benchmark::State& state) {
  PinProducer();
  std::atomic<uint32_t> word = 0;
  for (auto unused : state) benchmark::DoNotOptimize(word.exchange(1, std::memory_order_acq_rel));
}

// Runs `send(message)` for all messages, split between the producers.
template <typename Send>
std::vector<std::thread> StartProducers(int64_t count, std::vector<Message>& messages, Send send) {
  std::vector<std::thread> producers;
  for (int64_t producer = 0; producer < count; ++producer) {
    producers.emplace_back([producer, count, send, &messages] {
      PinProducer();
      for (size_t i = static_cast<size_t>(producer); i < kMessages;
           i += static_cast<size_t>(count)) {
        send(&messages[i]);
      }
    });
  }
  return producers;
}

// Times `consume()`, which returns when all messages are taken. `start()` starts the producers.
template <typename Start, typename Consume>
void TimeMessages(benchmark::State& state, Start start_producers, Consume consume) {
  std::vector<Message> messages(kMessages);
  PinConsumer();
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> producers = start_producers(messages);
  consume();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (std::thread& producer : producers) producer.join();
  state.SetIterationTime(took.count() / kMessages);
}

void MessageOurs(benchmark::State& state) {
  for (auto unused : state) {
    Mailbox<Message*> mailbox(kMailboxMessages);
    const auto send = [sender = mailbox.sender()](Message* message) {
      while (sender.Send(message) == SendResult::kFull) std::this_thread::yield();
    };
    TimeMessages(
        state,
        [&](std::vector<Message>& messages) {
          return StartProducers(state.range(0), messages, send);
        },
        [&] { RunLoop<Receiver>(std::move(mailbox)); });
  }
}

// ------------------------------------------------------------------------------------------- uv

#if __has_include(<uv.h>)
// A loop with one uv_async_t, which calls `function`.
struct UvLoop {
  explicit UvLoop(std::function<void(UvLoop&)> called) : function(std::move(called)) {
    uv_loop_init(&loop);
    async.data = this;
    uv_async_init(&loop, &async, [](uv_async_t* handle) {
      UvLoop& self = *static_cast<UvLoop*>(handle->data);
      self.function(self);
    });
  }
  ~UvLoop() { uv_loop_close(&loop); }
  void Run() { uv_run(&loop, UV_RUN_DEFAULT); }
  void Notify() { uv_async_send(&async); }
  void Stop() { uv_close(reinterpret_cast<uv_handle_t*>(&async), nullptr); }

  std::function<void(UvLoop&)> function;
  uv_loop_t loop;
  uv_async_t async;
};

void NotifyUv(benchmark::State& state) {
  std::atomic<bool> ready = true;
  std::atomic<bool> stop = false;
  UvLoop loop([&](UvLoop& self) {
    if (stop.load()) self.Stop();
  });
  CallNotify(
      state, ready, stop, [&] { loop.Run(); }, [&] { loop.Notify(); });
}

// A vector under a mutex, which the consumer takes as a whole: the usual companion of uv_async.
void MessageUvMutex(benchmark::State& state) {
  for (auto unused : state) {
    std::mutex mutex;
    std::vector<Message*> queue;
    std::vector<Message*> taken;
    size_t count = 0;
    uint64_t sum = 0;
    UvLoop loop([&](UvLoop& self) {
      {
        const std::lock_guard lock(mutex);
        taken.swap(queue);
      }
      for (const Message* message : taken) sum += message->value;
      count += taken.size();
      taken.clear();
      benchmark::DoNotOptimize(sum);
      if (count == kMessages) self.Stop();
    });
    const auto send = [&](Message* message) {
      bool first = false;
      {
        const std::lock_guard lock(mutex);
        first = queue.empty();
        queue.push_back(message);
      }
      if (first) loop.Notify();
    };
    TimeMessages(
        state,
        [&](std::vector<Message>& messages) {
          return StartProducers(state.range(0), messages, send);
        },
        [&] { loop.Run(); });
  }
}
#endif

// ------------------------------------------------------------------------------------------- asio

#if __has_include(<asio.hpp>)
void MessageAsio(benchmark::State& state) {
  for (auto unused : state) {
    asio::io_context loop;  // With its locks: others post to it.
    auto work = asio::make_work_guard(loop);
    size_t count = 0;
    uint64_t sum = 0;
    const auto send = [&](Message* message) {
      asio::post(loop, [&, message] {
        sum += message->value;
        benchmark::DoNotOptimize(sum);
        if (++count == kMessages) work.reset();
      });
    };
    TimeMessages(
        state,
        [&](std::vector<Message>& messages) {
          return StartProducers(state.range(0), messages, send);
        },
        [&] { loop.run(); });
  }
}

void NotifyAsio(benchmark::State& state) {
  std::atomic<bool> ready = true;
  std::atomic<bool> stop = false;
  asio::io_context loop;
  auto work = asio::make_work_guard(loop);
  CallNotify(
      state, ready, stop, [&] { loop.run(); },
      [&] {
        asio::post(loop, [&] {
          if (stop.load()) work.reset();
        });
      });
}
#endif

std::vector<Row> Rows() {
  std::vector<Row> rows = {
      {"exchange/bare", 1, Exchange, Clock::kWall},
      {"wake/ours", 1, WakeOurs, Clock::kWall},
      {"notify/ours", 1, NotifyOurs, Clock::kWall},
  };
#if __has_include(<uv.h>)
  rows.push_back({"notify/libuv", 1, NotifyUv, Clock::kWall});
#endif
#if __has_include(<asio.hpp>)
  rows.push_back({"notify/asio", 1, NotifyAsio, Clock::kWall});
#endif
  for (const int64_t producers : {1, 2}) {
    rows.push_back({"message/ours", producers, MessageOurs, Clock::kOwn});
#if __has_include(<uv.h>)
    rows.push_back({"message/libuv", producers, MessageUvMutex, Clock::kOwn});
#endif
#if __has_include(<asio.hpp>)
    rows.push_back({"message/asio", producers, MessageAsio, Clock::kOwn});
#endif
  }
  return rows;
}

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  return rotor::benchmarks::RunRows(argc, argv, rotor::benchmarks::Rows());
}
