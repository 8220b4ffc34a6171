// Writes a DNS message into a buffer of the caller's.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_BUILDER_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_BUILDER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/types.h"

namespace rotor::dns {

// An OPT record without options.
inline constexpr size_t kEdnsBytes = 11;

// Appends questions and records in wire order, compressing names (RFC 1035 section 4.1.4). Each Add
// writes all of what it was given or, when that does not fit, nothing, and says so by its
// result. Never allocates. Names are written as given, but a name that repeats an earlier one up to
// case refers to it and so takes over its spelling.
class MessageBuilder {
 public:
  // The message goes to the front of `buffer`, at least 12 and at most 65535 bytes of which are
  // used. `buffer` must outlive the builder.
  explicit MessageBuilder(std::span<char> buffer);

  // Sections must be added in wire order: questions first, and so on.
  bool AddQuestion(const Question& question);
  bool AddRecord(Section section, const Name& owner, RecordClass record_class, uint32_t ttl,
                 const RecordData& data);
  // All `records`, of one type and class IN, or none of them.
  bool AddRrset(Section section, const Name& owner, uint32_t ttl,
                std::span<const RecordData> records);

  // A CNAME record of class IN.
  bool AddSynthesizedCname(const Name& owner, uint32_t ttl, const Name& target);
  // Records as they stand in another message with the same question, everything behind it: names in
  // them may refer to that question only. Nothing but OPT may be added afterwards.
  bool AddWritten(std::string_view records, const std::array<uint16_t, 3>& counts);

  // Keeps kEdnsBytes free for AddEdns, which then cannot fail. False when they are not left.
  bool ReserveEdns();
  // An OPT record (RFC 6891 section 6.1.2), at most one, with `edns.options` copied.
  bool AddEdns(const Edns& edns);

  // Bytes written so far, and records.
  size_t size() const { return size_; }
  uint16_t Count(Section section) const { return counts_[static_cast<size_t>(section)]; }

  // Writes the header with the counts of what was added and returns the size of the message.
  size_t Finish(const Header& header);

 private:
  // Where a name, or the tail of one, was written.
  struct Suffix {
    uint32_t tag;  // of its first bytes in lower case and its size: what differs is another name
    uint16_t offset;
    uint8_t bytes;  // uncompressed, with the root
    uint8_t slot;   // of slots_ that leads here
  };
  // Names beyond that many suffixes are written but not pointed to.
  static constexpr size_t kSuffixesMax = 32;
  static constexpr size_t kSlots = 2 * kSuffixesMax;

  // What an Add that failed goes back to.
  struct Mark {
    size_t size;
    size_t suffix_count;
    uint16_t count;
  };
  static uint32_t TagOf(std::string_view wire);

  void EnterSection(Section section);
  Mark Here() { return {size_, suffix_count_, count()}; }
  void GoBack(const Mark& mark);
  // `owner` is in wire form, or already a pointer.
  bool PutRecord(std::string_view owner, RecordClass record_class, uint32_t ttl, RecordType type,
                 std::string_view data);
  bool PutData(RecordType type, std::string_view data);
  bool PutName(std::string_view wire);
  bool PutBytes(std::string_view bytes);
  bool Put16(uint16_t value);
  // The suffix that is `wire`, or nullptr and the free slot for it.
  const Suffix* FindSuffix(std::string_view wire, uint32_t tag, uint8_t* slot) const;
  // `slot` from FindSuffix.
  void Remember(size_t offset, std::string_view wire, uint32_t tag, uint8_t slot);
  // The question's name is remembered when a name is looked for, which a prepared answer never
  // does.
  void RememberQuestion();
  bool WireEqualAt(size_t offset, std::string_view wire) const;
  uint16_t& count() { return counts_[static_cast<size_t>(section_)]; }

  char* data_;
  size_t limit_;  // bytes of the buffer that Add may use
  size_t size_ = kHeaderBytes;
  Section section_ = Section::kQuestion;
  std::array<uint16_t, 4> counts_ = {};
  bool edns_reserved_ = false;
  size_t question_name_bytes_ = 0;  // not remembered yet
  size_t suffix_count_ = 0;
  std::array<Suffix, kSuffixesMax> suffixes_;
  // Index into suffixes_ plus one, by tag; 0 is free. Emptied in the reverse order of filling.
  std::array<uint8_t, kSlots> slots_ = {};
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_BUILDER_H_
