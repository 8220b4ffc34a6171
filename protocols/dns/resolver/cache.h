// Answers that may be given again.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_CACHE_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/time/time.h"
#include "protocols/dns/resolver/answer.h"
#include "protocols/dns/resolver/name_key.h"

namespace rotor::dns {

struct CacheOptions {
  // Of all entries, as accounted: the memory of answers and of the table. The entry that was asked
  // for least recently goes first. 0 keeps nothing.
  size_t bytes_max = 4 << 20;
  // However long an answer may be kept by its own word, no longer than this.
  absl::Duration ttl_max = absl::Hours(24);
  absl::Duration negative_ttl_max = absl::Hours(3);  // RFC 2308 section 5.
  // How long it is remembered that no server could answer (RFC 9520 section 3.2: at least 1 s and
  // at most 5 min).
  absl::Duration failure_ttl = absl::Seconds(2);
};

// What is known of a question: an answer, or why there is none.
struct Known {
  std::shared_ptr<const Answer> answer;  // Null if `failure` is not OK.
  absl::Status failure;
};

// Bounded in bytes, least recently used first out. Everything takes constant time. A TTL of 0 is
// never kept. "No such name" holds for all types (RFC 2308 section 5).
class Cache {
 public:
  explicit Cache(const CacheOptions& options) : options_(options) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  ~Cache() { Clear(); }

  // Null if nothing is known at `now`; otherwise valid until the cache is used again.
  const Known* Find(const NameKey& name, RecordType type, Time now);

  // Sets `answer.expires` from `ttl_seconds` and the limits, and keeps the answer if that is after
  // `now`.
  std::shared_ptr<const Answer> Insert(const NameKey& name, RecordType type, Answer answer,
                                       std::optional<uint32_t> ttl_seconds, Time now);
  void InsertFailure(const NameKey& name, RecordType type, const absl::Status& failure, Time now);
  void Clear();

  size_t bytes() const { return bytes_; }
  size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    KeyView key() const { return {name, type, hash}; }

    const std::string name;
    const RecordType type;
    const size_t hash;
    Known known;
    Time expires;
    size_t bytes = 0;
    Entry* newer = nullptr;
    Entry* older = nullptr;
  };

  const Known* FindKey(const KeyView& key, Time now);
  void Keep(const KeyView& key, Known known, Time expires);
  void LinkNewest(Entry& entry);
  void Unlink(Entry& entry);
  void Erase(Entry& entry);

  const CacheOptions options_;
  absl::flat_hash_set<Entry*, KeyHash, KeyEqual> entries_;  // Owned; linked by age.
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_CACHE_H_
