#include "protocols/http/codec/framing_gate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "protocols/http/codec/byte_scan.h"

namespace rotor::http {
namespace {

// Longer than any method http-parser knows. RFC 9112 section 3 wants 501 for longer ones.
constexpr size_t kMethodBytesMax = 32;
constexpr size_t kVersionBytes = std::string_view("HTTP/1.1").size();
constexpr size_t kContentLengthDigitsMax = 19;

constexpr RequestError kBareLineFeed{400, "a line ends with a bare LF"};
constexpr RequestError kBareCarriageReturn{400, "a CR is not followed by LF"};
constexpr RequestError kControlCharacter{400, "a control character"};
constexpr RequestError kSeveralEmptyLines{400, "more than one empty line before the request line"};
constexpr RequestError kMethod{400, "the method is not a token"};
constexpr RequestError kMethodTooLong{501, "the method is longer than any known one"};
constexpr RequestError kSeveralSpaces{400, "not exactly one space after the method"};
constexpr RequestError kNoVersion{400, "a request line without a version"};
constexpr RequestError kVersion{400, "the version is not of the form HTTP/1.1"};
constexpr RequestError kVersionNotSupported{505, "only HTTP/1.x is spoken here"};
constexpr RequestError kTargetTooLong{414, "the request target is too long"};
constexpr RequestError kTargetCharacter{400, "the request target has an illegal character"};
constexpr RequestError kTargetForm{400, "the request target is in no form that fits the method"};
constexpr RequestError kHeadTooLarge{431, "the head of the request is too large"};
constexpr RequestError kFieldLineTooLong{431, "a field line is too long"};
constexpr RequestError kTooManyFields{431, "too many fields"};
constexpr RequestError kLineFolding{400, "a field line begins with whitespace"};
constexpr RequestError kNoColon{400, "a field line without a colon"};
constexpr RequestError kFieldName{400, "a field name is not a token"};
constexpr RequestError kSpaceBeforeColon{400, "whitespace before the colon of a field line"};
constexpr RequestError kNoHost{400, "no Host field"};
constexpr RequestError kSeveralHosts{400, "more than one Host field"};
constexpr RequestError kHostValue{400, "the Host field does not name a host"};
constexpr RequestError kSeveralCodings{400, "more than one Transfer-Encoding field"};
constexpr RequestError kCodingInOldVersion{400, "Transfer-Encoding in an HTTP/1.0 request"};
constexpr RequestError kCodingSyntax{400, "the Transfer-Encoding field is malformed"};
constexpr RequestError kChunkedNotLast{400, "chunked is not the last transfer coding, once"};
constexpr RequestError kUnknownCoding{501, "a transfer coding other than chunked"};
constexpr RequestError kSeveralLengths{400, "more than one Content-Length field"};
constexpr RequestError kLengthValue{400, "the Content-Length field is not a number in range"};
constexpr RequestError kLengthAndCoding{400, "both Content-Length and Transfer-Encoding"};
constexpr RequestError kBodyOfConnect{400, "a CONNECT request with a body"};
constexpr RequestError kConnectionOption{400, "the Connection field is not a list of tokens"};
constexpr RequestError kExpectation{417, "an expectation other than 100-continue"};
constexpr RequestError kChunkSize{400, "the chunk size is not a hexadecimal number in range"};
constexpr RequestError kChunkExtension{400, "a chunk extension is malformed"};
constexpr RequestError kChunkExtensionTooLong{400, "the chunk extensions are too long"};
constexpr RequestError kChunkDataEnd{400, "chunk data is not followed by CR LF"};
constexpr RequestError kTrailersTooLarge{431, "the trailer section is too large"};
constexpr RequestError kTooManyTrailers{431, "too many trailer fields"};

// Not an error of its own: NextLine's caller knows what the line was to be.
constexpr RequestError kLineTooLong{0, ""};

constexpr GateResult Refuse(const RequestError& error) {
  return {GateOutcome::kRefused, &error, 0};
}

struct Line {
  GateOutcome outcome;
  Fault fault = nullptr;
  std::string_view text;  // Without its line end.
};

// A line ends with CR LF and nothing else (RFC 9112 section 2.2: a server may take a bare LF for a
// line end, which another one in the chain may not; a bare CR is invalid). No control belongs in
// the line itself (RFC 9110 section 5.5).
Fault CheckLineEnd(std::string_view input, size_t at) {
  if (input[at] == '\n') return &kBareLineFeed;
  if (input[at] != '\r') return &kControlCharacter;
  return input[at + 1] == '\n' ? nullptr : &kBareCarriageReturn;
}

// Takes the next line of at most `line_bytes_max` bytes from input[progress.line_start...]. The
// fault may be &kLineTooLong. Inlined, or the parts of Line would go through memory for each line.
[[gnu::always_inline]] inline Line NextLine(std::string_view input, size_t line_bytes_max,
                                            LineProgress& progress) {
  const size_t begin = progress.line_start;
  const size_t at = FindControl(input, progress.scanned);
  progress.scanned = static_cast<uint32_t>(at);
  if (at - begin > line_bytes_max) return {GateOutcome::kRefused, &kLineTooLong, {}};
  if (input.size() - at < 2) {
    const bool may_end = at == input.size() || input[at] == '\r';
    if (may_end) return {GateOutcome::kNeedMore, nullptr, {}};
  }
  if (Fault fault = CheckLineEnd(input, at)) return {GateOutcome::kRefused, fault, {}};
  progress.line_start = progress.scanned = static_cast<uint32_t>(at + 2);
  return {GateOutcome::kPassed, nullptr, {input.data() + begin, at - begin}};
}

bool IsLineEnd(std::string_view input, size_t at) {
  return input.size() - at >= 2 && input[at] == '\r' && input[at + 1] == '\n';
}

// Offset of the first byte at or after the '%' at `at` that is neither of the class nor part of a
// percent-encoded octet.
template <ByteClass kWanted>
[[gnu::noinline]] size_t SkipEncoded(std::string_view text, size_t at) {
  while (at < text.size() && text[at] == '%') {
    const bool escape =
        text.size() - at >= 3 && IsOf(kHexDigit, text[at + 1]) && IsOf(kHexDigit, text[at + 2]);
    if (!escape) break;
    at = FindNotInStrides<kWanted>(text, at + 3);
  }
  return at;
}

// Offset of the first byte at or after `from` that is neither of the class nor part of a
// percent-encoded octet (RFC 3986 section 2.1); text.size() without one.
template <ByteClass kWanted>
[[gnu::always_inline]] inline size_t FindNotEncoded(std::string_view text, size_t from = 0) {
  const size_t at = FindNotInStrides<kWanted>(text, from);
  return at < text.size() && text[at] == '%' ? SkipEncoded<kWanted>(text, at) : at;
}

// An IPv6 address in brackets (RFC 3986 section 3.2.2). IPvFuture, of which no version exists, and
// zone identifiers, which mean nothing to a server, are not accepted.
bool IsBracketedAddress(std::string_view text) {
  char address[INET6_ADDRSTRLEN];
  if (text.size() < 2 || text.size() - 2 >= sizeof(address)) return false;
  if (text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  std::memcpy(address, text.data(), text.size());
  address[text.size()] = '\0';
  in6_addr ignored;
  return inet_pton(AF_INET6, address, &ignored) == 1;
}

// 0 to 65535, perhaps with zeros before it, or nothing (RFC 3986 section 3.2.3).
bool IsPort(std::string_view text) {
  constexpr std::string_view kLargest = "65535";
  if (!ConsistsOf(kDigit, text)) return false;
  if (text.size() < kLargest.size()) return true;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  return text.size() < kLargest.size() || (text.size() == kLargest.size() && text <= kLargest);
}

enum class Port { kOptional, kRequired };

[[gnu::noinline]] size_t FindEndOfAddressInBrackets(std::string_view text) {
  const size_t end = text.find(']') + 1;
  return IsBracketedAddress(text.substr(0, end)) ? end : 0;
}

// The size of the host that the text begins with; 0 without one.
inline size_t FindHostEnd(std::string_view text) {
  if (text.starts_with('[')) return FindEndOfAddressInBrackets(text);
  return FindNotEncoded<kRegName>(text);
}

// A host that is not empty, and a port (RFC 9110 section 4.2, 7.2). Userinfo is an error: it serves
// only to deceive (RFC 9110 section 4.2.4).
bool IsAuthority(std::string_view text, Port port) {
  const size_t host_end = FindHostEnd(text);
  if (host_end == 0) return false;
  if (host_end == text.size()) return port == Port::kOptional;
  const std::string_view digits(text.data() + host_end + 1, text.size() - host_end - 1);
  if (text[host_end] != ':' || !IsPort(digits)) return false;
  return !digits.empty() || port == Port::kOptional;
}

// A path and perhaps a query (RFC 9112 section 3.2.1, RFC 3986 section 3.3, 3.4). No '#': a
// fragment is never sent. Brackets are not legal in a query either, but browsers send those of
// `?a[]=1` unescaped, and they have no meaning to any parser.
Fault CheckOriginForm(std::string_view text, StartLine& start_line) {
  const size_t path_end = FindNotEncoded<kPath>(text);
  start_line.path = text.substr(0, path_end);
  if (path_end == text.size()) return nullptr;
  start_line.query = text.substr(path_end + 1);
  const bool passed =
      text[path_end] == '?' && FindNotEncoded<kQuery>(start_line.query) == start_line.query.size();
  return passed ? nullptr : &kTargetCharacter;
}

// `http://host/path?query` (RFC 9112 section 3.2.2). A target of any other scheme cannot be ours.
Fault CheckAbsoluteForm(std::string_view target, StartLine& start_line) {
  const size_t scheme_end = target.find("://");
  if (scheme_end == target.npos) return &kTargetForm;
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!EqualsIgnoreCase(scheme, "http") && !EqualsIgnoreCase(scheme, "https")) return &kTargetForm;
  const std::string_view rest = target.substr(scheme_end + 3);
  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  start_line.authority = rest.substr(0, authority_end);
  if (!IsAuthority(start_line.authority, Port::kOptional)) return &kTargetForm;
  if (Fault fault = CheckOriginForm(rest.substr(authority_end), start_line)) return fault;
  // RFC 9112 section 3.2.4: this is how `*` travels through proxies.
  const bool asterisk = start_line.method == "OPTIONS" && authority_end == rest.size();
  if (start_line.path.empty()) start_line.path = asterisk ? "*" : "/";
  return nullptr;
}

// The four forms of a target, each where it belongs (RFC 9112 section 3.2).
Fault CheckTarget(StartLine& start_line) {
  const std::string_view target = start_line.target;
  if (start_line.method == "CONNECT") {
    start_line.authority = target;
    return IsAuthority(target, Port::kRequired) ? nullptr : &kTargetForm;
  }
  if (target.front() == '/') return CheckOriginForm(target, start_line);
  if (target == "*") {
    start_line.path = target;
    return start_line.method == "OPTIONS" ? nullptr : &kTargetForm;
  }
  return CheckAbsoluteForm(target, start_line);
}

// `HTTP/` DIGIT `.` DIGIT, case-sensitive (RFC 9112 section 2.3). A higher minor version is read as
// the highest we know (RFC 9110 section 2.5).
Fault CheckVersion(std::string_view version, StartLine& start_line) {
  if (version == "HTTP/1.1") return nullptr;
  if (version.size() != kVersionBytes || !version.starts_with("HTTP/")) return &kVersion;
  const char major = version[5];
  const char minor = version[7];
  if (!IsOf(kDigit, major) || version[6] != '.' || !IsOf(kDigit, minor)) return &kVersion;
  if (major != '1') return &kVersionNotSupported;
  start_line.version_minor = minor == '0' ? 0 : 1;
  return nullptr;
}

Fault CheckMethod(std::string_view line, size_t method_size) {
  if (method_size > kMethodBytesMax) return &kMethodTooLong;
  if (method_size == 0 || method_size == line.size() || line[method_size] != ' ') return &kMethod;
  return nullptr;
}

// Method, target and version with exactly one space between (RFC 9112 section 3), which leaves no
// room for HTTP/0.9.
Fault CheckRequestLine(std::string_view line, const RequestLimits& limits, StartLine& start_line) {
  const size_t method_size = FindNot(kToken, line);
  if (Fault fault = CheckMethod(line, method_size)) return fault;
  const size_t target_begin = method_size + 1;
  const size_t target_end = line.find(' ', target_begin);
  const bool has_version = target_end != line.npos;
  start_line.method = line.substr(0, method_size);
  start_line.target =
      line.substr(target_begin, has_version ? target_end - target_begin : line.npos);
  if (start_line.target.size() > limits.target_bytes_max) return &kTargetTooLong;
  if (!has_version) return &kNoVersion;
  if (start_line.target.empty()) return &kSeveralSpaces;
  if (Fault fault = CheckVersion(line.substr(target_end + 1), start_line)) return fault;
  return CheckTarget(start_line);
}

// What is wrong with a request line that did not end where the longest one would (RFC 9112 section
// 3: 501 for the method, 414 for the target).
Fault ExplainLongRequestLine(std::string_view line, const RequestLimits& limits) {
  const size_t method_size = FindNot(kToken, line);
  if (Fault fault = CheckMethod(line, method_size)) return fault;
  const size_t target_end = std::min(line.find(' ', method_size + 1), line.size());
  return target_end - method_size - 1 > limits.target_bytes_max ? &kTargetTooLong : &kVersion;
}

// `name: value`, the name a token right before the colon (RFC 9112 section 5.1: whitespace there
// has led to request smuggling). The line is the first `size` bytes of `rest`, which goes on with
// its end; the strides of the search are longer than most names.
inline Fault CheckFieldLine(std::string_view rest, size_t size, Field& field) {
  const size_t name_size = FindNotInStrides<kToken>(rest);
  if (name_size == size) return &kNoColon;
  if (rest[name_size] != ':') {
    if (!IsWhitespace(rest[name_size])) return &kFieldName;
    return name_size == 0 ? &kLineFolding : &kSpaceBeforeColon;
  }
  if (name_size == 0) return &kFieldName;
  field.name = {rest.data(), name_size};
  field.value = TrimWhitespace({rest.data() + name_size + 1, size - name_size - 1});
  return nullptr;
}

struct SectionLimits {
  size_t line_bytes_max;
  size_t fields_max;
  const RequestError& too_many_fields;
};

// Field lines up to and with the empty line that ends them. A line beginning with whitespace is
// refused, whether it folds the one before (RFC 9112 section 5.2) or follows the request line
// (section 2.2).
GateResult CheckFieldLines(std::string_view input, const SectionLimits& limits,
                           LineProgress& progress, std::span<Field> fields) {
  while (true) {
    const Line line = NextLine(input, limits.line_bytes_max, progress);
    if (line.outcome == GateOutcome::kNeedMore) return {GateOutcome::kNeedMore};
    if (line.fault == &kLineTooLong) return Refuse(kFieldLineTooLong);
    if (line.fault != nullptr) return Refuse(*line.fault);
    if (line.text.empty()) return {GateOutcome::kPassed, nullptr, progress.line_start};
    if (progress.fields == limits.fields_max) return Refuse(limits.too_many_fields);
    const std::string_view rest(
        line.text.data(), static_cast<size_t>(input.data() + input.size() - line.text.data()));
    Field& field = fields[progress.fields];
    if (Fault fault = CheckFieldLine(rest, line.text.size(), field)) return Refuse(*fault);
    ++progress.fields;
  }
}

// The request line of nearly all requests, with a target in origin form, before the line end at
// `size`. False for all that is not surely right.
inline bool TakeUsualRequestLine(std::string_view head, size_t size, const RequestLimits& limits,
                                 StartLine& start_line) {
  constexpr std::string_view kEnd = " HTTP/1.1";
  const size_t method_size = head.starts_with("GET ") ? 3 : FindNotInStrides<kToken>(head);
  const std::string_view method(head.data(), method_size);
  if (CheckMethod(head, method_size) != nullptr || method == "CONNECT") return false;
  const size_t path_begin = method_size + 1;
  if (path_begin == head.size() || head[path_begin] != '/') return false;
  const size_t path_end = FindNotEncoded<kPath>(head, path_begin);
  const bool has_query = path_end < head.size() && head[path_end] == '?';
  const size_t target_end = has_query ? FindNotEncoded<kQuery>(head, path_end + 1) : path_end;
  if (size - target_end != kEnd.size()) return false;
  if (std::memcmp(head.data() + target_end, kEnd.data(), kEnd.size()) != 0) return false;
  if (target_end - path_begin > limits.target_bytes_max) return false;
  start_line.method = method;
  start_line.target = {head.data() + path_begin, target_end - path_begin};
  start_line.path = {head.data() + path_begin, path_end - path_begin};
  if (has_query) start_line.query = {head.data() + path_end + 1, target_end - path_end - 1};
  return true;
}

// A name, a colon, perhaps one space, a value without whitespace at its ends, before the line end
// at `end`. False for all that is not surely right.
inline bool TakeUsualFieldLine(std::string_view head, size_t begin, size_t end, Field& field) {
  const size_t name_end = FindNotInStrides<kToken>(head, begin);
  if (name_end == begin || head[name_end] != ':') return false;
  const size_t value = name_end + (head[name_end + 1] == ' ' ? 2 : 1);
  // Whitespace, or the line end behind an empty value: no other control has passed.
  const auto is_blank = [head](size_t at) { return static_cast<unsigned char>(head[at]) <= ' '; };
  if (is_blank(value) || is_blank(end - 1)) return false;
  field = {{head.data() + begin, name_end - begin}, {head.data() + value, end - value}};
  return true;
}

// Takes the lines of a head as long as they are complete and surely right. False unless that is all
// of the head; what is not is left to the checks above, which look closely and explain.
//
// The search for the end of a line does not wait for what is found within it: a processor that
// looks ahead finds the ends of the next lines meanwhile.
bool TakeUsualLines(std::string_view head, const RequestLimits& limits, LineProgress& progress,
                    StartLine& start_line, std::span<Field> fields) {
  size_t end = FindControl(head, 0);
  if (!IsLineEnd(head, end) || !TakeUsualRequestLine(head, end, limits, start_line)) return false;
  size_t line = end + 2;
  size_t count = 0;
  bool complete = IsLineEnd(head, line);
  while (!complete && count < limits.fields_max) {
    end = FindControl(head, line);
    if (!IsLineEnd(head, end) || end - line > limits.field_line_bytes_max) break;
    if (!TakeUsualFieldLine(head, line, end, fields[count])) break;
    ++count;
    line = end + 2;
    complete = IsLineEnd(head, line);
  }
  if (complete) line += 2;
  progress = {static_cast<uint32_t>(line), static_cast<uint32_t>(line),
              static_cast<uint32_t>(count), true};
  return complete;
}

GateResult CheckStartLine(std::string_view input, const RequestLimits& limits,
                          LineProgress& progress, StartLine& start_line) {
  const size_t line_bytes_max = kMethodBytesMax + 1 + limits.target_bytes_max + 1 + kVersionBytes;
  while (true) {
    const size_t begin = progress.line_start;
    const Line line = NextLine(input, line_bytes_max, progress);
    if (line.outcome == GateOutcome::kNeedMore) return {GateOutcome::kNeedMore};
    if (line.fault == &kLineTooLong) {
      return Refuse(*ExplainLongRequestLine(input.substr(begin, line_bytes_max + 1), limits));
    }
    if (line.fault != nullptr) return Refuse(*line.fault);
    if (line.text.empty()) {
      // RFC 9112 section 2.2: at least one empty line is ignored, since old clients send one after
      // a body.
      if (begin != 0) return Refuse(kSeveralEmptyLines);
      continue;
    }
    if (Fault fault = CheckRequestLine(line.text, limits, start_line)) return Refuse(*fault);
    progress.start_line_done = true;
    return {GateOutcome::kPassed, nullptr, progress.line_start};
  }
}

// Takes the next element of a comma-separated list (RFC 9110 section 5.6.1); false after the last.
// Empty elements come out too.
bool NextElement(std::string_view& list, std::string_view& element) {
  if (list.data() == nullptr) return false;
  const size_t comma = list.find(',');
  element = TrimWhitespace(list.substr(0, comma));
  list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

// The value is `chunked` and nothing else (RFC 9112 section 6.1). Anything more is either a coding
// we do not know or one of the disguises that made two parsers disagree.
Fault CheckTransferEncoding(std::string_view value) {
  if (EqualsIgnoreCase(value, "chunked")) return nullptr;
  bool chunked_seen = false;
  bool other_seen = false;
  std::string_view element;
  while (NextElement(value, element)) {
    const size_t name_size = FindNot(kToken, element);
    const std::string_view name = element.substr(0, name_size);
    const std::string_view parameters = TrimWhitespace(element.substr(name_size));
    if (name.empty() || !(parameters.empty() || parameters.front() == ';')) return &kCodingSyntax;
    if (chunked_seen) return &kChunkedNotLast;
    chunked_seen = EqualsIgnoreCase(name, "chunked");
    other_seen |= !chunked_seen;
  }
  return other_seen ? &kUnknownCoding : &kCodingSyntax;
}

// A number from 0 to 2^63 - 1, in digits only: no sign, no list, not empty (RFC 9110 section 8.6).
Fault CheckContentLength(std::string_view value) {
  if (value.empty() || value.size() > kContentLengthDigitsMax) return &kLengthValue;
  if (!ConsistsOf(kDigit, value)) return &kLengthValue;
  constexpr std::string_view kLargest = "9223372036854775807";
  static_assert(kLargest.size() == kContentLengthDigitsMax);
  return value.size() == kLargest.size() && value > kLargest ? &kLengthValue : nullptr;
}

// A host or nothing (RFC 9112 section 3.2). Nothing is legal: such is the target of a URI without
// authority.
Fault CheckHost(std::string_view value) {
  return value.empty() || IsAuthority(value, Port::kOptional) ? nullptr : &kHostValue;
}

// RFC 9110 section 10.1.1: 100-continue is the only expectation there is; HTTP/1.0 has none.
Fault AddExpect(std::string_view value, const StartLine& start_line, HeadMeaning& meaning) {
  if (start_line.version_minor == 0) return nullptr;
  std::string_view element;
  while (NextElement(value, element)) {
    if (element.empty()) continue;
    if (!EqualsIgnoreCase(element, "100-continue")) return &kExpectation;
    meaning.expects_continue = true;
  }
  return nullptr;
}

// A list of tokens (RFC 9110 section 7.6.1).
Fault AddConnection(std::string_view value, HeadMeaning& meaning) {
  std::string_view element;
  while (NextElement(value, element)) {
    if (!ConsistsOf(kToken, element)) return &kConnectionOption;
    meaning.close |= TokenIs(element, "close");
    meaning.keep_alive |= TokenIs(element, "keep-alive");
    meaning.connection_upgrade |= TokenIs(element, "upgrade");
  }
  return nullptr;
}

// RFC 9110 section 8.6: equal duplicates may be merged or refused.
Fault AddLength(std::string_view value, HeadMeaning& meaning) {
  if (!meaning.content_length.empty()) return &kSeveralLengths;
  meaning.content_length = value;
  return CheckContentLength(value);
}

// RFC 9112 section 6.1: in HTTP/1.0 a sign of faulty framing.
Fault AddCoding(std::string_view value, const StartLine& start_line, HeadMeaning& meaning) {
  if (meaning.chunked) return &kSeveralCodings;
  if (start_line.version_minor == 0) return &kCodingInOldVersion;
  meaning.chunked = true;
  return CheckTransferEncoding(value);
}

// Whether a field may be one that AddField knows, told by its length and first letter. A switch
// over lengths alone jumps in a direction that processors predict wrongly for most fields.
inline bool MayDecide(std::string_view name) {
  static constexpr std::array<char, 32> kFirstLetters = [] {
    std::array<char, 32> letters{};
    for (const std::string_view known :
         {"host", "expect", "upgrade", "connection", "content-length", "transfer-encoding"}) {
      letters[known.size()] = known.front();
    }
    return letters;
  }();
  return kFirstLetters[name.size() % kFirstLetters.size()] == (name.front() | 0x20);
}

Fault AddField(const Field& field, const StartLine& start_line, HeadMeaning& meaning) {
  switch (field.name.size()) {
    case 4:
      if (!TokenIs(field.name, "host")) return nullptr;
      if (meaning.host.data() != nullptr) return &kSeveralHosts;
      meaning.host = field.value;
      return CheckHost(field.value);
    case 6:
      return TokenIs(field.name, "expect") ? AddExpect(field.value, start_line, meaning) : nullptr;
    case 7:
      // RFC 9110 section 7.8: to be ignored in HTTP/1.0.
      meaning.upgrade |=
          TokenIs(field.name, "upgrade") && !field.value.empty() && start_line.version_minor > 0;
      return nullptr;
    case 10:
      return TokenIs(field.name, "connection") ? AddConnection(field.value, meaning) : nullptr;
    case 14:
      return TokenIs(field.name, "content-length") ? AddLength(field.value, meaning) : nullptr;
    case 17:
      return TokenIs(field.name, "transfer-encoding") ? AddCoding(field.value, start_line, meaning)
                                                      : nullptr;
    default:
      return nullptr;
  }
}

// Offset after the quoted string that begins at `at`; `npos` when it does not end (RFC 9110 section
// 5.6.4). The line has no controls.
size_t SkipQuotedString(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.npos;
}

size_t SkipWhitespace(std::string_view text, size_t at) {
  while (at < text.size() && IsWhitespace(text[at])) ++at;
  return at;
}

// `;name` or `;name=value`, any number of times, with whitespace only around `;` and `=` (RFC 9112
// section 7.1.1). http-parser skips whatever stands there, line feeds included.
Fault CheckChunkExtension(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    at = SkipWhitespace(text, at);
    if (at == text.size() || text[at] != ';') return &kChunkExtension;
    const size_t name_begin = SkipWhitespace(text, at + 1);
    const size_t name_end = FindNot(kToken, text, name_begin);
    if (name_end == name_begin) return &kChunkExtension;
    at = SkipWhitespace(text, name_end);
    if (at == text.size() || text[at] != '=') {
      at = name_end;
      continue;
    }
    const size_t value_begin = SkipWhitespace(text, at + 1);
    const bool quoted = value_begin < text.size() && text[value_begin] == '"';
    at = quoted ? SkipQuotedString(text, value_begin) : FindNot(kToken, text, value_begin);
    if (at == text.npos || at == value_begin) return &kChunkExtension;
  }
  return nullptr;
}

// RFC 9112 section 7.1.1: a recipient ought to limit the extensions of a request as a whole.
Fault CountChunkExtension(size_t bytes, const RequestLimits& limits, uint32_t& message_bytes) {
  if (bytes > limits.chunk_extension_line_bytes_max) return &kChunkExtensionTooLong;
  message_bytes += static_cast<uint32_t>(bytes);
  const bool passed = message_bytes <= limits.chunk_extension_message_bytes_max;
  return passed ? nullptr : &kChunkExtensionTooLong;
}

// One to sixteen digits, at most 2^63 - 1 (RFC 9112 section 7.1: recipients must guard against
// overflow). http-parser takes leading zeros without end.
Fault CheckChunkSize(std::string_view digits) {
  if (digits.empty() || digits.size() > kChunkSizeDigitsMax) return &kChunkSize;
  const bool top_bit = digits.front() > '7';  // Letters are above digits.
  return digits.size() == kChunkSizeDigitsMax && top_bit ? &kChunkSize : nullptr;
}

}  // namespace

bool HeadMeaning::OnlyPersistence() const {
  return content_length.empty() && !chunked && !connection_upgrade && !upgrade;
}

PlainHead::PlainHead(const StartLine& start_line, const HeadMeaning& meaning) {
  Append(start_line.method);
  Append(start_line.version_minor == 0 ? " / HTTP/1.0\r\n" : " / HTTP/1.1\r\n");
  if (!meaning.content_length.empty()) {
    Append("Content-Length:");
    Append(meaning.content_length);
    Append("\r\n");
  }
  if (meaning.chunked) Append("Transfer-Encoding:chunked\r\n");
  if (meaning.close) Append("Connection:close\r\n");
  if (meaning.keep_alive) Append("Connection:keep-alive\r\n");
  if (meaning.connection_upgrade) Append("Connection:upgrade\r\n");
  if (meaning.upgrade) Append("Upgrade:offered\r\n");
  Append("\r\n");
}

void PlainHead::Append(std::string_view text) {
  ROTOR_CHECK(text.size() <= text_.size() - size_, "a plain head is too long");
  std::memcpy(text_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

GateResult CheckHeadLines(std::string_view input, const RequestLimits& limits,
                          LineProgress& progress, StartLine& start_line, std::span<Field> fields) {
  const std::string_view head = input.substr(0, limits.head_bytes_max);
  if (progress.scanned == 0 && TakeUsualLines(head, limits, progress, start_line, fields)) {
    return {GateOutcome::kPassed, nullptr, progress.line_start};
  }
  const bool full = head.size() == limits.head_bytes_max;
  if (!progress.start_line_done) {
    const GateResult result = CheckStartLine(head, limits, progress, start_line);
    if (result.outcome == GateOutcome::kNeedMore && full) return Refuse(kHeadTooLarge);
    if (result.outcome != GateOutcome::kPassed) return result;
  }
  const SectionLimits section{limits.field_line_bytes_max, limits.fields_max, kTooManyFields};
  const GateResult result = CheckFieldLines(head, section, progress, fields);
  if (result.outcome == GateOutcome::kNeedMore && full) return Refuse(kHeadTooLarge);
  return result;
}

Fault CheckHeadMeaning(const StartLine& start_line, std::span<const Field> fields,
                       HeadMeaning& meaning) {
  for (const Field& field : fields) {
    if (!MayDecide(field.name)) continue;
    if (Fault fault = AddField(field, start_line, meaning)) return fault;
  }
  const bool old_version = start_line.version_minor == 0;
  if (meaning.host.data() == nullptr && !old_version) return &kNoHost;
  // HTTP/1.1 persists without being asked (RFC 9112 section 9.3).
  meaning.keep_alive &= old_version;
  if (meaning.content_length.empty() && !meaning.chunked) return nullptr;
  // RFC 9112 section 6.3: such a message ought to be handled as an error.
  if (!meaning.content_length.empty() && meaning.chunked) return &kLengthAndCoding;
  // RFC 9110 section 9.3.6 gives it no meaning, and http-parser takes it for tunnel data.
  const std::string_view length = meaning.content_length;
  const bool has_body = meaning.chunked || length.find_first_not_of('0') != length.npos;
  return start_line.method == "CONNECT" && has_body ? &kBodyOfConnect : nullptr;
}

GateResult CheckChunkLine(std::string_view input, const RequestLimits& limits,
                          LineProgress& progress, uint32_t& extension_bytes,
                          ChunkLine& chunk_line) {
  const size_t line_bytes_max = kChunkSizeDigitsMax + limits.chunk_extension_line_bytes_max;
  const Line line = NextLine(input, line_bytes_max, progress);
  if (line.outcome == GateOutcome::kNeedMore) return {GateOutcome::kNeedMore};
  const bool too_long = line.fault == &kLineTooLong;
  if (line.fault != nullptr && !too_long) return Refuse(*line.fault);
  // A line that is too long has too many digits or too long an extension: the checks tell which.
  const std::string_view text = too_long ? input.substr(0, line_bytes_max + 1) : line.text;
  chunk_line.size_digits = text.substr(0, FindNot(kHexDigit, text));
  if (Fault fault = CheckChunkSize(chunk_line.size_digits)) return Refuse(*fault);
  const std::string_view extension = text.substr(chunk_line.size_digits.size());
  if (Fault fault = CountChunkExtension(extension.size(), limits, extension_bytes)) {
    return Refuse(*fault);
  }
  if (Fault fault = CheckChunkExtension(extension)) return Refuse(*fault);
  return {GateOutcome::kPassed, nullptr, progress.line_start};
}

GateResult CheckChunkDataEnd(std::string_view input) {
  const std::string_view end = input.substr(0, 2);
  if (!std::string_view("\r\n").starts_with(end)) return Refuse(kChunkDataEnd);
  return {end.size() == 2 ? GateOutcome::kPassed : GateOutcome::kNeedMore, nullptr, end.size()};
}

GateResult CheckTrailerLines(std::string_view input, const RequestLimits& limits,
                             LineProgress& progress, std::span<Field> fields) {
  const std::string_view trailers = input.substr(0, limits.trailer_bytes_max);
  const SectionLimits section{limits.field_line_bytes_max, limits.trailer_fields_max,
                              kTooManyTrailers};
  const GateResult result = CheckFieldLines(trailers, section, progress, fields);
  const bool full = trailers.size() == limits.trailer_bytes_max;
  if (result.outcome == GateOutcome::kNeedMore && full) return Refuse(kTrailersTooLarge);
  return result;
}

bool AllowedInTrailers(std::string_view name) {
  static constexpr std::string_view kForbidden[] = {
      // Framing and the connection.
      "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
      "transfer-encoding", "upgrade",
      // Routing and authentication.
      "authentication-info", "authorization", "cookie", "forwarded", "host", "max-forwards",
      "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "set-cookie", "via",
      "www-authenticate", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
      // Request modifiers.
      "cache-control", "expect", "if-match", "if-modified-since", "if-none-match", "if-range",
      "if-unmodified-since", "pragma", "range",
      // Handling of the content and of the response.
      "age", "content-encoding", "content-range", "content-type", "date", "expires", "location",
      "retry-after", "vary", "warning"};
  return std::none_of(std::begin(kForbidden), std::end(kForbidden),
                      [name](std::string_view other) { return EqualsIgnoreCase(name, other); });
}

}  // namespace rotor::http
