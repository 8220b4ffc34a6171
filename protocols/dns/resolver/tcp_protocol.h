// A resolver's connection to a server. Not for authors.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_TCP_PROTOCOL_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_TCP_PROTOCOL_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "protocols/stream/machine.h"

namespace rotor::dns {

class ResolverCore;
struct TcpLink;

// Queries go out as they come, answers come back in any order (RFC 7766 section 6.2.1.1). How long
// an answer may take is the business of each query; the deadline here is that of a connection
// without any.
class TcpProtocol {
 public:
  struct Shared {
    ResolverCore& core;
  };
  TcpProtocol(const Shared& shared, TcpLink& link) : core_(shared.core), link_(link) {}
  TcpProtocol(const TcpProtocol&) = delete;
  TcpProtocol& operator=(const TcpProtocol&) = delete;
  ~TcpProtocol();

  Intent Start(Stream& stream, Scope& scope);
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope);
  Intent InputEnded(InputEnd, Stream&, Scope&) { return Intent::Abort(absl::OkStatus()); }
  Intent Timeout(Stream&, Scope&) { return Intent::Abort(absl::OkStatus()); }
  Intent Wakeup(Stream& stream, Scope& scope);
  void Failed(const absl::Status& why, Scope&) { why_ = why; }

 private:
  Intent Next(Stream& stream, Scope& scope);

  ResolverCore& core_;
  TcpLink& link_;
  uint32_t expected_ = 2;  // Bytes of the message with its length, or of the length alone.
  absl::Status why_ = absl::UnavailableError("the server closed the connection");
};
static_assert(IsProtocol<TcpProtocol>());

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_TCP_PROTOCOL_H_
