// The zones a server is authoritative for.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_ZONE_SET_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_ZONE_SET_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "protocols/dns/zone/hashed_name.h"
#include "protocols/dns/zone/zone.h"

namespace rotor::dns {

// Makes a zone ready to be served, and immutable: answers of up to kPreparedBytesMax bytes to exact
// names are written once, here. Linear in the zone; its answers take about as much memory again.
std::shared_ptr<const Zone> Seal(Zone zone);
inline constexpr size_t kPreparedBytesMax = 1232;

// Immutable: any number of threads may use one.
class ZoneSet {
 public:
  // Zones below one another are fine: the longest origin that matches answers. kAlreadyExists when
  // two have the same origin.
  static absl::StatusOr<std::shared_ptr<const ZoneSet>> Create(
      std::vector<std::shared_ptr<const Zone>> zones);
  // The zone with the longest origin at or above `name`, or nullptr.
  const Zone* Find(const HashedName& name) const;

  // In the order given.
  const std::vector<std::shared_ptr<const Zone>>& zones() const { return zones_; }

 private:
  struct Entry {
    std::string folded;  // for NameTable
    const Zone* zone;
  };

  ZoneSet() = default;

  std::vector<std::shared_ptr<const Zone>> zones_;
  std::vector<std::unique_ptr<Entry>> entries_;
  NameTable<Entry> table_;
  size_t origin_labels_max_ = 0;
};

// What is served at the moment. Replaced between two queries, on the thread of the loop that serves
// it; each loop has its own.
class ZoneStore {
 public:
  explicit ZoneStore(std::shared_ptr<const ZoneSet> zones) { Replace(std::move(zones)); }
  // With one zone.
  static std::shared_ptr<ZoneStore> Of(Zone zone) {
    return std::make_shared<ZoneStore>(ZoneSet::Create({Seal(std::move(zone))}).value());
  }

  const std::shared_ptr<const ZoneSet>& zones() const { return zones_; }
  void Replace(std::shared_ptr<const ZoneSet> zones) {
    ROTOR_CHECK(zones != nullptr, "a ZoneStore has zones");
    zones_ = std::move(zones);
  }

 private:
  std::shared_ptr<const ZoneSet> zones_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_ZONE_SET_H_
