// Names, times and record data from the words of a zone file. Private to this package.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_RECORD_TEXT_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_RECORD_TEXT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/zone/zone_file_scanner.h"

namespace rotor::dns {

// Absolute, or relative to `origin` if there is one.
absl::StatusOr<Name> ReadName(std::string_view text, const std::optional<Name>& origin);

// Seconds: "3600", "1h", "1w2d3h4m5s"; at most 2^31 - 1.
absl::StatusOr<uint32_t> ReadTime(std::string_view text);

// The data of one record of `type` from all of `words`.
absl::StatusOr<RecordData> ReadRecordData(RecordType type, std::span<const ZoneWord> words,
                                          const std::optional<Name>& origin);

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_RECORD_TEXT_H_
