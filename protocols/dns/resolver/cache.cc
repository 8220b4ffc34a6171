#include "protocols/dns/resolver/cache.h"

#include <algorithm>

namespace rotor::dns {
namespace {

// The type under which "no such name" is kept: none of RFC 6895 section 3.1.
constexpr RecordType kEveryType = static_cast<RecordType>(0);

size_t BytesOf(const Known& known) {
  size_t bytes = known.failure.ok() ? 0 : 64 + known.failure.message().size();
  if (known.answer == nullptr) return bytes;
  bytes += sizeof(Answer) + 2 * sizeof(void*) + known.answer->name_wire.size();
  for (const RecordData& record : known.answer->records) {
    bytes += sizeof(RecordData) + record.wire().size();
  }
  return bytes;
}

}  // namespace

const Known* Cache::Find(const NameKey& name, RecordType type, Time now) {
  if (entries_.empty()) return nullptr;
  const Known* known = FindKey(name.WithType(type), now);
  return known != nullptr ? known : FindKey(name.WithType(kEveryType), now);
}

const Known* Cache::FindKey(const KeyView& key, Time now) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  Entry& entry = **found;
  if (entry.expires <= now) {
    Erase(entry);
    return nullptr;
  }
  if (&entry != newest_) {
    Unlink(entry);
    LinkNewest(entry);
  }
  return &entry.known;
}

std::shared_ptr<const Answer> Cache::Insert(const NameKey& name, RecordType type, Answer answer,
                                            std::optional<uint32_t> ttl_seconds, Time now) {
  const bool negative = answer.kind != Answer::Kind::kRecords;
  const absl::Duration ttl = std::min(absl::Seconds(ttl_seconds.value_or(0)),
                                      negative ? options_.negative_ttl_max : options_.ttl_max);
  answer.expires = now + ttl;
  auto shared = std::make_shared<const Answer>(std::move(answer));
  if (ttl <= absl::ZeroDuration()) return shared;
  // That an alias leads to no name says nothing of the alias.
  const bool for_every_type =
      shared->kind == Answer::Kind::kNoSuchName && EqualFolded(shared->name_wire, name.name());
  Keep(name.WithType(for_every_type ? kEveryType : type), {shared, absl::OkStatus()},
       shared->expires);
  return shared;
}

void Cache::InsertFailure(const NameKey& name, RecordType type, const absl::Status& failure,
                          Time now) {
  if (options_.failure_ttl <= absl::ZeroDuration()) return;
  Keep(name.WithType(type), {nullptr, failure}, now + options_.failure_ttl);
}

void Cache::Keep(const KeyView& key, Known known, Time expires) {
  // The last term is the table's.
  const size_t bytes = sizeof(Entry) + key.name.size() + 2 * sizeof(Entry*) + BytesOf(known);
  const auto old = entries_.find(key);
  if (old != entries_.end()) Erase(**old);
  if (bytes > options_.bytes_max) return;
  auto* entry = new Entry{std::string(key.name),
                          key.type,
                          key.hash,
                          std::move(known),
                          expires,
                          bytes,
                          nullptr,
                          nullptr};
  bytes_ += bytes;
  LinkNewest(*entry);
  entries_.insert(entry);
  while (bytes_ > options_.bytes_max) Erase(*oldest_);
}

void Cache::Clear() {
  while (oldest_ != nullptr) Erase(*oldest_);
}

void Cache::LinkNewest(Entry& entry) {
  entry.newer = nullptr;
  entry.older = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &entry;
  newest_ = &entry;
}

void Cache::Unlink(Entry& entry) {
  (entry.newer == nullptr ? newest_ : entry.newer->older) = entry.older;
  (entry.older == nullptr ? oldest_ : entry.older->newer) = entry.newer;
}

void Cache::Erase(Entry& entry) {
  Unlink(entry);
  bytes_ -= entry.bytes;
  entries_.erase(&entry);
  delete &entry;
}

}  // namespace rotor::dns
