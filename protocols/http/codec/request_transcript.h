// Runs bytes through a RequestParser in pieces and writes down what came out, for tests.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_TRANSCRIPT_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_TRANSCRIPT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "protocols/http/codec/request_parser.h"

namespace rotor::http {

// A connection whose client sends `bytes`, received in pieces that end at the offsets `ends`
// (ascending) and at the end. Before each call of the parser the unread bytes move to a new block
// of exactly their size, so that a pointer kept or a byte read too far shows under the address
// sanitizer. What came out, independent of the pieces:
//
//   POST /a?b 1.1 host=h path=/a query=b keep sized=5 |Host=h|Content-Length=5|
//   body=hello
//
// with `close` for `keep`, `expect` and `upgrade` after it, `none` or `chunked` for `sized=5`,
// `trailers |Name=value|` after the body, then the next request; `400 reason` ends it after an
// error, `incomplete` when input is left or a body pending. A request with `close` is the last.
std::string TranscriptOf(std::string_view bytes, std::span<const size_t> ends,
                         const RequestLimits& limits = {});

// Received in one piece.
std::string TranscriptOf(std::string_view bytes, const RequestLimits& limits = {});

// Received byte by byte.
std::string TranscriptByteByByte(std::string_view bytes, const RequestLimits& limits = {});

// One whole request in the same words.
std::string TranscriptOf(const RequestHead& head, std::string_view body,
                         std::span<const Field> trailers);

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_REQUEST_TRANSCRIPT_H_
