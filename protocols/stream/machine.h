// The machines of stream protocols: a connection, its acceptor, and how a server is mounted.
//
//   http, line, yours          P                 handlers on frames
//   this file                  stream::Machine<P>   owns socket, buffers and P
//                              stream::Acceptor<P>  turns connections into sibling machines
//   core                       a slot of the loop each
//
// A protocol library exports `using Server = stream::Server<P>` to be listed in Compose<...>, and a
// Mount() that calls stream::Mount<P>(). All logic is in stream.cc and acceptor_core.cc; this is
// typing.
#ifndef ROTOR_PROTOCOLS_STREAM_MACHINE_H_
#define ROTOR_PROTOCOLS_STREAM_MACHINE_H_

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "core/machine/dispatch.h"
#include "core/machine/machine.h"
#include "core/machine/spawner.h"
#include "protocols/stream/acceptor_core.h"
#include "protocols/stream/admission.h"
#include "protocols/stream/stream.h"

namespace rotor {

// True, or a compile error that says in words which handler is wrong. See IsMachine().
template <typename P, typename Context = NoContext>
constexpr bool IsProtocol() {
  using S = ContextScope<Context>;
  constexpr bool kStart = requires(P & p, Stream & t, S & s) {
    { p.Start(t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kFrameReceived = requires(P & p, std::string_view f, Stream & t, S & s) {
    { p.FrameReceived(f, t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kFlushed = requires(P & p, Stream & t, S & s) {
    { p.Flushed(t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kInputEnded = requires(P & p, Stream & t, S & s) {
    { p.InputEnded(InputEnd(), t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kTimeout = requires(P & p, Stream & t, S & s) {
    { p.Timeout(t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kWakeup = requires(P & p, Stream & t, S & s) {
    { p.Wakeup(t, s) } -> std::same_as<Intent>;
  };
  constexpr bool kFailed = requires(P & p, const absl::Status& why, S& s) {
    { p.Failed(why, s) } -> std::same_as<void>;
  };
  static_assert(!std::is_final_v<P>, "a protocol must not be a final class");
  static_assert(kStart, "Start must be public: Intent Start(Stream&, Scope&)");
  static_assert(
      kFrameReceived,
      "FrameReceived must be public: Intent FrameReceived(std::string_view, Stream&, Scope&)");
  static_assert(kFlushed || !member::HasFlushed<P>,
                "Flushed must be public: Intent Flushed(Stream&, Scope&)");
  static_assert(kInputEnded || !member::HasInputEnded<P>,
                "InputEnded must be public: Intent InputEnded(InputEnd, Stream&, Scope&)");
  static_assert(kTimeout || !member::HasTimeout<P>,
                "Timeout must be public: Intent Timeout(Stream&, Scope&)");
  static_assert(kWakeup || !member::HasWakeup<P>,
                "Wakeup must be public: Intent Wakeup(Stream&, Scope&)");
  static_assert(kFailed || !member::HasFailed<P>,
                "Failed must be public: void Failed(const absl::Status&, Scope&)");
  static_assert(!member::HasFlush<P>, "Flush is never called; a protocol's handler is Flushed");
  static_assert(!member::HasReady<P>,
                "Ready is never called; a protocol's handler is FrameReceived");
  static_assert(!member::HasWakeUp<P>, "WakeUp is never called; the handler's name is Wakeup");
  static_assert(!member::HasTimeOut<P>, "TimeOut is never called; the handler's name is Timeout");
  return kStart && kFrameReceived;
}

namespace stream {

struct Nothing {};

// What all connections of one mount share. A protocol that has a type `Shared` is given a reference
// to one as the first argument of its constructor: options, a handler, a cache.
template <typename P>
struct Service : Shell {
  static auto SharedType() {
    if constexpr (requires { typename P::Shared; }) {
      return std::type_identity<typename P::Shared>();
    } else {
      return std::type_identity<Nothing>();
    }
  }
  using Shared = typename decltype(SharedType())::type;

  template <typename... Args>
  explicit Service(const Shell& shell, Args&&... args)
      : Shell(shell), shared{std::forward<Args>(args)...} {}

  Shared shared;
};

// The machine of one connection: the parent of the protocol P.
template <typename P>
class Machine {
 public:
  template <typename... Args>
  Machine(Connection&& connection, Service<P>& service,
          Args&&... args) requires(!requires { typename P::Shared; })
      : service_(service), protocol_{std::forward<Args>(args)...} {
    TakeOver(std::move(connection));
  }
  template <typename... Args>
  Machine(Connection&& connection, Service<P>& service, Args&&... args) requires requires {
    typename P::Shared;
  } : service_(service), protocol_{service.shared, std::forward<Args>(args)...} {
    TakeOver(std::move(connection));
  }

  template <typename S>
  Step Start(S& scope) {
    Stream stream(state_, service_, scope, /*may_read=*/true);
    stream.Adopt(protocol_.Start(stream, scope), Stream::Call::kStart);
    return Drive(stream, scope);
  }
  template <typename S>
  Step Ready(Readiness readiness, S& scope) {
    Stream stream(state_, service_, scope, /*may_read=*/true);
    stream.NoteReadiness(readiness);
    return Drive(stream, scope);
  }
  template <typename S>
  Step Timeout(S& scope) {
    Stream stream(state_, service_, scope, /*may_read=*/true);
    if (stream.CloseTimedOut()) return stream.Finish();
    if constexpr (member::HasTimeout<P>) {
      stream.Adopt(protocol_.Timeout(stream, scope), Stream::Call::kTimeout);
    } else {
      stream.Adopt(Intent::Abort(absl::DeadlineExceededError("the protocol's deadline has passed")),
                   Stream::Call::kTimeout);
    }
    return Drive(stream, scope);
  }
  template <typename S>
  Step Wakeup(S& scope) {
    Stream stream(state_, service_, scope, /*may_read=*/true);
    if (state_.intent.closing()) return Drive(stream, scope);
    if constexpr (member::HasWakeup<P>) {
      stream.Adopt(protocol_.Wakeup(stream, scope), Stream::Call::kWakeup);
    } else if (scope.draining()) {
      stream.Adopt(stream.CloseForDrain(), Stream::Call::kWakeup);
    }
    return Drive(stream, scope);
  }
  template <typename S>
  Step Flush(S& scope) {
    Stream stream(state_, service_, scope, /*may_read=*/false);
    stream.WriteSome();
    // The usual case: all is sent, and the answer to the input that led here still stands.
    if (stream.AwaitsOnlyInput()) return Step::KeepWaiting();
    return Drive(stream, scope);
  }
  void Describe(Description& description) const {
    DescribeStream(state_, description);
    CallDescribe(protocol_, description);
  }

 private:
  void TakeOver(Connection&& connection) {
    state_.socket = std::move(connection.socket);
    state_.input = std::move(connection.input);
    state_.output = std::move(connection.output);
    state_.ticket = std::move(connection.ticket);
    state_.input_ended = connection.input_ended;
    state_.readable = connection.readable;
  }

  // Lets the stream do one thing at a time and passes each result on, until it would block or this
  // connection has had its share of the turn.
  template <typename S>
  Step Drive(Stream& stream, S& scope) {
    using Call = Stream::Call;
    for (;;) {
      const Call call = stream.Advance();
      switch (call) {
        case Call::kFrame:
          stream.Adopt(protocol_.FrameReceived(stream.frame_, stream, scope), call);
          break;
        case Call::kFlushed:
          stream.Adopt(CallFlushed(stream, scope), call);
          break;
        case Call::kEnd:
          stream.Adopt(CallInputEnded(stream, scope), call);
          break;
        case Call::kFailed:
          if constexpr (member::HasFailed<P>) protocol_.Failed(stream.failure_, scope);
          return Step::Fail(stream.failure_);
        default:
          return stream.Finish();
      }
    }
  }
  template <typename S>
  Intent CallFlushed(Stream& stream, S& scope) {
    if constexpr (member::HasFlushed<P>) return protocol_.Flushed(stream, scope);
    return Expect::NothingButWakeup().Before(state_.intent.deadline());
  }
  template <typename S>
  Intent CallInputEnded(Stream& stream, S& scope) {
    if constexpr (member::HasInputEnded<P>) {
      return protocol_.InputEnded(stream.input_end_, stream, scope);
    }
    return Intent::CloseAfterFlush(state_.intent.deadline());
  }

  State state_;
  Service<P>& service_;
  P protocol_;
};

// Turns connections into machines. Checks for room before it accepts, so that excess connections
// wait in the kernel; when descriptors run out it tries again after AcceptLimits::retry_interval.
template <typename P>
class Acceptor {
 public:
  Acceptor(Fd listener, Spawner<Machine<P>> spawner, Service<P>& service, Admission& admission)
      : core_(std::move(listener), admission), spawner_(spawner), service_(service) {}

  Step Start(Scope& scope) {
    absl::Status status = core_.Watch(scope);
    return status.ok() ? Accept(scope) : Step::Fail(std::move(status));
  }
  Step Ready(Readiness, Scope& scope) { return Accept(scope); }
  Step Timeout(Scope& scope) { return Accept(scope); }
  Step Wakeup(Scope& scope) {
    // A drain begins with closing the door.
    if (scope.draining()) return Step::Done();
    return core_.WaitsForConnections() ? Accept(scope) : Step::KeepWaiting();
  }
  void Describe(Description& description) const { core_.Describe(description); }

 private:
  Step Accept(Scope& scope) {
    AcceptorCore::Round round(core_, scope, service_);
    while (round.Next(spawner_.HasRoom())) {
      (void)spawner_.Spawn(round.TakeConnection(), service_);
    }
    return round.TakeStep();
  }

  AcceptorCore core_;
  Spawner<Machine<P>> spawner_;
  Service<P>& service_;
};

// What a server of P lists in Compose<...>.
template <typename P>
using Server = rotor::Parts<Acceptor<P>, Machine<P>>;

// Where a server listens, and its limits.
struct ListenOptions {
  std::vector<SocketAddress> addresses;  // Port 0 lets the kernel choose.
  // Descriptors of sockets that listen already, as InheritedListeners() finds them; closed with the
  // acceptors. At least one of both.
  std::vector<int> inherited;
  ListenerOptions listener;
  AcceptLimits accept;
  StreamOptions stream;
};

// The right of a protocol to hand its connection over to another one, P, or to Connect(); what
// Prepare() returns.
template <typename P>
struct Upgrade {
  Spawner<Machine<P>> spawner;
  Service<P>* service;

  // To be returned by a handler of the old protocol, whose machine then ends. The new one, built
  // with `args` after its Shared, gets the socket, the unread input and the unsent output. If the
  // loop is full the connection is aborted. Views of stream.input() end here.
  template <typename... Args>
  Intent TakeOver(Stream& stream, Args&&... args) const {
    if (!spawner.HasRoom()) {
      return Intent::Abort(absl::ResourceExhaustedError("no room to hand the connection over"));
    }
    (void)spawner.Spawn(stream.TakeConnection(), *service, std::forward<Args>(args)...);
    return Intent(Intent::Mode::kHandedOver, Deadline::Never());
  }
};

// Makes P ready to take connections over, without listening. `shared` makes its Shared, if any.
template <typename P, Composer C, typename... SharedArgs>
Upgrade<P> Prepare(C& composer, GroupId group, std::string_view name, const StreamOptions& options,
                   SharedArgs&&... shared) {
  Shell shell = MakeShell(composer.counters(), name, options);
  auto& service = composer.template Keep<Service<P>>(shell, std::forward<SharedArgs>(shared)...);
  return {composer.template SpawnerFor<Machine<P>>(group), &service};
}

// Opens a connection to `to` and builds the machine of the P that speaks on it, with `args` after
// its Shared. P starts at once: what it writes leaves when the connection is there, its deadline
// counts from now, and Failed() says why none came to be. `prepared` came from Prepare().
// kResourceExhausted if the loop is full; otherwise what Io::Connect() says.
template <typename P, typename... Args>
absl::StatusOr<Notifier> Connect(Io& io, const SocketAddress& to, const Upgrade<P>& prepared,
                                 Args&&... args) {
  if (!prepared.spawner.HasRoom()) {
    return absl::ResourceExhaustedError("no room for the machine of a connection");
  }
  absl::StatusOr<Fd> socket = io.Connect(to);
  if (!socket.ok()) return socket.status();
  Connection connection;
  connection.socket = *std::move(socket);
  return prepared.spawner.Spawn(std::move(connection), *prepared.service,
                                std::forward<Args>(args)...);
}

// Opens the listeners, adds an acceptor for each under the group `name`, and returns what was
// bound. On an error nothing is left open, except that acceptors already added stay if the loop has
// no room for the others.
template <typename P, Composer C, typename... SharedArgs>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, const ListenOptions& options,
                              SharedArgs&&... shared) {
  absl::StatusOr<Listeners> listeners =
      OpenListeners(composer.io(), options.addresses, options.inherited, options.listener);
  if (!listeners.ok()) return listeners.status();
  absl::StatusOr<GroupId> group = composer.AddGroup(name);
  if (!group.ok()) return group.status();
  Upgrade<P> prepared =
      Prepare<P>(composer, *group, name, options.stream, std::forward<SharedArgs>(shared)...);
  prepared.service->read_first = options.listener.defer_accept_seconds > 0;
  for (Fd& listener : listeners->sockets) {
    auto& admission = composer.template Keep<Admission>(options.accept);
    absl::StatusOr<Notifier> added = composer.template Add<Acceptor<P>>(
        *group, std::move(listener), prepared.spawner, *prepared.service, admission);
    if (!added.ok()) return added.status();
  }
  return Mounted{*group, std::move(listeners->addresses)};
}

}  // namespace stream
}  // namespace rotor

#endif  // ROTOR_PROTOCOLS_STREAM_MACHINE_H_
