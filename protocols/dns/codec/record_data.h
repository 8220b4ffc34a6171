// The data of a resource record as a value.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// SOA (RFC 1035 section 3.3.13). Times in seconds.
struct StartOfAuthority {
  Name primary_server;  // MNAME
  Name mailbox;         // RNAME: the first label is the local part
  uint32_t serial = 1;
  uint32_t refresh = 3600;
  uint32_t retry = 600;
  uint32_t expire = 604800;
  uint32_t minimum = 60;  // how long "there is no such thing" may be cached (RFC 2308 section 4)
};

// A record's type and its RDATA in wire form with no name compressed. Types that have no factory
// here are carried as opaque bytes (RFC 3597). Always valid for its type: whatever builds one
// checks it.
class RecordData {
 public:
  static RecordData A(const std::array<uint8_t, 4>& address);
  static RecordData Aaaa(const std::array<uint8_t, 16>& address);
  // An A or AAAA record of the address in `text`, "192.0.2.1" or "2001:db8::1".
  static absl::StatusOr<RecordData> Address(std::string_view text);
  static RecordData Cname(const Name& target);
  static RecordData Ns(const Name& server);
  static RecordData Soa(const StartOfAuthority& soa);
  // TXT: `text`, any bytes, cut into strings of at most 255 bytes (RFC 1035 section 3.3.14). Fails
  // when that is more than 65535 bytes in all.
  static absl::StatusOr<RecordData> Text(std::string_view text);
  // RDATA of any type. Checked when the type is known here: A, AAAA, NS, CNAME, SOA, PTR, MX,
  // SRV, TXT. Fails on bytes that do not fit the type, on more than 65535 bytes, and on a
  // compressed name.
  static absl::StatusOr<RecordData> FromWire(RecordType type, std::string_view wire);

  RecordType type() const { return type_; }

  // Valid as long as this value lives unchanged.
  std::string_view wire() const { return wire_; }

  // Same type and bytes; names in known types compare without regard to case.
  friend bool operator==(const RecordData& a, const RecordData& b);

 private:
  RecordData(RecordType type, std::string wire) : type_(type), wire_(std::move(wire)) {}

  RecordType type_;
  std::string wire_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_
