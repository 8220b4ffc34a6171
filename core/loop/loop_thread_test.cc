// The loop on the real clock and kernel, woken by other threads. For the thread sanitizer, too.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "core/loop/loop_test_util.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

class LoopThreadTest : public testing::Test {
 protected:
  LoopThreadTest()
      : backend_(*EpollBackend::Create()),
        loop_(LoopBuilder<Scripted>({.machines_max = 64}, *backend_).Build()),
        group_(*loop_->AddGroup("test")) {}

  Notifier Add(Script script) { return *loop_->Add(group_, std::move(script)); }
  void Run() {
    const absl::Status status = loop_->Run();
    EXPECT_TRUE(status.ok()) << status;
  }

  const std::unique_ptr<EpollBackend> backend_;
  std::optional<Loop<Scripted>> loop_;
  const GroupId group_;
};

// Handed from a thread to a machine and back. Not atomic, except for the way back.
struct Box {
  uint64_t value = 0;
  std::atomic<uint64_t> taken = 0;
};

TEST_F(LoopThreadTest, WhatHappenedBeforeAWakeIsVisibleInTheWakeup) {
  constexpr uint64_t kRounds = 5'000;
  constexpr size_t kThreads = 2;
  std::vector<Box> boxes(kThreads);
  std::vector<std::thread> threads;
  for (Box& box : boxes) {
    const Notifier notifier = Add({.wakeup = [&box](Scope&) {
      const uint64_t value = box.value;
      EXPECT_EQ(value, box.taken.load(std::memory_order_relaxed) + 1);
      box.taken.store(value, std::memory_order_release);
      return value == kRounds ? Step::Done() : Step::KeepWaiting();
    }});
    threads.emplace_back([&box, notifier] {
      for (uint64_t round = 1; round <= kRounds; ++round) {
        box.value = round;
        notifier.Wake();
        // Lost wakes would leave the loop asleep, and this spinning.
        while (box.taken.load(std::memory_order_acquire) != round) std::this_thread::yield();
      }
    });
  }
  Run();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(LoopThreadTest, StormOfWakesIsMergedAndItsLastOneIsSeen) {
  constexpr uint64_t kThreads = 4, kWakes = 50'000;
  std::atomic<uint64_t> sent = 0;
  uint64_t wakeups = 0;
  const Notifier notifier = Add({.wakeup = [&](Scope&) {
    ++wakeups;
    const bool all = sent.load(std::memory_order_relaxed) == kThreads * kWakes;
    return all ? Step::Done() : Step::KeepWaiting();
  }});
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&sent, notifier] {
      for (uint64_t wake = 0; wake < kWakes; ++wake) {
        sent.fetch_add(1, std::memory_order_relaxed);
        notifier.Wake();
      }
    });
  }
  Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(wakeups, 1u);
  EXPECT_LE(wakeups, kThreads * kWakes);
}

TEST_F(LoopThreadTest, StaleNotifiersDoNotDisturbTheNextMachines) {
  constexpr int kGenerations = 2'000;
  // The notifier of the current generation, for the other thread. Old copies are used on purpose.
  std::vector<Notifier> notifiers(kGenerations);
  std::atomic<int> published = 0;
  std::atomic<bool> stop = false;
  int wrong = 0;
  std::function<Script(int)> machine = [&](int generation) -> Script {
    return {.start =
                [&, generation](Scope& scope) {
                  notifiers[generation] = scope.notifier();
                  published.store(generation + 1, std::memory_order_release);
                  if (generation % 2 == 1) return Step::WaitForever();
                  // Its successor moves in while it is being woken.
                  if (!loop_->Add(group_, machine(generation + 1)).ok()) ++wrong;
                  return Step::Done();
                },
            .wakeup =
                [&, generation](Scope&) {
                  const bool last = generation + 1 == kGenerations;
                  if (!last && !loop_->Add(group_, machine(generation + 1)).ok()) ++wrong;
                  return Step::Done();
                }};
  };
  Add(machine(0));
  std::thread waker([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const int known = published.load(std::memory_order_acquire);
      for (int i = known > 8 ? known - 8 : 0; i < known; ++i) notifiers[i].Wake();
    }
  });
  Run();
  stop.store(true, std::memory_order_relaxed);
  waker.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(loop_->counters().Get("test", "machines_finished").value(), kGenerations);
}

TEST_F(LoopThreadTest, WakesMayComeWhileTheLoopIsDestroyed) {
  const Notifier notifier = Add({});
  std::atomic<int> wakes = 0;
  std::atomic<bool> stop = false;
  std::thread waker([&, notifier] {
    while (!stop.load(std::memory_order_relaxed)) {
      notifier.Wake();
      wakes.fetch_add(1, std::memory_order_relaxed);
    }
  });
  while (wakes.load(std::memory_order_relaxed) < 100) {
    EXPECT_TRUE(loop_->RunOnce(backend_->Now()).ok());
  }
  loop_.reset();
  const int before = wakes.load(std::memory_order_relaxed);
  while (wakes.load(std::memory_order_relaxed) < before + 100) std::this_thread::yield();
  stop.store(true, std::memory_order_relaxed);
  waker.join();
}

TEST_F(LoopThreadTest, DeadlinesOnTheRealClockAreNotEarly) {
  for (int i = 0; i < 20; ++i) {
    Add({.start =
             [i](Scope& scope) {
               EXPECT_NE(scope.now(), Time());
               return Step::WaitUntil(scope.now() + absl::Microseconds(150 * i));
             },
         .timeout =
             [this, i, begin = backend_->Now()](Scope& scope) {
               EXPECT_GE(scope.now(), begin + absl::Microseconds(150 * i));
               EXPECT_GE(backend_->Now(), scope.now());
               return Step::Done();
             }});
  }
  Run();
  EXPECT_EQ(loop_->counters().Get("loop", "timeouts").value(), 20);
}

}  // namespace
}  // namespace rotor
