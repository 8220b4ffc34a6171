// Reads the requests of one HTTP/1.1 connection, as a server: bytes in, values out.
//
//   RequestScratch scratch(limits);            // one per loop
//   RequestParser parser;                      // one per connection
//   HeadResult head = parser.ParseHead(unread, scratch);
//   // kHead: use *head.head, then consume head.head_size bytes of the input.
//   while (parser.body_pending()) {
//     BodyResult body = parser.ParseBody(unread, scratch);
//     // use body.data, then consume body.consumed bytes; on kNeedMore wait for more input.
//   }
//   // Now ParseHead again: the next request may already be in the input.
//
// `unread` is always everything received and not consumed, in one piece; it may lie at another
// address in each call, since the parser keeps offsets and no pointers between calls. What a head
// brings is the same however the bytes were split. Each line is checked once, or twice when a
// head comes in more than one piece, never again for each piece.
//
// After an error no further call is allowed: answer with the given status and close, for what
// follows in the input cannot be told apart from a body (RFC 9112 sections 2.2, 6.3, 11.2).
// Nor may anything be parsed after a request without `keep_alive` (RFC 9112 section 9.6).
//
// End of input is the caller's business: a request is incomplete when the input ends with
// body_pending() or with unread bytes.
//
// Not thread-safe. No call allocates.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_PARSER_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_PARSER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocols/http/codec/framing_gate.h"
#include "protocols/http/codec/request_head.h"

namespace rotor::http {

namespace internal {

// What http-parser decides about a head.
struct Decision {
  Method method = Method::kOther;
  BodyKind body_kind = BodyKind::kNone;
  bool keep_alive = false;
  bool upgrade = false;
  uint64_t content_length = 0;
};

// The decisions about heads of a method in which only version and persistence decide anything.
struct PlainDecisions {
  std::string_view method;
  // By version_minor, and 2 for close, and 4 for keep-alive.
  std::array<Decision, 8> decisions = {};
};

}  // namespace internal

// Memory in which heads and trailers are taken apart; about 4.5 KiB with default limits, none of it
// needed between two calls. So that an idle connection costs a RequestParser and nothing else, one
// scratch serves all connections of a loop.
class RequestScratch {
 public:
  // Limits outside the ranges given in RequestLimits are a programmer's error.
  explicit RequestScratch(const RequestLimits& limits = {});

  RequestScratch(const RequestScratch&) = delete;
  RequestScratch& operator=(const RequestScratch&) = delete;

  const RequestLimits& limits() const { return limits_; }

 private:
  friend class RequestParser;

  const internal::Decision* FindPlainDecision(const StartLine& start_line,
                                              const HeadMeaning& meaning) const;

  const RequestLimits limits_;
  // Most requests have no body and no upgrade, and so few different plain heads exist. http-parser
  // takes 640 instructions for the shortest; asked about all of them here, before any request, it
  // remains the one who decides.
  std::array<internal::PlainDecisions, 4> plain_decisions_ = {
      {{"GET"}, {"HEAD"}, {"OPTIONS"}, {"DELETE"}}};
  std::vector<Field> fields_;
  std::vector<Field> trailers_;
  RequestHead head_;
};

struct HeadResult {
  enum class Outcome : uint8_t {
    kNeedMore,  // No complete head yet; consume nothing.
    kHead,      // `head` and `head_size` are set.
    kError,     // `error` is set.
  };
  Outcome outcome = Outcome::kNeedMore;
  // Bytes of the input that are the head, an ignored empty line before it included.
  size_t head_size = 0;
  // In the scratch; see RequestHead about how long it is valid.
  const RequestHead* head = nullptr;
  // A constant with static lifetime.
  const RequestError* error = nullptr;
};

struct BodyResult {
  enum class Outcome : uint8_t {
    kNeedMore,  // All input that can be used is consumed: wait for more.
    kData,      // `data` is not empty; there may be more in the input.
    kComplete,  // The body has ended, with `data` (may be empty) as its last piece.
    kError,     // `error` is set.
  };
  Outcome outcome = Outcome::kNeedMore;
  // Bytes of the input to consume after `data` and `trailers` were used; set with every outcome.
  size_t consumed = 0;
  // The next bytes of the body, framing removed. Points into the input.
  std::string_view data;
  // With kComplete after a chunked body: its trailer fields without those that RFC 9110 section
  // 6.5.1 forbids, which are dropped. Views of the input, in the scratch; as RequestHead::fields.
  std::span<const Field> trailers;
  const RequestError* error = nullptr;
};

class RequestParser {
 public:
  // `input` begins at the head of a request. Errors: 400, 414, 417, 431, 501, 505. Calling it while
  // body_pending() or after an error is a programmer's error.
  HeadResult ParseHead(std::string_view input, RequestScratch& scratch);

  // `input` begins where the last call stopped consuming. Returns at most one piece of data.
  // Errors: 400, 431. Calling it without body_pending() is a programmer's error.
  BodyResult ParseBody(std::string_view input, RequestScratch& scratch);

  // A head was returned and its body has not been returned completely.
  bool body_pending() const { return phase_ >= Phase::kSizedBody && phase_ <= Phase::kTrailers; }
  // ParseHead or ParseBody returned an error.
  bool failed() const { return phase_ == Phase::kFailed; }

 private:
  enum class Phase : uint8_t {
    kHead,
    kSizedBody,
    kChunkLine,
    kChunkData,
    kChunkDataEnd,
    kTrailers,
    kFailed,
  };

  // An http_parser between calls, whose definition only the .cc file sees.
  struct alignas(8) ParserImage {
    std::byte bytes[32];
  };

  HeadResult FailHead(const RequestError& error);
  HeadResult FinishHead(const StartLine& start_line, size_t head_size, size_t field_count,
                        RequestScratch& scratch);
  Fault DecideNow(const StartLine& start_line, const HeadMeaning& meaning,
                  internal::Decision& decision);

  // Each takes the next part of a body from `rest`, the input not consumed yet. Those that return
  // bool say whether the next part may follow in the same call.
  void ParseData(std::string_view rest, BodyResult& result);
  bool ParseChunkLine(std::string_view rest, const RequestLimits& limits, BodyResult& result);
  bool ParseChunkDataEnd(std::string_view rest, BodyResult& result);
  void ParseTrailers(std::string_view rest, RequestScratch& scratch, BodyResult& result);

  bool Pass(const GateResult& gate, BodyResult& result);
  bool Feed(std::string_view bytes, BodyResult& result);
  void FailBody(const RequestError& error, BodyResult& result);

  Phase phase_ = Phase::kHead;
  uint32_t chunk_extension_bytes_ = 0;
  LineProgress progress_;
  ParserImage image_{};
};

static_assert(sizeof(RequestParser) <= 64, "an idle connection keeps one of these");

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_PARSER_H_
