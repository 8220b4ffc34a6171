// A zone held in memory: what an authoritative server knows about one part of the name space.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_ZONE_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_ZONE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocols/dns/codec/name.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/types.h"
#include "protocols/dns/zone/hashed_name.h"

namespace rotor::dns {

// One RRset in a message, 12 bytes of fixed fields and a compressed owner name per record included.
// Keeps every answer, with the longest CNAME chain before it, below the 65535 bytes of TCP.
inline constexpr size_t kRrsetBytesMax = 48 * 1024;

// The SOA record of a zone, names as text relative to the zone's origin ("ns" or
// "ns.example.net."; "@" is the origin). Times in seconds.
struct ZoneOptions {
  std::string primary_server = "ns";
  std::string mailbox = "hostmaster";
  uint32_t serial = 1;
  uint32_t refresh = 3600;
  uint32_t retry = 600;
  uint32_t expire = 604800;
  uint32_t minimum = 60;  // negative answers are cached for min(minimum, soa_ttl)
  uint32_t soa_ttl = 3600;
};

// What follows the question in the answer to one owner name and type, as it stands in a message
// whose question holds that name uncompressed: compression pointers in it lead there. Empty: not
// prepared.
struct PreparedAnswer {
  std::string records;
  std::array<uint16_t, 3> counts = {};  // answer, authority, additional
};

// All records of one owner name and one type (RFC 2181 section 5).
struct Rrset {
  RecordType type;
  uint32_t ttl = 0;                           // seconds, the same for all records
  std::vector<RecordData> records;            // empty exactly when `dynamic_text` is set
  std::function<std::string()> dynamic_text;  // makes the text of the one TXT record
  PreparedAnswer prepared;
};

// What a zone says about a name and a type.
struct LookupResult {
  enum class Outcome : uint8_t {
    kOutOfZone,   // the name is not at or below the origin
    kFound,       // `rrset` has the type asked for, or is any one RRset when all were asked for
    kCname,       // `rrset` is the CNAME to follow
    kDname,       // `rrset` is a DNAME above the name (RFC 6672)
    kDelegation,  // `rrset` is the NS of the zone cut at or above the name
    kNoData,      // the name exists, the type does not (also: only names below it exist)
    kNameError,   // there is no such name (NXDOMAIN)
  };
  Outcome outcome;
  const Rrset* rrset = nullptr;  // owned by the zone
  size_t labels_above = 0;  // kDname, kDelegation: its owner is the name without so many labels
  bool exact = false;       // the name itself has `rrset`, not a wildcard
};

// The records at and below an origin, class IN, found by name. Built once by Add, then only read:
// any number of threads may call the const members at the same time. Lookups cost time linear in
// the name and never allocate. Records below a zone cut are kept and used as glue only.
class Zone {
 public:
  // A zone with its SOA record only. `origin` is absolute ("hub.test." or "hub.test"). Fails when a
  // name is malformed or a time exceeds 2^31 - 1 seconds.
  static absl::StatusOr<Zone> Create(std::string_view origin, const ZoneOptions& options = {});
  static absl::StatusOr<Zone> Create(const Name& origin, const StartOfAuthority& soa,
                                     uint32_t soa_ttl);

  Zone(Zone&&) noexcept;
  Zone& operator=(Zone&&) noexcept;
  ~Zone();

  // Adds one record. `owner` is text relative to the origin ("www", "*.dev", "@", or absolute with
  // a last dot). A first label `*` makes a wildcard (RFC 4592). On failure nothing is changed:
  //   kInvalidArgument    owner malformed or not under the origin; TTL over 2^31 - 1 or another
  //                       than that of the records of this name and type (RFC 2181 section 5.2);
  //                       a second SOA; a type that is no data (0, OPT, 128 to 255)
  //                       NS or DNAME at a wildcard (RFC 4592 section 4.2 and 4.4)
  //   kFailedPrecondition CNAME beside other data or another CNAME (RFC 2181 section 10.1); a
  //                       second DNAME (RFC 6672 section 2.4); dynamic and fixed TXT at one name
  //   kAlreadyExists      the same record again
  //   kResourceExhausted  the RRset would exceed kRrsetBytesMax
  absl::Status Add(std::string_view owner, uint32_t ttl, RecordData data);
  absl::Status Add(const Name& owner, uint32_t ttl, RecordData data);

  // Adds a TXT record whose text is made by `text` each time it is asked for, once per query, cut
  // into strings of 255 bytes. `text` runs on the thread that answers, must not block, and must be
  // safe to call from several threads when several loops share the zone; it may be called again for
  // the repetition of a truncated answer over TCP. Text of more than kRrsetBytesMax bytes, those
  // of the string lengths included, makes that query fail with SERVFAIL. `ttl` is usually 0. Fails
  // as Add does.
  absl::Status AddDynamicText(std::string_view owner, uint32_t ttl,
                              std::function<std::string()> text);

  // Whether what was added makes a zone that can be served:
  //   NS records at the origin (RFC 1034 section 4.2.1)
  //   an address for every name server that lies in the zone, and no CNAME there (RFC 1912 section
  //   2.3, RFC 2181 section 10.3)
  //   nothing below a DNAME (RFC 6672 section 2.4)
  // kFailedPrecondition names every fault, up to 10 of them. Linear in the zone.
  absl::Status Validate() const;

  // RFC 1034 section 4.3.2 within the zone, with the closest encloser rule for wildcards (RFC 4592
  // section 3.3). `type` may be RecordType::kAny.
  LookupResult Lookup(const HashedName& name, RecordType type) const;

  // The RRset at exactly this name, at or below the origin, zone cuts and wildcards disregarded:
  // glue. nullptr when there is none.
  const Rrset* FindExact(const HashedName& name, RecordType type) const;

  // The prepared answer for this name and type, or nullptr.
  const PreparedAnswer* FindPrepared(const HashedName& name, RecordType type) const;
  // Prepares answers with `prepare`, which is called for each owner and RRset that an exact lookup
  // finds.
  void Prepare(absl::FunctionRef<PreparedAnswer(const Name&, const Rrset&)> prepare);

  size_t record_count() const { return record_count_; }

  const Name& origin() const { return origin_; }

  // One record, owned by the zone.
  const Rrset& soa() const;

  // What a SOA record in a negative answer carries: min(its TTL, MINIMUM), in seconds (RFC 2308
  // section 3).
  uint32_t negative_ttl() const { return negative_ttl_; }

 private:
  struct Node;

  Zone(const Name& origin, uint32_t negative_ttl);

  absl::Status Insert(const Name& owner, uint32_t ttl, RecordData data);
  absl::Status Check(const Name& owner, RecordType type, uint32_t ttl) const;
  absl::Status CheckAmong(const Name& owner, RecordType type, uint32_t ttl) const;
  Node* Find(const HashedName& name) const;
  Node& FindOrMake(const HashedName& name);
  std::string FindServerFault(const Name& server) const;
  LookupResult FindAt(const Node& node, size_t skip, RecordType type) const;
  // The cut nearest to the origin, or the DNAME, at or above `node`, which is the name without
  // `skip` labels; `skip` > 0: `node` itself is above the name.
  const Rrset* FindCutAbove(const Node& node, size_t skip, RecordType type, size_t* labels_above,
                            bool* is_dname) const;

  Name origin_;
  size_t origin_labels_;
  uint32_t negative_ttl_;
  size_t record_count_ = 0;
  std::vector<std::unique_ptr<Node>> nodes_;  // the origin's first
  NameTable<Node> table_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_ZONE_H_
