// Lookups, fetches and subscriptions as the resolver keeps them. Not for authors.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_LOOKUP_STATE_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_LOOKUP_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/notifier/notifier.h"
#include "core/time/time.h"
#include "core/timer/timer_wheel.h"
#include "protocols/dns/resolver/answer.h"
#include "protocols/dns/resolver/cache.h"
#include "protocols/dns/resolver/name_key.h"
#include "protocols/dns/resolver/search.h"
#include "protocols/dns/resolver/server_policy.h"
#include "protocols/resolve/resolver.h"

namespace rotor::dns {

class ResolverCore;
struct Fetch;
class LookupState;

// What has a deadline.
enum class TimedKind : uint8_t { kFetch, kLookup, kSubscription };
struct Timed {
  explicit Timed(TimedKind kind) : kind(kind) {}
  TimerEntry timer;
  const TimedKind kind;
};
static_assert(std::is_standard_layout_v<Timed>, "a due TimerEntry leads back to its Timed");

// A member of a doubly linked list, known by the pointer that points to it.
template <typename T>
struct Link {
  T* next = nullptr;
  T** slot = nullptr;  // Null: in no list.
};
template <typename T, Link<T> T::*kLink>
void PushFront(T*& head, T& item) {
  Link<T>& link = item.*kLink;
  link.next = head;
  link.slot = &head;
  if (head != nullptr) (head->*kLink).slot = &link.next;
  head = &item;
}
template <typename T, Link<T> T::*kLink>
void Remove(T& item) {
  Link<T>& link = item.*kLink;
  if (link.slot == nullptr) return;
  *link.slot = link.next;
  if (link.next != nullptr) (link.next->*kLink).slot = link.slot;
  link = {};
}

// One record type of a lookup.
struct Part {
  RecordType type = RecordType::kA;
  LookupState* lookup = nullptr;
  Fetch* fetch = nullptr;  // While it waits for one.
  Link<Part> link;         // In Fetch::parts.
  Known known;             // When it does not.
};

// What is asked for.
struct Wanted {
  bool addresses = false;            // Otherwise records of `type`.
  RecordType type = RecordType::kA;  // Unless addresses.
  resolve::FindOptions options;      // Port and family: only of addresses.
  bool search = true;                // In the domains of resolv.conf.
};

class LookupState final : public Timed, public resolve::PendingLookup {
 public:
  LookupState(ResolverCore* core, Notifier notifier, const Wanted& wanted);
  ~LookupState() override;

  bool done() const override { return done_; }
  absl::StatusOr<resolve::Addresses> Take() override;
  absl::StatusOr<std::shared_ptr<const Answer>> TakeAnswer();
  // By when to forget the result.
  Time expires() const;

 private:
  friend class ResolverCore;

  absl::Status NotFound() const;

  ResolverCore* core_;  // Null once done.
  Notifier notifier_;
  class SubscriptionState* subscription_ = nullptr;  // Told instead of the notifier.
  const Wanted wanted_;
  bool done_ = false;
  uint8_t part_count_ = 0;
  uint8_t waiting_ = 0;
  uint16_t candidate_ = 0;
  std::array<Part, 2> parts_;
  absl::Status failure_;
  std::shared_ptr<const Answer> negative_;  // Of the candidates so far: no data over no such name.
  Link<LookupState> link_;                  // While not done.
  std::string host_;  // Once it is needed: for the next candidate, or to say what went wrong.
};

class SubscriptionState final : public Timed, public resolve::PendingSubscription {
 public:
  SubscriptionState(ResolverCore* core, Notifier notifier, std::string host, const Wanted& wanted);
  ~SubscriptionState() override;

  bool TakeChanged() override;
  const absl::StatusOr<resolve::Addresses>& addresses() const override { return addresses_; }

 private:
  friend class ResolverCore;

  ResolverCore* core_;  // Null once the resolver is gone.
  const Notifier notifier_;
  const std::string host_;
  const Wanted wanted_;
  std::unique_ptr<LookupState> lookup_;  // While it looks.
  absl::StatusOr<resolve::Addresses> addresses_;
  bool changed_ = false;
  uint32_t failures_ = 0;                // In a row.
  Link<SubscriptionState> link_;         // Of all.
  Link<SubscriptionState> looked_link_;  // Those whose lookup is done and not yet taken.
};

// One question being asked, for all who wait for it.
struct Fetch : Timed {
  Fetch() : Timed(TimedKind::kFetch), name_key(Name()) {}
  KeyView key() const { return name_key.WithType(type); }

  enum class State : uint8_t { kFree, kQueued, kSent, kPausing };

  // Enough for the longest name, EDNS included.
  static constexpr size_t kQueryBytesMax = kHeaderBytes + kNameBytesMax + 4 + 11;

  NameKey name_key;  // Of the first question.
  Name name;         // The end of the alias chain so far: what servers are asked for.
  RecordType type = RecordType::kA;
  State state = State::kFree;
  bool over_tcp = false;      // At this server.
  bool has_edns = false;      // The query that was sent.
  bool without_edns = false;  // After an answer that said so.
  bool case_changed = false;  // An answer had another case.
  bool moved = false;         // To a new connection once, because the old one had ended.
  bool resend = false;        // The socket took nothing: not the server's fault.
  uint8_t tries = 0;
  uint16_t id = 0;
  uint16_t query_bytes = 0;
  uint16_t question_bytes = 0;
  size_t aliases = 0;
  std::optional<uint32_t> ttl_seconds;  // Of the chain so far.
  ServerPolicy::Order order;
  Time sent_at;
  Part* parts = nullptr;
  struct Channel* channel = nullptr;  // While sent.
  Link<Fetch> channel_link;
  Link<Fetch> all_link;
  Fetch* queue_next = nullptr;  // In the queue, and in the free list.
  Fetch* queue_previous = nullptr;
  absl::Status last_failure;  // Of the last try.
  std::array<char, kQueryBytesMax> query;

  size_t server() const { return order.servers[tries % order.count]; }
  uint32_t round() const { return tries / order.count; }
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_LOOKUP_STATE_H_
