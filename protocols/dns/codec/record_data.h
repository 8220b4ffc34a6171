// The data of a resource record as a value.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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

// MX (RFC 1035 section 3.3.9).
struct MailExchange {
  uint16_t preference = 0;  // the lowest is tried first
  Name exchange;
};

// SRV (RFC 2782).
struct ServiceLocation {
  uint16_t priority = 0;  // the lowest is tried first
  uint16_t weight = 0;
  uint16_t port = 0;
  Name target;  // the root: there is no such service
};

// CAA (RFC 8659 section 4.1). Views what it was read from.
struct CaaProperty {
  uint8_t flags = 0;
  std::string_view tag;  // 1 to 255 bytes
  std::string_view value;
};

// RDATA as it lies in a message, or by itself: what the typed Read() functions below take.
// MessageView::Cursor and RecordData yield it.
struct EncodedData {
  RecordType type = RecordType::kA;
  std::string_view message;  // that compressed names may point into; ends with `data`
  std::string_view data;
};

// Reads the value of data of one type, names decompressed. False when `data` is of another type or
// does not have the form of its type. Nothing is allocated; `*value` is unspecified after false.
bool Read(const EncodedData& data, std::array<uint8_t, 4>* address);   // A
bool Read(const EncodedData& data, std::array<uint8_t, 16>* address);  // AAAA
bool Read(const EncodedData& data, Name* name);                        // CNAME, NS, PTR, DNAME
bool Read(const EncodedData& data, StartOfAuthority* soa);             // SOA
bool Read(const EncodedData& data, MailExchange* mx);                  // MX
bool Read(const EncodedData& data, ServiceLocation* srv);              // SRV
bool Read(const EncodedData& data, CaaProperty* caa);                  // CAA

// The strings of TXT data, in order; any other data has none.
//   for (TextStrings strings(data); strings.Next(&string);) ...
class TextStrings {
 public:
  explicit TextStrings(const EncodedData& data)
      : rest_(data.type == RecordType::kTxt ? data.data : std::string_view()) {}
  // False at the end, and at a string that is cut off; then malformed() is true.
  bool Next(std::string_view* string);
  bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
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
  static RecordData Ptr(const Name& target);
  static RecordData Mx(const MailExchange& mx);
  static RecordData Srv(const ServiceLocation& srv);
  // Fails when the tag is empty or longer than 255 bytes, or all of it than 65535.
  static absl::StatusOr<RecordData> Caa(const CaaProperty& caa);
  static RecordData Soa(const StartOfAuthority& soa);
  // TXT: `text`, any bytes, cut into strings of at most 255 bytes (RFC 1035 section 3.3.14). Fails
  // when that is more than 65535 bytes in all.
  static absl::StatusOr<RecordData> Text(std::string_view text);
  // TXT of these strings, each at most 255 bytes; at least one.
  static absl::StatusOr<RecordData> TextOf(std::span<const std::string_view> strings);
  // A copy of `data` with the names of known types decompressed (RFC 3597 section 4). Fails as
  // FromWire does.
  static absl::StatusOr<RecordData> Decode(const EncodedData& data);
  // RDATA of any type. Checked when the type is known here: A, AAAA, NS, CNAME, DNAME, SOA,
  // PTR, MX, SRV, TXT, CAA. Fails on bytes that do not fit the type, on more than 65535 bytes, and
  // on a compressed name.
  static absl::StatusOr<RecordData> FromWire(RecordType type, std::string_view wire);

  RecordType type() const { return type_; }

  // Valid as long as this value lives unchanged.
  std::string_view wire() const { return wire_; }
  EncodedData encoded() const { return {type_, wire_, wire_}; }

  // Same type and bytes; names in known types compare without regard to case.
  friend bool operator==(const RecordData& a, const RecordData& b);

 private:
  RecordData(RecordType type, std::string wire) : type_(type), wire_(std::move(wire)) {}

  RecordType type_;
  std::string wire_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_RECORD_DATA_H_
