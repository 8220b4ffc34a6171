#include "protocols/dns/zone/zone.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor::dns {
namespace {

// Of a record in a message whose owner is compressed: pointer, type, class, TTL, size of the data.
constexpr size_t kRecordOverheadBytes = 12;

// The labels of a name in lower case, numbered from the left.
class FoldedLabels {
 public:
  explicit FoldedLabels(const Name& name) {
    const std::string_view wire = name.wire();
    std::transform(wire.begin(), wire.end(), folded_.begin(), FoldCase);
    for (size_t at = 0; wire[at] != 0; at += 1u + static_cast<uint8_t>(wire[at])) {
      starts_[count_++] = static_cast<uint8_t>(at);
    }
  }

  size_t count() const { return count_; }

  std::string_view operator[](size_t index) const {
    const char* const label = folded_.data() + starts_[index];
    return {label + 1, static_cast<uint8_t>(label[0])};
  }

 private:
  std::array<char, kNameBytesMax> folded_;
  std::array<uint8_t, kLabelsMax> starts_;
  size_t count_ = 0;
};

// Types that only exist in messages: OPT and the range of query and meta types (RFC 6895 section
// 3.1).
bool IsMetaType(RecordType type) {
  const int value = static_cast<int>(type);
  return type == RecordType::kOpt || value == 0 || (value >= 128 && value <= 255);
}

std::string Describe(const Name& owner, RecordType type) {
  return absl::StrCat(owner.ToText(), " type ", static_cast<int>(type));
}

size_t MessageBytes(const RecordData& data) { return kRecordOverheadBytes + data.wire().size(); }

// MNAME and RNAME relative to `origin`.
absl::StatusOr<RecordData> MakeSoa(const Name& origin, const ZoneOptions& options) {
  absl::StatusOr<Name> primary_server = Name::FromText(options.primary_server, origin);
  if (!primary_server.ok()) return primary_server.status();
  absl::StatusOr<Name> mailbox = Name::FromText(options.mailbox, origin);
  if (!mailbox.ok()) return mailbox.status();
  for (uint32_t seconds : {options.refresh, options.retry, options.expire, options.minimum}) {
    if (seconds <= kTtlSecondsMax) continue;
    return absl::InvalidArgumentError(absl::StrCat("SOA of ", origin.ToText(), ": a time of ",
                                                   seconds, " seconds, at most 2^31 - 1"));
  }
  return RecordData::Soa({.primary_server = *primary_server,
                          .mailbox = *mailbox,
                          .serial = options.serial,
                          .refresh = options.refresh,
                          .retry = options.retry,
                          .expire = options.expire,
                          .minimum = options.minimum});
}

}  // namespace

// One name. It exists for the DNS as soon as it has records or children (RFC 8020 section 2).
struct Zone::Node {
  absl::flat_hash_map<std::string, std::unique_ptr<Node>> children;  // by label in lower case
  std::vector<Rrset> rrsets;                                         // in order of addition

  const Rrset* Find(RecordType type) const {
    for (const Rrset& rrset : rrsets) {
      if (rrset.type == type) return &rrset;
    }
    return nullptr;
  }

  const Node* Child(std::string_view label) const {
    const auto it = children.find(AsAbsl(label));
    return it == children.end() ? nullptr : it->second.get();
  }

  LookupResult Answer(RecordType type) const {
    using Outcome = LookupResult::Outcome;
    if (rrsets.empty()) return {Outcome::kNoData};
    // One RRset is a sufficient answer to "any" (RFC 8482 section 4.1).
    if (type == RecordType::kAny) return {Outcome::kFound, &rrsets.front()};
    if (const Rrset* rrset = Find(type); rrset != nullptr) return {Outcome::kFound, rrset};
    if (const Rrset* rrset = Find(RecordType::kCname); rrset != nullptr) {
      return {Outcome::kCname, rrset};
    }
    return {Outcome::kNoData};
  }
};

Zone::Zone(const Name& origin, uint32_t negative_ttl)
    : origin_(origin), negative_ttl_(negative_ttl), apex_(std::make_unique<Node>()) {}
Zone::Zone(Zone&&) noexcept = default;
Zone& Zone::operator=(Zone&&) noexcept = default;
Zone::~Zone() = default;

absl::StatusOr<Zone> Zone::Create(std::string_view origin, const ZoneOptions& options) {
  absl::StatusOr<Name> name = Name::FromText(origin);
  if (!name.ok()) return name.status();
  absl::StatusOr<RecordData> soa = MakeSoa(*name, options);
  if (!soa.ok()) return soa.status();
  Zone zone(*name, std::min(options.soa_ttl, options.minimum));
  absl::Status added = zone.Insert(*name, options.soa_ttl, *std::move(soa));
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
  FindOrMake(*name).rrsets.push_back(
      {.type = RecordType::kTxt, .ttl = ttl, .records = {}, .dynamic_text = std::move(text)});
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
  if (type == RecordType::kDname || (type == RecordType::kNs && !(owner == origin_))) {
    return absl::UnimplementedError(absl::StrCat(
        Describe(owner, type), ": DNAME, and delegation by NS below the origin, are not served"));
  }
  const Node* const node = Find(owner);
  if (node == nullptr || node->rrsets.empty()) return absl::OkStatus();
  const bool is_alias = node->Find(RecordType::kCname) != nullptr;
  if (is_alias || type == RecordType::kCname) {
    return absl::FailedPreconditionError(absl::StrCat(
        Describe(owner, type), ": a CNAME is the only record of its name (RFC 2181 section 10.1)"));
  }
  if (const Rrset* rrset = node->Find(type); rrset != nullptr && rrset->ttl != ttl) {
    return absl::InvalidArgumentError(absl::StrCat(Describe(owner, type), ": TTL ", ttl,
                                                   " differs from TTL ", rrset->ttl,
                                                   " of the other records (RFC 2181 section 5.2)"));
  }
  return absl::OkStatus();
}

const Zone::Node* Zone::Find(const Name& owner) const {
  const FoldedLabels labels(owner);
  const Node* node = apex_.get();
  for (size_t i = labels.count() - origin_.CountLabels(); node != nullptr && i > 0; --i) {
    node = node->Child(labels[i - 1]);
  }
  return node;
}

Zone::Node& Zone::FindOrMake(const Name& owner) {
  const FoldedLabels labels(owner);
  Node* node = apex_.get();
  for (size_t i = labels.count() - origin_.CountLabels(); i > 0; --i) {
    std::unique_ptr<Node>& child = node->children[AsAbsl(labels[i - 1])];
    if (child == nullptr) child = std::make_unique<Node>();
    node = child.get();
  }
  return *node;
}

LookupResult Zone::Lookup(const Name& name, RecordType type) const {
  if (!name.IsAtOrBelow(origin_)) return {LookupResult::Outcome::kOutOfZone};
  const FoldedLabels labels(name);
  const Node* node = apex_.get();
  for (size_t i = labels.count() - origin_.CountLabels(); i > 0; --i) {
    const Node* const child = node->Child(labels[i - 1]);
    if (child == nullptr) {
      // `node` is the closest encloser; only a wildcard right below it can be the source of an
      // answer (RFC 4592 section 3.3.1).
      const Node* const wildcard = node->Child("*");
      if (wildcard == nullptr) return {LookupResult::Outcome::kNameError};
      return wildcard->Answer(type);
    }
    node = child;
  }
  return node->Answer(type);
}

const Rrset& Zone::soa() const { return apex_->rrsets.front(); }

}  // namespace rotor::dns
