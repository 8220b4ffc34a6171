// Calling a machine, for whoever runs machines: a loop, a sum of kinds, a test.
#ifndef ROTOR_CORE_MACHINE_DISPATCH_H_
#define ROTOR_CORE_MACHINE_DISPATCH_H_

#include <string_view>

#include "absl/status/status.h"
#include "core/machine/machine.h"
#include "core/machine/member_check.h"

namespace rotor {

// The name of a type as the compiler spells it, for logs and inspectors.
template <typename M>
constexpr std::string_view KindName() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("M = ") + 4);
  return text.substr(0, text.find_first_of(";]"));
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

#endif  // ROTOR_CORE_MACHINE_DISPATCH_H_
