#include "protocols/dns/codec/text.h"

#include <arpa/inet.h>

#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"

namespace rotor::dns {
namespace {

struct NamedNumber {
  std::string_view name;
  uint16_t number;
};

// The registry of RFC 6895, as far as zones and messages of today use it.
constexpr NamedNumber kTypes[] = {
    {"A", 1},           {"NS", 2},      {"CNAME", 5},   {"SOA", 6},       {"PTR", 12},
    {"HINFO", 13},      {"MX", 15},     {"TXT", 16},    {"RP", 17},       {"AFSDB", 18},
    {"SIG", 24},        {"KEY", 25},    {"AAAA", 28},   {"LOC", 29},      {"SRV", 33},
    {"NAPTR", 35},      {"KX", 36},     {"CERT", 37},   {"DNAME", 39},    {"OPT", 41},
    {"APL", 42},        {"DS", 43},     {"SSHFP", 44},  {"IPSECKEY", 45}, {"RRSIG", 46},
    {"NSEC", 47},       {"DNSKEY", 48}, {"DHCID", 49},  {"NSEC3", 50},    {"NSEC3PARAM", 51},
    {"TLSA", 52},       {"SMIMEA", 53}, {"HIP", 55},    {"CDS", 59},      {"CDNSKEY", 60},
    {"OPENPGPKEY", 61}, {"CSYNC", 62},  {"ZONEMD", 63}, {"SVCB", 64},     {"HTTPS", 65},
    {"SPF", 99},        {"EUI48", 108}, {"EUI64", 109}, {"TKEY", 249},    {"TSIG", 250},
    {"IXFR", 251},      {"AXFR", 252},  {"ANY", 255},   {"URI", 256},     {"CAA", 257},
};
constexpr NamedNumber kClasses[] = {{"IN", 1}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANY", 255}};
constexpr NamedNumber kCodes[] = {
    {"NOERROR", 0},  {"FORMERR", 1},  {"SERVFAIL", 2}, {"NXDOMAIN", 3}, {"NOTIMP", 4},
    {"REFUSED", 5},  {"YXDOMAIN", 6}, {"YXRRSET", 7},  {"NXRRSET", 8},  {"NOTAUTH", 9},
    {"NOTZONE", 10}, {"BADVERS", 16}, {"BADKEY", 17},  {"BADTIME", 18}, {"BADCOOKIE", 23},
};

template <size_t N>
std::string Named(const NamedNumber (&table)[N], std::string_view prefix, uint16_t number) {
  for (const NamedNumber& entry : table) {
    if (entry.number == number) return std::string(entry.name);
  }
  return absl::StrCat(AsAbsl(prefix), number);
}

template <size_t N>
std::optional<uint16_t> Numbered(const NamedNumber (&table)[N], std::string_view prefix,
                                 std::string_view text) {
  const auto is = [](std::string_view a, std::string_view upper) { return EqualFolded(a, upper); };
  for (const NamedNumber& entry : table) {
    if (is(text, entry.name)) return entry.number;
  }
  if (text.size() <= prefix.size() || !is(text.substr(0, prefix.size()), prefix)) return {};
  text.remove_prefix(prefix.size());
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

void AppendQuoted(std::string_view bytes, std::string* text) {
  text->push_back('"');
  for (char c : bytes) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (byte < ' ' || byte >= 0x7f) {
      const char digits[] = {'\\', static_cast<char>('0' + byte / 100),
                             static_cast<char>('0' + byte / 10 % 10),
                             static_cast<char>('0' + byte % 10)};
      text->append(digits, sizeof(digits));
      continue;
    }
    if (c == '"' || c == '\\') text->push_back('\\');
    text->push_back(c);
  }
  text->push_back('"');
}

std::string Address(int family, const void* bytes) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes, text, sizeof(text));
}

std::string Opaque(std::string_view data) {
  std::string text = absl::StrCat("\\# ", data.size());
  if (!data.empty()) absl::StrAppend(&text, " ", absl::BytesToHexString(AsAbsl(data)));
  return text;
}

std::optional<std::string> TextStringsText(const EncodedData& data) {
  std::string text;
  TextStrings strings(data);
  for (std::string_view string; strings.Next(&string);) {
    if (!text.empty()) text.push_back(' ');
    AppendQuoted(string, &text);
  }
  if (strings.malformed() || text.empty()) return {};
  return text;
}

std::string SoaText(const StartOfAuthority& soa) {
  return absl::StrCat(soa.primary_server.ToText(), " ", soa.mailbox.ToText(), " ", soa.serial, " ",
                      soa.refresh, " ", soa.retry, " ", soa.expire, " ", soa.minimum);
}

// Data of a known type in the form of its type.
std::optional<std::string> KnownText(const EncodedData& data) {
  if (std::array<uint8_t, 4> v4; Read(data, &v4)) return Address(AF_INET, v4.data());
  if (std::array<uint8_t, 16> v6; Read(data, &v6)) return Address(AF_INET6, v6.data());
  if (Name name; Read(data, &name)) return name.ToText();
  if (StartOfAuthority soa; Read(data, &soa)) return SoaText(soa);
  if (MailExchange mx; Read(data, &mx)) {
    return absl::StrCat(mx.preference, " ", mx.exchange.ToText());
  }
  if (ServiceLocation srv; Read(data, &srv)) {
    return absl::StrCat(srv.priority, " ", srv.weight, " ", srv.port, " ", srv.target.ToText());
  }
  if (CaaProperty caa; Read(data, &caa)) {
    std::string text = absl::StrCat(caa.flags, " ");
    for (char c : caa.tag) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0) return {};
    }
    text.append(caa.tag).push_back(' ');
    AppendQuoted(caa.value, &text);
    return text;
  }
  return TextStringsText(data);
}

}  // namespace

std::string ToText(RecordType type) { return Named(kTypes, "TYPE", static_cast<uint16_t>(type)); }
std::string ToText(RecordClass record_class) {
  return Named(kClasses, "CLASS", static_cast<uint16_t>(record_class));
}
std::string ToText(ResponseCode code) {
  return Named(kCodes, "RCODE", static_cast<uint16_t>(code));
}

std::optional<RecordType> RecordTypeFromText(std::string_view text) {
  const std::optional<uint16_t> number = Numbered(kTypes, "TYPE", text);
  if (!number.has_value()) return {};
  return static_cast<RecordType>(*number);
}

std::optional<RecordClass> RecordClassFromText(std::string_view text) {
  const std::optional<uint16_t> number = Numbered(kClasses, "CLASS", text);
  if (!number.has_value()) return {};
  return static_cast<RecordClass>(*number);
}

std::string ToText(const EncodedData& data) {
  const std::optional<std::string> text = KnownText(data);
  return text.has_value() ? *text : Opaque(data.data);
}

}  // namespace rotor::dns
