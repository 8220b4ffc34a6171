// Stream, Expect, Intent: what a protocol on a byte stream is written against.
//
// A protocol is a struct with handlers. Each returns an Intent: what it waits for, and until when.
// The machine around it (machine.h) owns the socket, reads, writes, and keeps the limits.
//
//   Start                    the connection is there
//   FrameReceived            the expected bytes are there: the front of stream.input()
//   Flushed                  output has drained to the expected level
//   InputEnded               the peer sends no more, or the expected frame is too long
//   Timeout                  the deadline of the last Intent has passed
//   Wakeup                   one of its notifiers was used, or it is asked to drain
//   Failed                   the connection broke; the last call
//
// Start and FrameReceived are required. What is left out is answered so: Flushed: NothingButWakeup;
// InputEnded: CloseAfterFlush; Timeout: Abort; Wakeup: CloseForDrain() when draining, else
// Unchanged.
//
// Order: Start; then any of FrameReceived, Flushed, Timeout, Wakeup; InputEnded at most once, with
// no FrameReceived after it; Failed at most once, last, and not after CloseAfterFlush or Abort.
// `static_assert(rotor::IsProtocol<MyProtocol>());` checks the signatures in words.
#ifndef ROTOR_PROTOCOLS_STREAM_STREAM_H_
#define ROTOR_PROTOCOLS_STREAM_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "core/machine/scope.h"
#include "core/machine/step.h"
#include "core/time/time.h"
#include "protocols/stream/stream_state.h"

namespace rotor {

// What to wait for. Becomes an Intent only together with a deadline.
class [[nodiscard]] Expect {
 public:
  // At least `count` (> 0) bytes of input; the frame is the first `count`.
  static Expect Bytes(uint32_t count);
  // A frame that ends in `delimiter`, at most `frame_bytes_max` long with it. A longer one is
  // InputEnded with InputEnd::kFrameTooLong.
  static Expect Delimiter(Literal delimiter, uint32_t frame_bytes_max);
  // No input, until another Intent asks for some: the peer is held back.
  static Expect NothingButWakeup() { return Expect(); }
  // Output drained to `bytes_left` or less. Alone it holds the peer back meanwhile. A Flushed that
  // writes nothing and then expects what holds already is a programmer's error.
  static Expect FlushedTo(uint32_t bytes_left) { return Expect().OrFlushedTo(bytes_left); }
  // Both at once: whatever comes first is called.
  Expect OrFlushedTo(uint32_t bytes_left) const;
  // Also InputEnded() as soon as the peer is known to send no more, whatever it sent before.
  Expect OrPeerFinished() const;

  Intent Before(Deadline deadline) const;
  Intent Forever() const { return Before(Deadline::Never()); }

 private:
  Intent intent_;
};

// One connection during one call of a handler; never store one.
class Stream {
 public:
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // All bytes received and not consumed. Views of them stay valid until the handler returns, also
  // when consumed.
  std::string_view input() const { return input_; }
  // Drops bytes from the front of input(). A FrameReceived that consumes nothing and then expects
  // the same again is a programmer's error.
  void Consume(size_t bytes);
  bool input_ended() const { return state_.input_ended; }

  // Appends to the output, which is sent at the end of the turn, in one piece if the peer takes it.
  // While more than StreamOptions::output_pause_bytes are owed, no further frame is delivered;
  // beyond output_bytes_max the connection fails.
  void Write(std::string_view bytes);
  // The same in two steps, without a copy: room for at least `bytes_min`, then how many were used.
  std::span<char> ReserveOutput(size_t bytes_min) {
    return state_.output.Reserve(scope_.buffer_pool(), bytes_min);
  }
  void CommitOutput(size_t bytes);
  size_t output_bytes() const { return state_.output.size(); }
  // What is owed now is the last: the end of the stream may leave with it. CloseAfterFlush means
  // so too; this is for who first looks, by FlushedTo(), after how the peer takes it.
  void EndOutput() { state_.output_ends = true; }
  // Sends the output, then up to `bytes_max` (> 0) bytes of `file` from `offset` on, without a
  // copy. Fewer, or would_block(), when the peer takes no more or this connection has had its share
  // of the turn: then FlushedTo(0) calls Flushed() when it goes on. Zero bytes without an error:
  // the file has ended. After another error Failed() is called.
  IoResult SendFile(const Fd& file, uint64_t offset, size_t bytes_max);
  // Output sent so far, modulo 2^32, and how much of it the peer's host has not taken.
  uint32_t bytes_sent() const { return state_.bytes_sent; }
  size_t bytes_untaken() const { return scope_.io().BytesUntaken(state_.socket); }

  // For Wakeup() when draining: an idle connection is closed at once, without waiting for the peer
  // to close too; one with input or output in hand is closed after it is flushed.
  Intent CloseForDrain() const;

  // The peer's address; costs a system call. Empty once the connection is gone.
  SocketAddress peer() const;

 private:
  template <typename P>
  friend class stream::Machine;
  template <typename P>
  friend struct stream::Upgrade;

  // The handlers; what Advance() wants called next.
  enum class Call : uint8_t { kNone, kStart, kFrame, kFlushed, kEnd, kTimeout, kWakeup, kFailed };

  Stream(stream::State& state, const stream::Shell& shell, Scope& scope, bool may_read);

  // Goes on until a handler is to be called; kNone: the turn of this connection is over.
  Call Advance();
  // Takes over what the handler `after` returned.
  void Adopt(Intent intent, Call after);
  // The events of the machine, before Advance().
  void NoteReadiness(Readiness readiness);
  void WriteSome();
  void BreakWriting(int error);
  // Nothing is to be done before the next report, and nothing changed since the last Finish().
  bool AwaitsOnlyInput() const {
    return state_.output.empty() && !state_.readable && state_.watched && state_.write_error == 0 &&
           state_.intent.mode_ == Intent::Mode::kContinue && !state_.intent.wants_flushed_;
  }
  // True if the deadline was the stream's own, that of closing or of looking for the peer's end.
  bool CloseTimedOut();
  // To be called after kNone, and only then.
  Step Finish();

  bool FindFrame();
  bool ReadMore();
  Call AdvanceClose();
  bool LooksLater();
  void ApplyConsumed();
  void KeepRest();
  bool BudgetSpent() const;
  Call End(Step step);
  Call Fail(absl::Status why);
  stream::Connection TakeConnection();

  stream::State& state_;
  const stream::Shell& shell_;
  Scope& scope_;
  std::string_view input_;  // In the loop's receive buffer or in state_.input.
  std::string_view frame_;  // For kFrame.
  absl::Status failure_;    // For kFailed.
  InputEnd input_end_ = InputEnd::kPeerFinished;  // For kInputEnded.
  size_t consumed_ = 0;                           // By the handler that is running.
  size_t bytes_read_ = 0;                         // In this call of the machine.
  size_t flushed_at_ = 0;                         // Output left when Flushed was called.
  size_t file_bytes_sent_ = 0;                    // In this call of the machine.
  bool sends_file_ = false;  // The handler that is running does, and may go on.
  uint32_t calls_ = 0;       // Of FrameReceived and Flushed, in this call of the machine.
  bool in_receive_buffer_ = false;
  const bool may_read_;
  bool out_of_budget_ = false;
  bool looks_later_ = false;  // For the peer's end, instead of registering.
  std::optional<Step> end_;
};

}  // namespace rotor

#endif  // ROTOR_PROTOCOLS_STREAM_STREAM_H_
