// What a server's message says about a question.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_ANSWER_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time/time.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"

namespace rotor::dns {

// What a lookup of records found.
struct Answer {
  enum class Kind : uint8_t {
    kRecords,
    kNoData,      // The name exists and has no record of the type.
    kNoSuchName,  // NXDOMAIN.
  };
  // Whose records these are: the end of the alias chain.
  Name name() const { return Name::FromWire(name_wire).value(); }

  Kind kind = Kind::kRecords;
  std::string name_wire;  // Many answers are kept, and a Name is large.
  std::vector<RecordData> records;
  Time expires;  // By when to forget it.
};

// How a message answers a question.
enum class Verdict : uint8_t {
  kRecords,
  kNoData,
  kNoSuchName,
  kAlias,  // A chain of aliases that ends outside of the message: ask for `name`.
  // The rest are no answers.
  kAliasLoop,  // Or a chain longer than kAliasesMax.
  kFormatError,
  kServerFailure,
  kNotImplemented,
  kRefused,
  kBadVersion,
  kOtherCode,
  kLame,  // A referral: this server does not resolve for us.
  kMalformed,
};
std::string_view VerdictName(Verdict verdict);

struct Reading {
  Verdict verdict = Verdict::kMalformed;
  Name name;  // The end of the alias chain.
  size_t aliases = 0;
  std::vector<RecordData> records;
  // The smallest TTL of the chain and the records (RFC 2181 section 5.2), or of a negative answer
  // (RFC 2308 section 5); none if it may not be cached. A TTL with the highest bit set is 0 (RFC
  // 2181 section 8).
  std::optional<uint32_t> ttl_seconds;
};

// Longest chain of aliases followed, over all messages.
inline constexpr size_t kAliasesMax = 11;

// Reads a response whose question was already compared. Only records of the chain that begins at
// `name` count, whatever else the message brings: nothing else is believed. `aliases` were followed
// before. Costs at most kAliasesMax passes over the message.
Reading ReadAnswer(const MessageView& message, const Name& name, RecordType type, size_t aliases);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_ANSWER_H_
