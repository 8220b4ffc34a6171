// Senders on several threads and a machine that sleeps. Meant for the thread sanitizer as much as
// for its assertions. A lost wake-up shows as a consumer that sleeps beside a filled mailbox.
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/notifier/mailbox.h"
#include "core/notifier/notifier.h"
#include "core/notifier/wake_queue.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

class SleepingWaker final : public Waker {
 public:
  void Signal() override {
    const std::lock_guard lock(mutex_);
    signalled_ = true;
    changed_.notify_one();
  }
  void Sleep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return signalled_; });
    signalled_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool signalled_ = false;
};

constexpr Token kMachine{.index = 0, .generation = 1};

struct Message {
  size_t sender;
  uint64_t number;
  std::unique_ptr<uint64_t> payload;  // Plain memory, which only the mailbox publishes.
};

struct Setup {
  size_t senders;
  uint32_t messages_max;
  size_t per_turn;
};

class MailboxStressTest : public testing::TestWithParam<Setup> {};

// The loop's turns: Wakeup if woken, then sleep unless woken again.
TEST_P(MailboxStressTest, EveryMessageArrivesOnceInOrderAndNoWakeIsLost) {
  constexpr uint64_t kMessages = 20000;
  const auto [senders, messages_max, per_turn] = GetParam();
  const auto waker = std::make_shared<SleepingWaker>();
  const auto wakes = std::make_shared<WakeQueue>(1, waker);
  wakes->SlotAcquired(kMachine);
  Mailbox<Message> mailbox(messages_max);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < senders; ++i) {
    threads.emplace_back([i, sender = mailbox.sender()] {
      for (uint64_t number = 1; number <= kMessages; ++number) {
        Message message{i, number, std::make_unique<uint64_t>(number)};
        while (sender.Send(std::move(message)) != SendResult::kSent) std::this_thread::yield();
        if (number % 97 == 0) std::this_thread::yield();  // Lets the consumer fall asleep.
      }
    });
  }
  mailbox.WakeBy(Notifier(wakes, kMachine));
  std::vector<uint64_t> last(senders);
  std::vector<Token> woken;
  for (uint64_t left = senders * kMessages; left > 0;) {
    woken.clear();
    wakes->TakeAll(woken);
    if (woken.empty()) {
      if (wakes->PrepareToSleep()) waker->Sleep();  // For ever if a wake was lost.
      continue;
    }
    left -= mailbox.Take(per_turn, [&](Message message) {
      ASSERT_EQ(message.number, ++last[message.sender]);
      ASSERT_EQ(*message.payload, message.number);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mailbox.Take(1, [](const Message&) {}), 0u);
}

INSTANTIATE_TEST_SUITE_P(Senders, MailboxStressTest,
                         testing::Values(Setup{1, 1, 1}, Setup{1, 1024, 64}, Setup{2, 4, 3},
                                         Setup{2, 1024, 1024}, Setup{4, 64, 16}),
                         [](const testing::TestParamInfo<Setup>& info) {
                           return std::to_string(info.param.senders) + "Of" +
                                  std::to_string(info.param.messages_max) + "By" +
                                  std::to_string(info.param.per_turn);
                         });

// Senders go on while the mailbox closes: each message is taken, destroyed, or refused.
TEST(MailboxCloseTest, MessagesDuringCloseAreDestroyedOnce) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> alive = 0;
    struct Counted {
      explicit Counted(std::atomic<int>& count) : count(&count) { ++count; }
      Counted(Counted&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
      ~Counted() {
        if (count != nullptr) --*count;
      }
      std::atomic<int>* count;
    };
    std::vector<std::thread> threads;
    {
      Mailbox<Counted> mailbox(16);
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&alive, sender = mailbox.sender()] {
          while (sender.Send(Counted(alive)) != SendResult::kClosed) std::this_thread::yield();
        });
      }
      mailbox.Take(3, [](const Counted&) {});
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(alive.load(), 0);
  }
}

}  // namespace
}  // namespace rotor
