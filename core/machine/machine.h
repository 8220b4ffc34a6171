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
// Only Start is required. What a machine leaves out is answered so: Ready, Flush: KeepWaiting; Timeout:
// Fail; Wakeup: Done when draining, else KeepWaiting. A handler takes Scope&, or ContextScope<C>&
// in a loop whose context is C, or is a template over either. Calls never nest and never overlap;
// after a finished Step comes only the destructor, which may only free. A handler must not throw.
//
// A machine never moves: it is built in its slot and stays there until it is destroyed.
// `void Describe(Description&) const`, optional, tells an inspector what it is doing.
#ifndef ROTOR_CORE_MACHINE_MACHINE_H_
#define ROTOR_CORE_MACHINE_MACHINE_H_

#include <concepts>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "core/machine/member_check.h"
#include "core/machine/scope.h"
#include "core/machine/step.h"

namespace rotor {

// The name of a type as the compiler spells it, for logs and inspectors.
template <typename M>
constexpr std::string_view KindName() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("M = ") + 4);
  return text.substr(0, text.find_first_of(";]"));
}

// True, or a compile error that says in words which handler is wrong. Write
// `static_assert(rotor::IsMachine<MyMachine>());` below each machine, so that the error names your
// line. Machines that use a context name it as the second argument.
template <typename M, typename Context = NoContext>
constexpr bool IsMachine() {
  using S = ContextScope<Context>;
  constexpr bool kStart = requires(M& m, S& s) { { m.Start(s) } -> std::same_as<Step>; };
  constexpr bool kReady = requires(M& m, S& s) { { m.Ready(Readiness(), s) } -> std::same_as<Step>; };
  constexpr bool kTimeout = requires(M& m, S& s) { { m.Timeout(s) } -> std::same_as<Step>; };
  constexpr bool kWakeup = requires(M& m, S& s) { { m.Wakeup(s) } -> std::same_as<Step>; };
  constexpr bool kFlush = requires(M& m, S& s) { { m.Flush(s) } -> std::same_as<Step>; };
  constexpr bool kDescribe = requires(const M& m, Description& d) { m.Describe(d); };
  static_assert(!std::is_final_v<M>, "a machine must not be a final class");
  static_assert(kStart, "Start must be public: Step Start(Scope&)");
  static_assert(kReady || !member::HasReady<M>, "Ready must be public: Step Ready(Readiness, Scope&)");
  static_assert(kTimeout || !member::HasTimeout<M>, "Timeout must be public: Step Timeout(Scope&)");
  static_assert(kWakeup || !member::HasWakeup<M>, "Wakeup must be public: Step Wakeup(Scope&)");
  static_assert(kFlush || !member::HasFlush<M>, "Flush must be public: Step Flush(Scope&)");
  static_assert(kDescribe || !member::HasDescribe<M>,
                "Describe must be public: void Describe(Description&) const");
  static_assert(!member::HasWakeUp<M>, "WakeUp is never called; the handler's name is Wakeup");
  static_assert(!member::HasTimeOut<M>, "TimeOut is never called; the handler's name is Timeout");
  static_assert(!member::HasOnReady<M>, "OnReady is never called; the handler's name is Ready");
  static_assert(!member::HasFlushed<M>, "Flushed is never called; the handler's name is Flush");
  return kStart;
}

// Calls of one event, with the answers for handlers left out. For whoever runs machines.
template <typename M, typename S>
Step CallReady(M& machine, Readiness readiness, S& scope) {
  if constexpr (member::HasReady<M>) return machine.Ready(readiness, scope);
  return Step::KeepWaiting();
}

template <typename M, typename S>
Step CallTimeout(M& machine, S& scope) {
  if constexpr (member::HasTimeout<M>) return machine.Timeout(scope);
  return Step::Fail(absl::DeadlineExceededError("the machine has no Timeout handler"));
}

template <typename M, typename S>
Step CallWakeup(M& machine, S& scope) {
  if constexpr (member::HasWakeup<M>) return machine.Wakeup(scope);
  return scope.draining() ? Step::Done() : Step::KeepWaiting();
}

template <typename M, typename S>
Step CallFlush(M& machine, S& scope) {
  if constexpr (member::HasFlush<M>) return machine.Flush(scope);
  return Step::KeepWaiting();
}

template <typename M>
void CallDescribe(const M& machine, Description& description) {
  if constexpr (member::HasDescribe<M>) machine.Describe(description);
}

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_MACHINE_H_
