#include "core/testing/machine_tester.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/slab/token.h"

namespace rotor {
namespace {

constexpr size_t kReceiveBufferBytes = 65536;
constexpr size_t kEventsMax = 256;

}  // namespace

TesterHost::TesterHost(const SimOptions& options)
    : TesterWorld(options),
      MachineHost(TesterWorld::host, kBufferBytesMax, options.seed, &default_log_),
      wakes_(std::make_shared<WakeQueue>(1 + kChildrenMax, host().waker())),
      receive_buffer_(kReceiveBufferBytes) {
  now_ = host().Now();
}

void TesterHost::Advance(absl::Duration span) {
  const Time until = now_ + span;
  while (world().AdvanceToNextEvent(until)) {
  }
  now_ = host().Now();
}

std::vector<Readiness> TesterHost::WaitForEvents(absl::Duration time_max) {
  std::array<Event, kEventsMax> events;
  const absl::StatusOr<size_t> count = host().Wait(now_ + time_max, events);
  ROTOR_CHECK(count.ok(), count.status().ToString());
  now_ = host().Now();
  std::vector<Readiness> reported;
  for (const Event& event : std::span(events).first(*count)) {
    reported.push_back(event.readiness.WithTag(EventKey::Unpack(event.key).watch_tag));
  }
  return reported;
}

bool TesterHost::woken() {
  std::vector<Token> tokens;
  wakes_->TakeAll(tokens);
  for (const Token token : tokens) woken_ = woken_ || token == kToken;
  return woken_;
}

void TesterHost::DrainAll(Deadline deadline) {
  drained_ = true;
  drain_deadline_ = Sooner(drain_deadline_, deadline);
}

absl::Status TesterHost::Watch(Token token, const Fd& fd, WatchKind kind, uint8_t tag) {
  return host().Watch(fd, kind, EventKey{.token = token, .watch_tag = tag}.Pack());
}

absl::StatusOr<Token> TesterHost::ReserveSlot(GroupId) {
  ROTOR_CHECK(children_max_ <= kChildrenMax, "set_children_max() beyond kChildrenMax");
  if (RoomLeft() == 0)
    return absl::ResourceExhaustedError("the tester has no room for more children");
  return Token{.index = 1 + children(), .generation = 1};
}

void TesterHost::CheckAlive() const {
  ROTOR_CHECK(phase_ != Phase::kNotStarted, "Start() the machine first");
  ROTOR_CHECK(phase_ != Phase::kFinished, "the machine has finished: no call follows");
}

void TesterHost::BeginCall() {
  CheckAlive();
  ROTOR_CHECK(phase_ != Phase::kCalled, "calls of a machine never nest");
  phase_ = Phase::kCalled;
  timed_out_ = false;
  now_ = host().Now();
}

void TesterHost::BeginStart() {
  ROTOR_CHECK(phase_ == Phase::kNotStarted, "a machine starts once");
  wakes_->SlotAcquired(kToken);
  phase_ = Phase::kCalled;
  now_ = host().Now();
}

void TesterHost::BeginReady(Readiness readiness) {
  BeginCall();
  if (readiness.resumed()) room_awaited_ = false;
}

void TesterHost::BeginTimeout() {
  BeginCall();
  ROTOR_CHECK(deadline_.ReachedAt(now_), "Timeout is never early: Advance() to the deadline first");
  timed_out_ = true;
}

void TesterHost::BeginWakeup() {
  BeginCall();
  woken();  // Takes what is queued, so that only later wakes count.
  woken_ = false;
}

void TesterHost::BeginFlush() {
  BeginCall();
  ROTOR_CHECK(flush_asked_, "Flush comes only after scope.FlushAtEndOfTurn()");
  flush_asked_ = false;
}

bool TesterHost::End(const Step& step) {
  phase_ = Phase::kWaiting;
  switch (step.kind()) {
    case Step::Kind::kWait:
    case Step::Kind::kYield:
      deadline_ = step.deadline();
      return false;
    case Step::Kind::kKeepWaiting:
      ROTOR_CHECK(!timed_out_, "a machine answered Timeout with Step::KeepWaiting()");
      return false;
    case Step::Kind::kDone:
      phase_ = Phase::kFinished;
      deadline_ = Deadline::Never();
      wakes_->SlotReleased(kToken);
      return true;
  }
  return false;
}

}  // namespace rotor
