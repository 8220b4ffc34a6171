// Line echo: sends every line back. The smallest complete protocol; copy it to start your own.
#ifndef ROTOR_PROTOCOLS_LINE_LINE_H_
#define ROTOR_PROTOCOLS_LINE_LINE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "protocols/stream/machine.h"

namespace rotor::line {

struct EchoOptions : stream::ListenOptions {
  uint32_t line_bytes_max = 64 << 10;  // With its line end; a longer one ends the connection.
  absl::Duration idle_timeout = absl::Seconds(60);  // From one line to the end of the next.
};

// What each line meets. One object per connection.
class LineEcho {
 public:
  using Shared = const EchoOptions;
  explicit LineEcho(const EchoOptions& options) : options_(options) {}

  Intent Start(Stream&, Scope& scope) { return NextLine(scope); }

  Intent FrameReceived(std::string_view line, Stream& stream, Scope& scope) {
    stream.Write(line);
    stream.Consume(line.size());
    return NextLine(scope);
  }

  // The peer may end without a last line end: what it sent is echoed all the same.
  Intent InputEnded(InputEnd why, Stream& stream, Scope& scope) {
    stream.Write(why == InputEnd::kFrameTooLong ? "line too long\n" : stream.input());
    return Intent::CloseAfterFlush(scope.now() + options_.idle_timeout);
  }

 private:
  Intent NextLine(Scope& scope) const {
    return Expect::Delimiter("\n", options_.line_bytes_max)
        .Before(scope.now() + options_.idle_timeout);
  }

  const EchoOptions& options_;
};
static_assert(IsProtocol<LineEcho>());

// To be listed in Compose<...>.
using EchoServer = stream::Server<LineEcho>;

template <Composer C>
absl::StatusOr<Mounted> Mount(C& composer, std::string_view name, const EchoOptions& options) {
  return stream::Mount<LineEcho>(composer, name, options, options);
}

}  // namespace rotor::line

#endif  // ROTOR_PROTOCOLS_LINE_LINE_H_
