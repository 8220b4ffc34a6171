#include "protocols/dns/zone/responder.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/types.h"
#include "protocols/dns/zone/answer.h"
#include "protocols/dns/zone/hashed_name.h"

namespace rotor::dns {
namespace {

constexpr uint8_t kEdnsVersion = 0;

// The refusal that can be seen before the zone is looked at, or kNoError.
ResponseCode Screen(const MessageView& query, ParseResult parsed) {
  const Opcode opcode = query.header().opcode;
  // First: what follows the header of an unknown operation is unknown too (RFC 8906 section 3.1.4).
  const bool is_update = opcode == Opcode::kNotify || opcode == Opcode::kUpdate;
  if (opcode != Opcode::kQuery && !is_update) return ResponseCode::kNotImplemented;
  // RFC 9619: exactly one question.
  if (parsed != ParseResult::kComplete || query.Count(Section::kQuestion) != 1) {
    return ResponseCode::kFormatError;
  }
  if (query.edns().has_value() && query.edns()->version > kEdnsVersion) {
    return ResponseCode::kBadVersion;
  }
  if (is_update || query.question()->record_class != RecordClass::kIn)
    return ResponseCode::kRefused;
  const RecordType type = query.question()->type;
  const bool is_transfer = type == RecordType::kAxfr || type == RecordType::kIxfr;
  return is_transfer ? ResponseCode::kRefused : ResponseCode::kNoError;
}

// Everything of an answer but its records.
class Reply {
 public:
  // `buffer` has room for the question and OPT at least.
  Reply(const MessageView& query, std::span<char> buffer, uint16_t payload_bytes)
      : query_(query), payload_bytes_(payload_bytes), builder_(buffer) {
    const bool one_question = query.Count(Section::kQuestion) == 1 && query.question() != nullptr;
    if (one_question) builder_.AddQuestion(*query.question());
    if (query.edns().has_value()) builder_.ReserveEdns();
  }

  MessageBuilder& builder() { return builder_; }

  size_t Finish(ResponseCode code, bool authoritative, bool truncated) {
    const uint16_t code_bits = static_cast<uint16_t>(code);
    if (query_.edns().has_value()) {
      // Unknown flags and options are not repeated (RFC 6891 section 6.1.2 and 6.1.4); DO is (RFC
      // 3225 section 3).
      builder_.AddEdns({.payload_bytes = payload_bytes_,
                        .extended_response_code = static_cast<uint8_t>(code_bits >> 4),
                        .version = kEdnsVersion,
                        .dnssec_ok = query_.edns()->dnssec_ok});
    }
    return builder_.Finish({.id = query_.header().id,
                            .response = true,
                            .opcode = query_.header().opcode,
                            .authoritative = authoritative,
                            .truncated = truncated,
                            .recursion_desired = query_.header().recursion_desired,
                            .response_code = static_cast<uint8_t>(code_bits & 0xf)});
  }

 private:
  const MessageView& query_;
  const uint16_t payload_bytes_;
  MessageBuilder builder_;
};

}  // namespace

Responder::Responder(std::shared_ptr<const ZoneStore> store, const ResponderOptions& options)
    : store_(std::move(store)), options_(options) {
  ROTOR_CHECK(store_ != nullptr, "a Responder needs zones");
  ROTOR_CHECK(options_.udp_payload_bytes_max >= kUdpPayloadBytesMin,
              "udp_payload_bytes_max is at least 512");
}

size_t Responder::Answer(std::string_view query, Transport transport,
                         std::span<char> response) const {
  ROTOR_CHECK(response.size() >= kResponseBytesMin, "the response buffer has at least 512 bytes");
  MessageView message;
  const ParseResult parsed = message.Parse(query);
  if (parsed == ParseResult::kNoHeader || message.header().response) return 0;

  size_t limit = kMessageBytesMax;
  if (transport == Transport::kUdp) {
    // RFC 6891 section 6.2.3: a value below 512 means 512, and so does no OPT.
    const size_t offered = message.edns().has_value() ? message.edns()->payload_bytes : 0;
    limit = std::clamp<size_t>(offered, kUdpPayloadBytesMin, options_.udp_payload_bytes_max);
  }
  response = response.first(std::min(response.size(), limit));

  const auto fail = [&](ResponseCode code) {
    return Reply(message, response, options_.udp_payload_bytes_max).Finish(code, false, false);
  };
  const ResponseCode refusal = Screen(message, parsed);
  if (refusal != ResponseCode::kNoError) return fail(refusal);
  const Question& question = *message.question();
  const HashedName name(question.name);
  const Zone* const zone = store_->zones()->Find(name);
  if (zone == nullptr) return fail(ResponseCode::kRefused);

  Reply reply(message, response, options_.udp_payload_bytes_max);
  const PreparedAnswer* const prepared = zone->FindPrepared(name, question.type);
  if (prepared != nullptr && reply.builder().AddWritten(prepared->records, prepared->counts)) {
    return reply.Finish(ResponseCode::kNoError, true, false);
  }
  const ZoneAnswer answer = AnswerFromZone(*zone, question, name, reply.builder());
  if (answer.added == Added::kFailed) return fail(ResponseCode::kServerFailure);
  const bool truncated = answer.added == Added::kNoRoom;
  // Over TCP there is nothing larger to ask again over.
  if (truncated && transport == Transport::kTcp) return fail(ResponseCode::kServerFailure);
  return reply.Finish(answer.code, answer.authoritative, truncated);
}

}  // namespace rotor::dns
