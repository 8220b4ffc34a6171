#include "protocols/dns/zone/responder.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {
namespace {

constexpr uint8_t kEdnsVersion = 0;

// How adding to the answer went.
enum class Added : uint8_t {
  kWhole,
  kNoRoom,  // and nothing of it is in the message
  kFailed,  // its data could not be made
};

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

// One answer being written. A new one is made for an error found half way.
class Reply {
 public:
  // `buffer` has room for the question and OPT at least.
  Reply(const MessageView& query, std::span<char> buffer, uint16_t payload_bytes)
      : query_(query), payload_bytes_(payload_bytes), builder_(buffer) {
    const bool one_question = query.Count(Section::kQuestion) == 1 && query.question() != nullptr;
    if (one_question) builder_.AddQuestion(*query.question());
    if (query.edns().has_value()) builder_.ReserveEdns();
  }

  // `data` belongs to `owner`; the TTL is that of the RRset.
  Added AddAnswer(const Name& owner, const Rrset& rrset) {
    if (rrset.dynamic_text == nullptr) {
      return Fits(builder_.AddRrset(Section::kAnswer, owner, rrset.ttl, rrset.records));
    }
    const absl::StatusOr<RecordData> text = RecordData::Text(rrset.dynamic_text());
    if (!text.ok() || text->wire().size() > kRrsetBytesMax) return Added::kFailed;
    return Fits(builder_.AddRrset(Section::kAnswer, owner, rrset.ttl, {&*text, 1}));
  }

  // RFC 2308 section 3: what a negative answer is cached by.
  Added AddNegative(const Zone& zone) {
    return Fits(builder_.AddRrset(Section::kAuthority, zone.origin(), zone.negative_ttl(),
                                  zone.soa().records));
  }

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
  static Added Fits(bool added) { return added ? Added::kWhole : Added::kNoRoom; }

  const MessageView& query_;
  const uint16_t payload_bytes_;
  MessageBuilder builder_;
};

// What the zone says, and whether all of it is in the reply.
struct ZoneAnswer {
  ResponseCode code;
  Added added = Added::kWhole;
};

// RFC 1034 section 4.3.2, steps 2 to 4, within one zone.
ZoneAnswer AnswerFromZone(const Zone& zone, const Question& question, Reply& reply) {
  using Outcome = LookupResult::Outcome;
  Name owner = question.name;
  std::array<const Rrset*, kCnameChainMax> chain;
  size_t links = 0;
  while (true) {
    const LookupResult found = zone.Lookup(owner, question.type);
    switch (found.outcome) {
      case Outcome::kOutOfZone:
        // The rest of a chain is another server's.
        return {links == 0 ? ResponseCode::kRefused : ResponseCode::kNoError};
      case Outcome::kFound:
        return {ResponseCode::kNoError, reply.AddAnswer(owner, *found.rrset)};
      case Outcome::kNoData:
        return {ResponseCode::kNoError, reply.AddNegative(zone)};
      case Outcome::kNameError:
        // Also at the end of a chain (RFC 6604 section 3).
        return {ResponseCode::kNameError, reply.AddNegative(zone)};
      case Outcome::kCname:
        break;
    }
    const bool is_loop =
        std::find(chain.begin(), chain.begin() + links, found.rrset) != chain.begin() + links;
    if (is_loop) return {ResponseCode::kNoError};
    const Added added = reply.AddAnswer(owner, *found.rrset);
    chain[links++] = found.rrset;
    if (added != Added::kWhole || links == kCnameChainMax) return {ResponseCode::kNoError, added};
    owner = *Name::FromWire(found.rrset->records.front().wire());
  }
}

}  // namespace

Responder::Responder(std::shared_ptr<const Zone> zone, const ResponderOptions& options)
    : zone_(std::move(zone)), options_(options) {
  ROTOR_CHECK(zone_ != nullptr, "a Responder needs a zone");
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

  Reply reply(message, response, options_.udp_payload_bytes_max);
  const ZoneAnswer answer = AnswerFromZone(*zone_, *message.question(), reply);
  if (answer.code == ResponseCode::kRefused) return fail(answer.code);
  if (answer.added == Added::kFailed) return fail(ResponseCode::kServerFailure);
  const bool truncated = answer.added == Added::kNoRoom;
  // Over TCP there is nothing larger to ask again over.
  if (truncated && transport == Transport::kTcp) return fail(ResponseCode::kServerFailure);
  return reply.Finish(answer.code, true, truncated);
}

}  // namespace rotor::dns
