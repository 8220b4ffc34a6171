#include "protocols/dns/codec/message_builder.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/codec/wire.h"

namespace rotor::dns {
namespace {

uint16_t HeaderBits(const Header& header) {
  const auto bit = [](bool value, int shift) { return static_cast<unsigned>(value) << shift; };
  return static_cast<uint16_t>(
      bit(header.response, 15) | (static_cast<unsigned>(header.opcode) & 0xf) << 11 |
      bit(header.authoritative, 10) | bit(header.truncated, 9) | bit(header.recursion_desired, 8) |
      bit(header.recursion_available, 7) | bit(header.reserved, 6) | bit(header.authentic_data, 5) |
      bit(header.checking_disabled, 4) | (header.response_code & 0xf));
}

}  // namespace

MessageBuilder::MessageBuilder(std::span<char> buffer)
    : data_(buffer.data()), limit_(std::min(buffer.size(), kMessageBytesMax)) {
  ROTOR_CHECK(buffer.size() >= kHeaderBytes, "a DNS message needs 12 bytes for its header");
}

bool MessageBuilder::AddQuestion(const Question& question) {
  RememberQuestion();
  EnterSection(Section::kQuestion);
  const Mark mark = Here();
  const std::string_view name = question.name.wire();
  const bool is_first = size_ == kHeaderBytes;
  if (!(is_first ? PutBytes(name) : PutName(name)) ||
      !Put16(static_cast<uint16_t>(question.type)) ||
      !Put16(static_cast<uint16_t>(question.record_class))) {
    GoBack(mark);
    return false;
  }
  if (is_first) question_name_bytes_ = name.size();
  ++count();
  return true;
}

bool MessageBuilder::AddRecord(Section section, const Name& owner, RecordClass record_class,
                               uint32_t ttl, const RecordData& data) {
  RememberQuestion();
  EnterSection(section);
  const Mark mark = Here();
  if (PutRecord(owner.wire(), record_class, ttl, data.type(), data.wire())) return true;
  GoBack(mark);
  return false;
}

bool MessageBuilder::AddRrset(Section section, const Name& owner, uint32_t ttl,
                              std::span<const RecordData> records) {
  RememberQuestion();
  EnterSection(section);
  const Mark mark = Here();
  std::string_view name = owner.wire();
  char pointer[2];
  for (const RecordData& data : records) {
    const size_t at = size_;
    if (!PutRecord(name, RecordClass::kIn, ttl, data.type(), data.wire())) {
      GoBack(mark);
      return false;
    }
    if (at != mark.size || owner.IsRoot()) continue;
    // The further records point to where the first one has or points to its owner.
    const bool is_pointer = wire::Read8({data_, size_}, at) >= wire::kPointerBits;
    if (!is_pointer && at > wire::kPointerOffsetMax) continue;
    wire::Write16(pointer, is_pointer ? wire::Read16({data_, size_}, at)
                                      : static_cast<uint16_t>(wire::kPointerBits << 8 | at));
    name = {pointer, sizeof(pointer)};
  }
  return true;
}

bool MessageBuilder::AddSynthesizedCname(const Name& owner, uint32_t ttl, const Name& target) {
  RememberQuestion();
  EnterSection(Section::kAnswer);
  const Mark mark = Here();
  if (PutRecord(owner.wire(), RecordClass::kIn, ttl, RecordType::kCname, target.wire()))
    return true;
  GoBack(mark);
  return false;
}

bool MessageBuilder::AddWritten(std::string_view records, const std::array<uint16_t, 3>& counts) {
  if (!PutBytes(records)) return false;
  EnterSection(Section::kAdditional);
  for (size_t i = 0; i < counts.size(); ++i) counts_[i + 1] += counts[i];
  return true;
}

bool MessageBuilder::ReserveEdns() {
  ROTOR_CHECK(!edns_reserved_, "ReserveEdns is called once");
  if (limit_ - size_ < kEdnsBytes) return false;
  limit_ -= kEdnsBytes;
  edns_reserved_ = true;
  return true;
}

bool MessageBuilder::AddEdns(const Edns& edns) {
  EnterSection(Section::kAdditional);
  if (edns_reserved_) limit_ += kEdnsBytes;
  edns_reserved_ = false;
  if (limit_ - size_ < kEdnsBytes + edns.options.size()) return false;
  const uint32_t extended = static_cast<uint32_t>(edns.extended_response_code) << 24 |
                            static_cast<uint32_t>(edns.version) << 16 |
                            (edns.dnssec_ok ? 0x8000u : 0u);
  char* const fixed = data_ + size_;
  fixed[0] = 0;  // the root
  wire::Write16(fixed + 1, static_cast<uint16_t>(RecordType::kOpt));
  wire::Write16(fixed + 3, edns.payload_bytes);
  wire::Write32(fixed + 5, extended);
  wire::Write16(fixed + 9, static_cast<uint16_t>(edns.options.size()));
  size_ += kEdnsBytes;
  PutBytes(edns.options);
  ++count();
  return true;
}

size_t MessageBuilder::Finish(const Header& header) {
  wire::Write16(data_, header.id);
  wire::Write16(data_ + 2, HeaderBits(header));
  for (size_t i = 0; i < counts_.size(); ++i) wire::Write16(data_ + 4 + 2 * i, counts_[i]);
  return size_;
}

void MessageBuilder::EnterSection(Section section) {
  ROTOR_CHECK(section >= section_, "the sections of a DNS message are written in order");
  section_ = section;
}

void MessageBuilder::GoBack(const Mark& mark) {
  size_ = mark.size;
  while (suffix_count_ > mark.suffix_count) slots_[suffixes_[--suffix_count_].slot] = 0;
  count() = mark.count;
}

bool MessageBuilder::PutRecord(std::string_view owner, RecordClass record_class, uint32_t ttl,
                               RecordType type, std::string_view data) {
  const bool is_pointer = wire::Read8(owner, 0) >= wire::kPointerBits;
  if (!(is_pointer ? PutBytes(owner) : PutName(owner))) return false;
  constexpr size_t kFixedBytes = 10;
  if (limit_ - size_ < kFixedBytes) return false;
  char* const fixed = data_ + size_;
  wire::Write16(fixed, static_cast<uint16_t>(type));
  wire::Write16(fixed + 2, static_cast<uint16_t>(record_class));
  wire::Write32(fixed + 4, ttl);
  size_ += kFixedBytes;
  const size_t data_at = size_;
  if (!PutData(type, data)) return false;
  wire::Write16(fixed + 8, static_cast<uint16_t>(size_ - data_at));
  ++count();
  return true;
}

bool MessageBuilder::PutData(RecordType type, std::string_view rest) {
  const wire::DataLayout* layout = wire::FindDataLayout(type);
  if (layout != nullptr && layout->compressible) {
    if (!PutBytes(rest.substr(0, layout->prefix_bytes))) return false;
    rest.remove_prefix(layout->prefix_bytes);
    for (int i = 0; i < layout->names; ++i) {
      const size_t bytes = wire::MeasureName(rest);
      if (!PutName(rest.substr(0, bytes))) return false;
      rest.remove_prefix(bytes);
    }
  }
  return PutBytes(rest);
}

bool MessageBuilder::PutName(std::string_view wire) {
  size_t at = 0;  // of the label that is looked at
  while (wire.size() - at > 1) {
    const std::string_view rest = wire::Slice(wire, at, wire.size() - at);
    const uint32_t tag = TagOf(rest);
    uint8_t slot = 0;
    if (const Suffix* suffix = FindSuffix(rest, tag, &slot); suffix != nullptr) {
      return PutBytes(wire::Slice(wire, 0, at)) &&
             Put16(static_cast<uint16_t>(wire::kPointerBits << 8 | suffix->offset));
    }
    Remember(size_ + at, rest, tag, slot);
    at += 1u + wire::Read8(wire, at);
  }
  return PutBytes(wire);
}

void MessageBuilder::RememberQuestion() {
  if (question_name_bytes_ == 0) return;
  std::string_view wire(data_ + kHeaderBytes, question_name_bytes_);
  question_name_bytes_ = 0;
  while (wire.size() > 1) {
    const uint32_t tag = TagOf(wire);
    uint8_t slot = 0;
    if (FindSuffix(wire, tag, &slot) == nullptr) {
      Remember(static_cast<size_t>(wire.data() - data_), wire, tag, slot);
    }
    wire.remove_prefix(1u + wire::Read8(wire, 0));
  }
}

void MessageBuilder::Remember(size_t offset, std::string_view wire, uint32_t tag, uint8_t slot) {
  if (offset > wire::kPointerOffsetMax || suffix_count_ == kSuffixesMax) return;
  suffixes_[suffix_count_] = {tag, static_cast<uint16_t>(offset), static_cast<uint8_t>(wire.size()),
                              slot};
  slots_[slot] = static_cast<uint8_t>(++suffix_count_);
}

uint32_t MessageBuilder::TagOf(std::string_view wire) {
  uint64_t first = 0;
  if (wire.size() >= sizeof(first)) {
    std::memcpy(&first, wire.data(), sizeof(first));
  } else {
    for (char c : wire) first = first << 8 | static_cast<uint8_t>(c);
  }
  return static_cast<uint32_t>((FoldCase(first) ^ wire.size()) * 0x9e3779b97f4a7c15 >> 32);
}

bool MessageBuilder::PutBytes(std::string_view bytes) {
  if (limit_ - size_ < bytes.size()) return false;
  if (!bytes.empty()) std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return true;
}

bool MessageBuilder::Put16(uint16_t value) {
  if (limit_ - size_ < 2) return false;
  wire::Write16(data_ + size_, value);
  size_ += 2;
  return true;
}

const MessageBuilder::Suffix* MessageBuilder::FindSuffix(std::string_view wire, uint32_t tag,
                                                         uint8_t* slot) const {
  size_t at = tag % kSlots;
  for (; slots_[at] != 0; at = (at + 1) % kSlots) {
    const Suffix& suffix = suffixes_[slots_[at] - 1u];
    if (suffix.tag == tag && suffix.bytes == wire.size() && WireEqualAt(suffix.offset, wire)) {
      return &suffix;
    }
  }
  *slot = static_cast<uint8_t>(at);
  return nullptr;
}

bool MessageBuilder::WireEqualAt(size_t offset, std::string_view wire) const {
  const std::string_view written(data_, size_);
  while (true) {
    // What lies here was written above and is well-formed: a pointer ends at labels.
    if (wire::Read8(written, offset) >= wire::kPointerBits) {
      offset = wire::Read16(written, offset) & wire::kPointerOffsetMax;
      continue;
    }
    const size_t label_bytes = 1u + wire::Read8(written, offset);
    if (label_bytes > wire.size()) return false;
    if (!EqualFolded(wire::Slice(written, offset, label_bytes),
                     wire::Slice(wire, 0, label_bytes))) {
      return false;
    }
    wire.remove_prefix(label_bytes);
    if (wire.empty()) return true;
    offset += label_bytes;
  }
}

}  // namespace rotor::dns
