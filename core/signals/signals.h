// Signals as a machine: SIGTERM and its like reach the program as calls on the loop's thread.
//
//   struct OnSignal {
//     void SignalReceived(int signal, rotor::Scope& scope) { scope.Drain(scope.now() +
//     absl::Seconds(5)); }
//   };
//   using App = rotor::Compose<line::EchoServer, rotor::SignalMachine<OnSignal>>;
//   absl::Status status = rotor::MountSignals(builder, {SIGINT, SIGTERM}, OnSignal());
#ifndef ROTOR_CORE_SIGNALS_SIGNALS_H_
#define ROTOR_CORE_SIGNALS_SIGNALS_H_

#include <initializer_list>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "core/machine/machine.h"

namespace rotor {

// Runs in the background: neither keeps the loop running nor ends in a drain, so that a second
// signal is still heard during one. The handler may take ContextScope<C>&.
template <typename Handler>
class SignalMachine {
 public:
  SignalMachine(Fd signals, Handler handler)
      : signals_(std::move(signals)), handler_(std::move(handler)) {}

  Step Start(Scope& scope) {
    scope.RunInBackground();
    absl::Status status = scope.Watch(signals_, WatchKind::kOther);
    return status.ok() ? Step::WaitForever() : Step::Fail(std::move(status));
  }
  template <typename S>
  Step Ready(Readiness, S& scope) {
    // The kernel merges pending signals of a kind, so there are never many.
    for (int signal = 0; scope.io().ReadSignal(signals_, signal).ok();) {
      handler_.SignalReceived(signal, scope);
    }
    return Step::WaitForever();
  }
  void Describe(Description& description) const {
    description.state = "listening";
    description.waits_for = "a signal";
  }

 private:
  Fd signals_;
  Handler handler_;
};

// Under the group name "signals". From here on they no longer end the process; other threads must
// be started after this, or block them too.
template <typename Handler, Composer C>
absl::Status MountSignals(C& composer, std::initializer_list<int> signals, Handler handler) {
  absl::StatusOr<Fd> opened =
      composer.io().OpenSignals(std::span<const int>(signals.begin(), signals.size()));
  if (!opened.ok()) return opened.status();
  absl::StatusOr<GroupId> group = composer.AddGroup("signals");
  if (!group.ok()) return group.status();
  return composer
      .template Add<SignalMachine<Handler>>(*group, *std::move(opened), std::move(handler))
      .status();
}

}  // namespace rotor

#endif  // ROTOR_CORE_SIGNALS_SIGNALS_H_
