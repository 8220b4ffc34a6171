#include "protocols/dns/zone/zone.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/check.h"
#include "protocols/dns/codec/text.h"

namespace rotor::dns {
namespace {

// Of a record in a message whose owner is compressed: pointer, type, class, TTL, size of the data.
constexpr size_t kRecordOverheadBytes = 12;

constexpr RecordType kDelegationSigner{43};  // DS (RFC 4034 section 5)

// Types that only exist in messages: OPT and the range of query and meta types (RFC 6895 section
// 3.1).
bool IsMetaType(RecordType type) {
  const int value = static_cast<int>(type);
  return type == RecordType::kOpt || value == 0 || (value >= 128 && value <= 255);
}

std::string Describe(const Name& owner, RecordType type) {
  return absl::StrCat(owner.ToText(), " ", ToText(type));
}

size_t MessageBytes(const RecordData& data) { return kRecordOverheadBytes + data.wire().size(); }

absl::Status CheckTimes(const Name& origin, const StartOfAuthority& soa) {
  for (uint32_t seconds : {soa.refresh, soa.retry, soa.expire, soa.minimum}) {
    if (seconds <= kTtlSecondsMax) continue;
    return absl::InvalidArgumentError(absl::StrCat("SOA of ", origin.ToText(), ": a time of ",
                                                   seconds, " seconds, at most 2^31 - 1"));
  }
  return absl::OkStatus();
}

bool IsWildcard(const Name& name) { return name.wire().starts_with("\1*"); }

}  // namespace

// One name. It exists for the DNS as soon as it has records or names below it (RFC 8020 section 2).
struct Zone::Node {
  std::string folded;  // for NameTable
  Node* parent = nullptr;
  const Node* wildcard = nullptr;  // the name `*` right below it
  bool has_cut = false;            // NS below the origin, or DNAME
  std::vector<Rrset> rrsets;       // in order of addition

  const Rrset* Find(RecordType type) const {
    for (const Rrset& rrset : rrsets) {
      if (rrset.type == type) return &rrset;
    }
    return nullptr;
  }

  LookupResult Answer(RecordType type, bool exact) const {
    using Outcome = LookupResult::Outcome;
    if (rrsets.empty()) return {Outcome::kNoData};
    // One RRset is a sufficient answer to "any" (RFC 8482 section 4.1).
    if (type == RecordType::kAny) return {Outcome::kFound, &rrsets.front(), 0, exact};
    if (const Rrset* rrset = Find(type); rrset != nullptr) {
      return {Outcome::kFound, rrset, 0, exact};
    }
    if (const Rrset* rrset = Find(RecordType::kCname); rrset != nullptr) {
      return {Outcome::kCname, rrset, 0, exact};
    }
    return {Outcome::kNoData};
  }
};

Zone::Zone(const Name& origin, uint32_t negative_ttl)
    : origin_(origin), origin_labels_(origin.CountLabels()), negative_ttl_(negative_ttl) {
  const HashedName key(origin);
  Node& apex = *nodes_.emplace_back(std::make_unique<Node>());
  apex.folded = std::string(key.Folded(0));
  table_.Insert(key.Hash(0), &apex);
}
Zone::Zone(Zone&&) noexcept = default;
Zone& Zone::operator=(Zone&&) noexcept = default;
Zone::~Zone() = default;

absl::StatusOr<Zone> Zone::Create(std::string_view origin, const ZoneOptions& options) {
  absl::StatusOr<Name> name = Name::FromText(origin);
  if (!name.ok()) return name.status();
  absl::StatusOr<Name> primary_server = Name::FromText(options.primary_server, *name);
  if (!primary_server.ok()) return primary_server.status();
  absl::StatusOr<Name> mailbox = Name::FromText(options.mailbox, *name);
  if (!mailbox.ok()) return mailbox.status();
  return Create(*name,
                {.primary_server = *primary_server,
                 .mailbox = *mailbox,
                 .serial = options.serial,
                 .refresh = options.refresh,
                 .retry = options.retry,
                 .expire = options.expire,
                 .minimum = options.minimum},
                options.soa_ttl);
}

absl::StatusOr<Zone> Zone::Create(const Name& origin, const StartOfAuthority& soa,
                                  uint32_t soa_ttl) {
  if (absl::Status status = CheckTimes(origin, soa); !status.ok()) return status;
  Zone zone(origin, std::min(soa_ttl, soa.minimum));
  absl::Status added = zone.Insert(origin, soa_ttl, RecordData::Soa(soa));
  if (!added.ok()) return added;
  return zone;
}

absl::Status Zone::Add(std::string_view owner, uint32_t ttl, RecordData data) {
  absl::StatusOr<Name> name = Name::FromText(owner, origin_);
  if (!name.ok()) return name.status();
  return Add(*name, ttl, std::move(data));
}

absl::Status Zone::Add(const Name& owner, uint32_t ttl, RecordData data) {
  if (data.type() == RecordType::kSoa) {
    return absl::InvalidArgumentError(
        absl::StrCat(Describe(owner, data.type()), ": the zone has its SOA record already"));
  }
  return Insert(owner, ttl, std::move(data));
}

absl::Status Zone::AddDynamicText(std::string_view owner, uint32_t ttl,
                                  std::function<std::string()> text) {
  ROTOR_CHECK(text != nullptr, "AddDynamicText needs a function");
  absl::StatusOr<Name> name = Name::FromText(owner, origin_);
  if (!name.ok()) return name.status();
  if (absl::Status status = Check(*name, RecordType::kTxt, ttl); !status.ok()) return status;
  const Node* const node = Find(*name);
  if (node != nullptr && node->Find(RecordType::kTxt) != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        Describe(*name, RecordType::kTxt), ": dynamic text is the only TXT record of its name"));
  }
  Rrset& rrset = FindOrMake(*name).rrsets.emplace_back();
  rrset.type = RecordType::kTxt;
  rrset.ttl = ttl;
  rrset.dynamic_text = std::move(text);
  ++record_count_;
  return absl::OkStatus();
}

absl::Status Zone::Insert(const Name& owner, uint32_t ttl, RecordData data) {
  if (absl::Status status = Check(owner, data.type(), ttl); !status.ok()) return status;
  const Node* const found = Find(owner);
  const Rrset* const existing = found == nullptr ? nullptr : found->Find(data.type());
  if (existing != nullptr && existing->dynamic_text != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        Describe(owner, data.type()), ": dynamic text is the only TXT record of its name"));
  }
  size_t bytes = MessageBytes(data);
  if (existing != nullptr) {
    for (const RecordData& record : existing->records) {
      if (record == data) {
        return absl::AlreadyExistsError(
            absl::StrCat(Describe(owner, data.type()), ": the same record again"));
      }
      bytes += MessageBytes(record);
    }
  }
  if (bytes > kRrsetBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(Describe(owner, data.type()),
                                                     ": the records of this name and type take ",
                                                     bytes, " bytes, at most ", kRrsetBytesMax));
  }
  Node& node = FindOrMake(owner);
  ++record_count_;
  const bool is_delegation = data.type() == RecordType::kNs && node.parent != nullptr;
  if (is_delegation || data.type() == RecordType::kDname) node.has_cut = true;
  for (Rrset& rrset : node.rrsets) {
    if (rrset.type == data.type()) {
      rrset.records.push_back(std::move(data));
      return absl::OkStatus();
    }
  }
  Rrset& rrset = node.rrsets.emplace_back();
  rrset.type = data.type();
  rrset.ttl = ttl;
  rrset.records.push_back(std::move(data));
  return absl::OkStatus();
}

absl::Status Zone::Check(const Name& owner, RecordType type, uint32_t ttl) const {
  if (!owner.IsAtOrBelow(origin_)) {
    return absl::InvalidArgumentError(
        absl::StrCat(owner.ToText(), " is not under the zone's origin ", origin_.ToText()));
  }
  if (IsMetaType(type)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Describe(owner, type), ": this type exists in messages only"));
  }
  if (ttl > kTtlSecondsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(Describe(owner, type), ": TTL ", ttl, ", at most 2^31 - 1"));
  }
  const bool is_cut = type == RecordType::kDname || type == RecordType::kNs;
  if (is_cut && IsWildcard(owner)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Describe(owner, type), ": not at a wildcard (RFC 4592 section 4.2 and 4.4)"));
  }
  return CheckAmong(owner, type, ttl);
}

// Against the records the name has already.
absl::Status Zone::CheckAmong(const Name& owner, RecordType type, uint32_t ttl) const {
  const Node* const node = Find(owner);
  if (node == nullptr || node->rrsets.empty()) return absl::OkStatus();
  const bool is_alias = node->Find(RecordType::kCname) != nullptr;
  if (is_alias || type == RecordType::kCname) {
    return absl::FailedPreconditionError(absl::StrCat(
        Describe(owner, type), ": a CNAME is the only record of its name (RFC 2181 section 10.1)"));
  }
  const Rrset* const rrset = node->Find(type);
  if (rrset == nullptr) return absl::OkStatus();
  if (type == RecordType::kDname) {
    return absl::FailedPreconditionError(
        absl::StrCat(Describe(owner, type), ": a name has one DNAME (RFC 6672 section 2.4)"));
  }
  if (rrset->ttl != ttl) {
    return absl::InvalidArgumentError(absl::StrCat(Describe(owner, type), ": TTL ", ttl,
                                                   " differs from TTL ", rrset->ttl,
                                                   " of the other records (RFC 2181 section 5.2)"));
  }
  return absl::OkStatus();
}

Zone::Node* Zone::Find(const HashedName& name) const { return table_.Find(name, 0); }

Zone::Node& Zone::FindOrMake(const HashedName& name) {
  // What is missing is made from the top down, so that each finds its parent.
  Node* node = nodes_.front().get();
  for (size_t skip = name.labels() - origin_labels_; skip-- > 0;) {
    Node* child = table_.Find(name, skip);
    if (child == nullptr) {
      child = nodes_.emplace_back(std::make_unique<Node>()).get();
      child->folded = std::string(name.Folded(skip));
      child->parent = node;
      table_.Insert(name.Hash(skip), child);
      if (child->folded.starts_with("\1*")) node->wildcard = child;
    }
    node = child;
  }
  return *node;
}

LookupResult Zone::Lookup(const HashedName& name, RecordType type) const {
  using Outcome = LookupResult::Outcome;
  if (name.labels() < origin_labels_) return {Outcome::kOutOfZone};
  const size_t below = name.labels() - origin_labels_;
  if (table_.Find(name, below) != nodes_.front().get()) return {Outcome::kOutOfZone};
  // The closest encloser: itself, or the nearest name above that exists.
  size_t skip = 0;
  const Node* node = nullptr;
  while ((node = table_.Find(name, skip)) == nullptr) ++skip;
  return FindAt(*node, skip, type);
}

LookupResult Zone::FindAt(const Node& node, size_t skip, RecordType type) const {
  using Outcome = LookupResult::Outcome;
  size_t labels_above = 0;
  bool is_dname = false;
  const Rrset* const cut = FindCutAbove(node, skip, type, &labels_above, &is_dname);
  if (cut != nullptr) {
    return {is_dname ? Outcome::kDname : Outcome::kDelegation, cut, labels_above};
  }
  if (skip == 0) return node.Answer(type, true);
  // Only a wildcard right below the closest encloser can be the source of an answer (RFC 4592
  // section 3.3.1).
  if (node.wildcard == nullptr) return {Outcome::kNameError};
  return node.wildcard->Answer(type, false);
}

const Rrset* Zone::FindCutAbove(const Node& node, size_t skip, RecordType type,
                                size_t* labels_above, bool* is_dname) const {
  const Rrset* cut = nullptr;
  for (const Node* at = &node; at != nullptr; at = at->parent, ++skip) {
    if (!at->has_cut) continue;
    const Rrset* const dname = at->Find(RecordType::kDname);
    const Rrset* const ns = at->parent != nullptr ? at->Find(RecordType::kNs) : nullptr;
    if (ns != nullptr) {
      // DS is the parent's (RFC 3658 section 2.2.1.1).
      if (skip == 0 && type == kDelegationSigner) continue;
      cut = ns;
      *is_dname = false;
    } else if (dname != nullptr && skip > 0) {  // It redirects what is below it only.
      cut = dname;
      *is_dname = true;
    } else {
      continue;
    }
    *labels_above = skip;
  }
  return cut;
}

const Rrset* Zone::FindExact(const HashedName& name, RecordType type) const {
  const Node* const node = Find(name);
  return node == nullptr ? nullptr : node->Find(type);
}

const PreparedAnswer* Zone::FindPrepared(const HashedName& name, RecordType type) const {
  const Rrset* const rrset = FindExact(name, type);
  return rrset == nullptr || rrset->prepared.records.empty() ? nullptr : &rrset->prepared;
}

void Zone::Prepare(absl::FunctionRef<PreparedAnswer(const Name&, const Rrset&)> prepare) {
  for (const std::unique_ptr<Node>& node : nodes_) {
    const Name owner = Name::FromWire(node->folded).value();
    for (Rrset& rrset : node->rrsets) {
      const LookupResult found = Lookup(owner, rrset.type);
      if (found.rrset == &rrset && found.exact) rrset.prepared = prepare(owner, rrset);
    }
  }
}

absl::Status Zone::Validate() const {
  constexpr size_t kFaultsMax = 10;
  std::vector<std::string> faults;
  if (nodes_.front()->Find(RecordType::kNs) == nullptr) {
    faults.push_back("no NS record at the origin");
  }
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (faults.size() >= kFaultsMax) break;
    const Name owner = Name::FromWire(node->folded).value();
    size_t labels_above = 0;
    bool is_dname = false;
    const Rrset* cut = FindCutAbove(*node, 0, RecordType::kAny, &labels_above, &is_dname);
    if (cut != nullptr && is_dname && !node->rrsets.empty()) {
      faults.push_back(absl::StrCat(owner.ToText(), ": lies below the DNAME of ",
                                    owner.Parent(labels_above).ToText(),
                                    " (RFC 6672 section 2.4)"));
    }
    if (cut != nullptr && labels_above > 0) continue;  // Glue at most.
    const Rrset* const servers = node->Find(RecordType::kNs);
    if (servers == nullptr) continue;
    for (const RecordData& server : servers->records) {
      const std::string fault = FindServerFault(Name::FromWire(server.wire()).value());
      if (!fault.empty())
        faults.push_back(absl::StrCat(Describe(owner, servers->type), ": ", fault));
    }
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("zone ", origin_.ToText(), ": ", absl::StrJoin(faults, "; ")));
}

// What is wrong with the name server `server`; nothing, if it is none of this zone's names.
std::string Zone::FindServerFault(const Name& server) const {
  using Outcome = LookupResult::Outcome;
  const HashedName key(server);
  const auto has = [&](RecordType type) {
    return FindExact(key, type) != nullptr || Lookup(key, type).outcome == Outcome::kFound;
  };
  const Outcome outcome = Lookup(key, RecordType::kA).outcome;
  if (outcome == Outcome::kOutOfZone || has(RecordType::kA) || has(RecordType::kAaaa)) return "";
  if (outcome == Outcome::kCname || outcome == Outcome::kDname) {
    return absl::StrCat("the name server ", server.ToText(),
                        " is an alias (RFC 2181 section 10.3)");
  }
  return absl::StrCat("the name server ", server.ToText(),
                      " lies in the zone and has no address there (RFC 1912 section 2.3)");
}

const Rrset& Zone::soa() const { return nodes_.front()->rrsets.front(); }

}  // namespace rotor::dns
