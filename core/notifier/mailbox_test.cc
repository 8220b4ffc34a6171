#include "core/notifier/mailbox.h"

#include <memory>
#include <utility>
#include <vector>

#include "core/notifier/notifier.h"
#include "core/notifier/wake_queue.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SilentWaker final : public Waker {
 public:
  void Signal() override {}
};

constexpr Token kMachine{.index = 0, .generation = 1};

// A machine as far as a mailbox sees it.
class MailboxTest : public testing::Test {
 protected:
  MailboxTest() { wakes_->SlotAcquired(kMachine); }

  Notifier notifier() { return Notifier(wakes_, kMachine); }

  // Whether the machine gets a Wakeup in this turn.
  bool Woken() {
    std::vector<Token> woken;
    wakes_->TakeAll(woken);
    return !woken.empty();
  }

  template <typename T>
  std::vector<T> Take(Mailbox<T>& mailbox, size_t messages_max = 100) {
    std::vector<T> taken;
    const size_t count =
        mailbox.Take(messages_max, [&](T message) { taken.push_back(std::move(message)); });
    EXPECT_EQ(count, taken.size());
    return taken;
  }

  std::shared_ptr<WakeQueue> wakes_ =
      std::make_shared<WakeQueue>(1, std::make_shared<SilentWaker>());
};

TEST_F(MailboxTest, MessagesArriveInOrderAndWakeOnce) {
  Mailbox<int> mailbox(8);
  mailbox.WakeBy(notifier());
  Woken();
  const Sender<int> sender = mailbox.sender();
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(sender.Send(i), SendResult::kSent);
  EXPECT_TRUE(Woken());
  EXPECT_FALSE(Woken());
  EXPECT_THAT(Take(mailbox), ElementsAre(1, 2, 3));
  EXPECT_THAT(Take(mailbox), IsEmpty());
}

TEST_F(MailboxTest, AMessageAfterTakingWakesAgain) {
  Mailbox<int> mailbox(8);
  mailbox.WakeBy(notifier());
  EXPECT_EQ(mailbox.sender().Send(1), SendResult::kSent);
  EXPECT_TRUE(Woken());
  Take(mailbox);
  EXPECT_EQ(mailbox.sender().Send(2), SendResult::kSent);
  EXPECT_TRUE(Woken());
  EXPECT_THAT(Take(mailbox), ElementsAre(2));
}

TEST_F(MailboxTest, AMessageWhileOthersAreTakenIsTakenOrWakes) {
  Mailbox<int> mailbox(8);
  mailbox.WakeBy(notifier());
  EXPECT_EQ(mailbox.sender().Send(1), SendResult::kSent);
  Woken();
  std::vector<int> taken;
  mailbox.Take(1, [&](int message) {
    taken.push_back(message);
    EXPECT_EQ(mailbox.sender().Send(2), SendResult::kSent);
  });
  EXPECT_THAT(taken, ElementsAre(1));
  EXPECT_TRUE(Woken());
  EXPECT_THAT(Take(mailbox), ElementsAre(2));
}

TEST_F(MailboxTest, MessagesSentBeforeTheMachineStartsWakeItThen) {
  Mailbox<int> mailbox(8);
  EXPECT_EQ(mailbox.sender().Send(1), SendResult::kSent);
  EXPECT_FALSE(Woken());
  mailbox.WakeBy(notifier());
  EXPECT_TRUE(Woken());
  EXPECT_THAT(Take(mailbox), ElementsAre(1));
}

TEST_F(MailboxTest, AFullMailboxLeavesTheMessageToTheSender) {
  Mailbox<std::unique_ptr<int>> mailbox(2);
  const Sender<std::unique_ptr<int>> sender = mailbox.sender();
  EXPECT_EQ(sender.Send(std::make_unique<int>(1)), SendResult::kSent);
  EXPECT_EQ(sender.Send(std::make_unique<int>(2)), SendResult::kSent);
  auto third = std::make_unique<int>(3);
  EXPECT_EQ(sender.Send(std::move(third)), SendResult::kFull);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(*Take(mailbox, 1).at(0), 1);
  EXPECT_EQ(sender.Send(std::move(third)), SendResult::kSent);
  EXPECT_EQ(*Take(mailbox).at(1), 3);
}

TEST_F(MailboxTest, CapacityIsRoundedUpToAPowerOfTwoAndHoldsForEveryLap) {
  Mailbox<int> mailbox(5);
  for (int lap = 0; lap < 20; ++lap) {
    for (int i = 0; i < 8; ++i) ASSERT_EQ(mailbox.sender().Send(i), SendResult::kSent);
    ASSERT_EQ(mailbox.sender().Send(8), SendResult::kFull);
    ASSERT_THAT(Take(mailbox), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  }
}

TEST_F(MailboxTest, WhatALimitLeavesWakesInTheNextTurn) {
  Mailbox<int> mailbox(8);
  mailbox.WakeBy(notifier());
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(mailbox.sender().Send(i), SendResult::kSent);
  Woken();
  EXPECT_THAT(Take(mailbox, 2), ElementsAre(1, 2));
  EXPECT_TRUE(Woken());
  EXPECT_THAT(Take(mailbox, 1), ElementsAre(3));
  EXPECT_FALSE(Woken()) << "nothing is left";
}

TEST_F(MailboxTest, ASenderOutlivesItsMailbox) {
  Sender<int> sender;
  EXPECT_EQ(sender.Send(1), SendResult::kClosed);
  {
    Mailbox<int> mailbox(8);
    sender = mailbox.sender();
    mailbox.WakeBy(notifier());
  }
  Woken();
  EXPECT_EQ(sender.Send(1), SendResult::kClosed);
  EXPECT_FALSE(Woken());
}

TEST_F(MailboxTest, MessagesNotTakenAreDestroyedWithTheMailbox) {
  const auto message = std::make_shared<int>(1);
  Sender<std::shared_ptr<int>> sender;
  {
    Mailbox<std::shared_ptr<int>> mailbox(8);
    sender = mailbox.sender();
    EXPECT_EQ(sender.Send(message), SendResult::kSent);
    EXPECT_EQ(message.use_count(), 2);
  }
  EXPECT_EQ(message.use_count(), 1);
}

TEST_F(MailboxTest, ItMovesToItsMachine) {
  Mailbox<int> first(8);
  const Sender<int> sender = first.sender();
  EXPECT_EQ(sender.Send(1), SendResult::kSent);
  Mailbox<int> second = std::move(first);
  EXPECT_EQ(sender.Send(2), SendResult::kSent);
  EXPECT_THAT(Take(second), ElementsAre(1, 2));
}

TEST_F(MailboxTest, TheSmallestHoldsTwo) {
  Mailbox<int> mailbox(1);
  EXPECT_EQ(mailbox.sender().Send(1), SendResult::kSent);
  EXPECT_EQ(mailbox.sender().Send(2), SendResult::kSent);
  EXPECT_EQ(mailbox.sender().Send(3), SendResult::kFull);
  EXPECT_THAT(Take(mailbox), ElementsAre(1, 2));
}

using MailboxDeathTest = MailboxTest;

TEST_F(MailboxDeathTest, CapacityIsChecked) {
  EXPECT_DEATH(Mailbox<int>(0), "a mailbox holds");
  EXPECT_DEATH(Mailbox<int>((1 << 24) + 1), "a mailbox holds");
}

}  // namespace
}  // namespace rotor
