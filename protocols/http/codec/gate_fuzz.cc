// The gate and http-parser must never disagree. Both get the same bytes here, as received, which
// http-parser does not get otherwise: what the gate passes, http-parser must accept, with the same
// target, fields, framing, persistence, body, trailers and end. Where http-parser is known to be
// wrong is said below.
#include <http_parser.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "protocols/http/codec/framing_gate.h"
#include "protocols/http/codec/request_parser.h"

namespace rotor::http {
namespace {

// What http-parser says about raw bytes.
class RawParser {
 public:
  RawParser() {
    http_parser_init(&parser_, HTTP_REQUEST);
    parser_.data = this;
  }

  // All of the bytes are taken. The message, if it ends in them, ends with their last.
  bool ExecuteToEnd(std::string_view bytes) {
    if (bytes.size() > 1 && !Execute(bytes.substr(0, bytes.size() - 1))) return false;
    ROTOR_CHECK(messages == 0, "http-parser sees an earlier end");
    return bytes.empty() || Execute(bytes.substr(bytes.size() - 1));
  }

  // All of the bytes are taken.
  bool Execute(std::string_view bytes) {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = Collect<&RawParser::target>;
    settings.on_header_field = OnName;
    settings.on_header_value = OnValue;
    settings.on_body = Collect<&RawParser::body>;
    settings.on_message_complete = [](http_parser* parser) {
      ++Self(parser).messages;
      return 0;
    };
    const size_t taken = http_parser_execute(&parser_, &settings, bytes.data(), bytes.size());
    return taken == bytes.size() && error() == HPE_OK;
  }

  http_errno error() const { return HTTP_PARSER_ERRNO(&parser_); }
  bool closes() const { return (parser_.flags & F_CONNECTION_CLOSE) != 0; }
  bool keeps_alive() const { return (parser_.flags & F_CONNECTION_KEEP_ALIVE) != 0; }
  bool upgrades() const { return parser_.upgrade != 0; }
  bool chunked() const { return (parser_.flags & F_CHUNKED) != 0; }
  // The length announced, or what is left of it; 0 without one.
  uint64_t length() const { return parser_.flags & F_CONTENTLENGTH ? parser_.content_length : 0; }
  std::string_view method() const {
    return http_method_str(static_cast<http_method>(parser_.method));
  }

  struct NameAndValue {
    std::string name;
    std::string value;
  };
  std::string target;
  std::string body;
  std::vector<NameAndValue> fields;
  int messages = 0;

 private:
  static RawParser& Self(http_parser* parser) { return *static_cast<RawParser*>(parser->data); }

  template <std::string RawParser::*kMember>
  static int Collect(http_parser* parser, const char* data, size_t size) {
    (Self(parser).*kMember).append(data, size);
    return 0;
  }
  static int OnName(http_parser* parser, const char* data, size_t size) {
    RawParser& self = Self(parser);
    if (!self.in_name_) self.fields.emplace_back();
    self.in_name_ = true;
    self.fields.back().name.append(data, size);
    return 0;
  }
  static int OnValue(http_parser* parser, const char* data, size_t size) {
    RawParser& self = Self(parser);
    self.in_name_ = false;
    self.fields.back().value.append(data, size);
    return 0;
  }

  http_parser parser_;
  bool in_name_ = false;
};

bool BeginsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A field's value is followed by a tab, in front of its line's end in `head`.
bool TabFollows(std::string_view head, const Field& field) {
  const char* end = field.value.data() + field.value.size();
  const std::string_view after(end, static_cast<size_t>(head.data() + head.size() - end));
  return after.substr(0, after.find('\r')).find('\t') != after.npos;
}

// http-parser wrongly refuses a tab after a length or coding, and takes the longer name for
// Transfer-Encoding itself.
bool IsRefusedWrongly(std::string_view head, std::span<const Field> fields) {
  for (const Field& field : fields) {
    const bool tab = TabFollows(head, field);
    if (EqualsIgnoreCase(field.name, "content-length") && tab) return true;
    if (!BeginsWithIgnoreCase(field.name, "transfer-encoding")) continue;
    if (tab || field.name.size() > std::string_view("transfer-encoding").size()) return true;
  }
  return false;
}

// The fields that http-parser has seen from number `first` on are these.
void CheckFields(const RawParser& raw, size_t first, std::span<const Field> fields) {
  ROTOR_CHECK(raw.fields.size() == first + fields.size(), "another number of fields");
  for (size_t i = 0; i < fields.size(); ++i) {
    ROTOR_CHECK(raw.fields[first + i].name == fields[i].name, "another name");
    ROTOR_CHECK(TrimRight(raw.fields[first + i].value) == fields[i].value, "another value");
  }
}

// http-parser reads Proxy-Connection as Connection, and loses options in lists that are not as
// simple as can be, or in front of a tab; what it does find, the gate must find too.
void CheckPersistence(const RawParser& raw, std::string_view bytes, const RequestHead& head) {
  bool simple = true;
  bool has_upgrade = false;
  for (const Field& field : head.fields) {
    if (EqualsIgnoreCase(field.name, "proxy-connection")) return;
    if (EqualsIgnoreCase(field.name, "connection")) {
      simple &= EqualsIgnoreCase(field.value, "close") ||
                EqualsIgnoreCase(field.value, "keep-alive") ||
                EqualsIgnoreCase(field.value, "upgrade");
      simple &= !TabFollows(bytes, field);
    }
    has_upgrade |= EqualsIgnoreCase(field.name, "upgrade") && !field.value.empty();
  }
  const bool old_version = head.version_minor == 0;
  const bool keep_alive = !raw.closes() && (!old_version || raw.keeps_alive());
  const bool upgrade =
      raw.upgrades() && head.method != Method::kConnect && !old_version && has_upgrade;
  if (raw.closes()) ROTOR_CHECK(!head.keep_alive, "http-parser sees close");
  if (upgrade) ROTOR_CHECK(head.upgrade, "http-parser sees an upgrade");
  if (!simple) return;
  ROTOR_CHECK(keep_alive == head.keep_alive, "http-parser sees another persistence");
  ROTOR_CHECK(upgrade == head.upgrade, "http-parser sees no upgrade");
}

// The body's framing as the fields alone tell it.
void CheckFraming(const RequestHead& head) {
  uint64_t length = 0;
  bool chunked = false;
  for (const Field& field : head.fields) {
    const char* end = field.value.data() + field.value.size();
    if (EqualsIgnoreCase(field.name, "content-length")) {
      std::from_chars(field.value.data(), end, length);
    }
    chunked |= EqualsIgnoreCase(field.name, "transfer-encoding");
  }
  ROTOR_CHECK((head.body_kind == BodyKind::kChunked) == chunked, "another coding");
  ROTOR_CHECK((head.body_kind == BodyKind::kSized) == (length > 0), "another kind of body");
  ROTOR_CHECK(head.content_length == length, "another length");
}

// The trailer section at the end of `body`, all fields of it, as the gate reads it by itself.
std::vector<Field> TrailersOf(std::string_view section) {
  const RequestLimits limits;
  std::vector<Field> fields(limits.trailer_fields_max);
  LineProgress progress;
  const GateResult result = CheckTrailerLines(section, limits, progress, fields);
  ROTOR_CHECK(result.outcome == GateOutcome::kPassed && result.size == section.size(),
              "the section is no section by itself");
  fields.resize(progress.fields);
  return fields;
}

// The trailers that the parser hands out are those of the section that may stand there.
void CheckTrailers(std::span<const Field> all, std::span<const Field> handed_out) {
  size_t next = 0;
  for (const Field& field : all) {
    if (!AllowedInTrailers(field.name)) continue;
    ROTOR_CHECK(next < handed_out.size() && handed_out[next].name == field.name &&
                    handed_out[next].value == field.value,
                "a trailer is lost");
    ++next;
  }
  ROTOR_CHECK(next == handed_out.size(), "a trailer too many");
}

// http-parser takes a tab after a chunk's size for an error, and Content-Length in trailers for
// that of the message.
bool MayRefuse(http_errno error, std::string_view body, std::span<const Field> trailers) {
  if (error == HPE_INVALID_CHUNK_SIZE) return body.find('\t') != body.npos;
  if (IsRefusedWrongly(body, trailers)) return true;
  for (const Field& field : trailers) {
    if (EqualsIgnoreCase(field.name, "content-length") ||
        EqualsIgnoreCase(field.name, "transfer-encoding")) {
      return true;
    }
  }
  return false;
}

// Reads the body with both.
void CheckBody(RequestParser& parser, RequestScratch& scratch, RawParser& raw, size_t head_fields,
               std::string_view input) {
  const bool chunked = raw.chunked();
  std::string body;
  size_t consumed = 0;
  size_t section_begin = 0;  // Behind the last data.
  BodyResult result;
  do {
    result = parser.ParseBody(input.substr(consumed), scratch);
    if (!result.data.empty()) {
      section_begin = static_cast<size_t>(result.data.data() + result.data.size() - input.data());
    }
    consumed += result.consumed;
    body += result.data;
  } while (result.outcome == BodyResult::Outcome::kData);
  if (result.outcome == BodyResult::Outcome::kError) {
    ROTOR_CHECK(result.error->reason.find("http-parser") == std::string_view::npos,
                "http-parser refuses what the gate has passed");
  }
  if (result.outcome != BodyResult::Outcome::kComplete) return;
  ROTOR_CHECK(!parser.body_pending(), "complete and pending");
  const std::string_view bytes = input.substr(0, consumed);
  std::vector<Field> trailers;
  if (chunked) {
    // Behind the last data: its line end unless there was none, the last chunk's line, trailers.
    const size_t last_chunk = section_begin == 0 ? 0 : section_begin + 2;
    trailers = TrailersOf(bytes.substr(bytes.find("\r\n", last_chunk) + 2));
    CheckTrailers(trailers, result.trailers);
  }
  if (!raw.ExecuteToEnd(bytes)) {
    ROTOR_CHECK(MayRefuse(raw.error(), bytes, trailers), "http-parser refuses the body");
    return;
  }
  ROTOR_CHECK(raw.messages == 1, "not one message");
  ROTOR_CHECK(raw.body == body, "another body");
  CheckFields(raw, head_fields, trailers);
}

void Check(std::string_view input) {
  RequestScratch scratch;
  RequestParser parser;
  const HeadResult result = parser.ParseHead(input, scratch);
  if (result.outcome == HeadResult::Outcome::kError) {
    ROTOR_CHECK(result.error->reason.find("http-parser") == std::string_view::npos,
                "http-parser refuses what the gate has passed");
  }
  if (result.outcome != HeadResult::Outcome::kHead) return;
  const RequestHead& head = *result.head;
  CheckFraming(head);

  const size_t begin = input.starts_with("\r\n") ? 2 : 0;
  const std::string_view bytes = input.substr(begin, result.head_size - begin);
  if (IsRefusedWrongly(bytes, head.fields)) return;
  RawParser raw;
  ROTOR_CHECK(raw.ExecuteToEnd(bytes), "http-parser refuses the head");
  ROTOR_CHECK(raw.method() == head.method_text, "another method");
  ROTOR_CHECK(raw.target == head.target, "another target");
  CheckFields(raw, 0, head.fields);
  CheckPersistence(raw, bytes, head);
  ROTOR_CHECK(raw.chunked() == (head.body_kind == BodyKind::kChunked), "http-parser sees chunks");
  ROTOR_CHECK(raw.length() == head.content_length, "http-parser sees another length");
  ROTOR_CHECK(raw.messages == (head.body_kind == BodyKind::kNone), "http-parser sees a body");
  if (parser.body_pending()) {
    CheckBody(parser, scratch, raw, head.fields.size(), input.substr(result.head_size));
  }
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::http::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
