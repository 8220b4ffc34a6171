#include "protocols/dns/codec/record_data.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
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

bool FitsType(RecordType type, std::string_view wire) {
  if (type == RecordType::kTxt) return IsText(wire);
  const wire::DataLayout* layout = wire::FindDataLayout(type);
  return layout == nullptr || FitsLayout(wire, *layout);
}

void Append32(std::string* wire, uint32_t value) {
  char bytes[4];
  wire::Write32(bytes, value);
  wire->append(bytes, sizeof(bytes));
}

}  // namespace

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
