#include "protocols/dns/zone/answer.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/zone/responder.h"

namespace rotor::dns {
namespace {

// Answers with more records than that have no addresses added for the later ones.
constexpr size_t kTargetsMax = 64;

// Where the additional section processing of a type looks further (RFC 1035 section 3.3.9 and
// 3.3.11, RFC 2782).
bool ReadTarget(const RecordData& data, Name* target) {
  switch (data.type()) {
    case RecordType::kNs:
      return Read(data.encoded(), target);
    case RecordType::kMx: {
      MailExchange mx;
      if (!Read(data.encoded(), &mx)) return false;
      *target = mx.exchange;
      return true;
    }
    case RecordType::kSrv: {
      ServiceLocation srv;
      if (!Read(data.encoded(), &srv)) return false;
      *target = srv.target;
      return true;
    }
    default:
      return false;
  }
}

// One answer being written.
class AnswerWriter {
 public:
  AnswerWriter(const Zone& zone, MessageBuilder& builder) : zone_(zone), builder_(builder) {}

  Added AddRrset(Section section, const Name& owner, const Rrset& rrset) {
    if (rrset.dynamic_text == nullptr) {
      return Fits(builder_.AddRrset(section, owner, rrset.ttl, rrset.records));
    }
    const absl::StatusOr<RecordData> text = RecordData::Text(rrset.dynamic_text());
    if (!text.ok() || text->wire().size() > kRrsetBytesMax) return Added::kFailed;
    return Fits(builder_.AddRrset(section, owner, rrset.ttl, {&*text, 1}));
  }

  // RFC 2308 section 3: what a negative answer is cached by.
  Added AddNegative() {
    return Fits(builder_.AddRrset(Section::kAuthority, zone_.origin(), zone_.negative_ttl(),
                                  zone_.soa().records));
  }

  // The CNAME a DNAME stands for (RFC 6672 section 3.1).
  Added AddSynthesized(const Name& owner, uint32_t ttl, const Name& target) {
    return Fits(builder_.AddSynthesizedCname(owner, ttl, target));
  }

  // Name servers of the zone cut `cut`, and addresses. Those below the cut are needed to get any
  // further, so without them the answer is truncated (RFC 9471 section 3.1).
  Added AddReferral(const Name& cut, const Rrset& servers) {
    const Added added = AddRrset(Section::kAuthority, cut, servers);
    if (added != Added::kWhole) return added;
    for (const bool below : {true, false}) {
      for (size_t i = 0; i < servers.records.size(); ++i) {
        Name server;
        if (!ReadTarget(servers.records[i], &server)) continue;
        if (server.IsAtOrBelow(cut) != below || IsRepeated(servers, i)) continue;
        if (!AddGlue(server) && below) return Added::kNoRoom;
      }
    }
    return Added::kWhole;
  }

  // Addresses of what the records of `rrset` name, as far as they fit: without them nothing is
  // missing (RFC 2181 section 9).
  void AddTargets(const Rrset& rrset) {
    for (size_t i = 0; i < std::min(rrset.records.size(), kTargetsMax); ++i) {
      Name target;
      if (!ReadTarget(rrset.records[i], &target)) return;
      if (IsRepeated(rrset, i)) continue;
      const HashedName key(target);
      for (RecordType type : {RecordType::kA, RecordType::kAaaa}) {
        const LookupResult found = zone_.Lookup(key, type);
        const bool is_glue = found.outcome == LookupResult::Outcome::kDelegation;
        const Rrset* const addresses = is_glue ? zone_.FindExact(key, type) : found.rrset;
        if (addresses == nullptr || addresses->type != type) continue;
        if (AddRrset(Section::kAdditional, target, *addresses) != Added::kWhole) return;
      }
    }
  }

 private:
  static Added Fits(bool added) { return added ? Added::kWhole : Added::kNoRoom; }

  // Whether a record before this one names the same target.
  static bool IsRepeated(const Rrset& rrset, size_t index) {
    Name target;
    Name earlier;
    if (!ReadTarget(rrset.records[index], &target)) return false;
    for (size_t i = 0; i < index; ++i) {
      if (rrset.records[i].wire().size() != rrset.records[index].wire().size()) continue;
      if (ReadTarget(rrset.records[i], &earlier) && earlier == target) return true;
    }
    return false;
  }

  bool AddGlue(const Name& server) {
    const HashedName key(server);
    for (RecordType type : {RecordType::kA, RecordType::kAaaa}) {
      const Rrset* const addresses = zone_.FindExact(key, type);
      if (addresses == nullptr) continue;
      if (AddRrset(Section::kAdditional, server, *addresses) != Added::kWhole) return false;
    }
    return true;
  }

  const Zone& zone_;
  MessageBuilder& builder_;
};

// `name` with the DNAME's owner, what is left of it without `labels_above` labels, replaced by its
// target; false when that is too long.
bool Substitute(const Name& name, size_t labels_above, const Name& target, Name* result) {
  *result = Name();
  std::string_view rest = name.wire();
  const auto append = [&] {
    const size_t bytes = static_cast<uint8_t>(rest[0]);
    const bool appended = result->AppendLabel(rest.substr(1, bytes));
    rest.remove_prefix(1 + bytes);
    return appended;
  };
  for (; labels_above > 0; --labels_above) {
    if (!append()) return false;
  }
  rest = target.wire();
  while (rest.size() > 1) {
    if (!append()) return false;
  }
  return true;
}

// Follows one alias: `*owner` becomes its target. A DNAME may be used again and is written once.
ZoneAnswer FollowAlias(const LookupResult& found, bool again, Name* owner, AnswerWriter& writer) {
  if (found.outcome == LookupResult::Outcome::kCname) {
    const Added added = writer.AddRrset(Section::kAnswer, *owner, *found.rrset);
    if (!Read(found.rrset->records.front().encoded(), owner)) return {};
    return {.added = added};
  }
  Added added = Added::kWhole;
  if (!again) {
    added = writer.AddRrset(Section::kAnswer, owner->Parent(found.labels_above), *found.rrset);
  }
  if (added != Added::kWhole) return {.added = added};
  Name dname;
  Name target;
  if (!Read(found.rrset->records.front().encoded(), &dname)) return {};
  if (!Substitute(*owner, found.labels_above, dname, &target)) {
    return {.code = ResponseCode::kYxDomain};
  }
  added = writer.AddSynthesized(*owner, found.rrset->ttl, target);
  *owner = target;
  return {.added = added};
}

}  // namespace

ZoneAnswer AnswerFromZone(const Zone& zone, const Question& question, const HashedName& name,
                          MessageBuilder& builder) {
  using Outcome = LookupResult::Outcome;
  AnswerWriter writer(zone, builder);
  Name owner = question.name;
  std::array<const Rrset*, kCnameChainMax> chain;
  LookupResult found = zone.Lookup(name, question.type);
  for (size_t links = 0;; found = zone.Lookup(owner, question.type)) {
    Added added = Added::kWhole;
    switch (found.outcome) {
      case Outcome::kOutOfZone:
        return {};  // The rest of a chain is another zone's.
      case Outcome::kFound:
        added = writer.AddRrset(Section::kAnswer, owner, *found.rrset);
        if (added == Added::kWhole) writer.AddTargets(*found.rrset);
        return {.added = added};
      case Outcome::kDelegation:
        // Behind an alias the first owner still is this zone's (RFC 1035 section 4.1.1).
        return {.authoritative = links > 0,
                .added = writer.AddReferral(owner.Parent(found.labels_above), *found.rrset)};
      case Outcome::kNoData:
        return {.added = writer.AddNegative()};
      case Outcome::kNameError:
        // Also at the end of a chain (RFC 6604 section 3).
        return {.code = ResponseCode::kNameError, .added = writer.AddNegative()};
      case Outcome::kCname:
      case Outcome::kDname:
        break;
    }
    const auto end = chain.begin() + links;
    const bool again = std::find(chain.begin(), end, found.rrset) != end;
    if (again && found.outcome == Outcome::kCname) return {};  // A loop.
    chain[links++] = found.rrset;
    const ZoneAnswer followed = FollowAlias(found, again, &owner, writer);
    // The synthesized CNAME is what was asked for.
    const bool is_answered = question.type == RecordType::kCname;
    if (followed.added != Added::kWhole || followed.code != ResponseCode::kNoError || is_answered ||
        links == kCnameChainMax) {
      return followed;
    }
  }
}

PreparedAnswer PrepareAnswer(const Zone& zone, const Name& owner, const Rrset& rrset,
                             size_t bytes_max, std::span<char> buffer) {
  if (rrset.dynamic_text != nullptr) return {};
  MessageBuilder builder(buffer);
  const Question question = {owner, rrset.type, RecordClass::kIn};
  if (!builder.AddQuestion(question)) return {};
  const size_t question_end = builder.size();
  const ZoneAnswer answer = AnswerFromZone(zone, question, owner, builder);
  if (answer.added != Added::kWhole || builder.size() > bytes_max) return {};
  return {.records = std::string(buffer.data() + question_end, builder.size() - question_end),
          .counts = {builder.Count(Section::kAnswer), builder.Count(Section::kAuthority),
                     builder.Count(Section::kAdditional)}};
}

}  // namespace rotor::dns
