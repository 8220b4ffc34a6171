#include "protocols/dns/resolver/answer.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace rotor::dns {
namespace {

uint32_t Ttl(const RecordView& record) { return record.ttl > kTtlSecondsMax ? 0 : record.ttl; }

// Follows the chain through the answer section.
class ChainReader {
 public:
  ChainReader(const MessageView& message, RecordType type, Reading& reading)
      : message_(message), type_(type), reading_(reading) {}

  // False if the message is malformed or the chain too long; then the verdict says which.
  bool Read() {
    do {
      if (!Pass()) return false;
    } while (moved_ && reading_.records.empty());
    return true;
  }

 private:
  // Records are usually in the order of the chain, and then one pass sees all.
  bool Pass() {
    moved_ = false;
    MessageView::Cursor cursor(message_);
    RecordView record;
    while (cursor.Next(&record) && record.section == Section::kAnswer) {
      if (record.record_class != RecordClass::kIn || record.owner != reading_.name) continue;
      const bool wanted = record.type == type_ || type_ == RecordType::kAny;
      if (wanted && !Keep(record)) return false;
      if (!wanted && record.type == RecordType::kCname && !Follow(record)) return false;
    }
    if (cursor.malformed()) reading_.verdict = Verdict::kMalformed;
    return !cursor.malformed();
  }

  bool Keep(const RecordView& record) {
    absl::StatusOr<RecordData> data = RecordData::Decode(record.encoded());
    if (!data.ok()) {
      reading_.verdict = Verdict::kMalformed;
      return false;
    }
    reading_.records.push_back(*std::move(data));
    Shorten(Ttl(record));
    return true;
  }

  bool Follow(const RecordView& record) {
    Name target;
    if (!dns::Read(record.encoded(), &target)) {
      reading_.verdict = Verdict::kMalformed;
      return false;
    }
    if (++reading_.aliases > kAliasesMax) {
      reading_.verdict = Verdict::kAliasLoop;
      return false;
    }
    reading_.name = target;
    Shorten(Ttl(record));
    moved_ = true;
    return true;
  }

  void Shorten(uint32_t ttl) {
    reading_.ttl_seconds = std::min(reading_.ttl_seconds.value_or(ttl), ttl);
  }

  const MessageView& message_;
  const RecordType type_;
  Reading& reading_;
  bool moved_ = false;
};

// What the authority section says of a negative answer.
struct Authority {
  std::optional<uint32_t> ttl_seconds;  // Of the SOA record of a zone that holds the name.
  bool delegates = false;               // Name servers and no SOA.
  bool malformed = false;
};

Authority ReadAuthority(const MessageView& message, const Name& name) {
  Authority authority;
  MessageView::Cursor cursor(message);
  RecordView record;
  while (cursor.Next(&record)) {
    if (record.section != Section::kAuthority || record.record_class != RecordClass::kIn) continue;
    if (record.type == RecordType::kNs) authority.delegates = true;
    StartOfAuthority soa;
    if (record.type != RecordType::kSoa || !name.IsAtOrBelow(record.owner)) continue;
    if (!Read(record.encoded(), &soa)) {
      authority.malformed = true;
      return authority;
    }
    authority.ttl_seconds = std::min(Ttl(record), soa.minimum);
  }
  authority.delegates = authority.delegates && !authority.ttl_seconds.has_value();
  authority.malformed = cursor.malformed();
  return authority;
}

void ReadNegative(const MessageView& message, bool no_such_name, Reading& reading) {
  const Authority authority = ReadAuthority(message, reading.name);
  if (authority.malformed) {
    reading.verdict = Verdict::kMalformed;
  } else if (no_such_name) {
    reading.verdict = Verdict::kNoSuchName;
  } else if (authority.delegates && !message.header().authoritative) {
    reading.verdict = Verdict::kLame;
  } else {
    reading.verdict = Verdict::kNoData;
  }
  // The chain to the name that does not exist holds no longer than itself.
  if (!authority.ttl_seconds.has_value()) {
    reading.ttl_seconds = std::nullopt;
  } else {
    const uint32_t ttl = *authority.ttl_seconds;
    reading.ttl_seconds = std::min(reading.ttl_seconds.value_or(ttl), ttl);
  }
}

Verdict VerdictOfCode(uint16_t code) {
  switch (static_cast<ResponseCode>(code)) {
    case ResponseCode::kFormatError:
      return Verdict::kFormatError;
    case ResponseCode::kServerFailure:
      return Verdict::kServerFailure;
    case ResponseCode::kNotImplemented:
      return Verdict::kNotImplemented;
    case ResponseCode::kRefused:
      return Verdict::kRefused;
    case ResponseCode::kBadVersion:
      return Verdict::kBadVersion;
    default:
      return Verdict::kOtherCode;
  }
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRecords:
      return "records";
    case Verdict::kNoData:
      return "no data";
    case Verdict::kNoSuchName:
      return "no such name";
    case Verdict::kAlias:
      return "alias";
    case Verdict::kAliasLoop:
      return "a loop or too long a chain of aliases";
    case Verdict::kFormatError:
      return "FORMERR";
    case Verdict::kServerFailure:
      return "SERVFAIL";
    case Verdict::kNotImplemented:
      return "NOTIMP";
    case Verdict::kRefused:
      return "REFUSED";
    case Verdict::kBadVersion:
      return "BADVERS";
    case Verdict::kOtherCode:
      return "an unknown response code";
    case Verdict::kLame:
      return "a referral";
    case Verdict::kMalformed:
      return "a malformed answer";
  }
  return "";
}

Reading ReadAnswer(const MessageView& message, const Name& name, RecordType type, size_t aliases) {
  Reading reading;
  reading.name = name;
  reading.aliases = aliases;
  uint16_t code = message.header().response_code;
  if (message.edns().has_value()) {
    code = static_cast<uint16_t>(code | message.edns()->extended_response_code << 4);
  }
  const bool no_such_name = code == static_cast<uint16_t>(ResponseCode::kNameError);
  if (code != 0 && !no_such_name) {
    reading.verdict = VerdictOfCode(code);
    return reading;
  }
  if (!ChainReader(message, type, reading).Read()) return reading;
  if (!reading.records.empty()) {
    reading.verdict = Verdict::kRecords;
    return reading;
  }
  const bool alias = reading.aliases > aliases;
  ReadNegative(message, no_such_name, reading);
  // A chain without its end, and nothing that says that the end has no records.
  if (alias && reading.verdict == Verdict::kNoData && !reading.ttl_seconds.has_value()) {
    reading.verdict = Verdict::kAlias;
  }
  if (alias && reading.verdict == Verdict::kLame) reading.verdict = Verdict::kAlias;
  return reading;
}

}  // namespace rotor::dns
