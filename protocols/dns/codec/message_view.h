// Reads a DNS message in place.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_VIEW_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_VIEW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// The first four bytes' worth of a message (RFC 1035 section 4.1.1, RFC 4035 section 3 for AD and
// CD).
struct Header {
  uint16_t id = 0;
  bool response = false;             // QR
  Opcode opcode = Opcode::kQuery;    // 4 bits
  bool authoritative = false;        // AA
  bool truncated = false;            // TC
  bool recursion_desired = false;    // RD
  bool recursion_available = false;  // RA
  bool reserved = false;             // Z
  bool authentic_data = false;       // AD
  bool checking_disabled = false;    // CD
  uint8_t response_code = 0;         // the low 4 bits of a ResponseCode

  friend bool operator==(const Header&, const Header&) = default;
};

struct Question {
  Name name;
  RecordType type = RecordType::kA;
  RecordClass record_class = RecordClass::kIn;
};

// What an OPT record says (RFC 6891 section 6.1).
struct Edns {
  uint16_t payload_bytes = 0;          // the largest UDP message its sender takes, as sent
  uint8_t extended_response_code = 0;  // the high 8 bits of a ResponseCode
  uint8_t version = 0;
  bool dnssec_ok = false;         // DO; other flags are ignored
  std::string_view options = {};  // well-formed code, length, value triples
};

// A record whose data still lies in the message.
struct RecordView {
  Section section = Section::kAnswer;
  Name owner;
  RecordType type = RecordType::kA;
  RecordClass record_class = RecordClass::kIn;
  uint32_t ttl = 0;          // as sent; see RFC 2181 section 8 for the highest bit
  std::string_view data;     // RDATA; names in it may be compressed: see encoded()
  std::string_view message;  // from its first byte to the end of `data`

  // For the Read() functions of record_data.h, TextStrings and RecordData::Decode().
  EncodedData encoded() const { return {type, message, data}; }
};

// One option of an OPT record (RFC 6891 section 6.1.2).
struct EdnsOption {
  uint16_t code = 0;
  std::string_view data;
};

// Walks Edns::options: for (EdnsOptions rest(edns.options); rest.Next(&option);) ...
class EdnsOptions {
 public:
  explicit EdnsOptions(std::string_view options) : rest_(options) {}
  // False at the end, and at an option that is cut off; then malformed() is true.
  bool Next(EdnsOption* option);
  bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
};

// Appends one option, of at most 65535 bytes of data, to what becomes Edns::options.
void AppendEdnsOption(const EdnsOption& option, std::string* options);

enum class ParseResult : uint8_t {
  kComplete,
  kNoHeader,   // fewer than 12 bytes: nothing can be answered
  kMalformed,  // the header is valid and the rest is not
};

// A view of one message. Borrows the packet, which must live unchanged as long as the view and
// whatever was read from it. About 350 bytes, no allocation.
class MessageView {
 public:
  MessageView() = default;

  // Checks the structure of the whole `packet` in one pass, linear in its size: counts, lengths,
  // that no byte is left over, label types, that a compression pointer points backwards into the
  // message. At most one OPT, owned by the root, in the additional section (RFC 6891
  // section 6.1.1). The first question is decoded. After kMalformed, header() is valid, and
  // question() and edns() hold what was read before the fault.
  ParseResult Parse(std::string_view packet);

  const Header& header() const { return header_; }

  // As the header says.
  uint16_t Count(Section section) const { return counts_[static_cast<size_t>(section)]; }

  // The first question, or nullptr when there is none.
  const Question* question() const { return has_question_ ? &question_ : nullptr; }

  const std::optional<Edns>& edns() const { return edns_; }

  // Walks the records behind the questions in wire order, OPT included. Only after kComplete.
  class Cursor {
   public:
    explicit Cursor(const MessageView& message)
        : message_(&message), offset_(message.records_offset_) {}

    // False at the end, or when an owner name is malformed behind a compression pointer; then
    // malformed() is true. Cost is bounded by the longest name, whatever the pointers say.
    bool Next(RecordView* record);

    bool malformed() const { return malformed_; }

   private:
    bool ReadOwner(Name* owner);

    const MessageView* message_;
    size_t offset_;
    Section section_ = Section::kQuestion;
    uint16_t left_ = 0;  // records of section_
    bool malformed_ = false;
  };

 private:
  friend class Cursor;

  bool ParseQuestions(size_t* offset);
  bool ParseRecords(size_t offset);
  bool ParseEdns(std::string_view fixed_fields, std::string_view options);

  std::string_view packet_;
  Header header_;
  std::array<uint16_t, 4> counts_ = {};
  bool has_question_ = false;
  Question question_;
  std::optional<Edns> edns_;
  size_t records_offset_ = 0;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_VIEW_H_
