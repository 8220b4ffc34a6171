// Step: what a machine answers to every event.
#ifndef ROTOR_CORE_MACHINE_STEP_H_
#define ROTOR_CORE_MACHINE_STEP_H_

#include <utility>

#include "absl/status/status.h"
#include "core/base/check.h"
#include "core/time/time.h"

namespace rotor {

// How a machine goes on, and by when it must be called again. There is no default answer: a
// forgotten deadline does not compile. 24 bytes; making one allocates nothing but Fail()'s message.
class [[nodiscard]] Step {
 public:
  enum class Kind : uint8_t { kWait, kKeepWaiting, kYield, kDone };

  // Call me on an event, and at the latest at `deadline`.
  static Step WaitUntil(Deadline deadline) { return Step(Kind::kWait, deadline); }
  // Call me on an event only.
  static Step WaitForever() { return Step(Kind::kWait, Deadline::Never()); }
  // As before: the deadline of my last answer stands. From Start it means WaitForever(). From
  // Timeout it is a programmer's error: that deadline has passed.
  static Step KeepWaiting() { return Step(Kind::kKeepWaiting, Deadline::Never()); }
  // I stopped early to be fair. Call Ready() next turn even if nothing happens; `deadline` as in
  // WaitUntil().
  static Step Yield(Deadline deadline) { return Step(Kind::kYield, deadline); }
  // I am finished: destroy me now.
  static Step Done() { return Step(Kind::kDone, Deadline::Never()); }
  // I am finished because of `reason`, which is counted and logged. Must not be OK.
  static Step Fail(absl::Status reason) {
    ROTOR_CHECK(!reason.ok(), "Step::Fail() needs a reason that is not OK; use Step::Done()");
    Step step(Kind::kDone, Deadline::Never());
    step.reason_ = std::move(reason);
    return step;
  }

  Kind kind() const { return kind_; }
  bool finished() const { return kind_ == Kind::kDone; }
  Deadline deadline() const { return deadline_; }
  const absl::Status& reason() const { return reason_; }  // OK unless made by Fail().

 private:
  Step(Kind kind, Deadline deadline) : deadline_(deadline), kind_(kind) {}

  Deadline deadline_;
  absl::Status reason_;
  Kind kind_;
};
static_assert(sizeof(Step) == 24, "a Step is returned from every handler: keep it small");

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_STEP_H_
