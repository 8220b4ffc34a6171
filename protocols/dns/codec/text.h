// How the DNS is written for people: names of types and codes, and record data as in a zone file.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_TEXT_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// "MX"; "TYPE65400" for a type without a name here (RFC 3597 section 5).
std::string ToText(RecordType type);
// "IN"; "CLASS77".
std::string ToText(RecordClass record_class);
// "NXDOMAIN"; "RCODE77".
std::string ToText(ResponseCode code);

// The reverse, without regard to case.
std::optional<RecordType> RecordTypeFromText(std::string_view text);
std::optional<RecordClass> RecordClassFromText(std::string_view text);

// The data of a record as a zone file has it, names absolute: "10 mail.example.test." Data of types
// without a form here, or that do not have the form of their type: "\# 3 abcdef" (RFC 3597 section
// 5). One line of printable ASCII, whatever the data.
std::string ToText(const EncodedData& data);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_TEXT_H_
