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

// Writes into reserved room. The caller has reserved enough: see HeadBytesMax.
class Cursor {
 public:
  explicit Cursor(char* begin) : begin_(begin), at_(begin) {}

  void Put(std::string_view text) {
    if (text.empty()) return;  // memcpy must not see the null pointer of an empty view.
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void PutNumber(uint64_t number, int base = 10) {
    at_ = std::to_chars(at_, at_ + kNumberBytesMax, number, base).ptr;
  }
  void PutField(std::string_view name, std::string_view value) {
    Put(name);
    Put(": ");
    Put(value);
    Put(kLineEnd);
  }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

bool IsText(std::string_view value) { return FindControl(value, 0) == value.size(); }

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

bool HasUpgrade(std::span<const Field> fields) {
  for (const Field& field : fields) {
    if (EqualsIgnoreCase(field.name, "upgrade")) return true;
  }
  return false;
}

// RFC 9110 section 15: these responses end with their head, and have no framing fields (RFC 9110
// section 8.6, RFC 9112 section 6.1). After 2xx to CONNECT the connection is a tunnel.
bool EndsWithHead(int status, Method method) {
  const bool tunnel = method == Method::kConnect && status >= 200 && status < 300;
  return status < 200 || status == 204 || status == 304 || tunnel;
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
  Cursor cursor(output.Reserve(kContinue.size()));
  cursor.Put(kContinue);
  output.Commit(cursor.size());
}

std::string_view ResponseWriter::ConnectionValue(const ResponseHead& head) const {
  const bool upgrade = HasUpgrade(head.fields);
  if (head.status == 101) return "upgrade";
  if (!keep_alive_) return upgrade ? "close, upgrade" : "close";
  if (upgrade) return old_version_ ? "keep-alive, upgrade" : "upgrade";
  return old_version_ ? "keep-alive" : "";
}

// One pass over reserved room: status line, fields, and `plan.body`.
void ResponseWriter::WriteHead(Output& output, const HeadPlan& plan) const {
  const ResponseHead& head = plan.head;
  const std::string_view defaults = plan.defaults.ok_head_;
  Cursor cursor(output.Reserve(kFixedHeadBytesMax + head.reason.size() + defaults.size() +
                               head.content_type.size() + FieldBytes(head.fields) +
                               plan.body.size()));
  if (head.status == 200 && head.reason.empty()) {
    cursor.Put(defaults);
  } else {
    cursor.Put("HTTP/1.1 ");
    cursor.PutNumber(static_cast<uint64_t>(head.status));
    cursor.Put(" ");
    cursor.Put(head.reason.empty() ? ReasonPhrase(head.status) : head.reason);
    cursor.Put(kLineEnd);
    cursor.Put(defaults.substr(kOkLine.size()));
  }
  if (!head.content_type.empty()) cursor.PutField("Content-Type", head.content_type);
  for (const Field& field : head.fields) cursor.PutField(field.name, field.value);
  if (plan.framing == Framing::kSized) {
    cursor.Put("Content-Length: ");
    cursor.PutNumber(plan.content_length);
    cursor.Put(kLineEnd);
  } else if (plan.framing == Framing::kChunked) {
    cursor.PutField("Transfer-Encoding", "chunked");
  }
  const std::string_view connection = ConnectionValue(head);
  if (!connection.empty()) cursor.PutField("Connection", connection);
  cursor.Put(kLineEnd);
  cursor.Put(plan.body);
  output.Commit(cursor.size());
}

absl::Status ResponseWriter::Respond(Output& output, const ResponseDefaults& defaults,
                                     const ResponseHead& head, std::string_view body) {
  ROTOR_CHECK(state_ == State::kHeadDue, "Respond() when no response is due");
  if (absl::Status status = CheckHead(head); !status.ok()) return status;
  if (head.status == 101 && (!upgrade_ || !HasUpgrade(head.fields))) {
    return absl::InvalidArgumentError(
        "HTTP response: 101 needs an Upgrade field, here and in the request");
  }
  const bool ends_with_head = EndsWithHead(head.status, method_);
  if (!body.empty() && (ends_with_head || head.status == 205)) {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP response: status ", head.status, " has no body"));
  }
  const Framing framing = ends_with_head ? Framing::kEndsWithHead : Framing::kSized;
  const std::string_view sent = method_ == Method::kHead ? std::string_view() : body;
  WriteHead(output, {defaults, head, framing, body.size(), sent});
  status_ = static_cast<uint16_t>(head.status);
  body_bytes_ = sent.size();
  state_ = State::kIdle;
  return absl::OkStatus();
}

absl::Status ResponseWriter::CheckStart(const ResponseHead& head) const {
  ROTOR_CHECK(state_ == State::kHeadDue, "a response was started when none is due");
  if (absl::Status status = CheckHead(head); !status.ok()) return status;
  if (!EndsWithHead(head.status, method_) && head.status != 205) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("HTTP response: status ", head.status, " has no body to announce"));
}

absl::Status ResponseWriter::StartSized(Output& output, const ResponseDefaults& defaults,
                                        const ResponseHead& head, uint64_t content_length) {
  if (absl::Status status = CheckStart(head); !status.ok()) return status;
  WriteHead(output, {defaults, head, Framing::kSized, content_length, {}});
  status_ = static_cast<uint16_t>(head.status);
  state_ = method_ == Method::kHead ? State::kBodyOmitted : State::kSizedBody;
  body_bytes_left_ = content_length;
  return absl::OkStatus();
}

absl::Status ResponseWriter::StartStreamed(Output& output, const ResponseDefaults& defaults,
                                           const ResponseHead& head) {
  if (absl::Status status = CheckStart(head); !status.ok()) return status;
  keep_alive_ = keep_alive_ && !old_version_;
  const Framing framing = old_version_ ? Framing::kUntilClose : Framing::kChunked;
  WriteHead(output, {defaults, head, framing, 0, {}});
  status_ = static_cast<uint16_t>(head.status);
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
  Cursor cursor(output.Reserve(data.size() + kNumberBytesMax + 2 * kLineEnd.size()));
  if (state_ == State::kChunkedBody) {
    cursor.PutNumber(data.size(), 16);
    cursor.Put(kLineEnd);
    cursor.Put(data);
    cursor.Put(kLineEnd);
  } else {
    cursor.Put(data);
  }
  output.Commit(cursor.size());
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
    Cursor cursor(output.Reserve(FieldBytes(trailers) + 2 * kLineEnd.size() + 1));
    cursor.Put("0\r\n");
    for (const Field& field : trailers) cursor.PutField(field.name, field.value);
    cursor.Put(kLineEnd);
    output.Commit(cursor.size());
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
