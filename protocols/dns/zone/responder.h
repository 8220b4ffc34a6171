// Answers DNS queries from zones: bytes in, bytes out.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocols/dns/zone/zone_set.h"

namespace rotor::dns {

// What carried the query; it bounds the answer.
enum class Transport : uint8_t { kUdp, kTcp };

struct ResponderOptions {
  // The largest answer over UDP and the payload size offered in OPT, in bytes, 512 to 65535. 1232
  // fits an IPv6 packet of 1280 bytes, so that no answer is fragmented.
  uint16_t udp_payload_bytes_max = 1232;
};

// How many CNAME and DNAME records of the zone one answer follows. Beyond that the answer ends with
// the last one and the client asks for its target itself.
inline constexpr size_t kCnameChainMax = 8;

// The smallest buffer Responder::Answer takes.
inline constexpr size_t kResponseBytesMin = 512;

// The query logic of an authoritative-only server (RFC 1034 section 4.3.2, RFC 6891, RFC 8906).
// Pure apart from the dynamic texts of the zones it calls. Aliases are followed within the zone of
// the question. Each query is answered from what the store holds then.
class Responder {
 public:
  explicit Responder(std::shared_ptr<const ZoneStore> store, const ResponderOptions& options = {});

  // Writes the answer to `query`, one whole message without the two length bytes of TCP, to the
  // front of `response` and returns its size; 0 means that nothing must be sent: the query has no
  // whole header or is itself a response (answering one could make two servers talk forever).
  //
  // `response` has at least kResponseBytesMin bytes and does not overlap `query`. Give
  // udp_payload_bytes_max for kUdp and kMessageBytesMax for kTcp: a smaller buffer bounds the
  // answer further. What does not fit is truncated (TC) over UDP and SERVFAIL over TCP.
  //
  // Work is linear in the query and the answer; allocates only for dynamic texts.
  size_t Answer(std::string_view query, Transport transport, std::span<char> response) const;

 private:
  std::shared_ptr<const ZoneStore> store_;
  ResponderOptions options_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_H_
