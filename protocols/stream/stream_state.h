// What a stream keeps between events, and the answer of a protocol's handler. Not for authors,
// except for Intent, InputEnd and StreamOptions.
#ifndef ROTOR_PROTOCOLS_STREAM_STREAM_STATE_H_
#define ROTOR_PROTOCOLS_STREAM_STREAM_STATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "core/backend/io.h"
#include "core/buffer/buffer.h"
#include "core/machine/counters.h"
#include "core/time/time.h"
#include "protocols/stream/admission.h"

namespace rotor {

class Stream;

namespace stream {
template <typename P>
class Machine;
template <typename P>
struct Upgrade;
}  // namespace stream

// A string literal: its bytes live as long as the program.
class Literal {
 public:
  template <size_t kSize>
  consteval Literal(const char (&text)[kSize]) : text_(text), size_(kSize - 1) {
    static_assert(kSize > 1 && kSize <= 256, "a delimiter has 1 to 255 bytes");
  }
  constexpr std::string_view view() const { return {text_, size_}; }

 private:
  const char* text_;
  uint8_t size_;
};

// Why InputEnded() is called.
enum class InputEnd : uint8_t {
  kPeerFinished,  // The peer sends no more; what stream.input() holds is all there is.
  kFrameTooLong,  // No delimiter within `frame_bytes_max`.
};

// How a protocol goes on, and by when it must be called again. Made by Expect, or one of these.
class [[nodiscard]] Intent {
 public:
  // As before; not from Start, and not from Timeout.
  static Intent Unchanged() { return Intent(Mode::kUnchanged, Deadline::Never()); }
  // Sends what is owed, tells the peer that no more comes, and discards input until the peer ends
  // too, so that it can read the answer before the connection goes. Gives up at `deadline`.
  static Intent CloseAfterFlush(Deadline deadline) { return Intent(Mode::kClose, deadline); }
  // Ends the connection now; output is dropped on purpose. A `reason` that is not OK is counted
  // and logged as the machine's failure.
  static Intent Abort(absl::Status reason) {
    Intent intent(Mode::kAbort, Deadline::Never());
    intent.reason_ = std::move(reason);
    return intent;
  }

  Deadline deadline() const { return deadline_; }
  bool closing() const { return mode_ == Mode::kClose; }
  // In words, for an inspector: "a frame of at most 1024 bytes".
  std::string WaitsFor() const;

 private:
  friend class Expect;
  friend class Stream;
  template <typename P>
  friend class stream::Machine;
  template <typename P>
  friend struct stream::Upgrade;

  enum class Mode : uint8_t { kContinue, kUnchanged, kClose, kAbort, kHandedOver };
  enum class Input : uint8_t { kNone, kBytes, kDelimiter };

  Intent() = default;
  Intent(Mode mode, Deadline deadline) : deadline_(deadline), mode_(mode) {}

  bool SameInput(const Intent& other) const {
    if (input_ != other.input_ || count_ != other.count_) return false;
    // Equal literals need not be one object, but usually are.
    return (delimiter_ == other.delimiter_ && delimiter_size_ == other.delimiter_size_) ||
           delimiter() == other.delimiter();
  }
  std::string_view delimiter() const { return {delimiter_, delimiter_size_}; }

  Deadline deadline_ = Deadline::Never();
  const char* delimiter_ = nullptr;
  absl::Status reason_;
  uint32_t count_ = 0;       // kBytes: how many; kDelimiter: the longest frame.
  uint32_t flushed_to_ = 0;  // If wants_flushed_.
  Mode mode_ = Mode::kContinue;
  Input input_ = Input::kNone;
  uint8_t delimiter_size_ = 0;
  bool wants_flushed_ = false;
  bool wants_peer_end_ = false;
};

// Limits of each connection of a server. Defaults suit small messages.
struct StreamOptions {
  // No frame is delivered while more output than this is owed: a peer that does not read is not
  // served either.
  uint32_t output_pause_bytes = 64 << 10;
  // The connection fails (kResourceExhausted) when a handler makes it owe more than this.
  uint32_t output_bytes_max = 64 << 20;
  // Then the other connections get their turn.
  uint32_t read_bytes_per_turn = 256 << 10;
  uint32_t frames_per_turn = 256;  // Calls of FrameReceived and Flushed.
  uint32_t file_bytes_per_turn = 1 << 20;
  // When so much input was discarded while closing, the connection is closed without waiting for
  // the peer to end, which may then lose the answer. 0 does not wait at all.
  uint32_t linger_bytes_max = 64 << 10;
};

namespace stream {

// What all connections of one mount share, without their protocol.
struct Shell {
  StreamOptions options;
  // The listener reports a connection only once bytes have come: read before registering it.
  bool read_first = false;
  Counter* accepted;
  Counter* accept_errors;
  Counter* accept_pauses;
  Counter* refused;
  Counter* bytes_received;
  Counter* bytes_sent;
  Counter* memory_pauses;
};

// A connection on its way to a machine: fresh from accept, or handed over by another protocol.
struct Connection {
  Fd socket;
  Buffer input;
  Buffer output;
  Admission::Ticket ticket;  // Empty if it did not come in at a listener.
  bool input_ended = false;
  bool readable = false;  // Bytes may wait in the kernel without another report.
};

struct State {
  Fd socket;
  Buffer input;  // Received, not consumed; in the receive buffer while a handler runs.
  Buffer output;
  Admission::Ticket ticket;
  Intent intent = Intent::Unchanged();  // Until Start has answered.
  uint32_t scanned = 0;     // Bytes of input known not to contain the delimiter's begin.
  uint32_t lingered = 0;    // Bytes discarded while closing.
  uint32_t bytes_sent = 0;  // Modulo 2^32.
  int write_error = 0;      // errno of the write that broke the connection.
  bool watched = false;
  bool readable = false;       // Reading has not met "would block" since the last report.
  bool write_blocked = false;  // Writing has, and waits for a report.
  bool peer_hung_up = false;   // Reported; an end or an error waits behind the input.
  bool input_ended = false;
  bool end_reported = false;
  // No more is written; with what is owed, the stream ends.
  bool output_ends : 1 = false;
  // The peer's end is, or was, looked for without an event.
  bool look_follows : 1 = false;
  bool write_ended = false;  // It has.
};

}  // namespace stream
}  // namespace rotor

#endif  // ROTOR_PROTOCOLS_STREAM_STREAM_STATE_H_
