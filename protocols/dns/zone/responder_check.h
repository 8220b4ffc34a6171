// A zone with something of everything, and what must hold for every answer whatever the query;
// shared by the test and the fuzzer.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_CHECK_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_CHECK_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/zone/responder.h"
#include "protocols/dns/zone/zone.h"

namespace rotor::dns {

inline void MustAdd(Zone& zone, std::string_view owner, const absl::StatusOr<RecordData>& data) {
  ROTOR_CHECK(data.ok(), "the record data of the test zone are valid");
  const absl::Status status = zone.Add(owner, 300, *data);
  ROTOR_CHECK(status.ok(), "the records of the test zone are valid");
}

// Delegations, DNAMEs, and records whose targets have addresses.
inline void AddCuts(Zone& zone) {
  const auto cname = [&](std::string_view target) {
    return RecordData::Cname(Name::FromText(target, zone.origin()).value());
  };
  const auto text = [](size_t bytes) { return RecordData::Text(std::string(bytes, 'x')); };
  const auto ns = [&](std::string_view target) {
    return RecordData::Ns(Name::FromText(target, zone.origin()).value());
  };
  MustAdd(zone, "cut", ns("ns.cut"));
  MustAdd(zone, "cut", ns("ns.deep.cut"));
  MustAdd(zone, "cut", ns("ns"));
  MustAdd(zone, "cut", ns("ns.example.net."));
  MustAdd(zone, "cut", RecordData::FromWire(RecordType{43}, "ds"));
  MustAdd(zone, "ns.cut", RecordData::Address("192.0.2.61"));
  MustAdd(zone, "ns.cut", RecordData::Address("2001:db8::61"));
  MustAdd(zone, "ns.deep.cut", RecordData::Address("192.0.2.62"));
  MustAdd(zone, "hidden.cut", text(3));
  MustAdd(zone, "lower.cut", ns("ns"));
  MustAdd(zone, "tocut", cname("x.cut"));
  for (int i = 0; i < 30; ++i) {
    const std::string server = absl::StrCat("a-long-name-of-a-server-", i, ".broad");
    MustAdd(zone, "broad", ns(server));
    MustAdd(zone, server, RecordData::Address("2001:db8::1"));
  }
  const auto dname = [&](std::string_view target) {
    return RecordData::FromWire(RecordType::kDname, Name::FromText(target, zone.origin())->wire());
  };
  MustAdd(zone, "dname", dname("wild"));
  MustAdd(zone, "dname", text(5));
  MustAdd(zone, "growing", dname("a.growing"));
  MustAdd(zone, "off", dname("example.net."));
  const auto mx = [&](uint16_t preference, std::string_view target) {
    return RecordData::Mx({preference, Name::FromText(target, zone.origin()).value()});
  };
  MustAdd(zone, "mail", mx(10, "www"));
  MustAdd(zone, "mail", mx(20, "www"));
  MustAdd(zone, "mail", mx(30, "mx.example.net."));
  MustAdd(zone, "mail", mx(40, "ns.cut"));
  MustAdd(zone, "mail", mx(50, "x.wild"));
}

// hub.test. `stats` is asked for the text of stats.hub.test.
inline std::shared_ptr<ZoneStore> MakeTestZone(std::function<std::string()> stats) {
  Zone zone = Zone::Create("hub.test.", {.serial = 7, .minimum = 60, .soa_ttl = 3600}).value();
  const auto cname = [&](std::string_view target) {
    return RecordData::Cname(Name::FromText(target, zone.origin()).value());
  };
  const auto text = [](size_t bytes) { return RecordData::Text(std::string(bytes, 'x')); };
  MustAdd(zone, "@", RecordData::Ns(Name::FromText("ns.hub.test.").value()));
  MustAdd(zone, "ns", RecordData::Address("192.0.2.53"));
  MustAdd(zone, "www", RecordData::Address("192.0.2.1"));
  MustAdd(zone, "www", RecordData::Address("192.0.2.2"));
  MustAdd(zone, "www", RecordData::Address("2001:db8::1"));
  MustAdd(zone, "alias", cname("www"));
  MustAdd(zone, "away", cname("www.example.net."));
  MustAdd(zone, "gone", cname("nothing"));
  MustAdd(zone, "untyped", cname("ns"));
  MustAdd(zone, "self", cname("self"));
  MustAdd(zone, "loop1", cname("loop2"));
  MustAdd(zone, "loop2", cname("loop1"));
  for (int i = 0; i < 10; ++i) {
    MustAdd(zone, absl::StrCat("c", i), cname(absl::StrCat("c", i + 1)));
  }
  MustAdd(zone, "c10", RecordData::Address("192.0.2.10"));
  MustAdd(zone, "deep.empty.inner", text(4));
  MustAdd(zone, "*.wild", RecordData::Address("192.0.2.9"));
  MustAdd(zone, "host.sub.wild", RecordData::Address("192.0.2.8"));
  MustAdd(zone, "*.many", cname("www"));
  MustAdd(zone, "*.turning", cname("other.turning"));
  MustAdd(zone, "text600", text(600));
  MustAdd(zone, "text2000", text(2000));
  MustAdd(zone, "text48000", text(48000));
  MustAdd(zone, "totext600", cname("text600"));
  MustAdd(zone, "totext48000", cname("text48000"));
  AddCuts(zone);
  MustAdd(zone, "opaque", RecordData::FromWire(RecordType{65400}, "\1\2\3"));
  ROTOR_CHECK(zone.AddDynamicText("stats", 0, std::move(stats)).ok(), "stats is a free name");
  return ZoneStore::Of(std::move(zone));
}

// What the header of an answer owes to that of its query (RFC 1035 section 4.1.1).
inline const char* CheckAnswerHeader(const MessageView& query, const MessageView& answer) {
  const Header& asked = query.header();
  const Header& header = answer.header();
  if (!header.response || header.id != asked.id || header.opcode != asked.opcode) {
    return "the answer does not belong to the query";
  }
  if (header.recursion_desired != asked.recursion_desired) return "RD is not repeated";
  if (header.recursion_available) return "recursion is offered";
  if (header.reserved || header.authentic_data || header.checking_disabled) {
    return "Z, AD or CD is set";
  }
  // YXDOMAIN: a DNAME led to a name that is too long.
  const bool from_zone =
      header.response_code == 0 || header.response_code == 3 || header.response_code == 6;
  const bool bad_version = answer.edns().has_value() && answer.edns()->extended_response_code != 0;
  const bool is_referral = header.response_code == 0 && answer.Count(Section::kAnswer) == 0 &&
                           (answer.Count(Section::kAuthority) != 0 || header.truncated);
  if (header.authoritative != (from_zone && !bad_version) && !is_referral) return "AA is wrong";
  if (!header.authoritative && !is_referral &&
      (answer.Count(Section::kAnswer) != 0 || answer.Count(Section::kAuthority) != 0)) {
    return "an error carries records";
  }
  return nullptr;
}

inline const char* CheckAnswerQuestion(const MessageView& query, const MessageView& answer) {
  const bool repeated = query.Count(Section::kQuestion) == 1 && query.question() != nullptr;
  if (answer.Count(Section::kQuestion) != (repeated ? 1 : 0)) return "the question is not repeated";
  if (repeated && (query.question()->name.wire() != answer.question()->name.wire() ||
                   query.question()->type != answer.question()->type ||
                   query.question()->record_class != answer.question()->record_class)) {
    return "the question is changed";
  }
  return nullptr;
}

// Answers `query` into a buffer of `buffer_bytes`; nullptr, or which rule the answer breaks.
inline const char* CheckAnswer(const Responder& responder, std::string_view query,
                               Transport transport, size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);  // exactly: the address sanitizer watches its end
  const size_t size = responder.Answer(query, transport, buffer);
  MessageView asked;
  const ParseResult parsed = asked.Parse(query);
  const bool drop = parsed == ParseResult::kNoHeader || asked.header().response;
  if (drop || size == 0) return drop == (size == 0) ? nullptr : "wrongly dropped or answered";
  size_t limit = buffer_bytes;
  if (transport == Transport::kUdp) {
    const size_t payload_bytes = asked.edns().has_value() ? asked.edns()->payload_bytes : 0;
    limit = std::min(limit, std::clamp<size_t>(payload_bytes, 512, 1232));
  }
  if (size > limit) return "the answer is too large";
  MessageView answer;
  if (answer.Parse({buffer.data(), size}) != ParseResult::kComplete) return "cannot be parsed";
  MessageView::Cursor cursor(answer);
  RecordView record;
  while (cursor.Next(&record)) {
    if (!RecordData::Decode(record.encoded()).ok()) return "a record cannot be decoded";
  }
  if (cursor.malformed()) return "an owner cannot be decoded";
  if (answer.edns().has_value() != asked.edns().has_value()) return "OPT without OPT, or none";
  if (answer.header().truncated && transport == Transport::kTcp) return "truncated over TCP";
  const char* const wrong_header = CheckAnswerHeader(asked, answer);
  return wrong_header != nullptr ? wrong_header : CheckAnswerQuestion(asked, answer);
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_RESPONDER_CHECK_H_
