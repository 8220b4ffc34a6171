// IsMachine(): the handlers of a machine, checked with messages in words.
#ifndef ROTOR_CORE_MACHINE_MACHINE_CHECK_H_
#define ROTOR_CORE_MACHINE_MACHINE_CHECK_H_

#include <concepts>
#include <type_traits>

#include "core/machine/member_check.h"
#include "core/machine/scope.h"
#include "core/machine/step.h"

namespace rotor {

// True, or a compile error that says in words which handler is wrong. Write
// `static_assert(rotor::IsMachine<MyMachine>());` below each machine, so that the error names your
// line. Machines that use a context name it as the second argument.
template <typename M, typename Context = NoContext>
constexpr bool IsMachine() {
  using S = ContextScope<Context>;
  constexpr bool kStart = requires(M & m, S & s) {
    { m.Start(s) } -> std::same_as<Step>;
  };
  constexpr bool kReady = requires(M & m, S & s) {
    { m.Ready(Readiness(), s) } -> std::same_as<Step>;
  };
  constexpr bool kTimeout = requires(M & m, S & s) {
    { m.Timeout(s) } -> std::same_as<Step>;
  };
  constexpr bool kWakeup = requires(M & m, S & s) {
    { m.Wakeup(s) } -> std::same_as<Step>;
  };
  constexpr bool kFlush = requires(M & m, S & s) {
    { m.Flush(s) } -> std::same_as<Step>;
  };
  constexpr bool kDescribe = requires(const M& m, Description& d) { m.Describe(d); };
  static_assert(!std::is_final_v<M>, "a machine must not be a final class");
  static_assert(kStart, "Start must be public: Step Start(Scope&)");
  static_assert(kReady || !member::HasReady<M>,
                "Ready must be public: Step Ready(Readiness, Scope&)");
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

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_MACHINE_CHECK_H_
