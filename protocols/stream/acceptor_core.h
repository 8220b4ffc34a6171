// What every acceptor does, whatever its protocol. Not for authors.
#ifndef ROTOR_PROTOCOLS_STREAM_ACCEPTOR_CORE_H_
#define ROTOR_PROTOCOLS_STREAM_ACCEPTOR_CORE_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/backend/io.h"
#include "core/machine/scope.h"
#include "core/machine/step.h"
#include "protocols/stream/admission.h"
#include "protocols/stream/stream_state.h"

namespace rotor::stream {

class AcceptorCore {
 public:
  // `admission` outlives the listener's connections.
  AcceptorCore(Fd listener, Admission& admission);

  absl::Status Watch(Scope& scope) { return scope.Watch(listener_, WatchKind::kListener); }
  void Describe(Description& description) const;
  // For a Wakeup(): a connection has ended, so that another one may come.
  bool WaitsForConnections() const { return state_ == State::kWaitingForConnections; }

  // Accepting during one event.
  class Round {
   public:
    Round(AcceptorCore& core, Scope& scope, const Shell& shell)
        : core_(core), scope_(scope), shell_(shell) {}

    // True if a connection was accepted. False: the round is over.
    bool Next(bool has_room);
    Connection TakeConnection();
    // How to go on; once, after Next() returned false.
    Step TakeStep() { return std::move(step_); }

   private:
    bool Admit();
    bool End(Step step) {
      step_ = std::move(step);
      return false;
    }

    AcceptorCore& core_;
    Scope& scope_;
    const Shell& shell_;
    Accepted accepted_;
    Admission::Ticket ticket_;
    uint32_t calls_ = 0;
    Step step_ = Step::WaitForever();
  };

 private:
  enum class State : uint8_t {
    kAccepting,
    kWaitingForRoom,
    kWaitingForConnections,
    kWaitingForDescriptors
  };

  Fd listener_;
  Admission& admission_;
  State state_ = State::kAccepting;
};

struct Listeners {
  std::vector<Fd> sockets;
  std::vector<SocketAddress> addresses;
};

// Opens a listener at each of `addresses` and takes over `inherited` descriptors, behind them.
absl::StatusOr<Listeners> OpenListeners(Io& io, std::span<const SocketAddress> addresses,
                                        std::span<const int> inherited,
                                        const ListenerOptions& options);

// With the counters of the group `name`.
Shell MakeShell(CounterRegistry& counters, std::string_view name, const StreamOptions& options);

// Fills in what a connection is doing, for an inspector.
void DescribeStream(const State& state, Description& description);

}  // namespace rotor::stream

#endif  // ROTOR_PROTOCOLS_STREAM_ACCEPTOR_CORE_H_
