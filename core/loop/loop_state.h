// LoopState: the typed half of a loop, on the heap. Not for authors.
#ifndef ROTOR_CORE_LOOP_LOOP_STATE_H_
#define ROTOR_CORE_LOOP_LOOP_STATE_H_

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "core/loop/loop_core.h"
#include "core/machine/dispatch.h"
#include "core/machine/machine.h"
#include "core/slab/pinned_storage.h"

namespace rotor {

// The loop itself, on the heap, where it stays: builder and Loop are handles to it.
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

}  // namespace rotor

#endif  // ROTOR_CORE_LOOP_LOOP_STATE_H_
