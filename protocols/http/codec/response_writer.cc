#include "protocols/http/codec/response_writer.h"

#include <charconv>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/check.h"
#include "core/base/strings.h"
#include "protocols/http/codec/byte_scan.h"

namespace rotor::http {
namespace {

// More than all the text of a head that does not come from the caller.
constexpr size_t kFixedHeadBytesMax = 256;
constexpr size_t kNumberBytesMax = 20;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kOkLine = "HTTP/1.1 200 OK\r\n";

// Of values of one to two words, as most are, those two, which may overlap, are cheaper to look at
// and to copy than a loop or a call.
constexpr size_t kWordBytes = sizeof(uint64_t);
bool IsShort(std::string_view value) {
  return value.size() >= kWordBytes && value.size() <= 2 * kWordBytes;
}

// Writes into reserved room. The caller has reserved enough: see HeadBytesMax.
class Cursor {
 public:
  explicit Cursor(char* begin) : at_(begin) {}

  [[gnu::always_inline]] void Put(std::string_view text) {
    if (IsShort(text)) {
      const size_t last = text.size() - kWordBytes;
      std::memcpy(at_, text.data(), kWordBytes);
      std::memcpy(at_ + last, text.data() + last, kWordBytes);
    } else if (!text.empty()) {  // memcpy must not see the null pointer of an empty view.
      std::memcpy(at_, text.data(), text.size());
    }
    at_ += text.size();
  }
  void PutDecimal(uint64_t number) { at_ = std::to_chars(at_, at_ + kNumberBytesMax, number).ptr; }
  void PutHexadecimal(uint64_t number) {
    at_ = std::to_chars(at_, at_ + kNumberBytesMax, number, 16).ptr;
  }
  [[gnu::always_inline]] void PutField(std::string_view name, std::string_view value) {
    Put(name);
    Put(": ");
    Put(value);
    Put(kLineEnd);
  }
  size_t BytesFrom(const char* begin) const { return static_cast<size_t>(at_ - begin); }

 private:
  char* at_;
};

[[gnu::noinline]] Cursor PutStatusLine(Cursor cursor, const ResponseHead& head) {
  cursor.Put("HTTP/1.1 ");
  cursor.PutDecimal(static_cast<uint64_t>(head.status));
  cursor.Put(" ");
  cursor.Put(head.reason.empty() ? ReasonPhrase(head.status) : head.reason);
  cursor.Put(kLineEnd);
  return cursor;
}

// The high bit of some byte is set if any of the word at `text` is a control.
uint64_t FindControls(const char* text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  uint64_t bytes;
  std::memcpy(&bytes, text, sizeof(bytes));
  const uint64_t delete_is_zero = bytes ^ (0x7f * kOnes);
  return ((bytes - 0x20 * kOnes) | (delete_is_zero - kOnes)) & ~bytes;
}

[[gnu::noinline]] bool IsTextByScan(std::string_view value) {
  return FindControl(value, 0) == value.size();
}

inline bool IsText(std::string_view value) {
  if (!IsShort(value)) return IsTextByScan(value);
  const uint64_t found =
      FindControls(value.data()) | FindControls(value.data() + value.size() - kWordBytes);
  // What is found may be a tab.
  return (found & 0x8080808080808080) == 0 || IsTextByScan(value);
}

absl::Status NoText(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("HTTP response: control character in the value of ", AsAbsl(what)));
}

absl::Status CheckField(const Field& field) {
  if (field.name.empty() || !ConsistsOf(kToken, field.name)) {
    return absl::InvalidArgumentError("HTTP response: a field name is not a token");
  }
  return IsText(field.value) ? absl::OkStatus() : NoText(field.name);
}

// The fields that frame the message or that the writer gives itself.
bool IsOwned(std::string_view name) {
  switch (name.size()) {
    case 4:
      return EqualsIgnoreCase(name, "date");
    case 6:
      return EqualsIgnoreCase(name, "server");
    case 10:
      return EqualsIgnoreCase(name, "connection") || EqualsIgnoreCase(name, "keep-alive");
    case 14:
      return EqualsIgnoreCase(name, "content-length");
    case 17:
      return EqualsIgnoreCase(name, "transfer-encoding");
    default:
      return false;
  }
}

absl::Status CheckHead(const ResponseHead& head) {
  if (head.status != 101 && (head.status < 200 || head.status > 599)) {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP response: ", head.status, " is no final status"));
  }
  if (!IsText(head.reason)) return NoText("the reason");
  if (!IsText(head.content_type)) return NoText("Content-Type");
  for (const Field& field : head.fields) {
    if (absl::Status status = CheckField(field); !status.ok()) return status;
    if (IsOwned(field.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("HTTP response: the writer itself decides on ", AsAbsl(field.name)));
    }
  }
  return absl::OkStatus();
}

// The usual of what CheckHead() passes, in less time.
bool IsPlain(const ResponseHead& head) {
  return head.status >= 200 && head.status <= 599 && head.reason.empty() && head.fields.empty() &&
         IsText(head.content_type);
}

// Its text would need a larger frame in each Respond().
[[gnu::noinline]] absl::Status NoBodyAllowed(int status) {
  return absl::InvalidArgumentError(absl::StrCat("HTTP response: status ", status, " has no body"));
}

bool HasUpgrade(std::span<const Field> fields) {
  for (const Field& field : fields) {
    if (EqualsIgnoreCase(field.name, "upgrade")) return true;
  }
  return false;
}

// RFC 9110 section 15: these responses end with their head, and have no framing fields (RFC 9110
// section 8.6, RFC 9112 section 6.1). After 2xx to CONNECT the connection is a tunnel.
bool EndsWithHead(int status, Method method) {
  if (status < 200 || status == 204 || status == 304) return true;
  return method == Method::kConnect && status < 300;
}

size_t FieldBytes(std::span<const Field> fields) {
  size_t bytes = 0;
  for (const Field& field : fields) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

}  // namespace

ResponseDefaults::ResponseDefaults() : ok_head_(kOkLine) {}

absl::Status ResponseDefaults::Set(std::string_view date, std::string_view server) {
  if (!IsText(date)) return NoText("Date");
  if (!IsText(server)) return NoText("Server");
  ok_head_.resize(kOkLine.size());
  const auto append = [this](std::string_view name, std::string_view value) {
    if (!value.empty()) ok_head_.append(name).append(value).append(kLineEnd);
  };
  append("Date: ", date);
  append("Server: ", server);
  return absl::OkStatus();
}

// How the end of the body will be found.
enum class ResponseWriter::Framing : uint8_t { kEndsWithHead, kSized, kChunked, kUntilClose };

struct ResponseWriter::HeadPlan {
  const ResponseDefaults& defaults;
  const ResponseHead& head;
  Framing framing;
  uint64_t content_length = 0;  // With kSized.
  std::string_view body;        // Appended to the head.
};

void ResponseWriter::BeginUnknown() {
  ROTOR_CHECK(state_ == State::kIdle, "BeginUnknown() before the last response is complete");
  BeginResponse();
  method_ = Method::kOther;
  old_version_ = false;
  upgrade_ = false;
  keep_alive_ = false;
}

void ResponseWriter::CloseAfterResponse() {
  ROTOR_CHECK(state_ == State::kHeadDue, "CloseAfterResponse() after the head was written");
  keep_alive_ = false;
}

void ResponseWriter::WriteContinue(Output& output) {
  ROTOR_CHECK(state_ == State::kHeadDue, "WriteContinue() after the head was written");
  ROTOR_CHECK(!old_version_, "WriteContinue() to an HTTP/1.0 client");
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  Cursor(output.Reserve(kContinue.size())).Put(kContinue);
  output.Commit(kContinue.size());
}

// The Connection field, or nothing.
std::string_view ResponseWriter::ConnectionLine(const ResponseHead& head) const {
  const bool upgrade = HasUpgrade(head.fields);
  if (head.status == 101) return "Connection: upgrade\r\n";
  if (!keep_alive_) return upgrade ? "Connection: close, upgrade\r\n" : "Connection: close\r\n";
  if (!old_version_) return upgrade ? "Connection: upgrade\r\n" : "";
  return upgrade ? "Connection: keep-alive, upgrade\r\n" : "Connection: keep-alive\r\n";
}

// One pass over reserved room: status line, fields, and `plan.body`.
[[gnu::always_inline]] inline void ResponseWriter::WriteHead(Output& output,
                                                             const HeadPlan& plan) const {
  const ResponseHead& head = plan.head;
  const std::string_view defaults = plan.defaults.ok_head_;
  char* const room =
      output.Reserve(kFixedHeadBytesMax + head.reason.size() + defaults.size() +
                     head.content_type.size() + FieldBytes(head.fields) + plan.body.size());
  Cursor cursor(room);
  if (head.status == 200 && head.reason.empty()) {
    cursor.Put(defaults);
  } else {
    cursor = PutStatusLine(cursor, head);
    cursor.Put(defaults.substr(kOkLine.size()));
  }
  if (!head.content_type.empty()) cursor.PutField("Content-Type", head.content_type);
  for (const Field& field : head.fields) cursor.PutField(field.name, field.value);
  if (plan.framing == Framing::kSized) {
    cursor.Put("Content-Length: ");
    cursor.PutDecimal(plan.content_length);
    cursor.Put(kLineEnd);
  } else if (plan.framing == Framing::kChunked) {
    cursor.Put("Transfer-Encoding: chunked\r\n");
  }
  if (!keep_alive_ || old_version_ || !head.fields.empty()) cursor.Put(ConnectionLine(head));
  cursor.Put(kLineEnd);
  cursor.Put(plan.body);
  output.Commit(cursor.BytesFrom(room));
}

absl::Status ResponseWriter::Respond(Output& output, const ResponseDefaults& defaults,
                                     const ResponseHead& head, std::string_view body) {
  ROTOR_CHECK(state_ == State::kHeadDue, "Respond() when no response is due");
  if (!IsPlain(head)) {
    if (absl::Status status = CheckHead(head); !status.ok()) return status;
  }
  if (head.status == 101 && (!upgrade_ || !HasUpgrade(head.fields))) {
    return absl::InvalidArgumentError(
        "HTTP response: 101 needs an Upgrade field, here and in the request");
  }
  const bool ends_with_head = EndsWithHead(head.status, method_);
  if (!body.empty() && (ends_with_head || head.status == 205)) {
    return NoBodyAllowed(head.status);
  }
  const Framing framing = ends_with_head ? Framing::kEndsWithHead : Framing::kSized;
  const std::string_view sent = method_ == Method::kHead ? std::string_view() : body;
  WriteHead(output, {defaults, head, framing, body.size(), sent});
  status_ = static_cast<uint16_t>(head.status);
  body_bytes_ = sent.size();
  state_ = State::kIdle;
  return absl::OkStatus();
}

absl::Status ResponseWriter::Start(Output& output, const HeadPlan& plan) {
  ROTOR_CHECK(state_ == State::kHeadDue, "a response was started when none is due");
  const int code = plan.head.status;
  if (absl::Status status = CheckHead(plan.head); !status.ok()) return status;
  if (EndsWithHead(code, method_) || code == 205) {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP response: status ", code, " has no body to announce"));
  }
  if (plan.framing == Framing::kUntilClose) keep_alive_ = false;
  WriteHead(output, plan);
  status_ = static_cast<uint16_t>(code);
  return absl::OkStatus();
}

absl::Status ResponseWriter::StartSized(Output& output, const ResponseDefaults& defaults,
                                        const ResponseHead& head, uint64_t content_length) {
  absl::Status status = Start(output, {defaults, head, Framing::kSized, content_length, {}});
  if (!status.ok()) return status;
  state_ = method_ == Method::kHead ? State::kBodyOmitted : State::kSizedBody;
  body_bytes_left_ = content_length;
  return absl::OkStatus();
}

absl::Status ResponseWriter::StartStreamed(Output& output, const ResponseDefaults& defaults,
                                           const ResponseHead& head) {
  const Framing framing = old_version_ ? Framing::kUntilClose : Framing::kChunked;
  absl::Status status = Start(output, {defaults, head, framing, 0, {}});
  if (!status.ok()) return status;
  if (method_ == Method::kHead) {
    state_ = State::kBodyOmitted;
  } else {
    state_ = old_version_ ? State::kBodyUntilClose : State::kChunkedBody;
  }
  return absl::OkStatus();
}

absl::Status ResponseWriter::Write(Output& output, std::string_view data) {
  ROTOR_CHECK(in_body(), "Write() without a started response");
  if (state_ == State::kSizedBody) {
    if (data.size() > body_bytes_left_) {
      return absl::OutOfRangeError(absl::StrCat("HTTP response: ", data.size(), " bytes where ",
                                                body_bytes_left_,
                                                " are left of the length announced"));
    }
    body_bytes_left_ -= data.size();
  }
  // An empty chunk would be the last one.
  if (state_ == State::kBodyOmitted || data.empty()) return absl::OkStatus();
  body_bytes_ += data.size();
  char* const room = output.Reserve(data.size() + kNumberBytesMax + 2 * kLineEnd.size());
  Cursor cursor(room);
  if (state_ == State::kChunkedBody) {
    cursor.PutHexadecimal(data.size());
    cursor.Put(kLineEnd);
    cursor.Put(data);
    cursor.Put(kLineEnd);
  } else {
    cursor.Put(data);
  }
  output.Commit(cursor.BytesFrom(room));
  return absl::OkStatus();
}

void ResponseWriter::SkipBody(uint64_t bytes) {
  ROTOR_CHECK(state_ == State::kSizedBody && bytes <= body_bytes_left_,
              "SkipBody() beyond the length announced");
  body_bytes_left_ -= bytes;
  body_bytes_ += bytes;
}

absl::Status ResponseWriter::Finish(Output& output, std::span<const Field> trailers) {
  ROTOR_CHECK(in_body(), "Finish() without a started response");
  for (const Field& field : trailers) {
    if (absl::Status status = CheckField(field); !status.ok()) return status;
    if (!AllowedInTrailers(field.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("HTTP response: ", AsAbsl(field.name), " may not be a trailer field"));
    }
  }
  const State last_state = state_;
  state_ = State::kIdle;
  if (last_state == State::kChunkedBody) {
    char* const room = output.Reserve(FieldBytes(trailers) + 2 * kLineEnd.size() + 1);
    Cursor cursor(room);
    cursor.Put("0\r\n");
    for (const Field& field : trailers) cursor.PutField(field.name, field.value);
    cursor.Put(kLineEnd);
    output.Commit(cursor.BytesFrom(room));
  }
  if (last_state != State::kSizedBody || body_bytes_left_ == 0) return absl::OkStatus();
  keep_alive_ = false;
  return absl::FailedPreconditionError(absl::StrCat("HTTP response: ", body_bytes_left_,
                                                    " bytes of the length announced are missing"));
}

std::string ErrorPageText(int status, std::string_view explanation) {
  const std::string title = absl::StrCat(status, " ", AsAbsl(ReasonPhrase(status)));
  return absl::StrCat(
      "<!DOCTYPE html>\n<html><head><title>", title, "</title></head><body><h1>", title, "</h1><p>",
      absl::StrReplaceAll(AsAbsl(explanation), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}}),
      "</p></body></html>\n");
}

std::string_view ReasonPhrase(int status) {
  static constexpr struct {
    int status;
    std::string_view phrase;
  } kPhrases[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {203, "Non-Authoritative Information"},
      {204, "No Content"},
      {205, "Reset Content"},
      {206, "Partial Content"},
      {300, "Multiple Choices"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {305, "Use Proxy"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {451, "Unavailable For Legal Reasons"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {511, "Network Authentication Required"},
  };
  for (const auto& [known, phrase] : kPhrases) {
    if (known == status) return phrase;
  }
  return "";
}

}  // namespace rotor::http
