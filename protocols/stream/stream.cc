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
// From the end of the output to the first look for the peer's, of a stream that is not registered.
// Long for a busy client near by, short for who waits for the place.
constexpr absl::Duration kFirstLookAfter = absl::Milliseconds(10);

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
    absl::StrAppend(&text, text.empty() ? "" : " or ", "output to drain to ", flushed_to_,
                    " bytes");
  }
  if (wants_peer_end_) absl::StrAppend(&text, text.empty() ? "" : " or ", "the peer to end");
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

Expect Expect::OrPeerFinished() const {
  Expect expect = *this;
  expect.intent_.wants_peer_end_ = true;
  return expect;
}

Intent Expect::Before(Deadline deadline) const {
  Intent intent = intent_;
  intent.deadline_ = deadline;
  return intent;
}

Stream::Stream(stream::State& state, const stream::Shell& shell, Scope& scope, bool may_read)
    : state_(state),
      shell_(shell),
      scope_(scope),
      input_(state.input.view()),
      may_read_(may_read) {}

void Stream::Consume(size_t bytes) {
  ROTOR_CHECK(bytes <= input_.size(), "Stream::Consume: more bytes than input() holds");
  input_.remove_prefix(bytes);
  consumed_ += bytes;
}

void Stream::Write(std::string_view bytes) { state_.output.Append(scope_.buffer_pool(), bytes); }

void Stream::CommitOutput(size_t bytes) { state_.output.Commit(bytes); }

IoResult Stream::SendFile(const Fd& file, uint64_t offset, size_t bytes_max) {
  WriteSome();
  const size_t share = shell_.options.file_bytes_per_turn - file_bytes_sent_;
  IoResult result = {.error = state_.write_error != 0 ? state_.write_error : EAGAIN};
  if (state_.write_error == 0 && state_.output.empty() && !state_.write_blocked && share > 0) {
    result = scope_.io().files().SendFile(state_.socket, file, offset, std::min(bytes_max, share));
    if (result.would_block()) {
      state_.write_blocked = true;
    } else if (!result.ok()) {
      BreakWriting(result.error);
    }
  }
  shell_.bytes_sent->Add(static_cast<int64_t>(result.bytes));
  state_.bytes_sent += static_cast<uint32_t>(result.bytes);
  file_bytes_sent_ += result.bytes;
  sends_file_ = result.bytes > 0 || !result.ok();
  return result;
}

Intent Stream::CloseForDrain() const {
  if (state_.output.empty() && input_.empty()) return Intent::Abort(absl::OkStatus());
  return Intent::CloseAfterFlush(scope_.drain_deadline());
}

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
  if (after == Call::kFlushed && state_.output.size() == flushed_at_) {
    const bool goes_on = sends_file_ && intent.flushed_to_ == 0;
    ROTOR_CHECK(!intent.wants_flushed_ || flushed_at_ > intent.flushed_to_ || goes_on,
                "a Flushed handler wrote nothing and waits for the same again");
  }
  sends_file_ = false;
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
  if (!state_.intent.closing()) return false;
  if (!state_.intent.deadline_.ReachedAt(scope_.now())) {
    Advance();
    return true;
  }
  // After a pause of the whole process the deadline may come together with room in the socket.
  WriteSome();
  // If all was sent, the peer merely kept its side open: nothing is lost.
  End(state_.output.empty()
          ? Step::Done()
          : Step::Fail(absl::DeadlineExceededError(absl::StrCat(
                "the peer did not take the last ", state_.output.size(), " bytes in time"))));
  return true;
}

Stream::Call Stream::End(Step step) {
  end_.emplace(std::move(step));
  return Call::kNone;
}

Stream::Call Stream::Fail(absl::Status why) {
  // Nothing is called after CloseAfterFlush.
  if (state_.intent.closing()) return End(Step::Fail(std::move(why)));
  failure_ = std::move(why);
  return Call::kFailed;
}

Stream::Call Stream::Advance() {
  using Mode = Intent::Mode;
  const StreamOptions& options = shell_.options;
  for (;;) {
    Intent& intent = state_.intent;
    if (intent.mode_ == Mode::kAbort) {
      return End(intent.reason_.ok() ? Step::Done() : Step::Fail(std::move(intent.reason_)));
    }
    if (intent.mode_ == Mode::kHandedOver) return End(Step::Done());
    if (state_.output.size() > options.output_bytes_max) {
      return Fail(absl::ResourceExhaustedError(
          absl::StrCat("a handler owes the peer ", state_.output.size(),
                       " bytes; output_bytes_max is ", options.output_bytes_max)));
    }
    if (intent.closing()) return AdvanceClose();
    if (state_.output.size() >= options.output_pause_bytes) WriteSome();
    // Output that was dropped has not drained. With none left, a file may wait for the peer.
    const bool flushed = intent.wants_flushed_ && state_.output.size() <= intent.flushed_to_ &&
                         state_.write_error == 0 &&
                         !(state_.output.empty() && state_.write_blocked);
    if (intent.wants_peer_end_ && (state_.peer_hung_up || state_.input_ended) &&
        state_.write_error == 0 && !state_.end_reported) {
      state_.end_reported = true;
      input_end_ = InputEnd::kPeerFinished;
      return Call::kEnd;
    }
    if (!flushed && intent.input_ == Intent::Input::kNone) {
      if (state_.write_error == 0) return Call::kNone;
      return Fail(BrokenBy(state_.write_error, "write"));
    }
    if (!flushed && state_.output.size() >= options.output_pause_bytes) return Call::kNone;
    if (BudgetSpent()) {
      out_of_budget_ = true;
      return Call::kNone;
    }
    if (flushed) {
      intent.wants_flushed_ = false;
      flushed_at_ = state_.output.size();
      ++calls_;
      return Call::kFlushed;
    }
    if (state_.end_reported) {
      return Fail(state_.write_error != 0
                      ? BrokenBy(state_.write_error, "write")
                      : absl::OutOfRangeError("the protocol expects input after its end"));
    }
    if (FindFrame()) {
      ++calls_;
      return Call::kFrame;
    }
    const bool too_long =
        intent.input_ == Intent::Input::kDelimiter && input_.size() >= intent.count_;
    if (too_long || state_.input_ended) {
      state_.end_reported = true;
      input_end_ = too_long ? InputEnd::kFrameTooLong : InputEnd::kPeerFinished;
      return Call::kEnd;
    }
    if (!ReadMore()) return failure_.ok() ? Call::kNone : Call::kFailed;
  }
}

bool Stream::BudgetSpent() const {
  return bytes_read_ >= shell_.options.read_bytes_per_turn ||
         file_bytes_sent_ >= shell_.options.file_bytes_per_turn ||
         calls_ >= shell_.options.frames_per_turn;
}

bool Stream::FindFrame() {
  const Intent& intent = state_.intent;
  if (intent.input_ == Intent::Input::kBytes) {
    if (input_.size() < intent.count_) return false;
    frame_ = input_.substr(0, intent.count_);
    return true;
  }
  // Only bytes not looked at before are searched, so a frame that comes in pieces costs linear
  // time.
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
    // No more than there is already, so that a few bytes of a long frame hold little memory.
    const size_t wanted = std::min(state_.intent.count_ - input_.size(), input_.size());
    into = state_.input.Reserve(
        scope_.buffer_pool(), std::clamp(wanted, kReadIntoBufferBytesMin, kReadIntoBufferBytesMax));
    input_ = state_.input.view();
  }
  into = into.first(std::min(into.size(), shell_.options.read_bytes_per_turn - bytes_read_));
  const IoResult result = scope_.io().Read(state_.socket, into);
  if (!result.ok()) {
    state_.readable = false;
    if (!result.would_block()) {
      failure_ = BrokenBy(result.error, "read");
    } else if (state_.write_error != 0) {
      // All that the peer sent was read, and it takes no answer.
      failure_ = BrokenBy(state_.write_error, "write");
    }
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
  // A peer that has ended too is left by closing.
  const bool last = state_.output_ends && !state_.input_ended;
  while (!state_.output.empty() && !state_.write_blocked && state_.write_error == 0) {
    const std::array<std::string_view, 1> pieces = {state_.output.view()};
    const IoResult result = last ? scope_.io().WriteLast(state_.socket, pieces[0])
                                 : scope_.io().Write(state_.socket, pieces);
    if (result.ok()) {
      shell_.bytes_sent->Add(static_cast<int64_t>(result.bytes));
      state_.bytes_sent += static_cast<uint32_t>(result.bytes);
      state_.output.Consume(result.bytes);
      state_.write_ended = last && state_.output.empty();
    } else if (result.would_block()) {
      state_.write_blocked = true;
    } else {
      BreakWriting(result.error);
    }
  }
  // Nobody will take it. What the peer sent before is still worth reading.
  if (state_.write_error != 0) state_.output.Clear();
}

void Stream::BreakWriting(int error) {
  state_.write_error = error;
  // Perhaps no event tells of it, so reading goes on until nothing is left.
  state_.readable = state_.peer_hung_up = true;
}

Stream::Call Stream::AdvanceClose() {
  state_.output_ends = true;
  input_ = {};
  in_receive_buffer_ = false;
  state_.input.Clear();
  if (!state_.write_ended) {
    // Within a turn, output waits for the end of it, as always.
    if (!may_read_ || state_.output.size() >= shell_.options.output_pause_bytes) WriteSome();
    if (state_.write_error != 0) return Fail(BrokenBy(state_.write_error, "write"));
    if (!state_.output.empty()) return Call::kNone;
    // The peer has ended too, and all it sent was read: closing says the rest.
    if (state_.input_ended) return End(Step::Done());
    // An error here is found again by reading.
    if (!std::exchange(state_.write_ended, true)) (void)scope_.io().ShutdownWrite(state_.socket);
  }
  // No event can have told of the peer's end yet: one look may save registering.
  if (!state_.watched) state_.readable = true;
  while (!state_.input_ended && state_.lingered < shell_.options.linger_bytes_max) {
    if (LooksLater() || !state_.readable || !may_read_) return Call::kNone;
    const IoResult result = scope_.io().Read(state_.socket, scope_.receive_buffer());
    state_.readable = !result.would_block();
    if (result.would_block()) return Call::kNone;
    // All was sent, so it does not matter how the peer ends.
    if (!result.ok() || result.bytes == 0) break;
    state_.lingered += static_cast<uint32_t>(result.bytes);
  }
  return End(Step::Done());
}

// True once: most peers end as soon as they see that the stream has, so a look a moment later finds
// it and costs less than to register and be told. Not while others need the place.
bool Stream::LooksLater() {
  if (state_.watched || state_.look_follows || !state_.ticket.spare() ||
      scope_.room_left() < stream::Admission::kAmple) {
    return false;
  }
  return looks_later_ = state_.look_follows = true;
}

Step Stream::Finish() {
  const Deadline deadline = state_.intent.deadline_;
  if (end_.has_value()) return *std::move(end_);
  KeepRest();
  // Room that a handler reserved and did not use.
  if (state_.output.empty()) state_.output.Clear();
  if (looks_later_) return Step::WaitUntil(Sooner(scope_.now() + kFirstLookAfter, deadline));
  const bool flush_follows = !state_.output.empty() && !state_.write_blocked;
  if (flush_follows) scope_.FlushAtEndOfTurn();
  const bool wants_to_read = state_.intent.closing()
                                 ? state_.output.empty()
                                 : state_.intent.input_ != Intent::Input::kNone &&
                                       state_.output.size() < shell_.options.output_pause_bytes;
  const bool yields = out_of_budget_ || (!may_read_ && state_.readable && wants_to_read);
  // A connection that ends before it has to wait for the first time is never registered.
  if (!state_.watched && !flush_follows && !yields) {
    const absl::Status status = scope_.Watch(state_.socket, WatchKind::kStream);
    if (!status.ok()) return Step::Fail(status);
    state_.watched = true;
  }
  return yields ? Step::Yield(deadline) : Step::WaitUntil(deadline);
}

stream::Connection Stream::TakeConnection() {
  ApplyConsumed();
  KeepRest();
  if (state_.watched) scope_.Unwatch(state_.socket);
  input_ = {};
  return {.socket = std::move(state_.socket),
          .input = std::move(state_.input),
          .output = std::move(state_.output),
          .ticket = std::move(state_.ticket),
          .input_ended = state_.input_ended,
          .readable = true};
}

}  // namespace rotor
