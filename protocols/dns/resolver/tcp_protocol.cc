#include "protocols/dns/resolver/tcp_protocol.h"

#include "protocols/dns/resolver/resolver_core.h"

namespace rotor::dns {
namespace {

constexpr uint32_t kLengthBytes = 2;
constexpr uint32_t kIdBytes = 2;
// With queries on the way, each of which has a deadline: only so that none is forgotten.
constexpr absl::Duration kBusyTimeout = absl::Minutes(2);

uint16_t Read16(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

}  // namespace

TcpProtocol::~TcpProtocol() { core_.LinkEnded(link_, why_); }

Intent TcpProtocol::Start(Stream& stream, Scope& scope) {
  scope.RunInBackground();
  return Next(stream, scope);
}

Intent TcpProtocol::Wakeup(Stream& stream, Scope& scope) {
  // A query that was given up is not worth a connection.
  const bool useless = link_.in_flight == 0 && !link_.answered;
  if (link_.close_wanted || useless) return Intent::Abort(absl::OkStatus());
  return Next(stream, scope);
}

Intent TcpProtocol::Next(Stream& stream, Scope& scope) {
  if (!link_.unsent.empty()) stream.Write(link_.unsent);
  link_.unsent.clear();
  const absl::Duration patience =
      link_.in_flight > 0 ? kBusyTimeout : core_.options().tcp_idle_timeout;
  return Expect::Bytes(expected_).Before(scope.now() + patience);
}

Intent TcpProtocol::FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
  const size_t size = Read16(frame);
  if (size > core_.options().answer_bytes_max) {
    if (expected_ == kLengthBytes) {
      expected_ += kIdBytes;
      return Next(stream, scope);
    }
    core_.MessageTooLong(link_, Read16(frame.substr(kLengthBytes)), size, scope.now());
    return Intent::Abort(absl::OkStatus());
  }
  if (frame.size() < kLengthBytes + size) {
    expected_ = static_cast<uint32_t>(kLengthBytes + size);
    return Next(stream, scope);
  }
  expected_ = kLengthBytes;
  core_.MessageReceived(link_, frame.substr(kLengthBytes, size), scope.now());
  stream.Consume(kLengthBytes + size);
  if (link_.close_wanted) return Intent::Abort(absl::OkStatus());
  return Next(stream, scope);
}

}  // namespace rotor::dns
