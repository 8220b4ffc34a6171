// MachineTester: one machine in the hands of a test, without a loop.
//
//   MachineTester<Session> tester;
//   EXPECT_THAT(tester.Start(options), WaitsUntil(tester.now() + absl::Seconds(30)));
//   tester.Advance(absl::Seconds(30));
//   EXPECT_THAT(tester.Timeout(), FailsWith(absl::StatusCode::kDeadlineExceeded));
//
// The test decides which event comes when; the tester keeps the rules of the loop, and breaking one
// ends the process as it would there: no Timeout() before the deadline, no Flush() unasked, no call
// after a finished Step, no KeepWaiting from Timeout. The matchers are in step_matchers.h.
#ifndef ROTOR_CORE_TESTING_MACHINE_TESTER_H_
#define ROTOR_CORE_TESTING_MACHINE_TESTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/machine/dispatch.h"
#include "core/machine/machine.h"
#include "core/machine/machine_host.h"
#include "core/machine/spawner.h"
#include "core/notifier/wake_queue.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"

namespace rotor {

// The simulated world of a tester, built before everything that uses it. Not for authors of tests.
struct TesterWorld {
  explicit TesterWorld(const SimOptions& options) : world(options), host(world.AddHost("tester")) {}

  SimWorld world;
  SimBackend& host;
};

// What does not depend on the type of the machine.
class TesterHost : private TesterWorld, public MachineHost {
 public:
  // Small, so that a test can use it up; see buffer_pool().
  static constexpr size_t kBufferBytesMax = size_t{1} << 20;
  static constexpr uint32_t kChildrenMax = 1024;

  // Sockets for the machine come from io(), their other ends from world().
  SimWorld& world() { return TesterWorld::world; }
  SimBackend& host() { return TesterWorld::host; }
  Io& io() { return host().io(); }
  BufferPool& buffer_pool() { return buffer_pool_; }
  CounterRegistry& counters() { return counters_; }

  Time now() const { return now_; }
  // Lets time pass, and what happens in the world meanwhile. Calls nothing.
  void Advance(absl::Duration span);
  // Lets time pass until a watch of the machine reports something, `time_max` at most. Returns what
  // to call Ready() with, in order; empty if nothing was reported.
  std::vector<Readiness> WaitForEvents(absl::Duration time_max);

  // By when the machine has to be called, from its last answers.
  Deadline deadline() const { return deadline_; }
  bool finished() const { return phase_ == Phase::kFinished; }
  // Asked for since the last Flush(), or since the last Ready() with resumed(), respectively.
  bool flush_asked() const { return flush_asked_; }
  bool room_awaited() const { return room_awaited_; }
  bool in_background() const { return in_background_; }
  // True if one of the machine's notifiers was used since the last Wakeup().
  bool woken();

  // As if the machine's group were drained; call Wakeup() then. A machine that itself drains any
  // group ends here, too, with drained() true.
  void Drain(Deadline deadline) { DrainAll(deadline); }
  bool drained() const { return drained_; }
  Deadline drain_deadline() const { return drain_deadline_; }

  // For machines that spawn. Children are built, never called, and destroyed after the machine.
  template <typename Child>
  Spawner<Child> SpawnerFor() {
    return Spawner<Child>(*this, GroupId{0}, [](MachineHost& host, uint32_t) {
      return static_cast<TesterHost&>(host).NewChild<Child>();
    });
  }
  // At most kChildrenMax, which is also the default. Afterwards call Ready({}) if room_awaited().
  void set_children_max(uint32_t children_max) { children_max_ = children_max; }
  uint32_t children() const { return static_cast<uint32_t>(children_.size()); }

 protected:
  static constexpr Token kToken = {.index = 0, .generation = 1};

  explicit TesterHost(const SimOptions& options);

  void BeginStart();
  void BeginReady(Readiness readiness);
  void BeginTimeout();
  void BeginWakeup();
  void BeginFlush();
  // Takes over what the machine answered. True if it is finished.
  bool End(const Step& step);
  void CheckAlive() const;
  void DestroyChildren() { children_.clear(); }

 private:
  enum class Phase : uint8_t { kNotStarted, kWaiting, kCalled, kFinished };

  absl::Status Watch(Token token, const Fd& fd, WatchKind kind, uint8_t tag) override;
  Notifier NotifierFor(Token token) override { return Notifier(wakes_, token); }
  void FlushAtEndOfTurn(Token) override { flush_asked_ = true; }
  void ResumeWhenRoomReturns(Token) override { room_awaited_ = true; }
  void RunInBackground(Token) override { in_background_ = true; }
  void DrainAll(Deadline deadline) override;
  void DrainGroup(GroupId, Deadline deadline) override { DrainAll(deadline); }
  bool draining(Token) const override { return drained_ && !in_background_; }
  Deadline drain_deadline(Token) const override { return drain_deadline_; }
  std::span<char> receive_buffer() override { return receive_buffer_; }
  uint32_t RoomLeft() const override {
    return children() < children_max_ ? children_max_ - children() : 0;
  }
  absl::StatusOr<Token> ReserveSlot(GroupId group) override;
  void SlotFilled(Token token) override { wakes_->SlotAcquired(token); }

  template <typename Child>
  void* NewChild() {
    struct Place {
      ~Place() { std::destroy_at(std::launder(reinterpret_cast<Child*>(bytes))); }
      alignas(Child) std::byte bytes[sizeof(Child)];
    };
    auto place = std::make_shared<Place>();
    void* const bytes = place->bytes;
    children_.push_back(std::move(place));
    return bytes;
  }
  void BeginCall();

  const std::shared_ptr<WakeQueue> wakes_;
  std::vector<char> receive_buffer_;
  LogSink default_log_;
  Phase phase_ = Phase::kNotStarted;
  bool timed_out_ = false;  // The call under way is Timeout().
  Deadline deadline_ = Deadline::Never();
  bool flush_asked_ = false;
  bool room_awaited_ = false;
  bool in_background_ = false;
  bool woken_ = false;
  bool drained_ = false;
  Deadline drain_deadline_ = Deadline::Never();
  uint32_t children_max_ = kChildrenMax;
  std::vector<std::shared_ptr<void>> children_;
};

// Drives one M. A machine that answers Done() or Fail() is destroyed at once, as in a loop. One
// thread.
template <typename M, typename Context = NoContext>
class MachineTester final : public TesterHost {
  static_assert(IsMachine<M, Context>());

 public:
  // `options` seed and disturb the world; `context` are the arguments of the Context's constructor.
  template <typename... Args>
  explicit MachineTester(const SimOptions& options = {}, Args&&... context)
      : TesterHost(options), context_{std::forward<Args>(context)...} {}
  ~MachineTester() override {
    machine_.reset();
    DestroyChildren();
  }

  // Builds the machine from the arguments of its constructor, and starts it.
  template <typename... Args>
  Step Start(Args&&... args) {
    BeginStart();
    machine_.emplace(std::forward<Args>(args)...);
    return Call([&](auto& scope) { return machine_->Start(scope); });
  }
  Step Ready(Readiness readiness) {
    BeginReady(readiness);
    return Call([&](auto& scope) { return CallReady(*machine_, readiness, scope); });
  }
  Step Timeout() {
    BeginTimeout();
    return Call([&](auto& scope) { return CallTimeout(*machine_, scope); });
  }
  Step Wakeup() {
    BeginWakeup();
    return Call([&](auto& scope) { return CallWakeup(*machine_, scope); });
  }
  Step Flush() {
    BeginFlush();
    return Call([&](auto& scope) { return CallFlush(*machine_, scope); });
  }

  Context& context() { return context_; }
  // Started and not finished.
  M& machine() {
    CheckAlive();
    return *machine_;
  }
  Description Describe() const {
    Description description;
    if (machine_.has_value()) CallDescribe(*machine_, description);
    return description;
  }

 private:
  template <typename Handler>
  Step Call(Handler handler) {
    ContextScope<Context> scope(*this, kToken, context_);
    const Step step = handler(scope);
    if (End(step)) machine_.reset();
    return step;
  }

  // The machine itself is all that can be seen.
  uint32_t VisitMachines(uint32_t first, uint32_t count,
                         absl::FunctionRef<void(const MachineReport&)> visit) override {
    if (first > 0 || count == 0 || !machine_.has_value()) return 0;
    visit({.path = "/tester/0",
           .kind = KindName<M>(),
           .description = Describe(),
           .age = now() - started_,
           .deadline = deadline(),
           .draining = drained() && !in_background()});
    return 0;
  }

  Context context_;
  std::optional<M> machine_;
  const Time started_ = now();
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_MACHINE_TESTER_H_
