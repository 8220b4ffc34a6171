// Limits and deadlines of an HTTP server.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocols/http/codec/framing_gate.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

// What a peer sees when one is reached stands behind each.
struct ServerOptions : stream::ListenOptions {
  RequestLimits limits;                             // 400, 414 or 431, then close.
  size_t body_bytes_max = 1 << 20;                  // Of a buffered body; 413, then close.
  uint32_t discard_bytes_max = 64 << 10;            // Of a sized body that nobody wants; close.
  uint32_t requests_per_connection_max = 10000;     // The last response says close.
  absl::Duration head_timeout = absl::Seconds(10);  // From the first byte; 408, then close.
  absl::Duration body_timeout = absl::Seconds(30);  // From one piece to the next; 408, then close.
  // Between requests; closed silently. Also without taking any byte of a response; then aborted,
  // after at most twice this time.
  absl::Duration idle_timeout = absl::Seconds(60);
  absl::Duration close_timeout = absl::Seconds(5);  // From the end of ours to the peer's.
  std::string server_name = "rotor";                // In the Server field; none if empty.
};

// kInvalidArgument, with what and why, if a value is out of range or `server_name` cannot stand in
// a response.
absl::Status CheckServerOptions(const ServerOptions& options);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_
