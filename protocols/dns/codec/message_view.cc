#include "protocols/dns/codec/message_view.h"

#include <string>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/codec/wire.h"

namespace rotor::dns {
namespace {

// Behind a record's owner: type, class, TTL, and the size of the data.
constexpr size_t kFixedBytes = 10;

Header ReadHeader(std::string_view packet) {
  const uint16_t bits = wire::Read16(packet, 2);
  return {
      .id = wire::Read16(packet, 0),
      .response = (bits & 0x8000) != 0,
      .opcode = static_cast<Opcode>(bits >> 11 & 0xf),
      .authoritative = (bits & 0x0400) != 0,
      .truncated = (bits & 0x0200) != 0,
      .recursion_desired = (bits & 0x0100) != 0,
      .recursion_available = (bits & 0x0080) != 0,
      .reserved = (bits & 0x0040) != 0,
      .authentic_data = (bits & 0x0020) != 0,
      .checking_disabled = (bits & 0x0010) != 0,
      .response_code = static_cast<uint8_t>(bits & 0xf),
  };
}

// The bytes of a record behind its owner, which begin at `*offset`; steps over them. False when
// they run out of the packet.
bool SplitRecord(std::string_view packet, size_t* offset, std::string_view* fixed,
                 std::string_view* data) {
  if (packet.size() - *offset < kFixedBytes) return false;
  *fixed = wire::Slice(packet, *offset, kFixedBytes);
  *offset += kFixedBytes;
  const size_t data_bytes = wire::Read16(*fixed, 8);
  if (packet.size() - *offset < data_bytes) return false;
  *data = wire::Slice(packet, *offset, data_bytes);
  *offset += data_bytes;
  return true;
}

bool OptionsAreWellFormed(std::string_view options) {
  EdnsOptions rest(options);
  EdnsOption option;
  while (rest.Next(&option)) {
  }
  return !rest.malformed();
}

}  // namespace

bool EdnsOptions::Next(EdnsOption* option) {
  constexpr size_t kOptionHeadBytes = 4;
  if (rest_.empty()) return false;
  malformed_ =
      rest_.size() < kOptionHeadBytes || rest_.size() < kOptionHeadBytes + wire::Read16(rest_, 2);
  if (malformed_) {
    rest_ = {};
    return false;
  }
  const size_t bytes = wire::Read16(rest_, 2);
  *option = {wire::Read16(rest_, 0), rest_.substr(kOptionHeadBytes, bytes)};
  rest_.remove_prefix(kOptionHeadBytes + bytes);
  return true;
}

void AppendEdnsOption(const EdnsOption& option, std::string* options) {
  ROTOR_CHECK(option.data.size() <= 65535, "an EDNS option has at most 65535 bytes of data");
  char head[4];
  wire::Write16(head, option.code);
  wire::Write16(head + 2, static_cast<uint16_t>(option.data.size()));
  options->append(head, sizeof(head)).append(option.data);
}

ParseResult MessageView::Parse(std::string_view packet) {
  counts_ = {};
  has_question_ = false;
  edns_.reset();
  packet_ = packet;
  if (packet.size() < kHeaderBytes) {
    header_ = Header();
    return ParseResult::kNoHeader;
  }
  header_ = ReadHeader(packet);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] = wire::Read16(packet, 4 + 2 * i);
  size_t offset = kHeaderBytes;
  if (!ParseQuestions(&offset)) return ParseResult::kMalformed;
  records_offset_ = offset;
  return ParseRecords(offset) ? ParseResult::kComplete : ParseResult::kMalformed;
}

bool MessageView::ParseQuestions(size_t* offset) {
  for (uint16_t i = 0; i < Count(Section::kQuestion); ++i) {
    const bool named =
        i == 0 ? wire::ReadName(packet_, offset, &question_.name) : wire::SkipName(packet_, offset);
    if (!named || packet_.size() - *offset < 4) return false;
    if (i == 0) {
      question_.type = static_cast<RecordType>(wire::Read16(packet_, *offset));
      question_.record_class = static_cast<RecordClass>(wire::Read16(packet_, *offset + 2));
      has_question_ = true;
    }
    *offset += 4;
  }
  return true;
}

bool MessageView::ParseRecords(size_t offset) {
  for (Section section : {Section::kAnswer, Section::kAuthority, Section::kAdditional}) {
    for (uint16_t i = 0; i < Count(section); ++i) {
      const size_t owner = offset;
      std::string_view fixed;
      std::string_view data;
      if (!wire::SkipName(packet_, &offset)) return false;
      if (!SplitRecord(packet_, &offset, &fixed, &data)) return false;
      if (wire::Read16(fixed, 0) != static_cast<uint16_t>(RecordType::kOpt)) continue;
      if (section != Section::kAdditional || packet_[owner] != 0) return false;
      if (!ParseEdns(fixed, data)) return false;
    }
  }
  return offset == packet_.size();
}

// RFC 6891 section 6.1.2 and 6.1.3.
bool MessageView::ParseEdns(std::string_view fixed_fields, std::string_view options) {
  if (edns_.has_value()) return false;
  edns_.emplace();
  edns_->payload_bytes = wire::Read16(fixed_fields, 2);
  edns_->extended_response_code = wire::Read8(fixed_fields, 4);
  edns_->version = wire::Read8(fixed_fields, 5);
  edns_->dnssec_ok = (wire::Read8(fixed_fields, 6) & 0x80) != 0;
  if (!OptionsAreWellFormed(options)) return false;
  edns_->options = options;
  return true;
}

// Most owners are the question's name, or that of OPT, the root.
bool MessageView::Cursor::ReadOwner(Name* owner) {
  constexpr uint16_t kPointerToQuestion = wire::kPointerBits << 8 | kHeaderBytes;
  const std::string_view packet = message_->packet_;
  if (packet.size() - offset_ >= 2) {
    const uint16_t front = wire::Read16(packet, offset_);
    if (front == kPointerToQuestion && message_->has_question_) {
      *owner = message_->question_.name;
      offset_ += 2;
      return true;
    }
    if (front >> 8 == 0) {
      *owner = Name();
      offset_ += 1;
      return true;
    }
  }
  return wire::ReadName(packet, &offset_, owner);
}

bool MessageView::Cursor::Next(RecordView* record) {
  while (left_ == 0) {
    if (section_ == Section::kAdditional) return false;
    section_ = static_cast<Section>(static_cast<int>(section_) + 1);
    left_ = message_->Count(section_);
  }
  std::string_view fixed;
  if (!ReadOwner(&record->owner) ||
      !SplitRecord(message_->packet_, &offset_, &fixed, &record->data)) {
    malformed_ = true;
    section_ = Section::kAdditional;
    left_ = 0;
    return false;
  }
  record->section = section_;
  record->type = static_cast<RecordType>(wire::Read16(fixed, 0));
  record->record_class = static_cast<RecordClass>(wire::Read16(fixed, 2));
  record->ttl = wire::Read32(fixed, 4);
  record->message = wire::Slice(message_->packet_, 0, offset_);
  --left_;
  return true;
}

}  // namespace rotor::dns
