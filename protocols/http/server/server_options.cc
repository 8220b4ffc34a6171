#include "protocols/http/server/server_options.h"

namespace rotor::http {

absl::Status CheckServerOptions(const ServerOptions& options) {
  for (const char c : options.server_name) {
    // RFC 9110 section 5.5 allows more; a product name needs no more.
    if (c < 0x20 || c > 0x7e) {
      return absl::InvalidArgumentError(
          "ServerOptions: server_name has a byte that is not ASCII text");
    }
  }
  if (options.requests_per_connection_max == 0) {
    return absl::InvalidArgumentError("ServerOptions: requests_per_connection_max is 0");
  }
  if (options.body_bytes_max >= (size_t{1} << 30)) {
    return absl::InvalidArgumentError("ServerOptions: body_bytes_max is 1 GiB or more");
  }
  if (options.stream.output_pause_bytes < 1024) {
    return absl::InvalidArgumentError("ServerOptions: stream.output_pause_bytes is below 1024");
  }
  for (const absl::Duration time :
       {options.head_timeout, options.body_window, options.write_window, options.idle_timeout}) {
    if (time <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("ServerOptions: a timeout or window is not above 0");
    }
  }
  return absl::OkStatus();
}

}  // namespace rotor::http
