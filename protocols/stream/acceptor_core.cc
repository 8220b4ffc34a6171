#include "protocols/stream/acceptor_core.h"

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace rotor::stream {

namespace {

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

AcceptorCore::AcceptorCore(Fd listener, Admission& admission)
    : listener_(std::move(listener)), admission_(admission) {
  ROTOR_CHECK(admission.limits().per_turn > 0, "AcceptLimits: per_turn is above 0");
}

bool AcceptorCore::Round::Next(bool has_room) {
  if (!has_room) {
    core_.state_ = State::kWaitingForRoom;
    shell_.accept_pauses->Add();
    scope_.ResumeWhenRoomReturns();
    return End(Step::WaitForever());
  }
  if (core_.admission_.full()) {
    core_.state_ = State::kWaitingForConnections;
    shell_.accept_pauses->Add();
    core_.admission_.WakeWhenNotFull(scope_.notifier());
    return End(Step::WaitForever());
  }
  for (;;) {
    // Every attempt counts, so that a storm of aborted connections cannot hold the loop either.
    if (calls_++ == core_.admission_.limits().per_turn) return End(Step::Yield(Deadline::Never()));
    accepted_ = scope_.io().Accept(core_.listener_);
    core_.state_ = State::kAccepting;
    if (accepted_.error == 0) {
      if (!Admit()) continue;
      shell_.accepted->Add();
      return true;
    }
    if (accepted_.would_block()) return End(Step::WaitForever());
    shell_.accept_errors->Add();
    if (IsShortage(accepted_.error)) {
      core_.state_ = State::kWaitingForDescriptors;
      // No further edge comes for connections already queued, so the clock has to bring us back.
      return End(Step::WaitUntil(scope_.now() + core_.admission_.limits().retry_interval));
    }
    if (accepted_.error == EBADF || accepted_.error == EINVAL || accepted_.error == ENOTSOCK) {
      return End(Step::Fail(absl::ErrnoToStatus(accepted_.error, "accept: no listener")));
    }
    // Anything else concerns one connection that is gone (accept(2), "Error handling").
  }
}

// False if its client has enough already: then the connection is closed.
bool AcceptorCore::Round::Admit() {
  Admission& admission = core_.admission_;
  std::optional<uint64_t> client;
  if (admission.limits().connections_per_client_max > 0) {
    const absl::StatusOr<SocketAddress> peer = scope_.io().PeerAddress(accepted_.socket);
    // Without an address it is gone again, which its machine will find out.
    if (peer.ok()) client = ClientOf(*peer);
  }
  if (!client.has_value()) {
    ticket_ = admission.Enter();
    return true;
  }
  std::optional<Admission::Ticket> ticket = admission.Enter(*client);
  if (!ticket.has_value()) {
    shell_.refused->Add();
    accepted_.socket.Close();
    return false;
  }
  ticket_ = *std::move(ticket);
  return true;
}

Connection AcceptorCore::Round::TakeConnection() {
  Connection connection;
  connection.socket = std::move(accepted_.socket);
  connection.ticket = std::move(ticket_);
  connection.readable = shell_.read_first;
  return connection;
}

void AcceptorCore::Describe(Description& description) const {
  absl::StatusOr<SocketAddress> address = listener_.io()->LocalAddress(listener_);
  if (address.ok()) description.peer = address->ToString();
  switch (state_) {
    case State::kAccepting:
      description.state = "accepting";
      description.waits_for = "a connection";
      return;
    case State::kWaitingForRoom:
      description.state = "paused";
      description.waits_for = "a free slot";
      return;
    case State::kWaitingForConnections:
      description.state = "full";
      description.waits_for = "a connection to end";
      return;
    case State::kWaitingForDescriptors:
      description.state = "paused";
      description.waits_for = "descriptors";
      return;
  }
}

absl::StatusOr<Listeners> OpenListeners(Io& io, std::span<const SocketAddress> addresses,
                                        std::span<const int> inherited,
                                        const ListenerOptions& options) {
  if (addresses.empty() && inherited.empty()) {
    return absl::InvalidArgumentError("no address to listen on");
  }
  Listeners listeners;
  const auto add = [&](absl::StatusOr<Fd> socket) {
    if (!socket.ok()) return socket.status();
    absl::StatusOr<SocketAddress> bound = io.LocalAddress(*socket);
    if (!bound.ok()) return bound.status();
    listeners.sockets.push_back(*std::move(socket));
    listeners.addresses.push_back(*bound);
    return absl::OkStatus();
  };
  for (const SocketAddress& address : addresses) {
    absl::Status status = add(io.Listen(address, options));
    if (!status.ok()) return status;
  }
  for (const int descriptor : inherited) {
    absl::Status status = add(io.AdoptListener(descriptor));
    if (!status.ok()) return status;
  }
  return listeners;
}

Shell MakeShell(CounterRegistry& counters, std::string_view name, const StreamOptions& options) {
  ROTOR_CHECK(options.output_pause_bytes > 0 && options.read_bytes_per_turn > 0 &&
                  options.file_bytes_per_turn > 0 && options.frames_per_turn > 0,
              "StreamOptions: output_pause_bytes and what is per turn are above 0");
  return {.options = options,
          .accepted = &counters.Get(name, "connections_accepted"),
          .accept_errors = &counters.Get(name, "accept_errors"),
          .accept_pauses = &counters.Get(name, "accept_pauses"),
          .refused = &counters.Get(name, "connections_refused"),
          .bytes_received = &counters.Get(name, "bytes_received"),
          .bytes_sent = &counters.Get(name, "bytes_sent"),
          .memory_pauses = &counters.Get(name, "memory_pauses")};
}

void DescribeStream(const State& state, Description& description) {
  description.state = state.intent.closing() ? "closing"
                      : state.input_ended    ? "half-closed"
                                             : "open";
  description.waits_for = state.intent.WaitsFor();
  description.bytes_held = state.input.capacity() + state.output.capacity();
  absl::StatusOr<SocketAddress> address = state.socket.io()->PeerAddress(state.socket);
  if (address.ok()) description.peer = address->ToString();
}

}  // namespace rotor::stream
