#include "core/testing/sim_network.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/check.h"
#include "core/testing/sim_backend.h"

namespace rotor {
namespace {

constexpr int kConnectAttemptsMax = 6;
constexpr uint16_t kFirstFreePort = 49152;  // RFC 6335 section 6: the dynamic ports.

// Who listens at `to`, or at every address of its family.
template <typename Map>
typename Map::mapped_type* FindAt(Map& map, const SocketAddress& to) {
  auto found = map.find(to.ToString());
  if (found == map.end() && to.is_ip()) {
    const char* any = to.family() == AF_INET ? "0.0.0.0" : "::";
    found = map.find(SocketAddress::Ip(any, to.port())->ToString());
  }
  return found == map.end() ? nullptr : &found->second;
}

// Where a peer of a socket bound to `address` sees it.
SocketAddress Reachable(const SocketAddress& address) {
  if (address.is_ip() && address.host() == "0.0.0.0") {
    return *SocketAddress::Ip("127.0.0.1", address.port());
  }
  if (address.is_ip() && address.host() == "::") return *SocketAddress::Ip("::1", address.port());
  return address;
}

// Where the client of `to` is, if it does not say.
SocketAddress ClientAddress(const SocketAddress& to) {
  if (to.is_ip()) return *SocketAddress::Ip(to.family() == AF_INET ? "127.0.0.1" : "::1", 0);
  const sockaddr unnamed = {.sa_family = AF_UNIX, .sa_data = {}};
  return SocketAddress::FromKernel(&unnamed, sizeof(unnamed.sa_family));
}

}  // namespace

std::string_view SimFile::kind_name() const {
  switch (kind_) {
    case WatchKind::kListener:
      return "listener";
    case WatchKind::kStream:
      return "stream";
    case WatchKind::kDatagram:
      return "datagram socket";
    case WatchKind::kOther:
      return "signal descriptor";
  }
  return "descriptor";
}

void SimFile::Edge() {
  if (!watch_key.has_value()) return;
  if (host_.core_.Strikes(&SimFaultProbabilities::delayed_event)) return EdgeLater();
  host_.QueueEdge(*this);
}

void SimFile::EdgeLater() {
  host_.core_.After(host_.core_.Latency(), [weak = weak_from_this()] {
    if (const std::shared_ptr<SimFile> file = weak.lock()) file->host_.QueueEdge(*file);
  });
}

std::string SimBytes::Take(size_t count) {
  std::string taken(view().substr(0, count));
  taken_ += taken.size();
  if (taken_ >= bytes_.size() / 2) bytes_.erase(0, std::exchange(taken_, 0));
  return taken;
}

// ---- A stream: the server's side ----

IoResult SimStream::Read(std::span<char> into) {
  if (to_server.arrived.empty()) {
    if (to_server.end_arrived) return {};
    if (server_error != 0) return {.error = std::exchange(server_error, 0)};
    return {.error = server_reset ? 0 : EAGAIN};
  }
  if (core.Strikes(&SimFaultProbabilities::would_block)) {
    server->EdgeLater();
    return {.error = EAGAIN};
  }
  size_t count = std::min(into.size(), to_server.arrived.size());
  if (count > 1 && core.Strikes(&SimFaultProbabilities::short_read)) {
    count = 1 + core.random().Below(count - 1);
    server->EdgeLater();
  }
  to_server.arrived.Take(count).copy(into.data(), count);
  Pump(to_server);
  if (client_write_blocked && client_write_space() > 0) {
    client_write_blocked = false;
    Notify();
  }
  return {.bytes = count};
}

IoResult SimStream::Write(std::span<const std::string_view> pieces) {
  if (server_error != 0) return {.error = std::exchange(server_error, 0)};
  if (server_reset || write_shut) return {.error = EPIPE};
  size_t total = 0;
  for (const std::string_view piece : pieces) total += piece.size();
  if (total == 0) return {};
  if (core.Strikes(&SimFaultProbabilities::write_error)) {
    Break(0);
    return {.error = EPIPE};
  }
  size_t count = std::min(total, write_space());
  if (count > 0 && core.Strikes(&SimFaultProbabilities::would_block)) {
    server->EdgeLater();
    return {.error = EAGAIN};
  }
  if (count < total) write_blocked = true;
  if (count == 0) return {.error = EAGAIN};
  if (count > 1 && core.Strikes(&SimFaultProbabilities::short_write)) {
    count = 1 + core.random().Below(count - 1);
    server->EdgeLater();
  }
  size_t left = count;
  for (const std::string_view piece : pieces) {
    const std::string_view part = piece.substr(0, left);
    to_client.unsent.Append(part);
    left -= part.size();
  }
  Pump(to_client);
  return {.bytes = count};
}

IoResult SimStream::ShutdownWrite() {
  if (server_reset) return {.error = ENOTCONN};
  write_shut = to_client.end_wanted = true;
  Pump(to_client);
  return {};
}

void SimStream::CloseServer() {
  server = nullptr;
  server_closed = true;
  if (server_reset) return;
  if (!to_server.arrived.empty()) return ResetFromServer();
  to_client.end_wanted = true;
  Pump(to_client);
}

Readiness SimStream::Poll() const {
  Readiness readiness;
  const bool ended = to_server.end_arrived || server_reset;
  if (!to_server.arrived.empty() || ended) readiness = readiness | Readiness::Readable();
  if (ended) readiness = readiness | Readiness::PeerClosed();
  if (server_error != 0) readiness = readiness | Readiness::Error();
  if (write_space() > 0 || write_shut || server_reset)
    readiness = readiness | Readiness::Writable();
  return readiness;
}

size_t SimStream::write_space() const {
  return core.options().window_bytes - std::min(to_client.size(), core.options().window_bytes);
}

void SimStream::ServerChanged() {
  if (const std::shared_ptr<SimListenerFile> listener = deferred_by.lock()) {
    listener->Enqueue(shared_from_this());
  } else if (server != nullptr) {
    server->Edge();
  }
}

void SimStream::ResetServer(int error) {
  if (server_reset) return;
  server_reset = true;
  server_error = error;
  to_server.unsent.Clear();
  to_client.unsent.Clear();
  deferred_by.reset();  // A request that is reset before it is complete is forgotten.
  ServerChanged();
}

// ---- A stream: the client's side ----

void SimStream::Send(std::string_view bytes) {
  if (refused || client_reset || to_server.end_wanted) return;
  to_server.unsent.Append(bytes);
  if (established) Pump(to_server);
}

void SimStream::EndSending() {
  to_server.end_wanted = true;
  if (established) Pump(to_server);
}

void SimStream::CloseClient() {
  if (client_closed) return;
  client_closed = true;
  if (!to_client.arrived.empty()) return ResetFromClient();
  EndSending();
}

void SimStream::ResetFromClient() {
  to_server.unsent.Clear();
  to_server.end_wanted = to_server.end_sent = true;
  core.At(NextArrival(to_server), [self = shared_from_this()] {
    self->core.Log("network", "reset");
    // Linux, tcp_reset(): EPIPE if the end of the stream came first.
    self->ResetServer(self->to_server.end_arrived ? EPIPE : ECONNRESET);
  });
}

void SimStream::ReadAtClient() {
  if (paused || client == nullptr) return;
  client->received_ += to_client.arrived.Take(to_client.arrived.size());
  client_ended = to_client.end_arrived;
  Pump(to_client);
  if (write_blocked && write_space() > 0) {
    write_blocked = false;
    ServerChanged();
  }
}

void SimStream::Notify() {
  if (client == nullptr || !client->on_event) return;
  // A copy, because the call may destroy the connection.
  const std::function<void()> on_event = client->on_event;
  on_event();
}

void SimStream::Established() {
  established = true;
  Pump(to_server);
  Notify();
}

void SimStream::ResetFromServer() {
  to_client.unsent.Clear();
  to_client.end_wanted = to_client.end_sent = true;
  core.At(NextArrival(to_client), [self = shared_from_this()] {
    if (self->client_closed || self->client_reset) return;
    self->core.Log("network", "reset client");
    self->client_reset = true;
    self->to_client.arrived.Clear();
    self->to_server.unsent.Clear();
    self->Notify();
  });
}

// ---- A stream: the client's side as a descriptor ----

IoResult SimStream::ReadByClient(std::span<char> into, SimFile& file) {
  if (refused || client_reset) {
    if (std::exchange(client_error_told, true)) return {};
    return {.error = refused ? ECONNREFUSED : ECONNRESET};
  }
  if (to_client.arrived.empty()) {
    return {.error = established && to_client.end_arrived ? 0 : EAGAIN};
  }
  if (core.Strikes(&SimFaultProbabilities::would_block)) {
    file.EdgeLater();
    return {.error = EAGAIN};
  }
  size_t count = std::min(into.size(), to_client.arrived.size());
  if (count > 1 && core.Strikes(&SimFaultProbabilities::short_read)) {
    count = 1 + core.random().Below(count - 1);
    file.EdgeLater();
  }
  to_client.arrived.Take(count).copy(into.data(), count);
  Pump(to_client);
  if (write_blocked && write_space() > 0) {
    write_blocked = false;
    ServerChanged();
  }
  return {.bytes = count};
}

IoResult SimStream::WriteByClient(std::span<const std::string_view> pieces, SimFile& file) {
  if ((refused || client_reset) && !std::exchange(client_error_told, true)) {
    return {.error = refused ? ECONNREFUSED : ECONNRESET};
  }
  if (refused || client_reset || to_server.end_wanted) return {.error = EPIPE};
  size_t total = 0;
  for (const std::string_view piece : pieces) total += piece.size();
  if (total == 0) return {};
  size_t count = std::min(total, client_write_space());
  if (count > 0 && core.Strikes(&SimFaultProbabilities::would_block)) {
    file.EdgeLater();
    return {.error = EAGAIN};
  }
  if (count < total) client_write_blocked = true;
  if (count == 0) return {.error = EAGAIN};
  if (count > 1 && core.Strikes(&SimFaultProbabilities::short_write)) {
    count = 1 + core.random().Below(count - 1);
    file.EdgeLater();
  }
  size_t left = count;
  for (const std::string_view piece : pieces) {
    const std::string_view part = piece.substr(0, left);
    Send(part);
    left -= part.size();
  }
  return {.bytes = count};
}

Readiness SimStream::PollClient() const {
  Readiness readiness;
  const bool gone = refused || client_reset;
  const bool ended = established && to_client.end_arrived;
  if (!to_client.arrived.empty() || ended || gone) readiness = readiness | Readiness::Readable();
  if (ended || gone) readiness = readiness | Readiness::PeerClosed();
  if (gone && !client_error_told) readiness = readiness | Readiness::Error();
  if (client_write_space() > 0 || gone) readiness = readiness | Readiness::Writable();
  return readiness;
}

// Nothing can be written before there is a connection.
size_t SimStream::client_write_space() const {
  if (!established) return 0;
  return core.options().window_bytes - std::min(to_server.size(), core.options().window_bytes);
}

// ---- A stream: the way ----

void SimStream::Break(int server_error) {
  cut_short = true;
  ResetServer(server_error);
  ResetFromServer();
}

Time SimStream::NextArrival(SimPipe& pipe) {
  return pipe.last_arrival = std::max(pipe.last_arrival, core.now() + core.Latency());
}

void SimStream::Pump(SimPipe& pipe) {
  const size_t window = core.options().window_bytes;
  while (!pipe.unsent.empty() && pipe.in_flight + pipe.arrived.size() < window) {
    const size_t cut = 1 + core.random().Below(core.options().segment_bytes_max);
    std::string segment =
        pipe.unsent.Take(std::min(cut, window - pipe.in_flight - pipe.arrived.size()));
    pipe.in_flight += segment.size();
    core.At(NextArrival(pipe), [self = shared_from_this(), &pipe, segment = std::move(segment)] {
      self->Arrive(pipe, segment);
    });
  }
  if (pipe.unsent.empty() && pipe.end_wanted && !pipe.end_sent) {
    pipe.end_sent = true;
    core.At(NextArrival(pipe), [self = shared_from_this(), &pipe] { self->ArriveEnd(pipe); });
  }
}

void SimStream::Arrive(SimPipe& pipe, std::string_view segment) {
  const bool at_server = &pipe == &to_server;
  pipe.in_flight -= segment.size();
  core.Log("network", at_server ? "to server" : "to client", {}, segment);
  if (server_reset || client_reset) return;
  if (pipe.end_arrived) return Pump(pipe);  // Lost behind a half close that is a fault.
  if (at_server && server_closed) return ResetFromServer();
  if (!at_server && client_closed) return ResetFromClient();
  if (core.Strikes(&SimFaultProbabilities::reset_by_peer)) return Break(ECONNRESET);
  pipe.arrived.Append(segment);
  if (!at_server) {
    ReadAtClient();
    return Notify();
  }
  if (core.Strikes(&SimFaultProbabilities::half_close)) {
    cut_short = true;
    pipe.end_arrived = true;
  }
  ServerChanged();
}

void SimStream::ArriveEnd(SimPipe& pipe) {
  if (server_reset || client_reset || pipe.end_arrived) return;
  pipe.end_arrived = true;
  core.Log("network", &pipe == &to_server ? "end to server" : "end to client");
  if (&pipe == &to_server) return ServerChanged();
  ReadAtClient();
  Notify();
}

// ---- Descriptors ----

void SimListenerFile::Admit(std::shared_ptr<SimStream> stream) {
  if (options.defer_accept_seconds <= 0) return Enqueue(std::move(stream));
  stream->deferred_by = std::static_pointer_cast<SimListenerFile>(shared_from_this());
  stream->core.After(absl::Seconds(options.defer_accept_seconds), [stream] {
    if (const auto listener = stream->deferred_by.lock()) listener->Enqueue(stream);
  });
}

void SimListenerFile::Enqueue(std::shared_ptr<SimStream> stream) {
  stream->deferred_by.reset();
  backlog.push_back(std::move(stream));
  Edge();
}

void SimListenerFile::Closed() {
  network.RemoveListener(address);
  for (const std::shared_ptr<SimStream>& stream : backlog) {
    stream->server_closed = true;
    stream->ResetFromServer();
  }
}

SimConnectedFile::SimConnectedFile(SimBackend& host, std::unique_ptr<SimConnection> connection)
    : SimSocketFile(host, connection->stream_), connection_(std::move(connection)) {
  connection_->PauseReading();
  connection_->on_event = [this] { Edge(); };
}

IoResult SimConnectedFile::ShutdownWrite() {
  if (!stream->established || stream->client_reset) return {.error = ENOTCONN};
  stream->EndSending();
  return {};
}

Readiness SimDatagramFile::Poll() const {
  Readiness readiness;
  if (error != 0) readiness = readiness | Readiness::Error();
  if (!waiting.empty()) readiness = readiness | Readiness::Readable();
  if (send_blocked) readiness = readiness | Readiness::Writable();
  return readiness;
}

void SimDatagramFile::Closed() { network.RemoveReceiver(address); }

// ---- Addresses ----

SocketAddress SimNetwork::WithPort(const SocketAddress& address) {
  if (!address.is_ip() || address.port() != 0) return address;
  for (;;) {
    const SocketAddress candidate = address.WithPort(next_port_);
    next_port_ = next_port_ == 65535 ? kFirstFreePort : next_port_ + 1;
    const std::string key = candidate.ToString();
    if (listeners_.count(key) == 0 && receivers_.count(key) == 0) return candidate;
  }
}

bool SimNetwork::AddListener(SimListenerFile& listener) {
  return listeners_.emplace(listener.address.ToString(), &listener).second;
}

bool SimNetwork::AddReceiver(const SocketAddress& address, Receiver receiver) {
  return receivers_.emplace(address.ToString(), ReceiverEntry{std::move(receiver), Time()}).second;
}

void SimNetwork::SendDatagram(const SocketAddress& from, const SocketAddress& to,
                              std::string_view bytes, std::function<void()> unreachable) {
  if (core_.Strikes(&SimFaultProbabilities::datagram_loss)) return;
  const int copies = core_.Strikes(&SimFaultProbabilities::datagram_duplication) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Time arrival = core_.now() + core_.Latency();
    ReceiverEntry* expected = FindAt(receivers_, to);
    if (core_.Strikes(&SimFaultProbabilities::datagram_reordering)) {
      const absl::Duration latency = core_.options().latency_max + absl::Microseconds(1);
      arrival = arrival + core_.Between(latency, 10 * latency);
    } else if (expected != nullptr) {
      arrival = expected->last_arrival = std::max(arrival, expected->last_arrival);
    }
    core_.At(arrival, [this, to, datagram = SimDatagram{std::string(bytes), Reachable(from), to},
                       unreachable] {
      core_.Log("network", absl::StrCat("datagram to ", to.ToString()), {}, datagram.bytes);
      ReceiverEntry* entry = FindAt(receivers_, to);
      if (entry == nullptr) {
        if (unreachable) core_.After(core_.Latency(), unreachable);
        return;
      }
      // A copy, because the call may remove the entry.
      const Receiver receive = entry->receive;
      receive(datagram);
    });
  }
}

std::unique_ptr<SimConnection> SimNetwork::Connect(const SocketAddress& to,
                                                   const SocketAddress& from) {
  const bool unnamed = from.family() == AF_UNSPEC;
  const SocketAddress client = WithPort(unnamed ? ClientAddress(to) : from);
  auto stream = std::make_shared<SimStream>(core_, client, Reachable(to));
  std::unique_ptr<SimConnection> connection(new SimConnection(stream));
  stream->client = connection.get();
  core_.After(core_.Latency(), [this, stream] { RequestConnection(stream, 1); });
  return connection;
}

SocketAddress SimNetwork::ConnectedFrom(const SocketAddress& peer, uint16_t port) {
  return ClientAddress(peer).WithPort(port);
}

void SimNetwork::RequestConnection(const std::shared_ptr<SimStream>& stream, int attempt) {
  if (stream->server_reset) return;  // The client gave up with a reset.
  SimListenerFile** listener = FindAt(listeners_, stream->server_address);
  core_.Log("network", absl::StrCat("connect to ", stream->server_address.ToString()),
            {attempt, listener != nullptr});
  if (listener != nullptr && !(*listener)->full()) {
    (*listener)->Admit(stream);
    // All that the server sends arrives after this.
    core_.At(stream->to_client.last_arrival = core_.now() + core_.Latency(),
             [stream] { stream->Established(); });
  } else if (listener != nullptr && attempt < kConnectAttemptsMax) {
    core_.After(absl::Seconds(1 << (attempt - 1)),
                [this, stream, attempt] { RequestConnection(stream, attempt + 1); });
  } else {
    core_.After(core_.Latency(), [stream] {
      stream->refused = true;
      stream->Notify();
    });
  }
}

std::unique_ptr<SimDatagramSocket> SimNetwork::BindDatagram(const SocketAddress& address) {
  std::unique_ptr<SimDatagramSocket> socket(new SimDatagramSocket(*this, WithPort(address)));
  const bool added = AddReceiver(socket->address_, [raw = socket.get()](SimDatagram datagram) {
    raw->received_.push_back(std::move(datagram));
    if (!raw->on_event) return;
    // A copy, because the call may destroy the socket.
    const std::function<void()> on_event = raw->on_event;
    on_event();
  });
  ROTOR_CHECK(added, "a datagram address of a simulated world is bound once");
  return socket;
}

// ---- Peers ----

SimConnection::SimConnection(std::shared_ptr<SimStream> stream) : stream_(std::move(stream)) {}

SimConnection::~SimConnection() {
  stream_->CloseClient();
  stream_->client = nullptr;
}

void SimConnection::Send(std::string_view bytes) { stream_->Send(bytes); }
void SimConnection::ShutdownWrite() { stream_->EndSending(); }
void SimConnection::Close() { stream_->CloseClient(); }

void SimConnection::Reset() {
  if (stream_->client_closed) return;
  stream_->client_closed = true;
  stream_->ResetFromClient();
}

void SimConnection::PauseReading() { stream_->paused = true; }

void SimConnection::ResumeReading() {
  if (!std::exchange(stream_->paused, false)) return;
  stream_->ReadAtClient();
  stream_->core.After(absl::ZeroDuration(), [stream = stream_] { stream->Notify(); });
}

bool SimConnection::connected() const { return stream_->established; }
bool SimConnection::refused() const { return stream_->refused; }
bool SimConnection::ended() const { return stream_->client_ended; }
bool SimConnection::was_reset() const { return stream_->client_reset; }
bool SimConnection::cut_short() const { return stream_->cut_short; }
SocketAddress SimConnection::local_address() const { return stream_->client_address; }

SimDatagramSocket::~SimDatagramSocket() { network_.RemoveReceiver(address_); }

void SimDatagramSocket::SendTo(std::string_view bytes, const SocketAddress& to) {
  network_.SendDatagram(address_, to, bytes);
}

}  // namespace rotor
