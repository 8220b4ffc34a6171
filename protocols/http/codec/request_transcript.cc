#include "protocols/http/codec/request_transcript.h"

#include <memory>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor::http {
namespace {

void PutFields(std::span<const Field> fields, std::string& text) {
  text += '|';
  for (const Field& field : fields) {
    absl::StrAppend(&text, AsAbsl(field.name), "=", AsAbsl(field.value), "|");
  }
}

void PutHead(const RequestHead& head, std::string& text) {
  absl::StrAppend(&text, AsAbsl(head.method_text), " ", AsAbsl(head.target), " 1.",
                  head.version_minor, " host=", AsAbsl(head.host), " path=", AsAbsl(head.path));
  if (!head.query.empty()) absl::StrAppend(&text, " query=", AsAbsl(head.query));
  absl::StrAppend(&text, head.keep_alive ? " keep" : " close",
                  head.expect_continue ? " expect" : "", head.upgrade ? " upgrade" : "");
  switch (head.body_kind) {
    case BodyKind::kNone:
      text += " none ";
      break;
    case BodyKind::kSized:
      absl::StrAppend(&text, " sized=", head.content_length, " ");
      break;
    case BodyKind::kChunked:
      text += " chunked ";
      break;
  }
  PutFields(head.fields, text);
  text += head.body_kind == BodyKind::kNone ? "\n" : "\nbody=";
}

void PutBodyEnd(std::span<const Field> trailers, std::string& text) {
  if (!trailers.empty()) {
    text += " trailers ";
    PutFields(trailers, text);
  }
  text += '\n';
}

class Connection {
 public:
  explicit Connection(const RequestLimits& limits) : scratch_(limits) {}

  void Receive(std::string_view piece) {
    unread_.append(piece);
    while (!finished() && Advance()) {
    }
  }

  std::string Finish() && {
    if (!finished() && (parser_.body_pending() || !unread_.empty())) text_ += "incomplete";
    return std::move(text_);
  }

 private:
  bool finished() const { return parser_.failed() || (!keep_alive_ && !parser_.body_pending()); }

  // One call of the parser; false when it wants more input.
  bool Advance() {
    const std::unique_ptr<char[]> block(new char[unread_.size()]);
    std::copy(unread_.begin(), unread_.end(), block.get());
    const std::string_view input(block.get(), unread_.size());
    return parser_.body_pending() ? AdvanceBody(input) : AdvanceHead(input);
  }

  bool AdvanceHead(std::string_view input) {
    const HeadResult result = parser_.ParseHead(input, scratch_);
    switch (result.outcome) {
      case HeadResult::Outcome::kNeedMore:
        return false;
      case HeadResult::Outcome::kError:
        PutError(*result.error);
        return false;
      case HeadResult::Outcome::kHead:
        PutHead(*result.head, text_);
        keep_alive_ = result.head->keep_alive;
        unread_.erase(0, result.head_size);
        return true;
    }
    return false;
  }

  bool AdvanceBody(std::string_view input) {
    const BodyResult result = parser_.ParseBody(input, scratch_);
    ROTOR_CHECK(result.consumed <= input.size(), "more consumed than there is");
    text_ += result.data;
    if (result.outcome == BodyResult::Outcome::kError) {
      text_ += ' ';
      PutError(*result.error);
      return false;
    }
    if (result.outcome == BodyResult::Outcome::kComplete) PutBodyEnd(result.trailers, text_);
    unread_.erase(0, result.consumed);
    return result.outcome != BodyResult::Outcome::kNeedMore;
  }

  void PutError(const RequestError& error) {
    absl::StrAppend(&text_, error.status, " ", AsAbsl(error.reason));
  }

  RequestScratch scratch_;
  RequestParser parser_;
  std::string unread_;
  std::string text_;
  bool keep_alive_ = true;
};

}  // namespace

std::string TranscriptOf(std::string_view bytes, std::span<const size_t> ends,
                         const RequestLimits& limits) {
  Connection connection(limits);
  size_t begin = 0;
  for (const size_t end : ends) {
    connection.Receive(bytes.substr(begin, end - begin));
    begin = end;
  }
  connection.Receive(bytes.substr(begin));
  return std::move(connection).Finish();
}

std::string TranscriptOf(std::string_view bytes, const RequestLimits& limits) {
  return TranscriptOf(bytes, std::span<const size_t>(), limits);
}

std::string TranscriptByteByByte(std::string_view bytes, const RequestLimits& limits) {
  std::vector<size_t> ends(bytes.size());
  std::iota(ends.begin(), ends.end(), 0);
  return TranscriptOf(bytes, ends, limits);
}

std::string TranscriptOf(const RequestHead& head, std::string_view body,
                         std::span<const Field> trailers) {
  std::string text;
  PutHead(head, text);
  if (head.body_kind == BodyKind::kNone) return text;
  text += body;
  PutBodyEnd(trailers, text);
  return text;
}

}  // namespace rotor::http
