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
  unsigned bits = (static_cast<unsigned>(header.opcode) & 0xf) << 11 | (header.response_code & 0xf);
  if (header.response) bits |= 0x8000;
  if (header.authoritative) bits |= 0x0400;
  if (header.truncated) bits |= 0x0200;
  if (header.recursion_desired) bits |= 0x0100;
  if (header.recursion_available) bits |= 0x0080;
  if (header.reserved) bits |= 0x0040;
  if (header.authentic_data) bits |= 0x0020;
  if (header.checking_disabled) bits |= 0x0010;
  return static_cast<uint16_t>(bits);
}

}  // namespace

MessageBuilder::MessageBuilder(std::span<char> buffer)
    : data_(buffer.data()), limit_(std::min(buffer.size(), kMessageBytesMax)) {
  ROTOR_CHECK(buffer.size() >= kHeaderBytes, "a DNS message needs 12 bytes for its header");
}

bool MessageBuilder::AddQuestion(const Question& question) {
  EnterSection(Section::kQuestion);
  const Mark mark = Here();
  if (!PutName(question.name.wire()) || !Put16(static_cast<uint16_t>(question.type)) ||
      !Put16(static_cast<uint16_t>(question.record_class))) {
    GoBack(mark);
    return false;
  }
  ++count();
  return true;
}

bool MessageBuilder::AddRecord(Section section, const Name& owner, RecordClass record_class,
                               uint32_t ttl, const RecordData& data) {
  EnterSection(section);
  const Mark mark = Here();
  if (PutRecord(owner, record_class, ttl, data.type(), data.wire())) return true;
  GoBack(mark);
  return false;
}

bool MessageBuilder::AddRrset(Section section, const Name& owner, uint32_t ttl,
                              std::span<const RecordData> records) {
  EnterSection(section);
  const Mark mark = Here();
  for (const RecordData& data : records) {
    if (!PutRecord(owner, RecordClass::kIn, ttl, data.type(), data.wire())) {
      GoBack(mark);
      return false;
    }
  }
  return true;
}

bool MessageBuilder::AddSynthesizedCname(const Name& owner, uint32_t ttl, const Name& target) {
  EnterSection(Section::kAnswer);
  const Mark mark = Here();
  if (PutRecord(owner, RecordClass::kIn, ttl, RecordType::kCname, target.wire())) return true;
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
  // Cannot fail: the room was checked above.
  PutBytes(std::string_view("\0", 1));
  Put16(static_cast<uint16_t>(RecordType::kOpt));
  Put16(edns.payload_bytes);
  Put32(extended);
  Put16(static_cast<uint16_t>(edns.options.size()));
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
  suffix_count_ = mark.suffix_count;
  count() = mark.count;
}

bool MessageBuilder::PutRecord(const Name& owner, RecordClass record_class, uint32_t ttl,
                               RecordType type, std::string_view data) {
  if (!PutName(owner.wire()) || !Put16(static_cast<uint16_t>(type)) ||
      !Put16(static_cast<uint16_t>(record_class)) || !Put32(ttl)) {
    return false;
  }
  const size_t length_at = size_;
  if (!Put16(0) || !PutData(type, data)) return false;
  wire::Write16(data_ + length_at, static_cast<uint16_t>(size_ - length_at - 2));
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
  while (wire.size() > 1) {
    if (const Suffix* suffix = FindSuffix(wire); suffix != nullptr) {
      return Put16(static_cast<uint16_t>(wire::kPointerBits << 8 | suffix->offset));
    }
    if (size_ <= wire::kPointerOffsetMax && suffix_count_ < kSuffixesMax) {
      suffixes_[suffix_count_++] = {static_cast<uint16_t>(size_),
                                    static_cast<uint8_t>(wire.size())};
    }
    const size_t label_bytes = 1u + wire::Read8(wire, 0);
    if (!PutBytes(wire.substr(0, label_bytes))) return false;
    wire.remove_prefix(label_bytes);
  }
  return PutBytes(wire);
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

bool MessageBuilder::Put32(uint32_t value) {
  if (limit_ - size_ < 4) return false;
  wire::Write32(data_ + size_, value);
  size_ += 4;
  return true;
}

const MessageBuilder::Suffix* MessageBuilder::FindSuffix(std::string_view wire) const {
  for (size_t i = 0; i < suffix_count_; ++i) {
    if (suffixes_[i].bytes == wire.size() && WireEqualAt(suffixes_[i].offset, wire)) {
      return &suffixes_[i];
    }
  }
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
    if (!EqualFolded(written.substr(offset, label_bytes), wire.substr(0, label_bytes)))
      return false;
    wire.remove_prefix(label_bytes);
    if (wire.empty()) return true;
    offset += label_bytes;
  }
}

}  // namespace rotor::dns
