// LoopBuilder and Loop: an event loop of machines of one type, usually a Compose<...>.
//
//   rotor::LoopBuilder<App> builder({}, backend);           // stage one: mount
//   auto mounted = line::Mount(builder, "echo", options);
//   absl::Status status = std::move(builder).Build().Run();  // stage two: run
#ifndef ROTOR_CORE_LOOP_LOOP_H_
#define ROTOR_CORE_LOOP_LOOP_H_

#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "core/loop/loop_core.h"
#include "core/loop/loop_state.h"

namespace rotor {

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
