#include "protocols/dns/codec/record_data.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/wire.h"

namespace rotor::dns {
namespace {

constexpr size_t kDataBytesMax = 65535;
constexpr size_t kStringBytesMax = 255;

template <size_t N>
std::string BytesOf(const std::array<uint8_t, N>& address) {
  return std::string(address.begin(), address.end());
}

// At least one string, and the last one ends with the data (RFC 1035 section 3.3.14).
bool IsText(std::string_view wire) {
  if (wire.empty()) return false;
  size_t at = 0;
  while (at < wire.size()) at += 1u + wire::Read8(wire, at);
  return at == wire.size();
}

bool FitsLayout(std::string_view wire, const wire::DataLayout& layout) {
  if (wire.size() < layout.prefix_bytes) return false;
  wire.remove_prefix(layout.prefix_bytes);
  for (int i = 0; i < layout.names; ++i) {
    const size_t bytes = wire::MeasureName(wire);
    if (bytes == 0) return false;
    wire.remove_prefix(bytes);
  }
  return wire.size() == layout.suffix_bytes;
}

bool IsCaa(std::string_view wire) {
  return wire.size() > 2 && wire[1] != 0 && wire.size() >= 2u + wire::Read8(wire, 1);
}

bool FitsType(RecordType type, std::string_view wire) {
  if (type == RecordType::kTxt) return IsText(wire);
  if (type == RecordType::kCaa) return IsCaa(wire);
  const wire::DataLayout* layout = wire::FindDataLayout(type);
  return layout == nullptr || FitsLayout(wire, *layout);
}

void Append16(std::string* wire, uint16_t value) {
  char bytes[2];
  wire::Write16(bytes, value);
  wire->append(bytes, sizeof(bytes));
}

void Append32(std::string* wire, uint32_t value) {
  char bytes[4];
  wire::Write32(bytes, value);
  wire->append(bytes, sizeof(bytes));
}

bool ReadNameInData(const EncodedData& data, size_t* offset, Name* name) {
  const size_t start = data.message.size() - data.data.size();
  size_t at = start + *offset;
  if (!wire::ReadName(data.message, &at, name)) return false;
  *offset = at - start;
  return true;
}

template <size_t N>
bool ReadAddress(const EncodedData& data, std::array<uint8_t, N>* address) {
  if (data.data.size() != N) return false;
  std::memcpy(address->data(), data.data.data(), N);
  return true;
}

}  // namespace

bool Read(const EncodedData& data, std::array<uint8_t, 4>* address) {
  return data.type == RecordType::kA && ReadAddress(data, address);
}

bool Read(const EncodedData& data, std::array<uint8_t, 16>* address) {
  return data.type == RecordType::kAaaa && ReadAddress(data, address);
}

bool Read(const EncodedData& data, Name* name) {
  if (data.type != RecordType::kCname && data.type != RecordType::kNs &&
      data.type != RecordType::kPtr && data.type != RecordType::kDname) {
    return false;
  }
  size_t offset = 0;
  return ReadNameInData(data, &offset, name) && offset == data.data.size();
}

bool Read(const EncodedData& data, StartOfAuthority* soa) {
  if (data.type != RecordType::kSoa) return false;
  size_t offset = 0;
  if (!ReadNameInData(data, &offset, &soa->primary_server)) return false;
  if (!ReadNameInData(data, &offset, &soa->mailbox) || data.data.size() - offset != 20)
    return false;
  soa->serial = wire::Read32(data.data, offset);
  soa->refresh = wire::Read32(data.data, offset + 4);
  soa->retry = wire::Read32(data.data, offset + 8);
  soa->expire = wire::Read32(data.data, offset + 12);
  soa->minimum = wire::Read32(data.data, offset + 16);
  return true;
}

bool Read(const EncodedData& data, MailExchange* mx) {
  if (data.type != RecordType::kMx || data.data.size() < 2) return false;
  mx->preference = wire::Read16(data.data, 0);
  size_t offset = 2;
  return ReadNameInData(data, &offset, &mx->exchange) && offset == data.data.size();
}

bool Read(const EncodedData& data, ServiceLocation* srv) {
  if (data.type != RecordType::kSrv || data.data.size() < 6) return false;
  srv->priority = wire::Read16(data.data, 0);
  srv->weight = wire::Read16(data.data, 2);
  srv->port = wire::Read16(data.data, 4);
  size_t offset = 6;
  return ReadNameInData(data, &offset, &srv->target) && offset == data.data.size();
}

bool Read(const EncodedData& data, CaaProperty* caa) {
  if (data.type != RecordType::kCaa || !IsCaa(data.data)) return false;
  const size_t tag_bytes = wire::Read8(data.data, 1);
  *caa = {wire::Read8(data.data, 0), data.data.substr(2, tag_bytes),
          data.data.substr(2 + tag_bytes)};
  return true;
}

bool TextStrings::Next(std::string_view* string) {
  if (rest_.empty()) return false;
  const size_t bytes = wire::Read8(rest_, 0);
  if (rest_.size() < 1 + bytes) {
    malformed_ = true;
    rest_ = {};
    return false;
  }
  *string = rest_.substr(1, bytes);
  rest_.remove_prefix(1 + bytes);
  return true;
}

RecordData RecordData::A(const std::array<uint8_t, 4>& address) {
  return RecordData(RecordType::kA, BytesOf(address));
}

RecordData RecordData::Aaaa(const std::array<uint8_t, 16>& address) {
  return RecordData(RecordType::kAaaa, BytesOf(address));
}

absl::StatusOr<RecordData> RecordData::Address(std::string_view text) {
  const std::string terminated(text);
  std::array<uint8_t, 4> v4;
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return A(v4);
  std::array<uint8_t, 16> v6;
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return Aaaa(v6);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", AsAbsl(text), "\" is neither an IPv4 nor an IPv6 address"));
}

RecordData RecordData::Cname(const Name& target) {
  return RecordData(RecordType::kCname, std::string(target.wire()));
}

RecordData RecordData::Ns(const Name& server) {
  return RecordData(RecordType::kNs, std::string(server.wire()));
}

RecordData RecordData::Ptr(const Name& target) {
  return RecordData(RecordType::kPtr, std::string(target.wire()));
}

RecordData RecordData::Mx(const MailExchange& mx) {
  std::string wire;
  Append16(&wire, mx.preference);
  wire.append(mx.exchange.wire());
  return RecordData(RecordType::kMx, std::move(wire));
}

RecordData RecordData::Srv(const ServiceLocation& srv) {
  std::string wire;
  for (uint16_t value : {srv.priority, srv.weight, srv.port}) Append16(&wire, value);
  wire.append(srv.target.wire());
  return RecordData(RecordType::kSrv, std::move(wire));
}

absl::StatusOr<RecordData> RecordData::Caa(const CaaProperty& caa) {
  if (caa.tag.empty() || caa.tag.size() > kStringBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("CAA record: a tag of ", caa.tag.size(), " bytes, 1 to 255 are allowed"));
  }
  std::string wire = {static_cast<char>(caa.flags), static_cast<char>(caa.tag.size())};
  wire.append(caa.tag).append(caa.value);
  return FromWire(RecordType::kCaa, wire);
}

RecordData RecordData::Soa(const StartOfAuthority& soa) {
  std::string wire(soa.primary_server.wire());
  wire.append(soa.mailbox.wire());
  for (uint32_t value : {soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum}) {
    Append32(&wire, value);
  }
  return RecordData(RecordType::kSoa, std::move(wire));
}

absl::StatusOr<RecordData> RecordData::Text(std::string_view text) {
  const size_t strings = std::max<size_t>(1, (text.size() + kStringBytesMax - 1) / kStringBytesMax);
  if (text.size() > kDataBytesMax || text.size() + strings > kDataBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("TXT record: ", text.size(), " bytes of text do not fit 65535 bytes of data"));
  }
  std::string wire;
  wire.reserve(text.size() + strings);
  do {
    const std::string_view piece = text.substr(0, kStringBytesMax);
    wire.push_back(static_cast<char>(piece.size()));
    wire.append(piece);
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return RecordData(RecordType::kTxt, std::move(wire));
}

absl::StatusOr<RecordData> RecordData::TextOf(std::span<const std::string_view> strings) {
  std::string wire;
  for (std::string_view string : strings) {
    if (string.size() > kStringBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("TXT record: a string of ", string.size(), " bytes, at most 255"));
    }
    wire.push_back(static_cast<char>(string.size()));
    wire.append(string);
  }
  return FromWire(RecordType::kTxt, wire);
}

absl::StatusOr<RecordData> RecordData::Decode(const EncodedData& data) {
  const wire::DataLayout* layout = wire::FindDataLayout(data.type);
  const bool is_copied =
      layout == nullptr || layout->names == 0 || data.data.size() < layout->prefix_bytes;
  if (is_copied) return FromWire(data.type, data.data);
  std::string decoded(data.data.substr(0, layout->prefix_bytes));
  size_t offset = layout->prefix_bytes;
  for (int i = 0; i < layout->names; ++i) {
    Name name;
    if (!ReadNameInData(data, &offset, &name)) {
      return absl::InvalidArgumentError(absl::StrCat("record data of type ",
                                                     static_cast<int>(data.type),
                                                     ": malformed domain name at byte ", offset));
    }
    decoded.append(name.wire());
  }
  decoded.append(data.data.substr(offset));
  return FromWire(data.type, decoded);
}

absl::StatusOr<RecordData> RecordData::FromWire(RecordType type, std::string_view wire) {
  if (wire.size() > kDataBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("record data of type ", static_cast<int>(type),
                                                   ": ", wire.size(), " bytes, at most 65535"));
  }
  if (!FitsType(type, wire)) {
    return absl::InvalidArgumentError(absl::StrCat("record data of type ", static_cast<int>(type),
                                                   ": ", wire.size(),
                                                   " bytes that do not have the type's form"));
  }
  return RecordData(type, std::string(wire));
}

bool operator==(const RecordData& a, const RecordData& b) {
  if (a.type_ != b.type_ || a.wire_.size() != b.wire_.size()) return false;
  const wire::DataLayout* layout = wire::FindDataLayout(a.type_);
  if (layout == nullptr || layout->names == 0) return a.wire_ == b.wire_;
  const size_t names_bytes = a.wire_.size() - layout->prefix_bytes - layout->suffix_bytes;
  const auto names = [&](const RecordData& data) {
    return data.wire().substr(layout->prefix_bytes, names_bytes);
  };
  return a.wire_.compare(0, layout->prefix_bytes, b.wire_, 0, layout->prefix_bytes) == 0 &&
         EqualFolded(names(a), names(b)) &&
         a.wire_.compare(layout->prefix_bytes + names_bytes, std::string::npos, b.wire_,
                         layout->prefix_bytes + names_bytes, std::string::npos) == 0;
}

}  // namespace rotor::dns
