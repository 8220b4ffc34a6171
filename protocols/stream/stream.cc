#include "protocols/stream/stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace rotor {

namespace {

// Room asked for when input is kept in a buffer of the connection.
constexpr size_t kReadIntoBufferBytesMin = 2048;
constexpr size_t kReadIntoBufferBytesMax = 64 << 10;

absl::Status BrokenBy(int error, const char* call) {
  return absl::ErrnoToStatus(error, absl::StrCat("connection broke in ", call));
}

}  // namespace

std::string Intent::WaitsFor() const {
  if (closing()) return "output to drain and the peer to close";
  std::string text;
  if (input_ == Input::kBytes) text = absl::StrCat(count_, " bytes of input");
  if (input_ == Input::kDelimiter) text = absl::StrCat("a frame of at most ", count_, " bytes");
  if (wants_flushed_) {
    absl::StrAppend(&text, text.empty() ? "" : " or ", "output to drain to ", flushed_to_, " bytes");
  }
  return text.empty() ? "a wake-up" : text;
}

Expect Expect::Bytes(uint32_t count) {
  ROTOR_CHECK(count > 0, "Expect::Bytes(0): there is nothing to wait for");
  Expect expect;
  expect.intent_.input_ = Intent::Input::kBytes;
  expect.intent_.count_ = count;
  return expect;
}

Expect Expect::Delimiter(Literal delimiter, uint32_t frame_bytes_max) {
  ROTOR_CHECK(frame_bytes_max >= delimiter.view().size(),
              "Expect::Delimiter: frame_bytes_max is smaller than the delimiter");
  Expect expect;
  expect.intent_.input_ = Intent::Input::kDelimiter;
  expect.intent_.delimiter_ = delimiter.view().data();
  expect.intent_.delimiter_size_ = static_cast<uint8_t>(delimiter.view().size());
  expect.intent_.count_ = frame_bytes_max;
  return expect;
}

Expect Expect::OrFlushedTo(uint32_t bytes_left) const {
  Expect expect = *this;
  expect.intent_.wants_flushed_ = true;
  expect.intent_.flushed_to_ = bytes_left;
  return expect;
}

Intent Expect::Before(Deadline deadline) const {
  Intent intent = intent_;
  intent.deadline_ = deadline;
  return intent;
}

Stream::Stream(stream::State& state, const stream::Shell& shell, Scope& scope, bool may_read)
    : state_(state), shell_(shell), scope_(scope), input_(state.input.view()), may_read_(may_read) {}

void Stream::Consume(size_t bytes) {
  ROTOR_CHECK(bytes <= input_.size(), "Stream::Consume: more bytes than input() holds");
  input_.remove_prefix(bytes);
  consumed_ += bytes;
}

void Stream::Write(std::string_view bytes) {
  state_.output.Append(scope_.buffer_pool(), bytes);
}

void Stream::CommitOutput(size_t bytes) { state_.output.Commit(bytes); }

SocketAddress Stream::peer() const {
  absl::StatusOr<SocketAddress> address = scope_.io().PeerAddress(state_.socket);
  return address.ok() ? *address : SocketAddress();
}

// Memory is given back only here, after the handler: its views stay valid while it runs.
void Stream::ApplyConsumed() {
  if (consumed_ == 0) return;
  if (!in_receive_buffer_) {
    state_.input.Consume(consumed_);
    input_ = state_.input.view();
  }
  state_.scanned -= static_cast<uint32_t>(std::min<size_t>(state_.scanned, consumed_));
  consumed_ = 0;
}

void Stream::Adopt(Intent intent, Call after) {
  const bool unchanged = intent.mode_ == Intent::Mode::kUnchanged;
  if (after == Call::kFrame && consumed_ == 0) {
    const bool repeats = intent.mode_ == Intent::Mode::kContinue &&
                         intent.input_ != Intent::Input::kNone && intent.SameInput(state_.intent);
    ROTOR_CHECK(!unchanged && !repeats,
                "a FrameReceived handler consumed nothing and expects the same frame again");
  }
  ApplyConsumed();
  if (unchanged) {
    ROTOR_CHECK(after != Call::kTimeout && after != Call::kStart,
                "Intent::Unchanged() from Start or Timeout: there is no Intent that still stands");
    return;
  }
  if (!intent.SameInput(state_.intent)) state_.scanned = 0;
  state_.intent = std::move(intent);
}

void Stream::NoteReadiness(Readiness readiness) {
  if (readiness.readable()) state_.readable = true;
  if (readiness.writable()) state_.write_blocked = false;
  if (readiness.peer_closed() || readiness.error()) state_.peer_hung_up = true;
  if (readiness.error() && state_.write_error == 0) {
    state_.write_error = ECONNRESET;
    state_.output.Clear();
  }
}

bool Stream::CloseTimedOut() {
  if (state_.intent.mode_ != Intent::Mode::kClose) return false;
  // If all was sent, the peer merely kept its side open: nothing is lost.
  End(state_.output.empty()
          ? Step::Done()
          : Step::Fail(absl::DeadlineExceededError(absl::StrCat(
                "the peer did not take the last ", state_.output.size(), " bytes in time"))));
  return true;
}

Stream::Call Stream::End(Step step) {
  end_.emplace(std::move(step));
  return Call::kNothing;
}

Stream::Call Stream::Advance() {
  using Mode = Intent::Mode;
  for (;;) {
    Intent& intent = state_.intent;
    if (intent.mode_ == Mode::kAbort) {
      return End(intent.reason_.ok() ? Step::Done() : Step::Fail(std::move(intent.reason_)));
    }
    if (intent.mode_ == Mode::kHandedOver) return End(Step::Done());
    if (state_.output.size() > shell_.options.output_bytes_max) {
      failure_ = absl::ResourceExhaustedError(
          absl::StrCat("a handler owes the peer ", state_.output.size(),
                       " bytes; output_bytes_max is ", shell_.options.output_bytes_max));
      return Call::kFailed;
    }
    if (intent.mode_ == Mode::kClose) return AdvanceClose();
    if (intent.wants_flushed_ && state_.output.size() <= intent.flushed_to_) {
      intent.wants_flushed_ = false;
      return Call::kFlushed;
    }
    if (state_.output.size() >= shell_.options.output_pause_bytes) WriteSome();
    if (intent.input_ == Intent::Input::kNone) {
      if (state_.write_error == 0) return Call::kNothing;
      failure_ = BrokenBy(state_.write_error, "write");
      return Call::kFailed;
    }
    if (state_.output.size() >= shell_.options.output_pause_bytes) return Call::kNothing;
    if (BudgetSpent()) {
      out_of_budget_ = true;
      return Call::kNothing;
    }
    if (FindFrame()) {
      ++frames_;
      return Call::kFrame;
    }
    const bool too_long = intent.input_ == Intent::Input::kDelimiter &&
                          input_.size() >= intent.count_ && !state_.end_reported;
    if (too_long || state_.input_ended) {
      if (state_.end_reported) {
        failure_ = state_.write_error != 0
                       ? BrokenBy(state_.write_error, "write")
                       : absl::OutOfRangeError("the protocol expects input after its end");
        return Call::kFailed;
      }
      state_.end_reported = true;
      input_end_ = too_long ? InputEnd::kFrameTooLong : InputEnd::kPeerFinished;
      return Call::kInputEnded;
    }
    if (!ReadMore()) {
      return failure_.ok() ? Call::kNothing : Call::kFailed;
    }
  }
}

bool Stream::BudgetSpent() const {
  return bytes_read_ >= shell_.options.read_bytes_per_turn ||
         frames_ >= shell_.options.frames_per_turn;
}

bool Stream::FindFrame() {
  const Intent& intent = state_.intent;
  if (intent.input_ == Intent::Input::kBytes) {
    if (input_.size() < intent.count_) return false;
    frame_ = input_.substr(0, intent.count_);
    return true;
  }
  // Only bytes not looked at before are searched, so a frame that comes in pieces costs linear time.
  const std::string_view delimiter = intent.delimiter();
  const std::string_view searched = input_.substr(0, intent.count_);
  const size_t found = searched.find(delimiter, state_.scanned);
  if (found != std::string_view::npos) {
    frame_ = input_.substr(0, found + delimiter.size());
    return true;
  }
  if (searched.size() >= delimiter.size()) {
    state_.scanned = static_cast<uint32_t>(searched.size() - delimiter.size() + 1);
  }
  return false;
}

// True if there is more to look at: bytes, or the end.
bool Stream::ReadMore() {
  if (!state_.readable || !may_read_) return false;
  if (scope_.buffer_pool().exhausted()) {
    shell_.memory_pauses->Add();
    scope_.ResumeWhenRoomReturns();
    return false;
  }
  KeepRest();
  const bool shared = state_.input.empty();
  std::span<char> into = scope_.receive_buffer();
  if (!shared) {
    const size_t missing = state_.intent.count_ > input_.size()
                               ? state_.intent.count_ - input_.size()
                               : kReadIntoBufferBytesMin;
    into = state_.input.Reserve(scope_.buffer_pool(), std::clamp(missing, kReadIntoBufferBytesMin,
                                                                 kReadIntoBufferBytesMax));
    input_ = state_.input.view();
  }
  const IoResult result = scope_.io().Read(state_.socket, into);
  if (!result.ok()) {
    state_.readable = false;
    if (!result.would_block()) failure_ = BrokenBy(result.error, "read");
    return false;
  }
  if (result.bytes == 0) {
    state_.input_ended = true;
    state_.readable = false;
    return true;
  }
  shell_.bytes_received->Add(static_cast<int64_t>(result.bytes));
  bytes_read_ += result.bytes;
  // A short read has emptied the socket, unless an end or an error waits behind the bytes.
  if (result.bytes < into.size() && !state_.peer_hung_up) state_.readable = false;
  if (shared) {
    in_receive_buffer_ = true;
    input_ = std::string_view(into.data(), result.bytes);
  } else {
    state_.input.Commit(result.bytes);
    input_ = state_.input.view();
  }
  return true;
}

// Moves what is left in the loop's receive buffer to memory of the connection.
void Stream::KeepRest() {
  if (!in_receive_buffer_) return;
  in_receive_buffer_ = false;
  state_.input.Append(scope_.buffer_pool(), input_);
  input_ = state_.input.view();
}

void Stream::WriteSome() {
  while (!state_.output.empty() && !state_.write_blocked && state_.write_error == 0) {
    const std::array<std::string_view, 1> pieces = {state_.output.view()};
    const IoResult result = scope_.io().Write(state_.socket, pieces);
    if (result.ok()) {
      shell_.bytes_sent->Add(static_cast<int64_t>(result.bytes));
      state_.output.Consume(result.bytes);
    } else if (result.would_block()) {
      state_.write_blocked = true;
    } else {
      state_.write_error = result.error;
    }
  }
  // Nobody will take it. What the peer sent before is still worth reading.
  if (state_.write_error != 0) state_.output.Clear();
}

Stream::Call Stream::AdvanceClose() {
  // Within a turn, output waits for the end of it, as always.
  if (!may_read_ || state_.output.size() >= shell_.options.output_pause_bytes) WriteSome();
  if (state_.write_error != 0) return End(Step::Fail(BrokenBy(state_.write_error, "write")));
  if (!state_.output.empty()) return Call::kNothing;
  if (!std::exchange(state_.write_ended, true)) {
    // An error here is found again by reading.
    (void)scope_.io().ShutdownWrite(state_.socket);
  }
  input_ = {};
  in_receive_buffer_ = false;
  state_.input.Clear();
  if (state_.input_ended) return End(Step::Done());
  while (state_.readable && may_read_) {
    const std::span<char> into = scope_.receive_buffer();
    const IoResult result = scope_.io().Read(state_.socket, into);
    if (result.would_block()) {
      state_.readable = false;
      break;
    }
    if (!result.ok() || result.bytes == 0) return End(Step::Done());
    state_.lingered += static_cast<uint32_t>(result.bytes);
    if (state_.lingered >= shell_.options.linger_bytes_max) return End(Step::Done());
  }
  return Call::kNothing;
}

Step Stream::Finish() {
  if (end_.has_value()) return *std::move(end_);
  KeepRest();
  const bool flush_follows = !state_.output.empty() && !state_.write_blocked;
  if (flush_follows) scope_.FlushAtEndOfTurn();
  // A connection that is answered and closed within its first turn is never registered.
  if (!state_.watched && !flush_follows) {
    const absl::Status status = scope_.Watch(state_.socket, WatchKind::kStream);
    if (!status.ok()) return Step::Fail(status);
    state_.watched = true;
  }
  const bool reading_waits = state_.readable && !scope_.buffer_pool().exhausted() &&
                             (state_.intent.input_ != Intent::Input::kNone ||
                              state_.intent.mode_ == Intent::Mode::kClose);
  const bool output_pauses = state_.output.size() >= shell_.options.output_pause_bytes;
  if (out_of_budget_ || (!may_read_ && reading_waits && !output_pauses)) {
    return Step::Yield(state_.intent.deadline_);
  }
  return Step::WaitUntil(state_.intent.deadline_);
}

stream::Connection Stream::TakeConnection() {
  ApplyConsumed();
  KeepRest();
  if (state_.watched) scope_.Unwatch(state_.socket);
  input_ = {};
  return {.socket = std::move(state_.socket),
          .input = std::move(state_.input),
          .output = std::move(state_.output),
          .input_ended = state_.input_ended,
          .readable = true};
}

}  // namespace rotor
