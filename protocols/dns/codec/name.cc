#include "protocols/dns/codec/name.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/wire.h"

namespace rotor::dns {
namespace {

// `text` is cut, so that an error is never longer than a line.
absl::Status NameError(std::string_view text, size_t position, const char* what) {
  constexpr size_t kShownBytesMax = 80;
  return absl::InvalidArgumentError(absl::StrCat("domain name \"",
                                                 AsAbsl(text.substr(0, kShownBytesMax)),
                                                 "\": ", what, " at character ", position));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// One character of text, escapes resolved.
struct TextByte {
  char value = 0;
  size_t text_bytes = 0;  // 0 when the escape is broken
};

TextByte ReadTextByte(std::string_view text) {
  if (text[0] != '\\') return {text[0], 1};
  if (text.size() < 2) return {};
  if (!IsDigit(text[1])) return {text[1], 2};
  if (text.size() < 4 || !IsDigit(text[2]) || !IsDigit(text[3])) return {};
  const int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
  if (value > 255) return {};
  return {static_cast<char>(value), 4};
}

// Appends the labels of `text` to `name`; `*absolute` says whether the text ended with a dot.
absl::Status AppendText(std::string_view text, Name* name, bool* absolute) {
  if (text.empty()) return NameError(text, 0, "empty");
  *absolute = false;
  if (text == ".") {
    *absolute = true;
    return absl::OkStatus();
  }
  char label[kLabelBytesMax];
  size_t bytes = 0;
  for (size_t position = 0; position < text.size();) {
    if (text[position] == '.') {
      if (bytes == 0) return NameError(text, position, "empty label");
      if (!name->AppendLabel({label, bytes})) {
        return NameError(text, position, "longer than 255 bytes");
      }
      bytes = 0;
      ++position;
      *absolute = position == text.size();
      continue;
    }
    const TextByte byte = ReadTextByte(text.substr(position));
    if (byte.text_bytes == 0) return NameError(text, position, "broken escape");
    if (bytes == kLabelBytesMax) return NameError(text, position, "label longer than 63 bytes");
    label[bytes++] = byte.value;
    position += byte.text_bytes;
  }
  if (!*absolute && !name->AppendLabel({label, bytes})) {
    return NameError(text, text.size(), "longer than 255 bytes");
  }
  return absl::OkStatus();
}

// What has a meaning in a zone file (RFC 1035 section 5.1).
bool IsSpecial(char c) { return std::string_view(".\\\"();@$").find(c) != std::string_view::npos; }

}  // namespace

// Text of a usual name: no escapes, not empty, nothing too long.
bool Name::ReadPlainText(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() + 2 > kNameBytesMax) return false;
  if (text.find('\\') != std::string_view::npos) return false;
  std::memcpy(wire_ + 1, text.data(), text.size());
  char* const end = wire_ + 1 + text.size();  // where the root label stands
  char* length = wire_;
  for (char* at = wire_ + 1;; ++at) {
    if (at != end && *at != '.') continue;
    const ptrdiff_t bytes = at - length - 1;
    if (bytes == 0 || bytes > static_cast<ptrdiff_t>(kLabelBytesMax)) return false;
    *length = static_cast<char>(bytes);
    if (at == end) break;
    length = at;
  }
  *end = 0;
  bytes_ = static_cast<uint8_t>(text.size() + 2);
  return true;
}

absl::StatusOr<Name> Name::FromText(std::string_view text) {
  absl::StatusOr<Name> name((Name()));
  if (text != "@" && name->ReadPlainText(text)) return name;
  return FromText(text, Name());
}

absl::StatusOr<Name> Name::FromText(std::string_view text, const Name& origin) {
  if (text == "@") return origin;
  Name name;
  bool absolute = false;
  if (absl::Status status = AppendText(text, &name, &absolute); !status.ok()) return status;
  if (absolute) return name;
  const size_t relative_bytes = name.bytes_ - 1u;
  if (relative_bytes + origin.bytes_ > kNameBytesMax) {
    return NameError(text, text.size(), "longer than 255 bytes with its origin");
  }
  std::memcpy(name.wire_ + relative_bytes, origin.wire_, origin.bytes_);
  name.bytes_ = static_cast<uint8_t>(relative_bytes + origin.bytes_);
  return name;
}

absl::StatusOr<Name> Name::FromWire(std::string_view wire) {
  const size_t bytes = wire::MeasureName(wire);
  if (bytes == 0) return absl::InvalidArgumentError("domain name in wire form: malformed");
  Name name;
  name.bytes_ = static_cast<uint8_t>(bytes);
  std::memcpy(name.wire_, wire.data(), bytes);
  return name;
}

std::string Name::ToText() const {
  if (IsRoot()) return ".";
  std::string text;
  for (size_t at = 0; wire_[at] != 0;) {
    const size_t end = at + 1 + static_cast<uint8_t>(wire_[at]);
    for (++at; at < end; ++at) {
      const uint8_t byte = static_cast<uint8_t>(wire_[at]);
      if (byte <= ' ' || byte >= 0x7f) {
        const char digits[] = {'\\', static_cast<char>('0' + byte / 100),
                               static_cast<char>('0' + byte / 10 % 10),
                               static_cast<char>('0' + byte % 10)};
        text.append(digits, sizeof(digits));
        continue;
      }
      if (IsSpecial(wire_[at])) text.push_back('\\');
      text.push_back(wire_[at]);
    }
    text.push_back('.');
  }
  return text;
}

size_t Name::CountLabels() const {
  size_t count = 0;
  for (size_t at = 0; wire_[at] != 0; at += 1u + static_cast<uint8_t>(wire_[at])) ++count;
  return count;
}

Name Name::Parent(size_t labels) const {
  size_t at = 0;
  for (; labels > 0; --labels) {
    ROTOR_CHECK(wire_[at] != 0, "Name::Parent(): more labels than the name has");
    at += 1u + static_cast<uint8_t>(wire_[at]);
  }
  Name parent;
  parent.bytes_ = static_cast<uint8_t>(bytes_ - at);
  std::memcpy(parent.wire_, wire_ + at, parent.bytes_);
  return parent;
}

bool Name::IsAtOrBelow(const Name& ancestor) const {
  if (bytes_ < ancestor.bytes_) return false;
  const size_t tail = bytes_ - ancestor.bytes_;
  size_t at = 0;
  while (at < tail) at += 1u + static_cast<uint8_t>(wire_[at]);
  return at == tail && EqualFolded(wire().substr(tail), ancestor.wire());
}

bool Name::AppendLabel(std::string_view label) {
  if (label.empty() || label.size() > kLabelBytesMax) return false;
  if (bytes_ + 1 + label.size() > kNameBytesMax) return false;
  char* const to = wire_ + bytes_ - 1;
  to[0] = static_cast<char>(label.size());
  std::memcpy(to + 1, label.data(), label.size());
  to[1 + label.size()] = 0;
  bytes_ = static_cast<uint8_t>(bytes_ + 1 + label.size());
  return true;
}

}  // namespace rotor::dns
