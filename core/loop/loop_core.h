// LoopCore: the whole event loop, compiled once. Loop<Root, Context> adds only the types.
//
// The life of one turn is told in core/README.md; RunOnce() reads in the same order.
#ifndef ROTOR_CORE_LOOP_LOOP_CORE_H_
#define ROTOR_CORE_LOOP_LOOP_CORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/machine/machine_host.h"
#include "core/machine/step.h"
#include "core/notifier/wake_queue.h"
#include "core/slab/slot_index.h"
#include "core/timer/timer_wheel.h"

namespace rotor {

struct LoopOptions {
  // Machines alive at once; more are refused by Spawner and Add(). About 90 bytes each are reserved
  // up front, whether used or not; the machines' own memory is taken as needed. At most 2^24.
  uint32_t machines_max = 16384;
  // I/O events handled in one turn before timers and wake-ups get theirs.
  uint32_t events_per_turn = 256;
  // When the handlers of one turn have taken so long, those that asked for a flush get it before
  // the end of the turn: answers do not wait for slow neighbours. Looked at every 8 calls.
  absl::Duration flush_interval_max = absl::Milliseconds(1);
  // One receive, at most, of all machines together.
  size_t receive_buffer_bytes = 65536;
  // What machines may hold in pooled buffers; beyond it they stop reading until memory comes back.
  size_t buffer_bytes_max = size_t{256} << 20;
  // Seeds scope.random(); unpredictable if not set (seeded by the simulator there).
  std::optional<uint64_t> random_seed = std::nullopt;
  // Not owned; standard error if null.
  LogSink* log = nullptr;
};

enum class EventKind : uint8_t { kStart, kReady, kTimeout, kWakeup, kFlush };

class LoopCore : public MachineHost {
 public:
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;
  ~LoopCore() override;

  // Turns until no machine keeps the loop running. Fails only if the backend does.
  absl::Status Run();
  // One turn, which sleeps at most until `latest`. True while machines keep the loop running.
  absl::StatusOr<bool> RunOnce(Deadline latest);
  // When the next turn has to come if nothing happens until then. From this call on a wake from
  // another thread is signalled to the backend's waker, as during a sleep of the loop itself.
  Deadline NextWake();

  absl::StatusOr<GroupId> AddGroup(std::string_view name);
  CounterRegistry& counters() { return counters_; }
  // Machines alive, those in the background included.
  uint32_t machines() const { return slots_.size(); }
  uint32_t machines_in(GroupId group) const { return groups_[static_cast<size_t>(group)].machines; }

  // As the methods of Scope, for whoever owns the loop.
  void DrainAll(Deadline deadline) override;
  void DrainGroup(GroupId group, Deadline deadline) override;
  uint32_t VisitMachines(uint32_t first, uint32_t count,
                         absl::FunctionRef<void(const MachineReport&)> visit) override;

 protected:
  LoopCore(const LoopOptions& options, Backend& backend);

  // Calls the machine's handler.
  virtual Step Deliver(Token token, EventKind event, Readiness readiness) noexcept = 0;
  // Runs the machine's destructor.
  virtual void Destroy(uint32_t index) noexcept = 0;
  virtual std::string_view Describe(uint32_t index, Description& description) const = 0;
  // To be called first by the destructor of the class that holds the machines.
  void DestroyAllMachines();

 private:
  // Everything the loop knows of a machine, beside its wake mark and generation.
  struct Slot {
    TimerEntry timer;
    Time created;
    GroupId group = GroupId{0};
    bool started = false;
    bool background = false;
    bool resume_queued = false;
    bool flush_queued = false;
    bool room_queued = false;
  };
  static_assert(std::is_standard_layout_v<Slot>, "a due TimerEntry leads back to its Slot");
  struct Group {
    std::string name;
    uint32_t machines = 0;
    uint32_t foreground = 0;
    bool draining = false;
    Deadline drain_deadline = Deadline::Never();
    Counter* spawned;
    Counter* finished;
    Counter* failed;
    Counter* cut;
  };

  absl::Status Watch(Token token, const Fd& fd, WatchKind kind, uint8_t tag) override;
  Notifier NotifierFor(Token token) override { return Notifier(wakes_, token); }
  void FlushAtEndOfTurn(Token token) override;
  void ResumeWhenRoomReturns(Token token) override;
  void RunInBackground(Token token) override;
  bool draining(Token token) const override {
    return GroupOf(token).draining && !slot_[token.index].background;
  }
  Deadline drain_deadline(Token token) const override { return GroupOf(token).drain_deadline; }
  std::span<char> receive_buffer() override { return {receive_buffer_.get(), receive_bytes_}; }
  uint32_t RoomLeft() const override;
  absl::StatusOr<Token> ReserveSlot(GroupId group) override;
  void SlotFilled(Token token) override;

  Group& GroupOf(Token token) { return groups_[static_cast<size_t>(slot_[token.index].group)]; }
  const Group& GroupOf(Token token) const {
    return groups_[static_cast<size_t>(slot_[token.index].group)];
  }

  Deadline NextWork() const;
  void ReadyPhase(std::span<const Event> events);
  void StartPhase();
  void ResumePhase();
  void TimeoutPhase();
  void WakeupPhase();
  void FlushPhase();
  void FlushIfLate();
  void DrainPhase();
  bool RoomReturned() const {
    return slot_returned_ || (memory_ran_out_ && !buffer_pool_.exhausted());
  }
  void QueueRoomWaiters();
  void CutGroup(Group& group, GroupId id);
  void WakeAllOf(GroupId group);

  // Reading the clock costs as much as a small handler.
  static constexpr uint32_t kCallsPerLook = 8;

  // Calls a handler and acts on its answer.
  void Dispatch(Token token, EventKind event, Readiness readiness = Readiness());
  void Act(Token token, EventKind event, const Step& step);
  void Finish(Token token, const absl::Status& reason);
  void Remove(Token token);
  void QueueResume(Token token);
  std::string PathOf(Token token) const;
  void CheckThread() const;

  const std::unique_ptr<char[]> receive_buffer_;
  const size_t receive_bytes_;
  LogSink default_log_;

  SlotIndex slots_;
  const std::unique_ptr<Slot[]> slot_;
  const std::shared_ptr<WakeQueue> wakes_;
  TimerWheel timers_;
  std::vector<Group> groups_;
  uint32_t foreground_ = 0;
  Deadline drain_deadline_ = Deadline::Never();  // The soonest of all groups.

  // Work for this turn or the next, by token, because a machine may be gone when its turn comes.
  std::vector<Token> starts_;
  std::vector<Token> resumes_;
  std::vector<Token> flushes_;
  std::vector<Token> room_waiters_;
  bool slot_returned_ = false;   // Since the first of them began to wait.
  bool memory_ran_out_ = false;  // When one of them began to wait.
  // Filled and emptied within a phase; members to keep their memory.
  std::vector<Event> events_;
  std::vector<Token> tokens_;
  std::vector<Token> flushing_;
  std::vector<TimerEntry*> due_;

  const absl::Duration flush_interval_max_;
  Time flushed_at_;                            // The last time in this turn, or its begin.
  uint32_t calls_until_look_ = kCallsPerLook;  // At the clock; see FlushIfLate().

  bool in_turn_ = false;
  std::thread::id thread_;  // Who runs the loop; checked in debug builds.

  Counter& turns_;
  Counter& events_delivered_;
  Counter& events_stale_;
  Counter& timeouts_;
  Counter& wakeups_;
  Counter& flushed_;
  Counter& refused_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_LOOP_LOOP_CORE_H_
