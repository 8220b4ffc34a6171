#include "protocols/dns/zone/record_text.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/text.h"

namespace rotor::dns {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// `text` is cut, so that an error is never longer than a line.
absl::Status Bad(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", AsAbsl(text.substr(0, 80)), "\" ", AsAbsl(what)));
}

bool IsAbsolute(std::string_view name) {
  if (!name.ends_with('.')) return false;
  size_t backslashes = 0;
  for (size_t i = name.size() - 1; i > 0 && name[i - 1] == '\\'; --i) ++backslashes;
  return backslashes % 2 == 0;
}

// Takes words one by one; the first fault stands, and everything read after it is worthless.
class Words {
 public:
  Words(std::span<const ZoneWord> words, const std::optional<Name>& origin)
      : rest_(words), origin_(origin) {}

  bool empty() const { return rest_.empty(); }
  const absl::Status& status() const { return status_; }

  std::string_view TakeWord() {
    if (rest_.empty()) {
      Fault(absl::InvalidArgumentError("data is missing"));
      return "";
    }
    const ZoneWord word = rest_.front();
    rest_ = rest_.subspan(1);
    return word.text;
  }

  Name TakeName() {
    absl::StatusOr<Name> name = ReadName(TakeWord(), origin_);
    if (!name.ok()) Fault(name.status());
    return name.ok() ? *name : Name();
  }

  uint32_t TakeNumber(uint32_t max) {
    const std::string_view text = TakeWord();
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > max) {
      Fault(Bad(text, absl::StrCat("is not a number from 0 to ", max)));
    }
    return value;
  }
  uint16_t TakeNumber16() { return static_cast<uint16_t>(TakeNumber(0xffff)); }

  uint32_t TakeTime() {
    absl::StatusOr<uint32_t> time = ReadTime(TakeWord());
    if (!time.ok()) Fault(time.status());
    return time.value_or(0);
  }

  // A character string with its escapes resolved.
  std::string TakeString() {
    std::string_view text = TakeWord();
    std::string bytes;
    while (!text.empty()) {
      if (text[0] != '\\') {
        bytes.push_back(text[0]);
        text.remove_prefix(1);
        continue;
      }
      const bool is_number =
          text.size() >= 4 && IsDigit(text[1]) && IsDigit(text[2]) && IsDigit(text[3]);
      const int value =
          is_number ? (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0') : 0;
      if (text.size() < 2 || (IsDigit(text[1]) && !is_number) || value > 255) {
        Fault(Bad(text, "begins with a broken escape"));
        return "";
      }
      bytes.push_back(is_number ? static_cast<char>(value) : text[1]);
      text.remove_prefix(is_number ? 4 : 2);
    }
    return bytes;
  }

  void Fault(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

 private:
  std::span<const ZoneWord> rest_;
  const std::optional<Name>& origin_;
  absl::Status status_;
};

template <int kFamily, size_t kBytes>
std::array<uint8_t, kBytes> TakeAddress(Words& words) {
  const std::string text(words.TakeWord());
  std::array<uint8_t, kBytes> address = {};
  if (inet_pton(kFamily, text.c_str(), address.data()) != 1) {
    words.Fault(
        Bad(text, kFamily == AF_INET ? "is not an IPv4 address" : "is not an IPv6 address"));
  }
  return address;
}

RecordData TakeSoa(Words& words) {
  StartOfAuthority soa;
  soa.primary_server = words.TakeName();
  soa.mailbox = words.TakeName();
  soa.serial = words.TakeNumber(std::numeric_limits<uint32_t>::max());
  soa.refresh = words.TakeTime();
  soa.retry = words.TakeTime();
  soa.expire = words.TakeTime();
  soa.minimum = words.TakeTime();
  return RecordData::Soa(soa);
}

absl::StatusOr<RecordData> TakeText(Words& words) {
  std::vector<std::string> strings;
  do {
    strings.push_back(words.TakeString());
  } while (!words.empty());
  const std::vector<std::string_view> views(strings.begin(), strings.end());
  return RecordData::TextOf(views);
}

// RFC 3597 section 5, behind the `\#`.
absl::StatusOr<RecordData> TakeOpaque(RecordType type, Words& words) {
  const uint32_t bytes = words.TakeNumber(65535);
  std::string digits;
  while (!words.empty()) digits.append(words.TakeWord());
  for (char c : digits) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
      return Bad(digits, "is not hexadecimal");
    }
  }
  if (digits.size() != 2 * size_t{bytes}) {
    return absl::InvalidArgumentError(
        absl::StrCat(digits.size(), " hexadecimal digits for ", bytes, " bytes of data"));
  }
  return RecordData::FromWire(type, AsStd(absl::HexStringToBytes(digits)));
}

absl::StatusOr<RecordData> TakeKnown(RecordType type, Words& words) {
  switch (type) {
    case RecordType::kA:
      return RecordData::A(TakeAddress<AF_INET, 4>(words));
    case RecordType::kAaaa:
      return RecordData::Aaaa(TakeAddress<AF_INET6, 16>(words));
    case RecordType::kNs:
    case RecordType::kCname:
    case RecordType::kDname:
    case RecordType::kPtr:
      return RecordData::FromWire(type, words.TakeName().wire());
    case RecordType::kSoa:
      return TakeSoa(words);
    case RecordType::kMx: {
      const uint16_t preference = words.TakeNumber16();
      return RecordData::Mx({preference, words.TakeName()});
    }
    case RecordType::kSrv: {
      const uint16_t priority = words.TakeNumber16();
      const uint16_t weight = words.TakeNumber16();
      const uint16_t port = words.TakeNumber16();
      return RecordData::Srv({priority, weight, port, words.TakeName()});
    }
    case RecordType::kTxt:
      return TakeText(words);
    case RecordType::kCaa: {
      const uint8_t flags = static_cast<uint8_t>(words.TakeNumber(255));
      const std::string tag = words.TakeString();
      const std::string value = words.TakeString();
      return RecordData::Caa({flags, tag, value});
    }
    default:
      return absl::InvalidArgumentError(
          "data of this type is read in the form \\# only (RFC 3597 section 5)");
  }
}

}  // namespace

absl::StatusOr<Name> ReadName(std::string_view text, const std::optional<Name>& origin) {
  if (origin.has_value()) return Name::FromText(text, *origin);
  if (IsAbsolute(text)) return Name::FromText(text);
  return Bad(text, "is relative, and there is no $ORIGIN before it");
}

absl::StatusOr<uint32_t> ReadTime(std::string_view text) {
  constexpr char kUnits[] = {'w', 'd', 'h', 'm', 's'};
  constexpr uint64_t kSeconds[] = {604800, 86400, 3600, 60, 1};
  uint64_t seconds = 0;
  std::string_view rest = text;
  do {
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) return Bad(text, "is not a time");
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    uint64_t unit = 1;
    if (!rest.empty()) {
      const char letter = FoldCase(rest[0]);
      size_t i = 0;
      while (i < std::size(kUnits) && kUnits[i] != letter) ++i;
      if (i == std::size(kUnits)) return Bad(text, "is not a time");
      unit = kSeconds[i];
      rest.remove_prefix(1);
    }
    seconds += value * unit;
    if (seconds > kTtlSecondsMax) return Bad(text, "is a time of more than 2^31 - 1 seconds");
  } while (!rest.empty());
  return static_cast<uint32_t>(seconds);
}

absl::StatusOr<RecordData> ReadRecordData(RecordType type, std::span<const ZoneWord> words,
                                          const std::optional<Name>& origin) {
  const bool opaque = !words.empty() && !words[0].quoted && words[0].text == "\\#";
  Words rest(opaque ? words.subspan(1) : words, origin);
  absl::StatusOr<RecordData> data = opaque ? TakeOpaque(type, rest) : TakeKnown(type, rest);
  if (!rest.status().ok()) return rest.status();
  if (!data.ok()) return data;
  if (!rest.empty()) return Bad(rest.TakeWord(), "is too much");
  return data;
}

}  // namespace rotor::dns
