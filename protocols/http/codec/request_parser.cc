#include "protocols/http/codec/request_parser.h"

#include <http_parser.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/base/check.h"

namespace rotor::http {
namespace {

constexpr RequestError kUnknownMethod{501, "the method is not known here"};
// Unreachable as far as fuzzing can tell: see gate_fuzz.cc.
constexpr RequestError kRefusedByParser{400, "http-parser refuses what the gate has passed"};

constexpr uint32_t kSectionBytesMax = 65536;

// What http-parser tells in one call.
struct Report {
  std::string_view data;
  bool message_complete = false;
};

int OnBody(http_parser* parser, const char* data, size_t size) {
  static_cast<Report*>(parser->data)->data = {data, size};
  return 0;
}

int OnMessageComplete(http_parser* parser) {
  static_cast<Report*>(parser->data)->message_complete = true;
  return 0;
}

constexpr http_parser_settings MakeSettings() {
  http_parser_settings settings{};
  settings.on_body = OnBody;
  settings.on_message_complete = OnMessageComplete;
  return settings;
}

constexpr http_parser_settings kSettings = MakeSettings();

// Everything else, names and values included, comes from the gate, so a call reports at most one
// piece of body and one end. False when http-parser does not take all of `bytes`.
bool Execute(http_parser& parser, std::string_view bytes, Report& report) {
  parser.data = &report;
  const size_t taken = http_parser_execute(&parser, &kSettings, bytes.data(), bytes.size());
  parser.data = nullptr;
  return taken == bytes.size() && HTTP_PARSER_ERRNO(&parser) == HPE_OK;
}

Method ToMethod(unsigned method) {
  switch (method) {
    case HTTP_GET:
      return Method::kGet;
    case HTTP_HEAD:
      return Method::kHead;
    case HTTP_POST:
      return Method::kPost;
    case HTTP_PUT:
      return Method::kPut;
    case HTTP_DELETE:
      return Method::kDelete;
    case HTTP_CONNECT:
      return Method::kConnect;
    case HTTP_OPTIONS:
      return Method::kOptions;
    case HTTP_TRACE:
      return Method::kTrace;
    case HTTP_PATCH:
      return Method::kPatch;
    default:
      return Method::kOther;
  }
}

// RFC 9112 section 9.3. Not http_should_keep_alive, which keeps HTTP/1.0 with both options alive
// and takes HTTP/1.0 for every version that ends in 0.
bool KeepsAlive(const http_parser& parser, int version_minor) {
  if (parser.flags & F_CONNECTION_CLOSE) return false;
  return version_minor > 0 || (parser.flags & F_CONNECTION_KEEP_ALIVE) != 0;
}

// A parser kept between two calls, as bytes.
template <typename Image>
http_parser Load(const Image& image) {
  static_assert(sizeof(Image) == sizeof(http_parser) && alignof(Image) >= alignof(http_parser));
  http_parser parser;
  std::memcpy(&parser, &image, sizeof(parser));
  return parser;
}

template <typename Image>
void Store(const http_parser& parser, Image& image) {
  std::memcpy(&image, &parser, sizeof(parser));
}

}  // namespace

// What http-parser decides by a head; kept in `parser` for the body. kOther with a fault for a
// method it does not know.
Fault Decide(const StartLine& start_line, const HeadMeaning& meaning, http_parser& parser,
             internal::Decision& decision) {
  Report report;
  http_parser_init(&parser, HTTP_REQUEST);
  if (!Execute(parser, PlainHead(start_line, meaning).text(), report)) {
    const bool method = HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_METHOD;
    return method ? &kUnknownMethod : &kRefusedByParser;
  }
  decision.method = ToMethod(parser.method);
  if (!report.message_complete) {
    const bool chunked = (parser.flags & F_CHUNKED) != 0;
    decision.body_kind = chunked ? BodyKind::kChunked : BodyKind::kSized;
    if (!chunked) decision.content_length = parser.content_length;
  }
  decision.keep_alive = KeepsAlive(parser, start_line.version_minor);
  decision.upgrade = parser.upgrade != 0 && decision.method != Method::kConnect;
  return nullptr;
}

RequestScratch::RequestScratch(const RequestLimits& limits)
    : limits_(limits), fields_(limits.fields_max), trailers_(limits.trailer_fields_max) {
  ROTOR_CHECK(limits.head_bytes_max <= kSectionBytesMax, "head_bytes_max is above 65536");
  ROTOR_CHECK(limits.trailer_bytes_max <= kSectionBytesMax, "trailer_bytes_max is above 65536");
  ROTOR_CHECK(limits.chunk_extension_line_bytes_max <= kSectionBytesMax,
              "chunk_extension_line_bytes_max is above 65536");
  ROTOR_CHECK(limits.fields_max > 0, "fields_max is 0");
  ROTOR_CHECK(limits.trailer_fields_max > 0, "trailer_fields_max is 0");
  for (internal::PlainDecisions& plain : plain_decisions_) {
    for (size_t index = 0; index < plain.decisions.size(); ++index) {
      StartLine start_line;
      start_line.method = plain.method;
      start_line.version_minor = static_cast<int>(index & 1);
      HeadMeaning meaning;
      meaning.close = (index & 2) != 0;
      meaning.keep_alive = (index & 4) != 0;
      http_parser parser;
      const Fault fault = Decide(start_line, meaning, parser, plain.decisions[index]);
      ROTOR_CHECK(fault == nullptr && plain.decisions[index].body_kind == BodyKind::kNone,
                  "http-parser finds a body in a request without a field that announces one");
    }
  }
}

const internal::Decision* RequestScratch::FindPlainDecision(const StartLine& start_line,
                                                            const HeadMeaning& meaning) const {
  if (!meaning.OnlyPersistence()) return nullptr;
  const size_t index = static_cast<size_t>(start_line.version_minor) + (meaning.close ? 2 : 0) +
                       (meaning.keep_alive ? 4 : 0);
  for (const internal::PlainDecisions& plain : plain_decisions_) {
    if (plain.method == start_line.method) return &plain.decisions[index];
  }
  return nullptr;
}

HeadResult RequestParser::ParseHead(std::string_view input, RequestScratch& scratch) {
  ROTOR_CHECK(phase_ == Phase::kHead, "ParseHead() while a body is pending, or after an error");
  const bool in_pieces = progress_.scanned != 0;
  StartLine start_line;
  GateResult gate = CheckHeadLines(input, scratch.limits_, progress_, start_line, scratch.fields_);
  if (gate.outcome == GateOutcome::kPassed && in_pieces) {
    // The spans of the earlier pieces are gone, with the scratch they were in: collect them again.
    progress_ = {};
    start_line = {};
    gate = CheckHeadLines(input, scratch.limits_, progress_, start_line, scratch.fields_);
  }
  if (gate.outcome == GateOutcome::kNeedMore) return {};
  if (gate.outcome == GateOutcome::kRefused) return FailHead(*gate.fault);
  const size_t field_count = progress_.fields;
  progress_ = {};
  return FinishHead(start_line, gate.size, field_count, scratch);
}

HeadResult RequestParser::FailHead(const RequestError& error) {
  phase_ = Phase::kFailed;
  return {HeadResult::Outcome::kError, 0, nullptr, &error};
}

HeadResult RequestParser::FinishHead(const StartLine& start_line, size_t head_size,
                                     size_t field_count, RequestScratch& scratch) {
  const std::span<const Field> fields(scratch.fields_.data(), field_count);
  HeadMeaning meaning;
  if (Fault fault = CheckHeadMeaning(start_line, fields, meaning)) return FailHead(*fault);

  RequestHead& head = scratch.head_;
  head.method_text = start_line.method;
  head.target = start_line.target;
  head.path = start_line.path;
  head.query = start_line.query;
  head.host = start_line.authority.empty() ? meaning.host : start_line.authority;
  head.version_minor = start_line.version_minor;
  head.fields = fields;

  const internal::Decision* decision = scratch.FindPlainDecision(start_line, meaning);
  internal::Decision decided_now;
  if (decision == nullptr) {
    if (Fault fault = DecideNow(start_line, meaning, decided_now)) return FailHead(*fault);
    decision = &decided_now;
  }
  head.method = decision->method;
  head.body_kind = decision->body_kind;
  head.content_length = decision->content_length;
  head.keep_alive = decision->keep_alive;
  head.expect_continue = meaning.expects_continue && head.body_kind != BodyKind::kNone;
  head.upgrade = decision->upgrade;
  return {HeadResult::Outcome::kHead, head_size, &head, nullptr};
}

Fault RequestParser::DecideNow(const StartLine& start_line, const HeadMeaning& meaning,
                               internal::Decision& decision) {
  http_parser parser;
  if (Fault fault = Decide(start_line, meaning, parser, decision)) return fault;
  if (decision.body_kind != BodyKind::kNone) {
    phase_ = decision.body_kind == BodyKind::kChunked ? Phase::kChunkLine : Phase::kSizedBody;
    chunk_extension_bytes_ = 0;
    Store(parser, image_);
  }
  return nullptr;
}

BodyResult RequestParser::ParseBody(std::string_view input, RequestScratch& scratch) {
  ROTOR_CHECK(body_pending(), "ParseBody() without a pending body");
  BodyResult result;
  while (true) {
    const std::string_view rest = input.substr(result.consumed);
    bool go_on = false;
    switch (phase_) {
      case Phase::kChunkLine:
        go_on = ParseChunkLine(rest, scratch.limits_, result);
        break;
      case Phase::kSizedBody:
      case Phase::kChunkData:
        ParseData(rest, result);
        break;
      case Phase::kChunkDataEnd:
        go_on = ParseChunkDataEnd(rest, result);
        break;
      case Phase::kTrailers:
        ParseTrailers(rest, scratch, result);
        break;
      case Phase::kHead:
      case Phase::kFailed:
        break;
    }
    if (!go_on) return result;
  }
}

bool RequestParser::Feed(std::string_view bytes, BodyResult& result) {
  http_parser parser = Load(image_);
  Report report;
  if (!Execute(parser, bytes, report)) {
    FailBody(kRefusedByParser, result);
    return false;
  }
  Store(parser, image_);
  result.data = report.data;
  if (report.message_complete) {
    result.outcome = BodyResult::Outcome::kComplete;
    phase_ = Phase::kHead;
  }
  return true;
}

void RequestParser::FailBody(const RequestError& error, BodyResult& result) {
  phase_ = Phase::kFailed;
  result.outcome = BodyResult::Outcome::kError;
  result.error = &error;
}

// The gate's answer to the parts of a body that are not data; true when it passed them.
bool RequestParser::Pass(const GateResult& gate, BodyResult& result) {
  if (gate.outcome == GateOutcome::kRefused) FailBody(*gate.fault, result);
  if (gate.outcome != GateOutcome::kPassed) return false;
  result.consumed += gate.size;
  progress_ = {};
  return true;
}

void RequestParser::ParseData(std::string_view rest, BodyResult& result) {
  if (rest.empty()) return;
  const uint64_t bytes_left = Load(image_).content_length;
  const std::string_view data = rest.substr(0, std::min<uint64_t>(rest.size(), bytes_left));
  if (!Feed(data, result)) return;
  result.consumed += data.size();
  if (result.outcome == BodyResult::Outcome::kComplete) return;
  result.outcome = BodyResult::Outcome::kData;
  if (phase_ == Phase::kChunkData && data.size() == bytes_left) phase_ = Phase::kChunkDataEnd;
}

bool RequestParser::ParseChunkLine(std::string_view rest, const RequestLimits& limits,
                                   BodyResult& result) {
  ChunkLine line;
  if (!Pass(CheckChunkLine(rest, limits, progress_, chunk_extension_bytes_, line), result)) {
    return false;
  }
  // http-parser sees no extension: it would take a tab before one for an error.
  char plain_line[kChunkSizeDigitsMax + 2];
  std::memcpy(plain_line, line.size_digits.data(), line.size_digits.size());
  std::memcpy(plain_line + line.size_digits.size(), "\r\n", 2);
  if (!Feed({plain_line, line.size_digits.size() + 2}, result)) return false;
  const bool last_chunk = Load(image_).content_length == 0;
  phase_ = last_chunk ? Phase::kTrailers : Phase::kChunkData;
  return true;
}

bool RequestParser::ParseChunkDataEnd(std::string_view rest, BodyResult& result) {
  if (!Pass(CheckChunkDataEnd(rest), result) || !Feed("\r\n", result)) return false;
  phase_ = Phase::kChunkLine;
  return true;
}

void RequestParser::ParseTrailers(std::string_view rest, RequestScratch& scratch,
                                  BodyResult& result) {
  const bool in_pieces = progress_.scanned != 0;
  std::vector<Field>& trailers = scratch.trailers_;
  GateResult gate = CheckTrailerLines(rest, scratch.limits_, progress_, trailers);
  if (gate.outcome == GateOutcome::kPassed && in_pieces) {
    progress_ = {};
    gate = CheckTrailerLines(rest, scratch.limits_, progress_, trailers);
  }
  const size_t count = progress_.fields;
  // http-parser would take Connection and Content-Length in a trailer for those of the message, so
  // it sees the end of the section only.
  if (!Pass(gate, result) || !Feed("\r\n", result)) return;
  const auto end =
      std::remove_if(trailers.begin(), trailers.begin() + count,
                     [](const Field& field) { return !AllowedInTrailers(field.name); });
  result.trailers = {trailers.begin(), end};
}

}  // namespace rotor::http
