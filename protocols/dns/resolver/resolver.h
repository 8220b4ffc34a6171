// A stub resolver: asks the servers of resolv.conf, keeps what it learns, believes only what
// answers its questions.
//
//   using App = rotor::Compose<dns::ResolverMachines, ...>;
//   auto resolver = dns::Mount(builder, "resolver", dns::ResolverOptions());
//   ... **resolver is a resolve::Resolver: hand it to whoever connects by name ...
//
// It follows RFC 1034 section 5.3.1 (stub), RFC 5452 (forgery), RFC 2308 and RFC 9520 (negative
// answers and failures), RFC 6891 (EDNS), RFC 7766 (TCP), RFC 6761 (special names). It needs a
// server that resolves recursively, does not validate signatures, and does not sort addresses.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_H_

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "core/machine/machine.h"
#include "protocols/dns/resolver/answer.h"
#include "protocols/dns/resolver/config.h"
#include "protocols/dns/resolver/resolver_core.h"
#include "protocols/dns/resolver/tcp_protocol.h"
#include "protocols/resolve/resolver.h"

namespace rotor::dns {

// A lookup of records under way; owned, cancelled and waited for as a resolve::Lookup.
class RecordLookup {
 public:
  RecordLookup() = default;
  explicit RecordLookup(std::unique_ptr<LookupState> state) : state_(std::move(state)) {}

  bool is_set() const { return state_ != nullptr; }
  bool done() const { return state_ != nullptr && state_->done(); }
  // The result, once, when done(); never null if OK. That there is no such name or no such record
  // is an answer here. Errors otherwise as of resolve::Lookup::Take().
  absl::StatusOr<std::shared_ptr<const Answer>> Take() {
    ROTOR_CHECK(done(), "RecordLookup::Take() before done()");
    return std::exchange(state_, nullptr)->TakeAnswer();
  }

 private:
  std::unique_ptr<LookupState> state_;
};

struct AskOptions {
  absl::Duration timeout = absl::Seconds(10);  // Of the whole lookup.
  bool search = true;                          // In the domains of resolv.conf.
};

// Valid as long as its loop.
class Resolver final : public resolve::Resolver {
 public:
  explicit Resolver(ResolverCore& core) : core_(core) {}

  // A and AAAA records, the latter first.
  resolve::Lookup Find(std::string_view host, const resolve::FindOptions& options,
                       Scope& scope) override;
  // A change is seen when what was known before has expired, a second later at the soonest and an
  // hour later at the latest; what is not in the DNS, within reload_interval.
  resolve::Subscription Watch(std::string_view host, const resolve::FindOptions& options,
                              Scope& scope) override;
  // Records of any type. `name` as typed: absolute if it ends with a dot.
  RecordLookup Ask(std::string_view name, RecordType type, const AskOptions& options, Scope& scope);

  // For tests.
  ResolverCore& core() { return core_; }

 private:
  ResolverCore& core_;
};

// Runs a resolver. In the background: what waits for it keeps the loop running, not it.
class ResolverMachine {
 public:
  explicit ResolverMachine(ResolverCore& core) : core_(core) {}
  ResolverMachine(const ResolverMachine&) = delete;
  ResolverMachine& operator=(const ResolverMachine&) = delete;
  ~ResolverMachine() { core_.MachineGone(); }

  Step Start(Scope& scope) {
    scope.RunInBackground();
    core_.MachineStarted(scope);
    return core_.Turn(scope);
  }
  Step Ready(Readiness readiness, Scope& scope) {
    core_.SocketReady(readiness);
    return core_.Turn(scope);
  }
  Step Timeout(Scope& scope) { return core_.Turn(scope); }
  Step Wakeup(Scope& scope) { return core_.Turn(scope); }
  void Describe(Description& description) const { core_.Describe(description); }

 private:
  ResolverCore& core_;
};
static_assert(IsMachine<ResolverMachine>());

// To be listed in Compose<...>.
using ResolverMachines = Parts<ResolverMachine, stream::Machine<TcpProtocol>>;

// kInvalidArgument names the option that makes no sense.
absl::Status CheckOptions(const ResolverOptions& options);

// Adds a resolver under the group `name`. The pointer is valid as long as the loop.
template <Composer C>
absl::StatusOr<Resolver*> Mount(C& composer, std::string_view name,
                                const ResolverOptions& options) {
  absl::Status checked = CheckOptions(options);
  if (!checked.ok()) return checked;
  absl::StatusOr<GroupId> group = composer.AddGroup(name);
  if (!group.ok()) return group.status();
  ResolverCore& core = composer.template Keep<ResolverCore>(options, composer.counters(), name);
  core.set_connector(stream::Prepare<TcpProtocol>(composer, *group, name, StreamOptions(), core));
  absl::StatusOr<Notifier> added = composer.template Add<ResolverMachine>(*group, core);
  if (!added.ok()) return added.status();
  return &composer.template Keep<Resolver>(core);
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_RESOLVER_H_
