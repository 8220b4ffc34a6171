#include "protocols/dns/resolver/cache.h"

#include <algorithm>

namespace rotor::dns {
namespace {

// The type under which "no such name" is kept: none of RFC 6895 section 3.1.
constexpr RecordType kEveryType = static_cast<RecordType>(0);

size_t BytesOf(const Known& known) {
  size_t bytes = known.failure.ok() ? 0 : 64 + known.failure.message().size();
  if (known.answer == nullptr) return bytes;
  bytes += sizeof(Answer) + 2 * sizeof(void*);
  for (const RecordData& record : known.answer->records) {
    bytes += sizeof(RecordData) + record.wire().size();
  }
  return bytes;
}

}  // namespace

const Known* Cache::Find(const NameKey& key, Time now) {
  if (entries_.empty()) return nullptr;
  if (const Known* known = FindView(key.view(), now); known != nullptr) return known;
  NameKey name = key;
  name.SetType(kEveryType);
  return FindView(name.view(), now);
}

const Known* Cache::FindView(std::string_view key, Time now) {
  const auto found = entries_.find(KeyView{key});
  if (found == entries_.end()) return nullptr;
  Entry& entry = *found->second;
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

std::shared_ptr<const Answer> Cache::Insert(const NameKey& key, Answer answer,
                                            std::optional<uint32_t> ttl_seconds, Time now) {
  const bool negative = answer.kind != Answer::Kind::kRecords;
  const absl::Duration ttl = std::min(absl::Seconds(ttl_seconds.value_or(0)),
                                      negative ? options_.negative_ttl_max : options_.ttl_max);
  answer.expires = now + ttl;
  auto shared = std::make_shared<const Answer>(std::move(answer));
  if (ttl <= absl::ZeroDuration()) return shared;
  // That an alias leads to no name says nothing of the alias.
  const bool for_every_type =
      shared->kind == Answer::Kind::kNoSuchName && NameKey(shared->name).name() == key.name();
  NameKey kept = key;
  if (for_every_type) kept.SetType(kEveryType);
  Keep(kept.view(), {shared, absl::OkStatus()}, shared->expires);
  return shared;
}

void Cache::InsertFailure(const NameKey& key, const absl::Status& failure, Time now) {
  if (options_.failure_ttl <= absl::ZeroDuration()) return;
  Keep(key.view(), {nullptr, failure}, now + options_.failure_ttl);
}

void Cache::Keep(std::string_view key, Known known, Time expires) {
  if (const auto old = entries_.find(KeyView{key}); old != entries_.end()) Erase(*old->second);
  auto entry = std::make_unique<Entry>();
  // The last term is the table's.
  entry->bytes = sizeof(Entry) + key.size() + 3 * sizeof(KeyView) + BytesOf(known);
  if (entry->bytes > options_.bytes_max) return;
  entry->key = key;
  entry->known = std::move(known);
  entry->expires = expires;
  bytes_ += entry->bytes;
  LinkNewest(*entry);
  const KeyView view{entry->key};
  entries_.emplace(view, std::move(entry));
  while (bytes_ > options_.bytes_max) Erase(*oldest_);
}

void Cache::Clear() {
  entries_.clear();
  newest_ = oldest_ = nullptr;
  bytes_ = 0;
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
  entries_.erase(entries_.find(KeyView{entry.key}));
}

}  // namespace rotor::dns
