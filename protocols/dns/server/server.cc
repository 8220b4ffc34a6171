#include "protocols/dns/server/server.h"

#include <algorithm>

namespace rotor::dns {

namespace {

constexpr size_t kLengthBytes = 2;

size_t LengthAt(std::string_view bytes) {
  return size_t{static_cast<uint8_t>(bytes[0])} << 8 | static_cast<uint8_t>(bytes[1]);
}

}  // namespace

ServerShared::ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
                           std::string_view name, std::shared_ptr<const Zone> zone)
    : options(server_options),
      datagrams_received(counters.Get(name, "datagrams_received")),
      datagrams_lost(counters.Get(name, "datagrams_lost")),
      queries_dropped(counters.Get(name, "queries_dropped")),
      responder_(std::move(zone), server_options.responder),
      response_(kMessageBytesMax),
      queries_(counters.Get(name, "queries")) {}

std::string_view ServerShared::Answer(std::string_view query, Transport transport) {
  queries_.Add();
  std::span<char> response = response_;
  if (transport == Transport::kUdp) {
    response = response.first(options.responder.udp_payload_bytes_max);
  }
  const size_t size = responder_.Answer(query, transport, response);
  if (size == 0) queries_dropped.Add();
  return {response_.data(), size};
}

Step DatagramServer::Start(Scope& scope) {
  absl::Status status = scope.Watch(socket_, WatchKind::kDatagram);
  return status.ok() ? Step::WaitForever() : Step::Fail(std::move(status));
}

Step DatagramServer::AnswerSome(Scope& scope) {
  for (uint32_t i = 0; i < shared_.options.datagrams_per_turn; ++i) {
    SocketAddress from;
    const std::span<char> into = scope.receive_buffer();
    const IoResult received = scope.io().ReceiveFrom(socket_, into, from);
    if (received.would_block()) return scope.draining() ? Step::Done() : Step::WaitForever();
    // Errors of UDP sockets report the fate of earlier answers (ip(7)) and pass.
    if (!received.ok()) continue;
    shared_.datagrams_received.Add();
    if (received.bytes > into.size()) {  // Cut off by the kernel, so it cannot be understood.
      shared_.queries_dropped.Add();
      continue;
    }
    const std::string_view answer = shared_.Answer({into.data(), received.bytes}, Transport::kUdp);
    if (answer.empty()) continue;
    // A full socket buffer loses the answer, as the network may; the client asks again.
    if (!scope.io().SendTo(socket_, answer, from).ok()) shared_.datagrams_lost.Add();
  }
  return Step::Yield(Deadline::Never());
}

void DatagramServer::Describe(Description& description) const {
  description.state = "answering";
  description.waits_for = "a datagram";
  absl::StatusOr<SocketAddress> address = socket_.io()->LocalAddress(socket_);
  if (address.ok()) description.peer = address->ToString();
}

Intent StreamProtocol::NextQuery(Scope& scope) const {
  return Expect::Bytes(kLengthBytes).Before(scope.now() + shared_.server.options.idle_timeout);
}

Intent StreamProtocol::FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
  const size_t size = kLengthBytes + LengthAt(frame);
  if (stream.input().size() < size) {
    return Expect::Bytes(static_cast<uint32_t>(size))
        .Before(scope.now() + shared_.server.options.idle_timeout);
  }
  const std::string_view query = stream.input().substr(kLengthBytes, size - kLengthBytes);
  const std::string_view answer = shared_.server.Answer(query, Transport::kTcp);
  if (!answer.empty()) {
    const char length[] = {static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size())};
    stream.Write({length, kLengthBytes});
    stream.Write(answer);
  }
  stream.Consume(size);
  return NextQuery(scope);
}

Intent StreamProtocol::InputEnded(InputEnd, Stream&, Scope& scope) {
  return Intent::CloseAfterFlush(scope.now() + shared_.server.options.idle_timeout);
}

absl::StatusOr<std::vector<BoundDatagram>> BindDatagrams(
    Io& io, const std::vector<SocketAddress>& addresses) {
  std::vector<BoundDatagram> bound;
  for (const SocketAddress& address : addresses) {
    absl::StatusOr<Fd> socket = io.BindDatagram(address);
    if (!socket.ok()) return socket.status();
    absl::StatusOr<SocketAddress> local = io.LocalAddress(*socket);
    if (!local.ok()) return local.status();
    bound.push_back({*std::move(socket), *local});
  }
  return bound;
}

}  // namespace rotor::dns
