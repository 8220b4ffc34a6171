// Walks through every interleaving of two producers and a consumer that run the algorithm of
// wake_queue.cc, one access to shared memory per step.
//
// The algorithm is written out a second time here, as explicit steps, instead of making the real
// code a template over its atomics: that keeps wake_queue.cc readable. The names are the same, so
// that the two can be compared side by side. Memory is sequentially consistent in this model; the
// memory orders are what wake_queue_stress_test is for, under the thread sanitizer.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr size_t kProducers = 2;
constexpr size_t kRounds = 2;

// The machines of the model: two in slots of their own, and one that follows kFirst in its slot.
enum Machine : uint8_t { kFirst, kOther, kSuccessor, kMachines };
constexpr std::array<uint8_t, kMachines> kSlotOf = {0, 1, 0};
constexpr std::array<uint8_t, kMachines> kGenerationOf = {1, 1, 3};
constexpr size_t kSlots = 2;

constexpr uint8_t kPending = 1;
constexpr uint8_t kQueued = 2;
constexpr uint8_t kGenerationShift = 2;
constexpr uint8_t kEmpty = 0xff;
constexpr uint8_t kSleeping = 0xfe;

// Ways to get the algorithm wrong. Each must be found.
enum class Defect {
  kNone,
  kSleepAnnouncedAfterTheCheck,  // "Is it empty?" and "I sleep" are two steps.
  kSignalForgotten,              // Nobody looks whether the consumer sleeps.
  kClearedAfterTheWakeup,        // The bits are cleared when the machine has run.
  kNextReadAfterClearing,        // The slot can be linked again before its link is read.
  kReleaseForgetsQueued,         // A slot can be linked twice.
  kStaleWakeSetsBits,            // Comparing the generation and setting the bits are two steps.
};

struct Scenario {
  std::array<std::array<Machine, kRounds>, kProducers> wakes;
  bool reuses_slot = false;  // The consumer replaces kFirst by kSuccessor before its first sleep.
  Defect defect = Defect::kNone;
};

enum class ProducerStep : uint8_t {
  kAwaitNotifier,  // Of a machine that does not exist yet.
  kWrite,          // What the wake publishes.
  kLoadMark,
  kChangeMark,
  kLoadHead,
  kSetNext,
  kChangeHead,
  kSignal,
  kDone
};

enum class ConsumerStep : uint8_t {
  kCheckHead,
  kTakeHead,
  kReadNext,
  kClearMark,
  kWakeup,
  kClearMarkLate,  // Only with kClearedAfterTheWakeup.
  kRelease,
  kAcquire,
  kPrepareToSleep,
  kAnnounceLate,  // Only with kSleepAnnouncedAfterTheCheck.
  kAsleep
};

// Bytes only, so that a state is its own hash key.
struct Producer {
  ProducerStep step;
  uint8_t round;
  uint8_t mark;  // What it has read.
  uint8_t head;
};

struct State {
  // Shared memory.
  std::array<uint8_t, kSlots> mark;
  std::array<uint8_t, kSlots> next;
  uint8_t head;
  uint8_t signalled;
  std::array<std::array<uint8_t, kMachines>, kProducers> written;  // What the wakes publish.
  uint8_t successor_exists;

  std::array<Producer, kProducers> producers;

  ConsumerStep consumer;
  uint8_t cursor;  // The slot of the queue taken that it looks at.
  uint8_t cursor_next;
  std::array<uint8_t, kSlots + 1> woken;  // Machines.
  uint8_t woken_count;
  uint8_t input_events_left;  // Each ends one sleep without a signal.
  std::array<std::array<uint8_t, kMachines>, kProducers> seen;
};
static_assert(sizeof(State) < 64 && alignof(State) == 1);

constexpr bool IsSlot(uint8_t link) { return link < kSlots; }
constexpr uint8_t GenerationOf(uint8_t mark) { return mark >> kGenerationShift; }

constexpr Machine MachineAt(uint8_t slot, uint8_t generation) {
  for (const Machine machine : {kFirst, kOther}) {
    if (kSlotOf[machine] == slot && kGenerationOf[machine] == generation) return machine;
  }
  return kSuccessor;
}

class Explorer {
 public:
  explicit Explorer(const Scenario& scenario) : scenario_(scenario) {}

  // Empty if no interleaving goes wrong, else what did.
  std::string Run() {
    std::vector<State> unexplored = {Initial()};
    while (!unexplored.empty() && failure_.empty()) {
      const State state = unexplored.back();
      unexplored.pop_back();
      if (!explored_.emplace(reinterpret_cast<const char*>(&state), sizeof(state)).second) continue;
      const size_t unexplored_before = unexplored.size();
      for (size_t i = 0; i < kProducers; ++i) {
        State after = state;
        if (StepProducer(after, i)) unexplored.push_back(after);
      }
      State after = state;
      if (StepConsumer(after)) unexplored.push_back(after);
      if (unexplored.size() == unexplored_before) CheckEnd(state);
    }
    return failure_;
  }

  size_t states() const { return explored_.size(); }
  size_t ends() const { return ends_; }

 private:
  State Initial() const {
    State state{};
    for (const Machine machine : {kFirst, kOther}) {
      state.mark[kSlotOf[machine]] = kGenerationOf[machine] << kGenerationShift;
    }
    state.next.fill(kEmpty);
    state.head = kEmpty;
    state.input_events_left = 1;
    for (size_t i = 0; i < kProducers; ++i) StartRound(state.producers[i], i);
    return state;
  }

  void StartRound(Producer& producer, size_t i) const {
    const bool exists = scenario_.wakes[i][producer.round] != kSuccessor;
    producer.step = exists ? ProducerStep::kWrite : ProducerStep::kAwaitNotifier;
  }

  void EndRound(Producer& producer, size_t i) const {
    if (++producer.round == kRounds) {
      producer.step = ProducerStep::kDone;
    } else {
      StartRound(producer, i);
    }
  }

  // WakeQueue::Wake() and Link(). False if producer `i` can do nothing in this state.
  bool StepProducer(State& state, size_t i) const {
    Producer& producer = state.producers[i];
    if (producer.step == ProducerStep::kDone) return false;
    const Machine machine = scenario_.wakes[i][producer.round];
    const uint8_t slot = kSlotOf[machine];
    switch (producer.step) {
      case ProducerStep::kAwaitNotifier:
        if (!state.successor_exists) return false;
        producer.step = ProducerStep::kWrite;
        break;
      case ProducerStep::kWrite:
        state.written[i][machine] = producer.round + 1;
        producer.step = ProducerStep::kLoadMark;
        break;
      case ProducerStep::kLoadMark:
        producer.mark = state.mark[slot];
        producer.step = ProducerStep::kChangeMark;
        if (GenerationOf(producer.mark) != kGenerationOf[machine]) EndRound(producer, i);
        break;
      case ProducerStep::kChangeMark:
        ChangeMark(state, i, machine);
        break;
      case ProducerStep::kLoadHead:
        producer.head = state.head;
        producer.step = ProducerStep::kSetNext;
        break;
      case ProducerStep::kSetNext:
        state.next[slot] = producer.head;
        producer.step = ProducerStep::kChangeHead;
        break;
      case ProducerStep::kChangeHead:
        ChangeHead(state, i, slot);
        break;
      case ProducerStep::kSignal:
        state.signalled = 1;
        EndRound(producer, i);
        break;
      case ProducerStep::kDone:
        break;
    }
    return true;
  }

  // The compare-exchange on the mark, and what is decided by its outcome.
  void ChangeMark(State& state, size_t i, Machine machine) const {
    Producer& producer = state.producers[i];
    uint8_t& mark = state.mark[kSlotOf[machine]];
    if (scenario_.defect == Defect::kStaleWakeSetsBits) producer.mark = mark;
    if (mark == producer.mark) {
      mark |= kPending | kQueued;
      if ((producer.mark & kQueued) == 0) {
        producer.step = ProducerStep::kLoadHead;
      } else {
        EndRound(producer, i);
      }
    } else {
      producer.mark = mark;
      if (GenerationOf(mark) != kGenerationOf[machine]) EndRound(producer, i);
    }
  }

  // The compare-exchange on the head.
  void ChangeHead(State& state, size_t i, uint8_t slot) const {
    Producer& producer = state.producers[i];
    if (state.head != producer.head) {
      producer.head = state.head;
      producer.step = ProducerStep::kSetNext;
      return;
    }
    state.head = slot;
    if (producer.head == kSleeping && scenario_.defect != Defect::kSignalForgotten) {
      producer.step = ProducerStep::kSignal;
    } else {
      EndRound(producer, i);
    }
  }

  // The loop's turn: TakeAll(), Wakeups, perhaps SlotReleased() and SlotAcquired(),
  // PrepareToSleep(), sleep. False if it sleeps and nothing ends the sleep.
  bool StepConsumer(State& state) {
    switch (state.consumer) {
      case ConsumerStep::kCheckHead:
        state.consumer = ConsumerStep::kTakeHead;
        if (state.head == kEmpty) GoToSleep(state);
        break;
      case ConsumerStep::kTakeHead:
        state.cursor = state.head;
        state.head = kEmpty;
        Walk(state);
        break;
      case ConsumerStep::kReadNext:
      case ConsumerStep::kClearMark:
        StepWalk(state);
        break;
      case ConsumerStep::kWakeup:
      case ConsumerStep::kClearMarkLate:
        StepWakeup(state);
        break;
      case ConsumerStep::kRelease:
        state.mark[kSlotOf[kFirst]] &=
            scenario_.defect == Defect::kReleaseForgetsQueued ? 0 : kQueued;
        state.consumer = ConsumerStep::kAcquire;
        break;
      case ConsumerStep::kAcquire:
        state.mark[kSlotOf[kSuccessor]] |= kGenerationOf[kSuccessor] << kGenerationShift;
        state.successor_exists = 1;
        state.consumer = ConsumerStep::kPrepareToSleep;
        break;
      case ConsumerStep::kPrepareToSleep:
      case ConsumerStep::kAnnounceLate:
        StepPrepareToSleep(state);
        break;
      case ConsumerStep::kAsleep:
        if (state.signalled) {
          state.signalled = 0;
        } else if (state.input_events_left > 0) {
          --state.input_events_left;
        } else {
          return false;
        }
        state.consumer = ConsumerStep::kCheckHead;
        break;
    }
    return true;
  }

  // One slot of the queue taken: its link is read, then its bits are cleared.
  void StepWalk(State& state) {
    const bool reversed = scenario_.defect == Defect::kNextReadAfterClearing;
    if (state.consumer == ConsumerStep::kReadNext) {
      state.cursor_next = state.next[state.cursor];
      state.consumer = ConsumerStep::kClearMark;
      if (reversed) Advance(state);
      return;
    }
    uint8_t& mark = state.mark[state.cursor];
    if ((mark & kQueued) == 0) Fail("a slot was linked twice");
    if ((mark & kPending) != 0) {
      const Machine machine = MachineAt(state.cursor, GenerationOf(mark));
      if (state.written[0][machine] == 0 && state.written[1][machine] == 0) {
        Fail("a machine was reported that nobody woke");
      }
      state.woken[state.woken_count++] = machine;
    }
    if (scenario_.defect != Defect::kClearedAfterTheWakeup) mark &= ~(kPending | kQueued);
    state.consumer = ConsumerStep::kReadNext;
    if (!reversed) Advance(state);
  }

  void Advance(State& state) const {
    state.cursor = state.cursor_next;
    Walk(state);
  }

  void Walk(State& state) const {
    if (!IsSlot(state.cursor)) {
      RunNext(state);
    } else if (scenario_.defect == Defect::kNextReadAfterClearing) {
      state.consumer = ConsumerStep::kClearMark;
    } else {
      state.consumer = ConsumerStep::kReadNext;
    }
  }

  void RunNext(State& state) const {
    if (state.woken_count > 0) {
      state.consumer = ConsumerStep::kWakeup;
    } else {
      GoToSleep(state);
    }
  }

  void StepWakeup(State& state) const {
    const uint8_t machine = state.woken[state.woken_count - 1];
    uint8_t& mark = state.mark[kSlotOf[machine]];
    if (state.consumer == ConsumerStep::kWakeup) {
      for (size_t i = 0; i < kProducers; ++i) state.seen[i][machine] = state.written[i][machine];
      if (scenario_.defect == Defect::kClearedAfterTheWakeup) {
        state.consumer = ConsumerStep::kClearMarkLate;
        return;
      }
    } else {
      mark &= ~(kPending | kQueued);
    }
    --state.woken_count;
    RunNext(state);
  }

  void GoToSleep(State& state) const {
    const bool reuse_now = scenario_.reuses_slot && !state.successor_exists;
    state.consumer = reuse_now ? ConsumerStep::kRelease : ConsumerStep::kPrepareToSleep;
  }

  void StepPrepareToSleep(State& state) const {
    if (state.consumer == ConsumerStep::kPrepareToSleep) {
      if (state.head != kEmpty) {
        state.consumer = ConsumerStep::kCheckHead;
        return;
      }
      if (scenario_.defect == Defect::kSleepAnnouncedAfterTheCheck) {
        state.consumer = ConsumerStep::kAnnounceLate;
        return;
      }
    }
    state.head = kSleeping;
    state.consumer = ConsumerStep::kAsleep;
  }

  // Nobody can go on: then everything must have been done and seen.
  void CheckEnd(const State& state) {
    ++ends_;
    for (size_t i = 0; i < kProducers; ++i) {
      if (state.producers[i].step != ProducerStep::kDone) Fail("a producer is stuck");
      for (uint8_t machine = 0; machine < kMachines; ++machine) {
        const bool was_released = machine == kFirst && scenario_.reuses_slot;
        if (!was_released && state.seen[i][machine] != state.written[i][machine]) {
          Fail("a wake was lost");
        }
      }
    }
    if (state.head != kSleeping) Fail("asleep beside a filled queue");
  }

  void Fail(const char* what) {
    if (failure_.empty()) failure_ = what;
  }

  const Scenario scenario_;
  std::unordered_set<std::string> explored_;
  std::string failure_;
  size_t ends_ = 0;
};

constexpr Scenario kSameMachine = {.wakes = {{{kFirst, kFirst}, {kFirst, kFirst}}}};
constexpr Scenario kCrossing = {.wakes = {{{kFirst, kOther}, {kOther, kFirst}}}};
constexpr Scenario kOnlyStaleNotifiers = {.wakes = {{{kFirst, kOther}, {kFirst, kFirst}}},
                                          .reuses_slot = true};
constexpr Scenario kStaleBesideFresh = {.wakes = {{{kFirst, kFirst}, {kSuccessor, kSuccessor}}},
                                        .reuses_slot = true};
constexpr Scenario kFromOldToNew = {.wakes = {{{kFirst, kSuccessor}, {kOther, kSuccessor}}},
                                    .reuses_slot = true};

constexpr Scenario kScenarios[] = {kSameMachine, kCrossing, kOnlyStaleNotifiers, kStaleBesideFresh,
                                   kFromOldToNew};

TEST(WakeQueueModelTest, NoInterleavingLosesAWake) {
  for (const Scenario& scenario : kScenarios) {
    Explorer explorer(scenario);
    EXPECT_EQ(explorer.Run(), "");
    EXPECT_GT(explorer.states(), 1000u);
    EXPECT_GT(explorer.ends(), 0u);
  }
}

class WakeQueueModelDefectTest : public testing::TestWithParam<Defect> {};

// That the test above means something: each way to get it wrong is found in some scenario.
TEST_P(WakeQueueModelDefectTest, IsFound) {
  std::string failures;
  for (Scenario scenario : kScenarios) {
    scenario.defect = GetParam();
    failures += Explorer(scenario).Run();
  }
  EXPECT_NE(failures, "");
}

INSTANTIATE_TEST_SUITE_P(All, WakeQueueModelDefectTest,
                         testing::Values(Defect::kSleepAnnouncedAfterTheCheck,
                                         Defect::kSignalForgotten, Defect::kClearedAfterTheWakeup,
                                         Defect::kNextReadAfterClearing,
                                         Defect::kReleaseForgetsQueued,
                                         Defect::kStaleWakeSetsBits));

}  // namespace
}  // namespace rotor
