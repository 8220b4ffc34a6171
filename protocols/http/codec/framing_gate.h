// The gate: every byte that frames a message is checked here against the grammar of RFC 9112 before
// http-parser, which is lenient in ways that let requests be smuggled, may see any of it. What
// http-parser tolerates and the gate refuses:
//
//   bare LF or bare CR as line end, NUL and other controls      RFC 9112 section 2.2, RFC 9110 5.5
//   several empty lines before the request line                 RFC 9112 section 2.2
//   several spaces in the request line, HTTP/0.9, HTTP/9.9,
//     `SOURCE /x ICE/1.0`                                       RFC 9112 section 3, 2.3
//   characters that no target has, forms of target that do not
//     fit the method                                            RFC 9112 section 3.2, RFC 3986
//   whitespace in or after a field name, folded field lines     RFC 9112 section 5.1, 5.2
//   no Host, two Hosts, a Host that names no host               RFC 9112 section 3.2
//   `Transfer-Encoding` twice, in HTTP/1.0, with other codings  RFC 9112 section 6.1
//   chunk sizes of any number of digits, chunk extensions of
//     any bytes and any length                                  RFC 9112 section 7.1
//   fields that decide framing in trailers                      RFC 9110 section 6.5.1
//
// Its other habits are avoided by what it is given. It loses `close` in `Connection: , close`, in
// `Connection: c, close` and in front of a tab, reads Proxy-Connection as Connection, refuses
// `Content-Length: 5` followed by a tab, takes `Transfer-EncodingX` for Transfer-Encoding, and
// spends some twenty instructions on each byte of a target. So it sees no line as received, but the
// lines of PlainHead, which say the same, as far as it decides anything, in the plainest form.
//
// The functions here keep no state; what must survive between calls is in LineProgress. Only
// offsets survive. An error depends on the bytes alone, not on how they were split.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_FRAMING_GATE_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_FRAMING_GATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocols/http/codec/field.h"

namespace rotor::http {

// What a client may make us look at and hold.
struct RequestLimits {
  // A head from its first byte to the empty line that ends it: 431. At most 65536, which keeps
  // clear of the limit of 80 KiB that http-parser has for the whole process.
  uint32_t head_bytes_max = 16384;
  // The request target: 414. RFC 9112 section 3 asks for a request line of 8000 bytes at least.
  uint32_t target_bytes_max = 8000;
  // One field line without its line end: 431.
  uint32_t field_line_bytes_max = 8192;
  // Field lines of a head: 431. At least 1.
  uint32_t fields_max = 100;
  // Everything between a chunk's size and its line end; longer: 400. At most 65536.
  uint32_t chunk_extension_line_bytes_max = 256;
  // The same, of all chunks of a message: 400. It is bounded because extensions cost the client
  // less than us: each takes a line to check for one byte of data.
  uint32_t chunk_extension_message_bytes_max = 16384;
  // The trailer section with the empty line that ends it: 431. At most 65536.
  uint32_t trailer_bytes_max = 8192;
  // Field lines of a trailer section, dropped ones included: 431. At least 1.
  uint32_t trailer_fields_max = 32;
};

// Why a request is refused. All of them are constants with static lifetime, so a pointer to one is
// kept as long as one likes, and costs a register.
struct RequestError {
  int status;               // Of the response that should be sent before the connection is closed.
  std::string_view reason;  // A sentence's part for logs and error pages; plain ASCII, no markup.
};

// The outcome of one check: nullptr when it passed.
using Fault = const RequestError*;

// How far a head, a chunk line or a trailer section has been checked; offsets into the input.
struct LineProgress {
  uint32_t line_start = 0;  // The first line that is not complete yet.
  uint32_t scanned = 0;     // No line end and nothing illegal before this.
  uint32_t fields = 0;      // Field lines complete.
  bool start_line_done = false;
};

enum class GateOutcome : uint8_t { kNeedMore, kPassed, kRefused };

// A request line taken apart (RFC 9112 section 3). `path`, `query` and `authority` are as `path`,
// `query` and `host` of RequestHead; `authority` is empty when the target has none.
struct StartLine {
  std::string_view method;
  std::string_view target;
  std::string_view path;
  std::string_view query;
  std::string_view authority;
  int version_minor = 1;
};

struct GateResult {
  GateOutcome outcome;
  Fault fault = nullptr;  // With kRefused.
  size_t size = 0;        // With kPassed: bytes of the input that were checked.
};

// Checks the lines of a head: an optional empty line, the request line, field lines, the empty line
// at the end. With kPassed, `fields` holds progress.fields spans if the lines were checked in one
// call; otherwise call again with a fresh LineProgress to collect them. `fields` has room for
// limits.fields_max.
GateResult CheckHeadLines(std::string_view input, const RequestLimits& limits,
                          LineProgress& progress, StartLine& start_line, std::span<Field> fields);

// What the fields of a head mean together.
struct HeadMeaning {
  // Only `close` and `keep_alive` decide anything, besides method and version: the PlainHead has no
  // other field lines.
  bool OnlyPersistence() const;

  std::string_view host;            // The value of Host; data() is null without one.
  std::string_view content_length;  // Digits; empty without one.
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;  // Only in HTTP/1.0.
  bool connection_upgrade = false;
  bool upgrade = false;
  bool expects_continue = false;  // `Expect: 100-continue`, HTTP/1.1.
};

// The head http-parser decides method, framing, persistence and upgrade by: the request line with
// the target `/`, at most one field line of each kind without whitespace, the empty line.
class PlainHead {
 public:
  PlainHead(const StartLine& start_line, const HeadMeaning& meaning);

  std::string_view text() const { return {text_.data(), size_}; }

 private:
  void Append(std::string_view text);

  // Room for a method of 32 bytes and one of each: Content-Length of 19 digits, Transfer-Encoding,
  // three times Connection, Upgrade, and the empty line.
  std::array<char, 208> text_;
  size_t size_ = 0;
};

// Checks the fields of a complete head for what they mean together: Host, the body's framing,
// persistence, upgrade, expectations. `meaning` is fresh.
Fault CheckHeadMeaning(const StartLine& start_line, std::span<const Field> fields,
                       HeadMeaning& meaning);

inline constexpr size_t kChunkSizeDigitsMax = 16;

struct ChunkLine {
  std::string_view size_digits;  // One to kChunkSizeDigitsMax, hexadecimal; at most 2^63 - 1.
};

// Checks the line before a chunk's data, line end included (RFC 9112 section 7.1), and adds to the
// bytes of extensions the message has had.
GateResult CheckChunkLine(std::string_view input, const RequestLimits& limits,
                          LineProgress& progress, uint32_t& extension_bytes, ChunkLine& chunk_line);

// Checks the CR LF after a chunk's data.
GateResult CheckChunkDataEnd(std::string_view input);

// Checks a trailer section, the empty line at its end included. With kPassed, `fields` is as for
// CheckHeadLines; it has room for limits.trailer_fields_max.
GateResult CheckTrailerLines(std::string_view input, const RequestLimits& limits,
                             LineProgress& progress, std::span<Field> fields);

// Whether a field may stand in a trailer section: not those for framing, routing, authentication,
// request modifiers, or the handling of the content (RFC 9110 section 6.5.1).
bool AllowedInTrailers(std::string_view name);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_FRAMING_GATE_H_
