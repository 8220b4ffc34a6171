#include "protocols/dns/zone/zone_set.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "protocols/dns/zone/answer.h"

namespace rotor::dns {

std::shared_ptr<const Zone> Seal(Zone zone) {
  std::vector<char> buffer(kMessageBytesMax);
  zone.Prepare([&](const Name& owner, const Rrset& rrset) {
    return PrepareAnswer(zone, owner, rrset, kPreparedBytesMax, buffer);
  });
  return std::make_shared<Zone>(std::move(zone));
}

absl::StatusOr<std::shared_ptr<const ZoneSet>> ZoneSet::Create(
    std::vector<std::shared_ptr<const Zone>> zones) {
  const std::shared_ptr<ZoneSet> set(new ZoneSet());
  for (const std::shared_ptr<const Zone>& zone : zones) {
    ROTOR_CHECK(zone != nullptr, "a ZoneSet is made of zones");
    const HashedName origin(zone->origin());
    if (set->table_.Find(origin, 0) != nullptr) {
      return absl::AlreadyExistsError(
          absl::StrCat("two zones have the origin ", zone->origin().ToText()));
    }
    Entry& entry = *set->entries_.emplace_back(std::make_unique<Entry>());
    entry = {std::string(origin.Folded(0)), zone.get()};
    set->table_.Insert(origin.Hash(0), &entry);
    set->origin_labels_max_ = std::max(set->origin_labels_max_, origin.labels());
  }
  set->zones_ = std::move(zones);
  return std::shared_ptr<const ZoneSet>(set);
}

const Zone* ZoneSet::Find(const HashedName& name) const {
  size_t skip = name.labels() - std::min(name.labels(), origin_labels_max_);
  for (; skip <= name.labels(); ++skip) {
    if (const Entry* entry = table_.Find(name, skip); entry != nullptr) return entry->zone;
  }
  return nullptr;
}

}  // namespace rotor::dns
