#include "protocols/dns/server/server.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"

namespace rotor::dns {

namespace {

constexpr size_t kLengthBytes = 2;

size_t LengthAt(std::string_view bytes) {
  return size_t{static_cast<uint8_t>(bytes[0])} << 8 | static_cast<uint8_t>(bytes[1]);
}

}  // namespace

ServerShared::ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
                           std::string_view name, std::shared_ptr<const ZoneStore> store)
    : options(server_options),
      datagrams_received(counters.Get(name, "datagrams_received")),
      datagrams_lost(counters.Get(name, "datagrams_lost")),
      queries_dropped(counters.Get(name, "queries_dropped")),
      responder_(std::move(store), server_options.responder),
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
  absl::StatusOr<SocketAddress> bound = scope.io().LocalAddress(socket_);
  if (!bound.ok()) return Step::Fail(bound.status());
  is_wildcard_ = bound->is_any();
  absl::Status status = scope.Watch(socket_, WatchKind::kDatagram);
  return status.ok() ? Step::WaitForever() : Step::Fail(std::move(status));
}

Step DatagramServer::AnswerSome(Scope& scope) {
  DatagramEnds ends;
  for (uint32_t i = 0; i < shared_.options.datagrams_per_turn; ++i) {
    const std::span<char> into = scope.receive_buffer();
    const IoResult received = is_wildcard_ ? scope.io().ReceiveAt(socket_, into, ends)
                                           : scope.io().ReceiveFrom(socket_, into, ends.peer);
    if (received.would_block()) return scope.draining() ? Step::Done() : Step::WaitForever();
    // Errors of UDP sockets report the fate of earlier answers (ip(7)) and pass.
    if (received.ok()) AnswerOne(scope, received, ends);
  }
  return Step::Yield(Deadline::Never());
}

void DatagramServer::AnswerOne(Scope& scope, const IoResult& received, const DatagramEnds& ends) {
  shared_.datagrams_received.Add();
  const std::span<char> into = scope.receive_buffer();
  if (received.bytes > into.size()) {  // Cut off by the kernel, so it cannot be understood.
    shared_.queries_dropped.Add();
    return;
  }
  const std::string_view answer = shared_.Answer({into.data(), received.bytes}, Transport::kUdp);
  if (answer.empty()) return;
  const IoResult sent = is_wildcard_ ? scope.io().SendFrom(socket_, answer, ends)
                                     : scope.io().SendTo(socket_, answer, ends.peer);
  // A full socket buffer loses the answer, as the network may; the client asks again.
  if (!sent.ok()) shared_.datagrams_lost.Add();
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

// Answers what has come whole, until enough is owed to the client.
Intent StreamProtocol::FrameReceived(std::string_view, Stream& stream, Scope& scope) {
  const ServerOptions& options = shared_.server.options;
  size_t consumed = 0;
  size_t expected = kLengthBytes;
  while (stream.output_bytes() <= options.stream.output_pause_bytes) {
    const std::string_view input = stream.input().substr(consumed);
    if (input.size() < kLengthBytes) break;
    const size_t size = kLengthBytes + LengthAt(input);
    if (input.size() < size) {
      expected = size;
      break;
    }
    const std::string_view query = input.substr(kLengthBytes, size - kLengthBytes);
    const std::string_view answer = shared_.server.Answer(query, Transport::kTcp);
    consumed += size;
    if (!answer.empty()) {
      const char length[] = {static_cast<char>(answer.size() >> 8),
                             static_cast<char>(answer.size())};
      stream.Write({length, kLengthBytes});
      stream.Write(answer);
    }
    if (++queries_ == options.queries_per_connection_max) {
      return Intent::CloseAfterFlush(scope.now() + options.idle_timeout);
    }
  }
  stream.Consume(consumed);
  return Expect::Bytes(static_cast<uint32_t>(expected)).Before(scope.now() + options.idle_timeout);
}

Intent StreamProtocol::InputEnded(InputEnd, Stream&, Scope& scope) {
  return Intent::CloseAfterFlush(scope.now() + shared_.server.options.idle_timeout);
}

absl::StatusOr<std::vector<Fd>> BindDatagrams(Io& io, std::vector<SocketAddress>& addresses) {
  std::vector<Fd> bound;
  for (SocketAddress& address : addresses) {
    absl::StatusOr<Fd> socket = io.BindDatagram(address);
    if (!socket.ok()) return socket.status();
    absl::StatusOr<SocketAddress> local = io.LocalAddress(*socket);
    if (!local.ok()) return local.status();
    bound.push_back(*std::move(socket));
    address = *local;
  }
  return bound;
}

bool IsWorthAnotherPort(const absl::Status& status, const std::vector<SocketAddress>& addresses) {
  return status.code() == absl::ErrnoToStatusCode(EADDRINUSE) &&
         std::any_of(addresses.begin(), addresses.end(),
                     [](const SocketAddress& address) { return address.port() == 0; });
}

absl::Status CheckOptions(const ServerOptions& options) {
  const struct {
    const char* name;
    uint32_t value;
  } kLimits[] = {{"datagrams_per_turn", options.datagrams_per_turn},
                 {"queries_per_connection_max", options.queries_per_connection_max}};
  for (const auto& limit : kLimits) {
    if (limit.value != 0) continue;
    return absl::InvalidArgumentError(absl::StrCat("ServerOptions: ", limit.name, " is 0"));
  }
  return absl::OkStatus();
}

}  // namespace rotor::dns
