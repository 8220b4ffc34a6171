// The gate and http-parser must never disagree. Both get the same bytes here, as received, which
// http-parser does not get otherwise: what the gate passes, http-parser must accept, with the same
// target, fields, framing and body. Where http-parser is known to be wrong is said below.
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
  bool chunked() const { return (parser_.flags & F_CHUNKED) != 0; }
  // The length announced, or what is left of it; 0 without one.
  uint64_t length() const { return parser_.flags & F_CONTENTLENGTH ? parser_.content_length : 0; }

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
    Self(parser).fields.push_back({std::string(data, size), ""});
    return 0;
  }
  static int OnValue(http_parser* parser, const char* data, size_t size) {
    Self(parser).fields.back().value.append(data, size);
    return 0;
  }

  http_parser parser_;
};

bool BeginsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// http-parser wrongly refuses a tab after a length or coding, and takes the longer name for
// Transfer-Encoding itself.
bool IsRefusedWrongly(std::string_view head, std::span<const Field> fields) {
  for (const Field& field : fields) {
    const char* end = field.value.data() + field.value.size();
    const std::string_view after(end, static_cast<size_t>(head.data() + head.size() - end));
    const bool tab = after.substr(0, after.find('\r')).find('\t') != after.npos;
    if (EqualsIgnoreCase(field.name, "content-length") && tab) return true;
    if (!BeginsWithIgnoreCase(field.name, "transfer-encoding")) continue;
    if (tab || field.name.size() > std::string_view("transfer-encoding").size()) return true;
  }
  return false;
}

void CheckFields(const RawParser& raw, std::span<const Field> fields) {
  ROTOR_CHECK(raw.fields.size() == fields.size(), "another number of fields");
  for (size_t i = 0; i < fields.size(); ++i) {
    ROTOR_CHECK(raw.fields[i].name == fields[i].name, "another name");
    ROTOR_CHECK(TrimRight(raw.fields[i].value) == fields[i].value, "another value");
  }
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

// Reads the body with both. http-parser may be wrong about a tab after a chunk's size, and about
// Content-Length in trailers.
void CheckBody(RequestParser& parser, RequestScratch& scratch, RawParser& raw,
               std::string_view input) {
  std::string body;
  size_t consumed = 0;
  BodyResult result;
  do {
    result = parser.ParseBody(input.substr(consumed), scratch);
    consumed += result.consumed;
    body += result.data;
  } while (result.outcome == BodyResult::Outcome::kData);
  if (result.outcome == BodyResult::Outcome::kError) {
    ROTOR_CHECK(result.error->reason.find("http-parser") == std::string_view::npos,
                "http-parser refuses what the gate has passed");
  }
  if (result.outcome != BodyResult::Outcome::kComplete) return;
  ROTOR_CHECK(!parser.body_pending(), "complete and pending");
  if (!raw.Execute(input.substr(0, consumed))) {
    const http_errno error = raw.error();
    const bool tab = input.substr(0, consumed).find('\t') != input.npos;
    ROTOR_CHECK((error == HPE_INVALID_CHUNK_SIZE && tab) || error == HPE_INVALID_CONTENT_LENGTH ||
                    error == HPE_UNEXPECTED_CONTENT_LENGTH,
                "http-parser refuses the body");
    return;
  }
  ROTOR_CHECK(raw.messages == 1, "not one message");
  ROTOR_CHECK(raw.body == body, "another body");
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
  ROTOR_CHECK(raw.Execute(bytes), "http-parser refuses the head");
  ROTOR_CHECK(raw.target == head.target, "another target");
  CheckFields(raw, head.fields);
  ROTOR_CHECK(raw.chunked() == (head.body_kind == BodyKind::kChunked), "http-parser sees chunks");
  ROTOR_CHECK(raw.length() == head.content_length, "http-parser sees another length");
  ROTOR_CHECK(raw.messages == (head.body_kind == BodyKind::kNone), "http-parser sees a body");
  if (parser.body_pending()) {
    CheckBody(parser, scratch, raw, input.substr(result.head_size));
  }
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::http::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
