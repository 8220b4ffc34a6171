// Machines: structs with a few event handlers, each of which answers with a Step.
//
//   constructor   stores its arguments; no I/O, cannot fail
//   Start         the first call; watches descriptors, may already finish
//   Ready         a watched descriptor may be readable or writable, or the machine is resumed
//   Timeout       the deadline of its last answer has passed; never early
//   Wakeup        one of its notifiers was used, or it is asked to drain
//   Flush         the end of a turn in which it called scope.FlushAtEndOfTurn(); must not read
//
//   class Ticker {
//    public:
//     rotor::Step Start(rotor::Scope& scope) { return Again(scope); }
//     rotor::Step Timeout(rotor::Scope& scope) { ++ticks_; return Again(scope); }
//    private:
//     rotor::Step Again(rotor::Scope& scope) {
//       return rotor::Step::WaitUntil(scope.now() + absl::Seconds(1));
//     }
//     int ticks_ = 0;
//   };
//   static_assert(rotor::IsMachine<Ticker>());
//
// Only Start is required. What a machine leaves out is answered so: Ready, Flush: KeepWaiting;
// Timeout: Fail; Wakeup: Done when draining, else KeepWaiting. A handler takes Scope&, or
// ContextScope<C>& in a loop whose context is C, or is a template over either. Calls never nest and
// never overlap; after a finished Step comes only the destructor, which may only free. A handler
// must not throw.
//
// A machine never moves: it is built in its slot and stays there until it is destroyed.
// `void Describe(Description&) const`, optional, tells an inspector what it is doing.
#ifndef ROTOR_CORE_MACHINE_MACHINE_H_
#define ROTOR_CORE_MACHINE_MACHINE_H_

// IWYU pragma: begin_exports
#include "core/machine/machine_check.h"
#include "core/machine/scope.h"
#include "core/machine/step.h"
// IWYU pragma: end_exports

#endif  // ROTOR_CORE_MACHINE_MACHINE_H_
