// LoopBuilder and Loop: an event loop of machines of one type, usually a Compose<...>.
//
//   rotor::LoopBuilder<App> builder({}, backend);           // stage one: mount
//   auto mounted = line::Mount(builder, "echo", options);
//   absl::Status status = std::move(builder).Build().Run();  // stage two: run
#ifndef ROTOR_CORE_LOOP_LOOP_H_
#define ROTOR_CORE_LOOP_LOOP_H_

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "core/loop/loop_core.h"
#include "core/machine/machine.h"
#include "core/slab/pinned_storage.h"

namespace rotor {

// The loop itself, on the heap, where it stays: builder and Loop are handles to it. Not for authors.
template <typename Root, typename Context>
class LoopState final : public LoopCore {
 public:
  LoopState(const LoopOptions& options, Backend& backend)
      : LoopCore(options, backend), machines_(options.machines_max) {}
  // Machines first, then the context, then what was kept for them, the last first.
  ~LoopState() override {
    DestroyAllMachines();
    context_.reset();
    while (!kept_.empty()) kept_.pop_back();
  }

  template <typename M>
  Spawner<M> SpawnerFor(GroupId group) {
    return Spawner<M>(*this, group, [](MachineHost& host, uint32_t index) {
      void* memory = static_cast<LoopState&>(host).machines_.At(index);
      return Placement<Root>::template Prepare<M>(memory);
    });
  }

  template <typename T, typename... Args>
  T& Keep(Args&&... args) {
    auto kept = std::make_shared<T>(std::forward<Args>(args)...);
    T& reference = *kept;
    kept_.push_back(std::move(kept));
    return reference;
  }

  std::optional<Context>& context() { return context_; }

 private:
  Step Deliver(Token token, EventKind event, Readiness readiness) noexcept override {
    ContextScope<Context> scope(*this, token, *context_);
    Root& machine = *machines_.Get(token.index);
    switch (event) {
      case EventKind::kStart:
        return machine.Start(scope);
      case EventKind::kReady:
        return CallReady(machine, readiness, scope);
      case EventKind::kTimeout:
        return CallTimeout(machine, scope);
      case EventKind::kWakeup:
        return CallWakeup(machine, scope);
      case EventKind::kFlush:
        return CallFlush(machine, scope);
    }
    return Step::Done();
  }
  void Destroy(uint32_t index) noexcept override { std::destroy_at(machines_.Get(index)); }
  std::string_view Describe(uint32_t index, Description& description) const override {
    const Root& machine = *machines_.Get(index);
    CallDescribe(machine, description);
    if constexpr (requires { machine.kind_name(); }) return machine.kind_name();
    return KindName<Root>();
  }

  std::vector<std::shared_ptr<void>> kept_;
  std::optional<Context> context_;
  PinnedStorage<Root> machines_;
};

// What LoopBuilder and Loop have in common: both are Composers. See composer.h.
template <typename RootMachine, typename Context>
class LoopHandle {
 public:
  using Root = RootMachine;

  absl::StatusOr<GroupId> AddGroup(std::string_view name) { return state_->AddGroup(name); }
  template <typename M = Root, typename... Args>
  absl::StatusOr<Notifier> Add(GroupId group, Args&&... args) {
    return SpawnerFor<M>(group).Spawn(std::forward<Args>(args)...);
  }
  template <typename M = Root>
  Spawner<M> SpawnerFor(GroupId group) {
    return state_->template SpawnerFor<M>(group);
  }
  template <typename T, typename... Args>
  T& Keep(Args&&... args) {
    return state_->template Keep<T>(std::forward<Args>(args)...);
  }
  Io& io() { return state_->backend().io(); }
  CounterRegistry& counters() { return state_->counters(); }

 protected:
  explicit LoopHandle(std::unique_ptr<LoopState<Root, Context>> state) : state_(std::move(state)) {}

  static constexpr bool CheckRoot() {
    if constexpr (requires { AreMachines<Context>(static_cast<Root*>(nullptr)); }) {
      return AreMachines<Context>(static_cast<Root*>(nullptr));
    } else {
      return IsMachine<Root, Context>();
    }
  }

  std::unique_ptr<LoopState<Root, Context>> state_;
};

// The second stage. Owns all machines and the context. One thread only: the way in from others is
// Notifier.
template <typename RootMachine, typename Context = NoContext>
class Loop : public LoopHandle<RootMachine, Context> {
 public:
  // Turns until no machine keeps the loop running (see Scope::RunInBackground, Drain, ShutDown).
  // Fails only if the backend does.
  absl::Status Run() { return this->state_->Run(); }
  // One turn, which sleeps at most until `latest`. True while machines keep the loop running.
  absl::StatusOr<bool> RunOnce(Deadline latest) { return this->state_->RunOnce(latest); }
  // For a driver that runs several loops: when this one's next turn is due if nothing happens until
  // then. From this call on a wake from another thread is signalled, as while the loop sleeps.
  Deadline NextWake() { return this->state_->NextWake(); }

  // As scope.Drain() and scope.VisitMachines().
  void Drain(Deadline deadline) { this->state_->DrainAll(deadline); }
  uint32_t VisitMachines(uint32_t first, uint32_t count,
                         absl::FunctionRef<void(const MachineReport&)> visit) {
    return this->state_->VisitMachines(first, count, visit);
  }
  uint32_t machines() const { return this->state_->machines(); }
  Context& context() { return *this->state_->context(); }

 private:
  template <typename R, typename C>
  friend class LoopBuilder;
  using LoopHandle<RootMachine, Context>::LoopHandle;
};

// The first stage: machines may be added, but there is no context yet, so that the context can hold
// their handles. Constructors of machines run now, Start() when the loop runs.
template <typename RootMachine, typename Context = NoContext>
class LoopBuilder : public LoopHandle<RootMachine, Context> {
  using Base = LoopHandle<RootMachine, Context>;

 public:
  // `backend` must outlive the loop and every Fd opened through it: let main() own it.
  LoopBuilder(const LoopOptions& options, Backend& backend)
      : Base(std::make_unique<LoopState<RootMachine, Context>>(options, backend)) {
    static_assert(Base::CheckRoot());
  }

  template <typename... Args>
  Loop<RootMachine, Context> Build(Args&&... context) && {
    this->state_->context().emplace(std::forward<Args>(context)...);
    return Loop<RootMachine, Context>(std::move(this->state_));
  }
};

}  // namespace rotor

#endif  // ROTOR_CORE_LOOP_LOOP_H_
