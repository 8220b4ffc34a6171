#include "protocols/dns/resolver/resolver_core.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/resolver/tcp_protocol.h"

namespace rotor::dns {
namespace {

// Between rounds over the servers, when they answered that they cannot.
constexpr absl::Duration kPause = absl::Milliseconds(250);

// How soon a watched name is looked at again.
constexpr absl::Duration kRefreshMin = absl::Seconds(1);
constexpr absl::Duration kRefreshOfNothing = absl::Seconds(5);
constexpr absl::Duration kRefreshMax = absl::Hours(1);
constexpr absl::Duration kRefreshAfterFailureMax = absl::Minutes(1);

bool MayBeNumeric(std::string_view host) {
  return !host.empty() && (std::isdigit(static_cast<unsigned char>(host.front())) != 0 ||
                           host.find(':') != std::string_view::npos);
}

bool OfFamily(const SocketAddress& address, resolve::Family family) {
  if (family == resolve::Family::kIpv4) return address.family() == AF_INET;
  if (family == resolve::Family::kIpv6) return address.family() == AF_INET6;
  return true;
}

RecordData DataOf(const SocketAddress& address) {
  return RecordData::Address(address.host()).value();
}

bool Before(const SocketAddress& a, const SocketAddress& b) {
  if (a.kernel_size() != b.kernel_size()) return a.kernel_size() < b.kernel_size();
  return std::memcmp(a.kernel_address(), b.kernel_address(), a.kernel_size()) < 0;
}

}  // namespace

ResolverCounters::ResolverCounters(CounterRegistry& registry, std::string_view group)
    : lookups(registry.Get(group, "lookups")),
      cancelled(registry.Get(group, "lookups_cancelled")),
      cache_hits(registry.Get(group, "cache_hits")),
      merged(registry.Get(group, "queries_merged")),
      queries(registry.Get(group, "queries_sent")),
      answers(registry.Get(group, "answers")),
      mismatches(registry.Get(group, "answers_ignored")),
      timeouts(registry.Get(group, "timeouts")),
      truncated(registry.Get(group, "answers_truncated")),
      tcp_connections(registry.Get(group, "tcp_connections")),
      failures(registry.Get(group, "lookups_failed")),
      refused(registry.Get(group, "lookups_refused")),
      reloads(registry.Get(group, "reloads")) {}

ResolverCore::ResolverCore(const ResolverOptions& options, CounterRegistry& counters,
                           std::string_view group)
    : options_(options),
      counters_(counters, group),
      config_(options_),
      cache_(options_.cache),
      sockets_(options_.sockets_max) {
  current_.fill(-1);
  for (size_t i = 0; i < sockets_.size(); ++i) sockets_[i].number = static_cast<uint32_t>(i);
}

ResolverCore::~ResolverCore() { MachineGone(); }

void ResolverCore::set_connector(const stream::Upgrade<TcpProtocol>& connector) {
  connector_.emplace(connector);
}

void ResolverCore::MachineStarted(Scope& scope) {
  machine_ = scope.notifier();
  SecretRandom::Key key;
  for (size_t i = 0; i < key.size(); i += 2) {
    const uint64_t entropy = scope.entropy();
    key[i] = static_cast<uint32_t>(entropy);
    key[i + 1] = static_cast<uint32_t>(entropy >> 32);
  }
  random_.emplace(key);
}

void ResolverCore::MachineGone() {
  if (std::exchange(machine_gone_, true)) return;
  machine_ = Notifier();
  while (lookup_list_ != nullptr) {
    Finish(*lookup_list_, absl::CancelledError("the resolver has ended"));
  }
  while (subscription_list_ != nullptr) {
    SubscriptionState& subscription = *subscription_list_;
    Cancel(subscription);
    subscription.core_ = nullptr;
  }
  for (UdpSocket& socket : sockets_) CloseSocket(socket);
}

// ---- Lookups

std::unique_ptr<LookupState> ResolverCore::Begin(std::string_view host, const Wanted& wanted,
                                                 Scope& scope) {
  return BeginAt(host, wanted, scope.notifier(), nullptr, scope.now());
}

std::unique_ptr<LookupState> ResolverCore::BeginAt(std::string_view host, const Wanted& wanted,
                                                   Notifier notifier,
                                                   SubscriptionState* subscription, Time now) {
  auto lookup = std::make_unique<LookupState>(this, std::move(notifier), wanted);
  lookup->subscription_ = subscription;
  counters_.lookups.Add();
  now_ = now;
  if (!wheel_.has_value()) wheel_.emplace(now);
  Start(*lookup, host, now);
  if (!lookup->done_) {
    lookup->host_ = host;
    ++lookup_count_;
    PushFront<LookupState, &LookupState::link_>(lookup_list_, *lookup);
    wheel_->Set(lookup->timer, now + wanted.options.timeout);
    machine_.Wake();
  }
  return lookup;
}

void ResolverCore::Start(LookupState& lookup, std::string_view host, Time now) {
  if (machine_gone_) return Finish(lookup, absl::CancelledError("the resolver has ended"));
  if (lookup_count_ >= options_.lookups_max) {
    counters_.refused.Add();
    return Finish(lookup, absl::ResourceExhaustedError(absl::StrCat(
                              "lookups_max is ", options_.lookups_max, ": no further lookup")));
  }
  const Wanted& wanted = lookup.wanted_;
  if (AnswerNumerically(lookup, host)) {
    if (lookup.negative_ != nullptr) lookup.host_ = host;
    return;
  }
  absl::StatusOr<TypedName> typed = ParseTypedName(host);
  if (!typed.ok()) return Finish(lookup, typed.status());
  if (!wanted.search) typed->absolute = true;
  if (config_.RefreshIfDue(now)) ConfigChanged(now);
  if (!policy_.has_value()) ConfigChanged(now);
  const auto AddPart = [&](RecordType type) {
    Part& part = lookup.parts_[lookup.part_count_++];
    part.type = type;
    part.lookup = &lookup;
  };
  if (!wanted.addresses) {
    AddPart(wanted.type);
  } else {
    if (wanted.options.family != resolve::Family::kIpv4) AddPart(RecordType::kAaaa);
    if (wanted.options.family != resolve::Family::kIpv6) AddPart(RecordType::kA);
  }
  if (!AnswerLocally(lookup, typed->name, now)) TryCandidates(lookup, *typed, now);
  // To say of what there is nothing.
  if (lookup.done_ && lookup.negative_ != nullptr) lookup.host_ = host;
}

// A numeric address is its own answer.
bool ResolverCore::AnswerNumerically(LookupState& lookup, std::string_view host) {
  if (!lookup.wanted_.addresses || !MayBeNumeric(host)) return false;
  const absl::StatusOr<SocketAddress> numeric = SocketAddress::Ip(host, 0);
  if (!numeric.ok()) return false;
  const bool wanted = OfFamily(*numeric, lookup.wanted_.options.family);
  lookup.part_count_ = 1;
  std::vector<RecordData> records;
  if (wanted) records.push_back(DataOf(*numeric));
  Settle(lookup.parts_[0], wanted ? Answer::Kind::kRecords : Answer::Kind::kNoData, Name(),
         std::move(records), Time() + absl::InfiniteDuration());
  if (!Judge(lookup)) Finish(lookup, absl::OkStatus());
  return true;
}

void ResolverCore::ConfigChanged(Time now) {
  const ResolvConf& conf = config_.conf();
  PolicyOptions policy = options_.policy;
  policy.timeout_initial = std::min(policy.timeout_initial, conf.timeout);
  policy.timeout_max = std::min(policy.timeout_max, conf.timeout);
  const bool first = !policy_.has_value();
  policy_.emplace(conf.servers, conf.rotate, policy);
  if (first) return;
  counters_.reloads.Add();
  cache_.Clear();
  for (const std::unique_ptr<TcpLink>& link : links_) {
    link->close_wanted = true;
    link->machine.Wake();
  }
  // What is on the way begins again with the new servers.
  for (const std::unique_ptr<Fetch>& fetch : fetch_memory_) {
    if (fetch->state == Fetch::State::kFree) continue;
    Detach(*fetch);
    fetch->resend = false;
    fetch->tries = 0;
    fetch->order = policy_->NextOrder(now);
    fetch->over_tcp = conf.use_vc;
    if (fetch->state != Fetch::State::kQueued) Enqueue(*fetch);
  }
  for (UdpSocket& socket : sockets_) CloseSocket(socket);
}

// Names that have a meaning of their own, and those of the hosts file. True if the lookup is done.
bool ResolverCore::AnswerLocally(LookupState& lookup, const Name& name, Time now) {
  bool known = ClassifyName(name) != SpecialName::kNone;
  const HostsFile& hosts = config_.hosts();
  if (!known && hosts.names() > 0) {
    const NameKey key(name);
    const std::vector<SocketAddress>* addresses = hosts.FindAddresses(key);
    const Name* pointer = hosts.FindReverse(key);
    const RecordType type = lookup.parts_[0].type;
    const bool for_addresses = type == RecordType::kA || type == RecordType::kAaaa;
    if (for_addresses && addresses != nullptr) {
      known = true;
      for (size_t i = 0; i < lookup.part_count_; ++i) {
        Part& part = lookup.parts_[i];
        const int family = part.type == RecordType::kA ? AF_INET : AF_INET6;
        std::vector<RecordData> records;
        for (const SocketAddress& address : *addresses) {
          if (address.family() == family) records.push_back(DataOf(address));
        }
        const auto kind = records.empty() ? Answer::Kind::kNoData : Answer::Kind::kRecords;
        Settle(part, kind, name, std::move(records), now + options_.reload_interval);
      }
    } else if (type == RecordType::kPtr && pointer != nullptr) {
      known = true;
      Settle(lookup.parts_[0], Answer::Kind::kRecords, name, {RecordData::Ptr(*pointer)},
             now + options_.reload_interval);
    }
  } else if (known) {
    for (size_t i = 0; i < lookup.part_count_; ++i) AnswerSpecially(lookup.parts_[i], name, now);
  }
  if (known && !Judge(lookup)) Finish(lookup, absl::OkStatus());
  return known;
}

// RFC 6761 sections 6.3 and 6.4. False if the name is an ordinary one.
bool ResolverCore::AnswerSpecially(Part& part, const Name& name, Time now) {
  const Time expires = now + options_.reload_interval;
  switch (ClassifyName(name)) {
    case SpecialName::kNone:
      return false;
    case SpecialName::kInvalid:
      Settle(part, Answer::Kind::kNoSuchName, name, {}, expires);
      return true;
    case SpecialName::kLocalhost:
      break;
  }
  if (part.type == RecordType::kA) {
    Settle(part, Answer::Kind::kRecords, name, {RecordData::A({127, 0, 0, 1})}, expires);
  } else if (part.type == RecordType::kAaaa) {
    std::array<uint8_t, 16> loopback = {};
    loopback[15] = 1;
    Settle(part, Answer::Kind::kRecords, name, {RecordData::Aaaa(loopback)}, expires);
  } else {
    Settle(part, Answer::Kind::kNoData, name, {}, expires);
  }
  return true;
}

void ResolverCore::Settle(Part& part, Answer::Kind kind, const Name& name,
                          std::vector<RecordData> records, Time expires) {
  Answer answer;
  answer.kind = kind;
  answer.name_wire = name.wire();
  answer.records = std::move(records);
  answer.expires = expires;
  part.known = {std::make_shared<const Answer>(std::move(answer)), absl::OkStatus()};
}

void ResolverCore::TryCandidates(LookupState& lookup, const TypedName& typed, Time now) {
  for (;; ++lookup.candidate_) {
    const std::optional<Name> name = SearchCandidate(typed, lookup.candidate_, config_.conf());
    if (!name.has_value()) return Finish(lookup, absl::OkStatus());
    for (size_t i = 0; i < lookup.part_count_; ++i) Ask(lookup.parts_[i], *name, now);
    if (lookup.waiting_ > 0 || Judge(lookup)) return;
  }
}

void ResolverCore::TryNextCandidate(LookupState& lookup, Time now) {
  TypedName typed = ParseTypedName(lookup.host_).value();
  if (!lookup.wanted_.search) typed.absolute = true;
  ++lookup.candidate_;
  TryCandidates(lookup, typed, now);
}

// All parts are settled. True if that is the result; otherwise another candidate may have one.
bool ResolverCore::Judge(LookupState& lookup) {
  const Part* failed = nullptr;
  for (size_t i = 0; i < lookup.part_count_; ++i) {
    const Known& known = lookup.parts_[i].known;
    if (!known.failure.ok()) {
      failed = &lookup.parts_[i];
    } else if (known.answer->kind == Answer::Kind::kRecords) {
      Finish(lookup, absl::OkStatus());
      return true;
    } else if (lookup.negative_ == nullptr || lookup.negative_->kind == Answer::Kind::kNoSuchName) {
      lookup.negative_ = known.answer;
    }
  }
  // To go on in another domain would answer with a name that was not meant.
  if (failed != nullptr) Finish(lookup, failed->known.failure);
  return failed != nullptr;
}

void ResolverCore::Finish(LookupState& lookup, absl::Status failure) {
  LeaveFetches(lookup);
  if (!failure.ok()) counters_.failures.Add();
  if (lookup.link_.slot != nullptr) {
    Remove<LookupState, &LookupState::link_>(lookup);
    --lookup_count_;
    wheel_->Cancel(lookup.timer);
  }
  lookup.failure_ = std::move(failure);
  lookup.done_ = true;
  lookup.core_ = nullptr;
  if (lookup.subscription_ == nullptr) return lookup.notifier_.Wake();
  PushFront<SubscriptionState, &SubscriptionState::looked_link_>(looked_list_,
                                                                 *lookup.subscription_);
  machine_.Wake();
}

void ResolverCore::LeaveFetches(LookupState& lookup) {
  if (lookup.waiting_ == 0) return;
  for (size_t i = 0; i < lookup.part_count_; ++i) {
    Part& part = lookup.parts_[i];
    if (part.fetch == nullptr) continue;
    Fetch& fetch = *std::exchange(part.fetch, nullptr);
    Remove<Part, &Part::link>(part);
    if (fetch.parts == nullptr) Release(fetch);
  }
  lookup.waiting_ = 0;
}

void ResolverCore::Cancel(LookupState& lookup) {
  counters_.cancelled.Add();
  LeaveFetches(lookup);
  Remove<LookupState, &LookupState::link_>(lookup);
  --lookup_count_;
  wheel_->Cancel(lookup.timer);
  if (in_turn_) return;
  CloseIdle();
  machine_.Wake();  // Its deadline may have gone.
}

void ResolverCore::LookupTimedOut(LookupState& lookup) {
  for (size_t i = 0; i < lookup.part_count_; ++i) {
    const std::shared_ptr<const Answer>& answer = lookup.parts_[i].known.answer;
    if (lookup.parts_[i].fetch != nullptr) continue;
    if (answer != nullptr && answer->kind == Answer::Kind::kRecords) {
      return Finish(lookup, absl::OkStatus());
    }
  }
  Finish(lookup, absl::DeadlineExceededError(
                     absl::StrCat(absl::CHexEscape(lookup.host_), ": not resolved within ",
                                  absl::FormatDuration(lookup.wanted_.options.timeout))));
}

void ResolverCore::Ask(Part& part, const Name& name, Time now) {
  part.known = {};
  // Of the name as it was typed, that was seen before; a search domain may make another.
  if (part.lookup->candidate_ > 0 && AnswerSpecially(part, name, now)) return;
  const NameKey key(name);
  if (const Known* known = cache_.Find(key, part.type, now); known != nullptr) {
    counters_.cache_hits.Add();
    part.known = *known;
    return;
  }
  const auto found = fetches_.find(key.WithType(part.type));
  if (found != fetches_.end()) counters_.merged.Add();
  Fetch& fetch = found != fetches_.end() ? **found : NewFetch(key, name, part.type, now);
  part.fetch = &fetch;
  PushFront<Part, &Part::link>(fetch.parts, part);
  ++part.lookup->waiting_;
}

// ---- Subscriptions

std::unique_ptr<SubscriptionState> ResolverCore::Subscribe(std::string_view host,
                                                           const Wanted& wanted, Scope& scope) {
  auto subscription =
      std::make_unique<SubscriptionState>(this, scope.notifier(), std::string(host), wanted);
  const bool full = subscription_count_ >= options_.subscriptions_max;
  if (full || machine_gone_) {
    if (full) counters_.refused.Add();
    subscription->core_ = nullptr;
    subscription->changed_ = true;
    subscription->addresses_ = full ? absl::ResourceExhaustedError(absl::StrCat(
                                          "subscriptions_max is ", options_.subscriptions_max))
                                    : absl::CancelledError("the resolver has ended");
    subscription->notifier_.Wake();
    return subscription;
  }
  ++subscription_count_;
  PushFront<SubscriptionState, &SubscriptionState::link_>(subscription_list_, *subscription);
  Refresh(*subscription, scope.now());
  return subscription;
}

void ResolverCore::Refresh(SubscriptionState& subscription, Time now) {
  subscription.lookup_ =
      BeginAt(subscription.host_, subscription.wanted_, Notifier(), &subscription, now);
}

void ResolverCore::Cancel(SubscriptionState& subscription) {
  Remove<SubscriptionState, &SubscriptionState::link_>(subscription);
  Remove<SubscriptionState, &SubscriptionState::looked_link_>(subscription);
  --subscription_count_;
  if (wheel_.has_value()) wheel_->Cancel(subscription.timer);
  machine_.Wake();
}

void ResolverCore::TakeLooked(Time now) {
  while (looked_list_ != nullptr) {
    SubscriptionState& subscription = *looked_list_;
    Remove<SubscriptionState, &SubscriptionState::looked_link_>(subscription);
    const Time expires = subscription.lookup_->expires();
    absl::StatusOr<resolve::Addresses> addresses = subscription.lookup_->Take();
    subscription.lookup_ = nullptr;
    if (addresses.ok()) std::sort(addresses->begin(), addresses->end(), Before);
    Adopt(subscription, std::move(addresses), expires, now);
  }
}

void ResolverCore::Adopt(SubscriptionState& subscription,
                         absl::StatusOr<resolve::Addresses> addresses, Time expires, Time now) {
  const bool not_found = absl::IsNotFound(addresses.status());
  const bool is_answer = addresses.ok() || not_found;
  absl::Duration wait = std::clamp(expires - now, kRefreshMin, kRefreshMax);
  if (not_found) wait = std::max(wait, kRefreshOfNothing);
  if (is_answer) {
    subscription.failures_ = 0;
  } else {
    wait = std::min(kRefreshMin * (1 << std::min(subscription.failures_++, 10u)),
                    kRefreshAfterFailureMax);
  }
  wheel_->Set(subscription.timer, now + wait);
  // A failure is news only while nothing is known.
  const absl::StatusOr<resolve::Addresses>& known = subscription.addresses_;
  const bool knows = known.ok() || absl::IsNotFound(known.status());
  if (!is_answer && knows) return;
  const bool same =
      addresses.ok() && known.ok() ? *addresses == *known : addresses.status() == known.status();
  if (same) return;
  subscription.addresses_ = std::move(addresses);
  subscription.changed_ = true;
  subscription.notifier_.Wake();
}

// ---- Fetches

Fetch& ResolverCore::NewFetch(const NameKey& key, const Name& name, RecordType type, Time now) {
  if (free_fetches_ == nullptr) {
    fetch_memory_.push_back(std::make_unique<Fetch>());
    free_fetches_ = fetch_memory_.back().get();
  }
  Fetch& fetch = *free_fetches_;
  free_fetches_ = std::exchange(fetch.queue_next, nullptr);
  fetch.name_key = key;
  fetch.name = name;
  fetch.type = type;
  fetch.over_tcp = config_.conf().use_vc;
  fetch.without_edns = fetch.case_changed = fetch.moved = fetch.resend = false;
  fetch.tries = 0;
  fetch.aliases = 0;
  fetch.ttl_seconds = std::nullopt;
  fetch.order = policy_->NextOrder(now);
  fetches_.insert(&fetch);
  ++fetch_count_;
  Enqueue(fetch);
  return fetch;
}

// Nobody can find it any more, and it waits for nothing.
void ResolverCore::Forget(Fetch& fetch) {
  fetches_.erase(&fetch);
  Detach(fetch);
  if (fetch.state == Fetch::State::kQueued) Dequeue(fetch);
  wheel_->Cancel(fetch.timer);
}

void ResolverCore::Release(Fetch& fetch) {
  Forget(fetch);
  fetch.state = Fetch::State::kFree;
  fetch.last_failure = absl::OkStatus();
  fetch.queue_next = std::exchange(free_fetches_, &fetch);
  --fetch_count_;
}

void ResolverCore::Enqueue(Fetch& fetch) {
  fetch.state = Fetch::State::kQueued;
  fetch.queue_previous = queue_last_;
  fetch.queue_next = nullptr;
  (queue_last_ == nullptr ? queue_first_ : queue_last_->queue_next) = &fetch;
  if (queue_last_ == nullptr && !in_turn_) machine_.Wake();
  queue_last_ = &fetch;
}

void ResolverCore::Dequeue(Fetch& fetch) {
  (fetch.queue_previous == nullptr ? queue_first_ : fetch.queue_previous->queue_next) =
      fetch.queue_next;
  (fetch.queue_next == nullptr ? queue_last_ : fetch.queue_next->queue_previous) =
      fetch.queue_previous;
  fetch.queue_next = fetch.queue_previous = nullptr;
}

void ResolverCore::Settle(Fetch& fetch, const Known& known, Time now) {
  Forget(fetch);
  while (fetch.parts != nullptr) {
    Part& part = *fetch.parts;
    Remove<Part, &Part::link>(part);
    part.fetch = nullptr;
    part.known = known;
    LookupState& lookup = *part.lookup;
    if (--lookup.waiting_ > 0 || Judge(lookup)) continue;
    TryNextCandidate(lookup, now);
  }
  fetch.state = Fetch::State::kFree;
  fetch.last_failure = absl::OkStatus();
  fetch.queue_next = std::exchange(free_fetches_, &fetch);
  --fetch_count_;
}

void ResolverCore::Answered(Fetch& fetch, Reading& reading, Time now) {
  Answer answer;
  answer.kind = reading.verdict == Verdict::kRecords  ? Answer::Kind::kRecords
                : reading.verdict == Verdict::kNoData ? Answer::Kind::kNoData
                                                      : Answer::Kind::kNoSuchName;
  answer.name_wire = reading.name.wire();
  answer.records = std::move(reading.records);
  std::optional<uint32_t> ttl = reading.ttl_seconds;
  if (ttl.has_value() && fetch.ttl_seconds.has_value()) ttl = std::min(*ttl, *fetch.ttl_seconds);
  Known known;
  known.answer = cache_.Insert(fetch.name_key, fetch.type, std::move(answer), ttl, now);
  Settle(fetch, known, now);
}

void ResolverCore::FollowAlias(Fetch& fetch, const Reading& reading) {
  Detach(fetch);
  fetch.name = reading.name;
  fetch.aliases = reading.aliases;
  const uint32_t ttl = reading.ttl_seconds.value_or(0);
  fetch.ttl_seconds = std::min(fetch.ttl_seconds.value_or(ttl), ttl);
  fetch.tries = 0;
  fetch.over_tcp = config_.conf().use_vc;
  Enqueue(fetch);
}

// `in_time`: not for want of an answer, so that the next round over the servers has to wait.
void ResolverCore::TryFailed(Fetch& fetch, absl::Status why, bool in_time, Time now) {
  Detach(fetch);
  wheel_->Cancel(fetch.timer);
  const std::string server = policy_->address(fetch.server()).ToString();
  fetch.last_failure = absl::Status(why.code(), absl::StrCat(server, ": ", why.message()));
  ++fetch.tries;
  fetch.over_tcp = config_.conf().use_vc || fetch.case_changed;
  fetch.without_edns = fetch.moved = fetch.resend = false;
  if (fetch.tries >= fetch.order.count * config_.conf().attempts) {
    const bool local = absl::IsResourceExhausted(why);
    return Failed(fetch,
                  absl::Status(local ? why.code() : absl::StatusCode::kUnavailable,
                               absl::StrCat("no answer in ", static_cast<int>(fetch.tries),
                                            " tries; the last: ", fetch.last_failure.message())),
                  !local, now);
  }
  if (!in_time || fetch.tries % fetch.order.count != 0) return Enqueue(fetch);
  fetch.state = Fetch::State::kPausing;
  wheel_->Set(fetch.timer, now + kPause * (1 << std::min(fetch.round() - 1, 4u)));
  if (!in_turn_) machine_.Wake();
}

void ResolverCore::Failed(Fetch& fetch, absl::Status why, bool keep, Time now) {
  const std::string text =
      absl::StrCat(fetch.name.ToText(), " ", ToText(fetch.type), ": ", why.message());
  Known known;
  known.failure = absl::Status(why.code(), text);
  if (keep) cache_.InsertFailure(fetch.name_key, fetch.type, known.failure, now);
  Settle(fetch, known, now);
}

void ResolverCore::FetchTimedOut(Fetch& fetch, Time now) {
  if (fetch.state == Fetch::State::kPausing) return Enqueue(fetch);
  if (fetch.resend) {
    fetch.resend = false;
    Detach(fetch);
    return Enqueue(fetch);
  }
  counters_.timeouts.Add();
  policy_->Unanswered(fetch.server(), now);
  if (fetch.channel != nullptr && fetch.over_tcp) {
    auto& link = static_cast<TcpLink&>(*fetch.channel);
    link.close_wanted = true;
    link.machine.Wake();
  }
  const absl::Duration waited = now - fetch.sent_at;
  TryFailed(fetch,
            absl::UnavailableError(absl::StrCat(
                "no answer in ", absl::ToInt64Milliseconds(waited), " ms",
                fetch.case_changed ? " that repeats the question as it was written" : "")),
            false, now);
}

void ResolverCore::TimersDue(Time now) {
  if (!wheel_.has_value()) return;
  due_.clear();
  wheel_->Advance(now, due_);
  for (TimerEntry* entry : due_) {
    if (!entry->is_due()) continue;
    Timed& timed = *reinterpret_cast<Timed*>(entry);
    wheel_->Cancel(*entry);
    switch (timed.kind) {
      case TimedKind::kFetch:
        FetchTimedOut(static_cast<Fetch&>(timed), now);
        break;
      case TimedKind::kLookup:
        LookupTimedOut(static_cast<LookupState&>(timed));
        break;
      case TimedKind::kSubscription:
        Refresh(static_cast<SubscriptionState&>(timed), now);
        break;
    }
  }
}

// ---- The machine

Step ResolverCore::Turn(Scope& scope) {
  now_ = scope.now();
  in_turn_ = true;
  const bool more = Receive(scope);
  TimersDue(scope.now());
  TakeLooked(scope.now());
  SendQueued(scope);
  CloseIdle();
  in_turn_ = false;
  const Deadline deadline = wheel_.has_value() ? wheel_->NextWake() : Deadline::Never();
  return more ? Step::Yield(deadline) : Step::WaitUntil(deadline);
}

void ResolverCore::Describe(Description& description) const {
  description.state = absl::StrCat("resolving ", lookup_count_, " names");
  description.waits_for = in_flight_ > 0 ? absl::StrCat("answers to ", in_flight_, " queries")
                                         : std::string("a lookup");
  if (policy_.has_value()) description.peer = policy_->address(0).ToString();
  description.bytes_held = cache_.bytes() + fetch_memory_.size() * sizeof(Fetch);
}

}  // namespace rotor::dns
