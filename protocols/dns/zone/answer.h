// The records of an answer, written into a message. Private to this package.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_ANSWER_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/types.h"
#include "protocols/dns/zone/hashed_name.h"
#include "protocols/dns/zone/zone.h"

namespace rotor::dns {

// How an RRset that belongs into the answer got there.
enum class Added : uint8_t {
  kWhole,
  kNoRoom,  // and nothing of it is in the message
  kFailed,  // its data could not be made
};

struct ZoneAnswer {
  ResponseCode code = ResponseCode::kNoError;
  bool authoritative = true;
  Added added = Added::kWhole;  // of the first one that was not added
};

// RFC 1034 section 4.3.2, steps 2 to 6, within `zone`, which `name`, the question's, is in. The
// builder holds the question.
ZoneAnswer AnswerFromZone(const Zone& zone, const Question& question, const HashedName& name,
                          MessageBuilder& builder);

// The answer to a question for `owner` and the type of `rrset`, which is found there exactly. Empty
// when the whole message would be larger than `bytes_max`, and for dynamic texts. Works in
// `buffer`, which holds every answer, so that nothing is left out.
PreparedAnswer PrepareAnswer(const Zone& zone, const Name& owner, const Rrset& rrset,
                             size_t bytes_max, std::span<char> buffer);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_ANSWER_H_
