// Zones from text in the master format (RFC 1035 section 5).
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocols/dns/zone/zone.h"
#include "protocols/dns/zone/zone_set.h"

namespace rotor::dns {

struct ZoneFileOptions {
  // What relative names are relative to until the first $ORIGIN. Empty: such names are an error.
  std::string origin = "";
  size_t bytes_max = size_t{256} << 20;
  size_t records_max = 5'000'000;
};

// Reads one zone. Understood are $ORIGIN, $TTL (RFC 2308 section 4), comments, parentheses, quoted
// strings, `\.` and `\DDD`, `@`, relative names, an owner or TTL left out, TTL and class in either
// order, times with units ("1w2d3h4m5s"), and the data of A, AAAA, NS, CNAME, DNAME, SOA, PTR, MX,
// TXT, SRV and CAA; that of every type as `\# 3 abcdef` (RFC 3597 section 5). $INCLUDE and
// $GENERATE are errors: a zone is one file. The first record is the SOA, and its owner the zone's
// origin. A record that is there twice counts once (RFC 2181 section 5).
//
// Fails on what Zone::Add() or Zone::Validate() refuses too. The status says where and what:
// "example.zone:12: www.example.test. A: \"1.2.3\" is not an IPv4 address", where `file_name`
// stands for the text. Linear in the text.
absl::StatusOr<Zone> ParseZone(std::string_view text, std::string_view file_name,
                               const ZoneFileOptions& options = {});

// The same from a regular file; blocks while it reads.
absl::StatusOr<Zone> LoadZoneFile(const std::string& path, const ZoneFileOptions& options = {});

struct LoadedZones {
  std::shared_ptr<const ZoneSet> zones;  // nullptr when there is nothing to serve for some file
  std::vector<absl::Status> faults;      // one for each file that could not be used
};

// Loads all files. For one that is faulty the zone that `previous`, what the same files gave
// earlier, has for it stays; without one there is no result.
LoadedZones LoadZoneFiles(std::span<const std::string> paths, const ZoneSet* previous,
                          const ZoneFileOptions& options = {});

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_H_
