#include "core/notifier/wake_queue.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/notifier/notifier.h"
#include "core/notifier/waker.h"
#include "core/slab/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CountingWaker final : public Waker {
 public:
  void Signal() override { ++signals; }
  int signals = 0;
};

class WakeQueueTest : public testing::Test {
 protected:
  Token Acquire(uint32_t index, uint32_t generation) {
    const Token token{.index = index, .generation = generation};
    queue_->SlotAcquired(token);
    return token;
  }

  Notifier NotifierOf(Token token) { return Notifier(queue_, token); }

  std::vector<Token> TakeAll() {
    std::vector<Token> woken;
    queue_->TakeAll(woken);
    return woken;
  }

  std::shared_ptr<CountingWaker> waker_ = std::make_shared<CountingWaker>();
  std::shared_ptr<WakeQueue> queue_ = std::make_shared<WakeQueue>(4, waker_);
};

TEST_F(WakeQueueTest, WakesAreMergedUntilTaken) {
  const Token machine = Acquire(1, 1);
  const Notifier notifier = NotifierOf(machine);
  for (int i = 0; i < 3; ++i) notifier.Wake();
  EXPECT_THAT(TakeAll(), ElementsAre(machine));
  EXPECT_THAT(TakeAll(), IsEmpty());
}

TEST_F(WakeQueueTest, WakeAfterTakingIsReportedAgain) {
  const Token machine = Acquire(1, 1);
  const Notifier notifier = NotifierOf(machine);
  notifier.Wake();
  EXPECT_THAT(TakeAll(), ElementsAre(machine));
  notifier.Wake();  // As if called while the machine runs.
  EXPECT_THAT(TakeAll(), ElementsAre(machine));
}

TEST_F(WakeQueueTest, MachinesComeInTheOrderOfTheirFirstWake) {
  const Token a = Acquire(0, 1);
  const Token b = Acquire(1, 1);
  const Token c = Acquire(2, 1);
  for (const Token& token : {b, c, b, a, c}) NotifierOf(token).Wake();
  EXPECT_THAT(TakeAll(), ElementsAre(b, c, a));
}

TEST_F(WakeQueueTest, ResultIsAppended) {
  const Token a = Acquire(0, 1);
  const Token b = Acquire(1, 1);
  const Token c = Acquire(2, 1);
  std::vector<Token> woken;
  NotifierOf(c).Wake();
  queue_->TakeAll(woken);
  NotifierOf(a).Wake();
  NotifierOf(b).Wake();
  queue_->TakeAll(woken);
  EXPECT_THAT(woken, ElementsAre(c, a, b));
}

TEST_F(WakeQueueTest, StaleNotifierDoesNotWakeTheNextMachine) {
  const Token old = Acquire(0, 1);
  const Notifier stale = NotifierOf(old);
  queue_->SlotReleased(old);
  stale.Wake();
  Acquire(0, 3);
  stale.Wake();
  EXPECT_THAT(TakeAll(), IsEmpty());
  EXPECT_TRUE(queue_->PrepareToSleep()) << "a stale wake was queued";
}

TEST_F(WakeQueueTest, StaleNotifierDoesNotSwallowTheNextMachinesWake) {
  const Token old = Acquire(0, 1);
  const Notifier stale = NotifierOf(old);
  queue_->SlotReleased(old);
  const Token next = Acquire(0, 3);
  stale.Wake();
  NotifierOf(next).Wake();
  stale.Wake();
  EXPECT_THAT(TakeAll(), ElementsAre(next));
}

TEST_F(WakeQueueTest, MachineReleasedAfterItsWakeIsNotReported) {
  const Token gone = Acquire(0, 1);
  const Token other = Acquire(1, 1);
  NotifierOf(gone).Wake();
  NotifierOf(other).Wake();
  queue_->SlotReleased(gone);
  EXPECT_THAT(TakeAll(), ElementsAre(other));
}

TEST_F(WakeQueueTest, SlotReusedWhileStillQueuedDoesNotInheritTheWake) {
  const Token old = Acquire(0, 1);
  NotifierOf(old).Wake();
  queue_->SlotReleased(old);
  Acquire(0, 3);
  EXPECT_THAT(TakeAll(), IsEmpty());
}

TEST_F(WakeQueueTest, SlotReusedWhileStillQueuedIsReportedOnceForItsNewMachine) {
  const Token old = Acquire(0, 1);
  const Token other = Acquire(1, 1);
  NotifierOf(old).Wake();
  NotifierOf(other).Wake();
  queue_->SlotReleased(old);
  const Token next = Acquire(0, 3);
  NotifierOf(next).Wake();  // Linked a second time, the queue would lose `other` or never end.
  EXPECT_THAT(TakeAll(), ElementsAre(next, other));
  NotifierOf(next).Wake();
  EXPECT_THAT(TakeAll(), ElementsAre(next));
}

TEST_F(WakeQueueTest, SignalsOnlyAnAnnouncedSleepAndOnlyOnce) {
  const Token a = Acquire(0, 1);
  const Token b = Acquire(1, 1);
  NotifierOf(a).Wake();
  EXPECT_EQ(waker_->signals, 0) << "nobody sleeps";
  TakeAll();

  ASSERT_TRUE(queue_->PrepareToSleep());
  EXPECT_TRUE(queue_->PrepareToSleep()) << "announcing twice is harmless";
  NotifierOf(a).Wake();
  NotifierOf(a).Wake();
  NotifierOf(b).Wake();
  EXPECT_EQ(waker_->signals, 1);
  EXPECT_THAT(TakeAll(), ElementsAre(a, b));

  NotifierOf(b).Wake();
  EXPECT_EQ(waker_->signals, 1) << "the sleep is over";
}

TEST_F(WakeQueueTest, SleepThatEndsForAnotherReasonIsNotSignalledAnyMore) {
  const Token machine = Acquire(0, 1);
  ASSERT_TRUE(queue_->PrepareToSleep());
  EXPECT_THAT(TakeAll(), IsEmpty());
  NotifierOf(machine).Wake();
  EXPECT_EQ(waker_->signals, 0);
}

TEST_F(WakeQueueTest, SleepIsRefusedWhileAnythingIsQueued) {
  const Token machine = Acquire(0, 1);
  NotifierOf(machine).Wake();
  EXPECT_FALSE(queue_->PrepareToSleep());
  EXPECT_THAT(TakeAll(), ElementsAre(machine));
  EXPECT_TRUE(queue_->PrepareToSleep());
}

TEST_F(WakeQueueTest, ClosedQueueIgnoresWakes) {
  const Notifier notifier = NotifierOf(Acquire(0, 1));
  ASSERT_TRUE(queue_->PrepareToSleep());
  queue_->Close();
  notifier.Wake();
  EXPECT_EQ(waker_->signals, 0);
  EXPECT_THAT(TakeAll(), IsEmpty());
}

TEST_F(WakeQueueTest, MachinesMayEndAfterTheirQueueWasClosed) {
  const Token machine = Acquire(0, 1);
  const Notifier notifier = NotifierOf(machine);
  queue_->Close();
  queue_->SlotReleased(machine);
  notifier.Wake();
  EXPECT_THAT(TakeAll(), IsEmpty());
}

TEST_F(WakeQueueTest, WakeAfterTheLoopsEndIsHarmless) {
  std::optional<Notifier> notifier = NotifierOf(Acquire(0, 1));
  const std::weak_ptr<WakeQueue> queue = queue_;
  const std::weak_ptr<Waker> waker = waker_;
  queue_->Close();
  queue_.reset();
  waker_.reset();
  notifier->Wake();
  EXPECT_FALSE(waker.expired());
  notifier.reset();
  EXPECT_TRUE(queue.expired());
  EXPECT_TRUE(waker.expired());
}

TEST(NotifierTest, DefaultConstructedAndMovedFromOnesWakeNobody) {
  Notifier().Wake();
  const auto waker = std::make_shared<CountingWaker>();
  const auto queue = std::make_shared<WakeQueue>(1, waker);
  queue->SlotAcquired({.index = 0, .generation = 1});
  Notifier from(queue, {.index = 0, .generation = 1});
  const Notifier to = std::move(from);
  from.Wake();
  EXPECT_TRUE(queue->PrepareToSleep());
  to.Wake();
  EXPECT_EQ(waker->signals, 1);
}

using WakeQueueDeathTest = WakeQueueTest;

TEST_F(WakeQueueDeathTest, AcquiringASlotInUseIsAProgrammersError) {
  Acquire(0, 1);
  EXPECT_DEATH(Acquire(0, 3), "only a free slot can be acquired");
  EXPECT_DEATH(Acquire(4, 1), "below the queue's machines_max");
}

TEST_F(WakeQueueDeathTest, AcquiringASlotOfAClosedQueueIsAProgrammersError) {
  queue_->Close();
  EXPECT_DEATH(Acquire(0, 1), "no slot is acquired after Close");
}

TEST_F(WakeQueueDeathTest, ReleasingForAnotherMachineIsAProgrammersError) {
  Acquire(0, 3);
  EXPECT_DEATH(queue_->SlotReleased({.index = 0, .generation = 1}), "own machine releases it");
}

}  // namespace
}  // namespace rotor
