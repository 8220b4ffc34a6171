// Limits and deadlines of an HTTP server.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocols/http/codec/framing_gate.h"
#include "protocols/http/server/access_log.h"
#include "protocols/stream/machine.h"

namespace rotor::http {

// What a peer sees when one is reached stands behind each.
struct ServerOptions : stream::ListenOptions {
  RequestLimits limits;                             // 400, 414 or 431, then close.
  size_t body_bytes_max = 1 << 20;                  // Of a buffered body; 413, then close.
  uint32_t discard_bytes_max = 64 << 10;            // Of a sized body that nobody wants; close.
  uint32_t requests_per_connection_max = 10000;     // The last response says close.
  absl::Duration head_timeout = absl::Seconds(10);  // From the first byte; 408, then close.
  // While a body is read, so much of it comes in each `body_window`, at least one byte; else 408,
  // then close, after at most twice that time.
  uint32_t body_bytes_per_second_min = 240;
  absl::Duration body_window = absl::Seconds(10);
  // While a response is owed, the client's host takes so much of it in each `write_window`, at
  // least one byte; else the connection is aborted, after at most twice that time.
  uint32_t write_bytes_per_second_min = 240;
  absl::Duration write_window = absl::Seconds(60);
  absl::Duration idle_timeout = absl::Seconds(60);  // Between requests; closed silently.
  absl::Duration close_timeout = absl::Seconds(5);  // From the end of ours to the peer's.
  std::string server_name = "rotor";                // In the Server field; none if empty.
  // A line for each request; see access_log.h. Not owned, outlives the loop; none if null.
  AccessLogSink* access_log = nullptr;
  AccessLogFormat access_log_format = AccessLogFormat::kCommon;
};

// kInvalidArgument, with what and why, if a value is out of range or `server_name` cannot stand in
// a response.
absl::Status CheckServerOptions(const ServerOptions& options);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_OPTIONS_H_
