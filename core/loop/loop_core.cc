#include "core/loop/loop_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor {

namespace {

// Longer lists of machines that were cut are summed up: a log line each for 16,384 helps nobody.
constexpr uint32_t kCutMachinesLoggedMax = 32;
// A visitor of few machines must not pay for many free slots.
constexpr uint32_t kSlotsPerVisitedMachineMax = 16;
constexpr size_t kGroupsMax = 65535;
constexpr size_t kGroupNameBytesMax = 64;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

LoopCore::LoopCore(const LoopOptions& options, Backend& backend)
    : MachineHost(backend, options.buffer_bytes_max,
                  options.random_seed.has_value() ? *options.random_seed : backend.Entropy(),
                  options.log != nullptr ? options.log : &default_log_),
      receive_buffer_(std::make_unique_for_overwrite<char[]>(options.receive_buffer_bytes)),
      receive_bytes_(options.receive_buffer_bytes),
      slots_(options.machines_max),
      slot_(std::make_unique<Slot[]>(options.machines_max)),
      wakes_(std::make_shared<WakeQueue>(options.machines_max, backend.waker())),
      timers_(backend.Now()),
      events_(options.events_per_turn),
      flush_interval_max_(options.flush_interval_max),
      turns_(counters_.Get("loop", "turns")),
      events_delivered_(counters_.Get("loop", "events")),
      events_stale_(counters_.Get("loop", "events_stale")),
      timeouts_(counters_.Get("loop", "timeouts")),
      wakeups_(counters_.Get("loop", "wakeups")),
      flushed_(counters_.Get("loop", "flushes")),
      refused_(counters_.Get("loop", "spawns_refused")) {
  ROTOR_CHECK(
      options.machines_max > 0 && options.events_per_turn > 0 && options.receive_buffer_bytes > 0,
      "LoopOptions: machines_max, events_per_turn and receive_buffer_bytes are above 0");
  now_ = backend.Now();
}

LoopCore::~LoopCore() {
  ROTOR_CHECK(slots_.size() == 0, "the class that holds the machines calls DestroyAllMachines()");
}

void LoopCore::DestroyAllMachines() {
  ROTOR_CHECK(!in_turn_, "a loop must not be destroyed from within a handler");
  // From here on wakes from other threads find no machine.
  wakes_->Close();
  for (uint32_t index = 0; index < slots_.index_end(); ++index) {
    const Token token = slots_.TokenAt(index);
    if (slots_.IsLive(token)) Remove(token);
  }
}

absl::Status LoopCore::Run() {
  for (;;) {
    absl::StatusOr<bool> more = RunOnce(Deadline::Never());
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

Deadline LoopCore::NextWake() {
  // Whoever asks is about to sleep, so from here on a wake is signalled.
  return wakes_->PrepareToSleep() ? NextWork() : now_;
}

Deadline LoopCore::NextWork() const {
  const bool work_waits = !starts_.empty() || !resumes_.empty() || !flushes_.empty() ||
                          (RoomReturned() && !room_waiters_.empty());
  if (work_waits) return now_;
  return Sooner(timers_.NextWake(), drain_deadline_);
}

absl::StatusOr<bool> LoopCore::RunOnce(Deadline latest) {
  ROTOR_CHECK(!in_turn_, "RunOnce() must not be called from within a handler");
  thread_ = std::this_thread::get_id();
  if (foreground_ == 0) return false;

  latest = Sooner(latest, NextWork());
  // Who announces sleep is signalled; who finds wakes waiting does not sleep.
  if (!latest.ReachedAt(now_) && !wakes_->PrepareToSleep()) latest = now_;
  absl::StatusOr<size_t> count = backend_.Wait(latest, events_);
  if (!count.ok()) return count.status();
  now_ = flushed_at_ = backend_.Now();

  in_turn_ = true;
  turns_.Add();
  QueueRoomWaiters();
  ReadyPhase(std::span(events_).first(*count));
  StartPhase();
  ResumePhase();
  TimeoutPhase();
  WakeupPhase();
  FlushPhase();
  DrainPhase();
  in_turn_ = false;
  return foreground_ > 0;
}

void LoopCore::ReadyPhase(std::span<const Event> events) {
  // Who yields in this turn goes on in the next one, so ResumePhase() takes only what waits now.
  tokens_.swap(resumes_);
  for (const Event& event : events) {
    const EventKey key = EventKey::Unpack(event.key);
    // The machine may have finished earlier in this batch, and its slot may be another's by now.
    if (!slots_.IsLive(key.token)) {
      events_stale_.Add();
      continue;
    }
    events_delivered_.Add();
    Dispatch(key.token, EventKind::kReady, event.readiness.WithTag(key.watch_tag));
  }
}

void LoopCore::StartPhase() {
  // Only those built up to here: a machine whose Start() spawns its like must not own the turn.
  const size_t count = starts_.size();
  for (size_t i = 0; i < count; ++i) {
    const Token token = starts_[i];
    if (!slots_.IsLive(token)) continue;
    slot_[token.index].started = true;
    Dispatch(token, EventKind::kStart);
  }
  starts_.erase(starts_.begin(), starts_.begin() + static_cast<ptrdiff_t>(count));
}

void LoopCore::ResumePhase() {
  for (const Token token : tokens_) {
    // Asked before liveness: the flag may be the next machine's, which queued itself anew.
    if (!slots_.IsLive(token) || !slot_[token.index].resume_queued) continue;
    slot_[token.index].resume_queued = false;
    Dispatch(token, EventKind::kReady);
  }
  tokens_.clear();
}

void LoopCore::TimeoutPhase() {
  timers_.Advance(now_, due_);
  for (TimerEntry* entry : due_) {
    // The wheel's rule. So far only a machine's own handler can set or cancel its entry.
    if (!entry->is_due()) continue;
    const auto index = static_cast<uint32_t>(reinterpret_cast<Slot*>(entry) - slot_.get());
    timeouts_.Add();
    Dispatch(slots_.TokenAt(index), EventKind::kTimeout);
  }
  due_.clear();
}

void LoopCore::WakeupPhase() {
  wakes_->TakeAll(tokens_);
  for (const Token token : tokens_) {
    if (!slots_.IsLive(token)) continue;
    if (!slot_[token.index].started) {
      wakes_->Wake(token);  // Its Start() comes first, next turn.
      continue;
    }
    wakeups_.Add();
    Dispatch(token, EventKind::kWakeup);
  }
  tokens_.clear();
}

void LoopCore::FlushPhase() {
  // A machine that asks again while flushing is flushed next turn.
  flushing_.swap(flushes_);
  for (const Token token : flushing_) {
    if (!slots_.IsLive(token) || !slot_[token.index].flush_queued) continue;
    slot_[token.index].flush_queued = false;
    flushed_.Add();
    Act(token, EventKind::kFlush, Deliver(token, EventKind::kFlush, Readiness()));
  }
  flushing_.clear();
}

void LoopCore::FlushIfLate() {
  calls_until_look_ = kCallsPerLook;
  if (flushes_.empty()) return;
  const Time now = backend_.Now();
  if (now - flushed_at_ < flush_interval_max_) return;
  flushed_at_ = now;
  FlushPhase();
}

void LoopCore::DrainPhase() {
  if (!drain_deadline_.ReachedAt(now_)) return;
  drain_deadline_ = Deadline::Never();
  for (size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    if (!group.draining || group.drain_deadline.is_never()) continue;
    if (group.drain_deadline.ReachedAt(now_)) {
      CutGroup(group, static_cast<GroupId>(i));
    } else {
      drain_deadline_ = Sooner(drain_deadline_, group.drain_deadline);
    }
  }
}

void LoopCore::CutGroup(Group& group, GroupId id) {
  uint32_t cut = 0;
  for (uint32_t index = 0; group.foreground > 0 && index < slots_.index_end(); ++index) {
    const Token token = slots_.TokenAt(index);
    if (!slots_.IsLive(token) || slot_[index].group != id || slot_[index].background) continue;
    if (++cut <= kCutMachinesLoggedMax) {
      Description description;
      const std::string_view kind = Describe(index, description);
      log_->Write(LogLevel::kWarning,
                  absl::StrCat("drain deadline reached, cut ", PathOf(token), " (", AsAbsl(kind),
                               ") state: ", description.state, "; waited for: ",
                               description.waits_for, "; peer: ", description.peer));
    }
    group.cut->Add();
    Remove(token);
  }
  if (cut > kCutMachinesLoggedMax) {
    log_->Write(LogLevel::kWarning,
                absl::StrCat("and ", cut - kCutMachinesLoggedMax, " more of /", group.name));
  }
}

void LoopCore::QueueRoomWaiters() {
  if (room_waiters_.empty() || !RoomReturned()) return;
  slot_returned_ = memory_ran_out_ = false;
  for (const Token token : room_waiters_) {
    if (!slots_.IsLive(token) || !slot_[token.index].room_queued) continue;
    slot_[token.index].room_queued = false;
    QueueResume(token);
  }
  room_waiters_.clear();
}

void LoopCore::Dispatch(Token token, EventKind event, Readiness readiness) {
  Act(token, event, Deliver(token, event, readiness));
  if (--calls_until_look_ == 0) FlushIfLate();
}

void LoopCore::Act(Token token, EventKind event, const Step& step) {
  switch (step.kind()) {
    case Step::Kind::kWait:
      timers_.Set(slot_[token.index].timer, step.deadline());
      return;
    case Step::Kind::kKeepWaiting:
      ROTOR_CHECK(event != EventKind::kTimeout,
                  "a machine answered Timeout with Step::KeepWaiting(): its deadline has passed; "
                  "use WaitUntil(), WaitForever() or Done()");
      return;
    case Step::Kind::kYield:
      timers_.Set(slot_[token.index].timer, step.deadline());
      QueueResume(token);
      return;
    case Step::Kind::kDone:
      Finish(token, step.reason());
      return;
  }
}

void LoopCore::Finish(Token token, const absl::Status& reason) {
  Group& group = GroupOf(token);
  if (reason.ok()) {
    group.finished->Add();
  } else {
    group.failed->Add();
    if (log_->Enabled(LogLevel::kInfo)) {
      log_->Write(LogLevel::kInfo, absl::StrCat(PathOf(token), " failed: ", reason.ToString()));
    }
  }
  Remove(token);
}

void LoopCore::Remove(Token token) {
  Slot& slot = slot_[token.index];
  Group& group = GroupOf(token);
  timers_.Cancel(slot.timer);
  wakes_->SlotReleased(token);
  // The token is stale before the destructor runs: nothing can reach a machine that is going.
  slots_.Release(token);
  Destroy(token.index);
  --group.machines;
  if (!slot.background) {
    --group.foreground;
    --foreground_;
  }
  slot_returned_ = true;
}

uint32_t LoopCore::RoomLeft() const {
  CheckThread();
  return slots_.capacity() - slots_.size();
}

absl::StatusOr<Token> LoopCore::ReserveSlot(GroupId group) {
  CheckThread();
  std::optional<Token> token = slots_.Acquire();
  if (!token.has_value()) {
    refused_.Add();
    return absl::ResourceExhaustedError(
        absl::StrCat("the loop is full: all of its ", slots_.capacity(), " machines are alive"));
  }
  Slot& slot = slot_[token->index];
  slot.created = now_;
  slot.group = group;
  slot.started = slot.background = slot.resume_queued = slot.flush_queued = slot.room_queued =
      false;
  return *token;
}

void LoopCore::SlotFilled(Token token) {
  wakes_->SlotAcquired(token);
  Group& group = GroupOf(token);
  group.spawned->Add();
  ++group.machines;
  ++group.foreground;
  ++foreground_;
  starts_.push_back(token);
  if (!group.draining) return;
  // It was not there when its group was told, nor if the group was cut already.
  wakes_->Wake(token);
  drain_deadline_ = Sooner(drain_deadline_, group.drain_deadline);
}

absl::Status LoopCore::Watch(Token token, const Fd& fd, WatchKind kind, uint8_t tag) {
  CheckThread();
  return backend_.Watch(fd, kind, EventKey{.token = token, .watch_tag = tag}.Pack());
}

void LoopCore::FlushAtEndOfTurn(Token token) {
  CheckThread();
  if (std::exchange(slot_[token.index].flush_queued, true)) return;
  flushes_.push_back(token);
}

void LoopCore::ResumeWhenRoomReturns(Token token) {
  CheckThread();
  if (std::exchange(slot_[token.index].room_queued, true)) return;
  // What came back earlier in this turn does not count: the machine has just looked.
  if (room_waiters_.empty()) slot_returned_ = false;
  memory_ran_out_ = memory_ran_out_ || buffer_pool_.exhausted();
  room_waiters_.push_back(token);
}

void LoopCore::RunInBackground(Token token) {
  CheckThread();
  Slot& slot = slot_[token.index];
  if (std::exchange(slot.background, true)) return;
  --GroupOf(token).foreground;
  --foreground_;
}

void LoopCore::QueueResume(Token token) {
  if (std::exchange(slot_[token.index].resume_queued, true)) return;
  resumes_.push_back(token);
}

absl::StatusOr<GroupId> LoopCore::AddGroup(std::string_view name) {
  CheckThread();
  if (name.empty() || name.size() > kGroupNameBytesMax ||
      !std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", AsAbsl(name), "\" is no name for a group: 1 to ", kGroupNameBytesMax,
                     " letters, digits, '-', '_', '.'"));
  }
  for (const Group& group : groups_) {
    if (group.name == name) {
      return absl::AlreadyExistsError(absl::StrCat("a group named ", AsAbsl(name), " is mounted"));
    }
  }
  if (groups_.size() == kGroupsMax) return absl::ResourceExhaustedError("too many groups");
  groups_.push_back({.name = std::string(name),
                     .spawned = &counters_.Get(name, "machines_spawned"),
                     .finished = &counters_.Get(name, "machines_finished"),
                     .failed = &counters_.Get(name, "machines_failed"),
                     .cut = &counters_.Get(name, "machines_cut")});
  return static_cast<GroupId>(groups_.size() - 1);
}

void LoopCore::DrainAll(Deadline deadline) {
  for (size_t i = 0; i < groups_.size(); ++i) DrainGroup(static_cast<GroupId>(i), deadline);
}

void LoopCore::DrainGroup(GroupId id, Deadline deadline) {
  CheckThread();
  Group& group = groups_[static_cast<size_t>(id)];
  group.draining = true;
  group.drain_deadline = Sooner(group.drain_deadline, deadline);
  drain_deadline_ = Sooner(drain_deadline_, group.drain_deadline);
  // What is cut at the end of this very turn is not asked first.
  if (!group.drain_deadline.ReachedAt(now_)) WakeAllOf(id);
}

void LoopCore::WakeAllOf(GroupId group) {
  for (uint32_t index = 0; index < slots_.index_end(); ++index) {
    const Token token = slots_.TokenAt(index);
    if (slots_.IsLive(token) && slot_[index].group == group && !slot_[index].background) {
      wakes_->Wake(token);
    }
  }
}

uint32_t LoopCore::VisitMachines(uint32_t first, uint32_t count,
                                 absl::FunctionRef<void(const MachineReport&)> visit) {
  CheckThread();
  const uint64_t last = std::min<uint64_t>(
      slots_.index_end(), uint64_t{first} + uint64_t{count} * kSlotsPerVisitedMachineMax);
  uint32_t index = first;
  for (; index < last && count > 0; ++index) {
    const Token token = slots_.TokenAt(index);
    if (!slots_.IsLive(token)) continue;
    const Slot& slot = slot_[index];
    MachineReport report;
    report.path = PathOf(token);
    report.kind = Describe(index, report.description);
    report.age = now_ - slot.created;
    report.deadline = slot.timer.deadline();
    report.draining = draining(token);
    visit(report);
    --count;
  }
  return index < slots_.index_end() ? index : 0;
}

std::string LoopCore::PathOf(Token token) const {
  return absl::StrCat("/", GroupOf(token).name, "/", token.index);
}

void LoopCore::CheckThread() const {
#ifndef NDEBUG
  ROTOR_CHECK(thread_ == std::thread::id() || thread_ == std::this_thread::get_id(),
              "a Scope, Spawner or composer was used from another thread than its loop's: "
              "only Notifier crosses threads");
#endif
}

}  // namespace rotor
