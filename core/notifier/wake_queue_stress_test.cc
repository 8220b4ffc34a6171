// Wakes from several threads at once. Meant for the thread sanitizer as much as for its assertions.
// A lost wake-up shows as a failed assertion in most tests, and as a test that never ends where
// producers wait for the consumer.
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/random.h"
#include "core/notifier/notifier.h"
#include "core/notifier/wake_queue.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

// Lets the consumer sleep until it is signalled or the test is over.
class SleepingWaker final : public Waker {
 public:
  enum class Reason { kSignal, kFinished };

  void Signal() override {
    const std::lock_guard lock(mutex_);
    signalled_ = true;
    changed_.notify_one();
  }

  void Finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_one();
  }

  Reason Sleep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return signalled_ || finished_; });
    if (!signalled_) return Reason::kFinished;
    signalled_ = false;
    return Reason::kSignal;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool signalled_ = false;
  bool finished_ = false;
};

struct Setup {
  size_t producers;
  // A consumer that never sleeps never takes the waker's mutex, so that nothing but the queue
  // itself orders the producers' writes before the consumer's reads.
  bool consumer_sleeps;
};

class WakeQueueStressTest : public testing::TestWithParam<Setup> {
 protected:
  Notifier Acquire(Token token) {
    queue_->SlotAcquired(token);
    return Notifier(queue_, token);
  }

  // Runs `producer(i)` in a thread each.
  template <typename Producer>
  void StartProducers(Producer producer) {
    for (size_t i = 0; i < GetParam().producers; ++i) threads_.emplace_back(producer, i);
    finisher_ = std::thread([this] {
      for (std::thread& thread : threads_) thread.join();
      finished_.store(true, std::memory_order_release);
      waker_->Finish();
    });
  }

  // What a loop does, until all producers have ended. Everything that they woke must have been
  // reported by then, or the consumer must have been signalled that it should look.
  template <typename Wakeup>
  void Consume(Wakeup wakeup) {
    std::vector<Token> woken;
    const auto take_all = [&] {
      woken.clear();
      queue_->TakeAll(woken);
      for (const Token& token : woken) wakeup(token);
    };
    if (GetParam().consumer_sleeps) {
      while (true) {
        take_all();
        if (!queue_->PrepareToSleep()) continue;
        if (waker_->Sleep() == SleepingWaker::Reason::kFinished) break;
      }
      EXPECT_TRUE(queue_->PrepareToSleep()) << "asleep beside a filled queue";
    } else {
      while (!finished_.load(std::memory_order_relaxed)) {
        take_all();
        std::this_thread::yield();
      }
    }
    finisher_.join();
    take_all();
  }

  std::shared_ptr<SleepingWaker> waker_ = std::make_shared<SleepingWaker>();
  std::shared_ptr<WakeQueue> queue_ = std::make_shared<WakeQueue>(8, waker_);
  std::vector<std::thread> threads_;
  std::thread finisher_;
  std::atomic<bool> finished_ = false;
};

// Plain memory, which only the wake publishes; the thread sanitizer sees if it does not.
TEST_P(WakeQueueStressTest, WhatWasWrittenBeforeAWakeIsVisibleInTheWakeup) {
  constexpr uint64_t kRounds = 2000;
  struct alignas(64) Mailbox {
    uint64_t value = 0;                   // Written by the producer, read by the consumer.
    std::atomic<uint64_t> processed = 0;  // The other way round.
  };
  std::vector<Mailbox> mailboxes(GetParam().producers);
  std::vector<Notifier> notifiers;
  for (uint32_t i = 0; i < mailboxes.size(); ++i) {
    notifiers.push_back(Acquire({.index = i, .generation = 1}));
  }
  StartProducers([&](size_t producer) {
    Mailbox& mailbox = mailboxes[producer];
    for (uint64_t round = 1; round <= kRounds; ++round) {
      mailbox.value = round;
      notifiers[producer].Wake();
      while (mailbox.processed.load(std::memory_order_acquire) != round) std::this_thread::yield();
    }
  });
  uint64_t wakeups = 0;
  Consume([&](Token token) {
    Mailbox& mailbox = mailboxes[token.index];
    mailbox.processed.store(mailbox.value, std::memory_order_release);
    ++wakeups;
  });
  EXPECT_EQ(wakeups, kRounds * GetParam().producers);
}

// The same for a wake that is merged with an earlier one, and so links nothing: the mark alone must
// publish.
TEST(WakeQueueMergeTest, WhatWasWrittenBeforeAMergedWakeIsVisibleInTheWakeup) {
  constexpr uint64_t kRounds = 500;
  const auto queue = std::make_shared<WakeQueue>(1, std::make_shared<SleepingWaker>());
  const Token machine{.index = 0, .generation = 1};
  queue->SlotAcquired(machine);
  const Notifier notifier(queue, machine);
  uint64_t value = 0;  // Plain memory, as above.
  std::atomic<uint64_t> round_begun = 0;
  std::atomic<uint64_t> round_woken = 0;
  std::thread producer([&] {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      while (round_begun.load(std::memory_order_acquire) != round) std::this_thread::yield();
      value = round;
      notifier.Wake();
      round_woken.store(round, std::memory_order_release);
    }
  });
  for (uint64_t round = 1; round <= kRounds; ++round) {
    notifier.Wake();
    round_begun.store(round, std::memory_order_release);
    // Relaxed on purpose: no order may come from here which the wake itself should bring.
    while (round_woken.load(std::memory_order_relaxed) != round) std::this_thread::yield();
    std::vector<Token> woken;
    queue->TakeAll(woken);
    EXPECT_EQ(woken, std::vector<Token>{machine});
    EXPECT_EQ(value, round);
  }
  producer.join();
}

// All producers wake the same few machines, so that most wakes are merged. After the last wake
// there must be a Wakeup that sees the last value.
TEST_P(WakeQueueStressTest, NoMergedWakeIsLost) {
  constexpr uint64_t kWakes = 50000;
  constexpr uint32_t kMachines = 3;
  struct Sent {
    std::atomic<uint64_t> to[kMachines] = {};
  };
  std::vector<Sent> sent(GetParam().producers);
  std::vector<Notifier> notifiers;
  for (uint32_t i = 0; i < kMachines; ++i) {
    notifiers.push_back(Acquire({.index = i, .generation = 1}));
  }
  StartProducers([&](size_t producer) {
    Random random(producer);
    for (uint64_t i = 1; i <= kWakes; ++i) {
      const uint64_t machine = random.Below(kMachines);
      sent[producer].to[machine].store(i, std::memory_order_relaxed);
      notifiers[machine].Wake();
      if (i % 64 == 0) std::this_thread::yield();  // Lets the consumer fall asleep.
    }
  });
  std::vector<std::vector<uint64_t>> seen(sent.size(), std::vector<uint64_t>(kMachines));
  Consume([&](Token token) {
    for (size_t producer = 0; producer < sent.size(); ++producer) {
      seen[producer][token.index] = sent[producer].to[token.index].load(std::memory_order_relaxed);
    }
  });
  for (size_t producer = 0; producer < sent.size(); ++producer) {
    for (uint32_t machine = 0; machine < kMachines; ++machine) {
      EXPECT_EQ(seen[producer][machine], sent[producer].to[machine].load());
    }
  }
}

// The machines of one slot in turn are public, with a notifier that producers use as long as they
// like, or secret, with none. A secret one must never be woken, a public one not be forgotten.
TEST_P(WakeQueueStressTest, StaleNotifiersNeitherWakeNorSwallow) {
  constexpr uint32_t kRounds = 500;
  std::mutex mutex;
  Notifier current;
  std::atomic<bool> stop = false;

  StartProducers([&](size_t) {
    Notifier notifier;
    while (!stop.load(std::memory_order_relaxed)) {
      notifier.Wake();  // The previous one: often stale by now.
      {
        const std::lock_guard lock(mutex);
        notifier = current;
      }
      notifier.Wake();
      notifier.Wake();
      std::this_thread::yield();
    }
  });

  std::vector<Token> woken;
  uint32_t generation = 1;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const Token open{.index = 0, .generation = generation};
    {
      const Notifier notifier = Acquire(open);
      const std::lock_guard lock(mutex);
      current = notifier;
    }
    bool was_woken = false;
    while (!was_woken) {
      woken.clear();
      queue_->TakeAll(woken);
      for (const Token& token : woken) was_woken = was_woken || token == open;
      if (!was_woken) std::this_thread::yield();
    }
    queue_->SlotReleased(open);
    const Token secret{.index = 0, .generation = generation + 2};
    queue_->SlotAcquired(secret);
    std::this_thread::yield();
    woken.clear();
    queue_->TakeAll(woken);
    EXPECT_TRUE(woken.empty()) << "generation " << woken.front().generation;
    queue_->SlotReleased(secret);
    generation += 4;
  }
  stop.store(true, std::memory_order_relaxed);
  Consume([](Token) { ADD_FAILURE() << "the slot is free"; });
}

TEST_P(WakeQueueStressTest, WakesDuringAndAfterCloseAreHarmless) {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    auto queue = std::make_shared<WakeQueue>(1, waker_);
    const Token token{.index = 0, .generation = 1};
    queue->SlotAcquired(token);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < GetParam().producers; ++i) {
      threads.emplace_back([notifier = Notifier(queue, token)] {
        for (int i = 0; i < 20; ++i) notifier.Wake();
      });
    }
    queue->PrepareToSleep();
    queue->Close();
    std::vector<Token> woken;
    queue->TakeAll(woken);
    EXPECT_TRUE(woken.empty());
    queue.reset();
    for (std::thread& thread : threads) thread.join();
  }
}

INSTANTIATE_TEST_SUITE_P(Producers, WakeQueueStressTest,
                         testing::Values(Setup{1, true}, Setup{2, true}, Setup{4, true},
                                         Setup{1, false}, Setup{2, false}, Setup{4, false}),
                         [](const testing::TestParamInfo<Setup>& info) {
                           return std::to_string(info.param.producers) +
                                  (info.param.consumer_sleeps ? "Sleeping" : "Spinning");
                         });

}  // namespace
}  // namespace rotor
