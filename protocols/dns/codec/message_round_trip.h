// What must hold for every message that can be decoded; shared by the test and the fuzzer.
#ifndef ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_ROUND_TRIP_H_
#define ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_ROUND_TRIP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/dns/codec/message_builder.h"
#include "protocols/dns/codec/message_view.h"

namespace rotor::dns {

struct DecodedRecord {
  Section section;
  Name owner;
  RecordClass record_class;
  uint32_t ttl;
  RecordData data;

  friend bool operator==(const DecodedRecord&, const DecodedRecord&) = default;
};

// A message taken apart, everything copied. `valid` is false when any part does not decode.
struct DecodedMessage {
  bool valid = false;
  MessageView view;
  std::vector<DecodedRecord> records;  // without OPT
};

inline DecodedMessage DecodeAll(std::string_view packet) {
  DecodedMessage message;
  if (message.view.Parse(packet) != ParseResult::kComplete) return message;
  MessageView::Cursor cursor(message.view);
  RecordView record;
  while (cursor.Next(&record)) {
    if (record.type == RecordType::kOpt) continue;
    absl::StatusOr<RecordData> data = RecordData::Decode(record.encoded());
    if (!data.ok()) return message;
    message.records.push_back(
        {record.section, record.owner, record.record_class, record.ttl, *std::move(data)});
  }
  message.valid = !cursor.malformed();
  return message;
}

// Writes `message` anew, into at most `bytes_max`. Empty when it does not fit.
inline std::string EncodeAll(const DecodedMessage& message, size_t bytes_max) {
  std::string packet(bytes_max, '\0');
  MessageBuilder builder(packet);
  if (message.view.question() != nullptr && !builder.AddQuestion(*message.view.question()))
    return "";
  for (const DecodedRecord& record : message.records) {
    if (!builder.AddRecord(record.section, record.owner, record.record_class, record.ttl,
                           record.data)) {
      return "";
    }
  }
  if (message.view.edns().has_value() && !builder.AddEdns(*message.view.edns())) return "";
  packet.resize(builder.Finish(message.view.header()));
  return packet;
}

inline bool SameEdns(const MessageView& a, const MessageView& b) {
  if (a.edns().has_value() != b.edns().has_value()) return false;
  if (!a.edns().has_value()) return true;
  return a.edns()->payload_bytes == b.edns()->payload_bytes &&
         a.edns()->extended_response_code == b.edns()->extended_response_code &&
         a.edns()->version == b.edns()->version && a.edns()->dnssec_ok == b.edns()->dnssec_ok &&
         a.edns()->options == b.edns()->options;
}

inline bool SameQuestion(const MessageView& a, const MessageView& b) {
  if (a.question() == nullptr || b.question() == nullptr) return a.question() == b.question();
  return a.question()->name.wire() == b.question()->name.wire() &&
         a.question()->type == b.question()->type &&
         a.question()->record_class == b.question()->record_class;
}

// Decode, encode, decode: nullptr, or what differs. Messages that cannot be decoded, or do not fit
// when written anew, pass: the first question only and decompressed foreign types are kept.
inline const char* CheckRoundTrip(std::string_view packet) {
  const DecodedMessage first = DecodeAll(packet);
  if (!first.valid) return nullptr;
  const std::string encoded = EncodeAll(first, kMessageBytesMax);
  if (encoded.empty()) return nullptr;
  const DecodedMessage second = DecodeAll(encoded);
  if (!second.valid) return "the encoded message cannot be decoded";
  if (!(first.view.header() == second.view.header())) return "the header differs";
  if (!SameQuestion(first.view, second.view)) return "the question differs";
  if (!SameEdns(first.view, second.view)) return "the OPT record differs";
  if (!(first.records == second.records)) return "the records differ";
  return nullptr;
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_CODEC_MESSAGE_ROUND_TRIP_H_
