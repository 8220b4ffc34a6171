// Name resolution as an interface: names to addresses, whoever knows them.
//
//   class Client {                                    // A machine, or part of one.
//     Step Start(Scope& scope) {
//       lookup_ = resolver_.Find("example.test", {.port = 80}, scope);
//       return Step::WaitForever();                   // The lookup has a deadline of its own.
//     }
//     Step Wakeup(Scope& scope) {
//       if (!lookup_.done()) return Step::KeepWaiting();
//       absl::StatusOr<std::vector<SocketAddress>> addresses = lookup_.Take();
//       ...
//     resolve::Lookup lookup_;                        // Gone with the client: cancelled.
//
// Protocols that connect by name depend on this and on nothing that implements it; the application
// gives them a Resolver. //protocols/dns/resolver is one.
#ifndef ROTOR_PROTOCOLS_RESOLVE_RESOLVER_H_
#define ROTOR_PROTOCOLS_RESOLVE_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/base/check.h"
#include "core/machine/scope.h"

namespace rotor::resolve {

// Which addresses are wanted.
enum class Family : uint8_t { kAny, kIpv4, kIpv6 };

struct FindOptions {
  uint16_t port = 0;  // Put into each address.
  Family family = Family::kAny;
  // The whole lookup; then it is done with kDeadlineExceeded, or with what one family has.
  absl::Duration timeout = absl::Seconds(10);
};

// Without order of preference between the families: a connector's business (RFC 6724, RFC 8305).
using Addresses = std::vector<SocketAddress>;

// A lookup under way, as a Resolver keeps it. Its destructor cancels.
class PendingLookup {
 public:
  virtual ~PendingLookup() = default;
  virtual bool done() const = 0;
  virtual absl::StatusOr<Addresses> Take() = 0;
};

// One lookup, owned by whoever waits for it. Destroying it, or assigning another, cancels it at
// once. Move it freely; it may outlive its resolver, which then makes it done with kCancelled. The
// loop's thread only.
class Lookup {
 public:
  Lookup() = default;  // Of nothing: never done.
  explicit Lookup(std::unique_ptr<PendingLookup> pending) : pending_(std::move(pending)) {}

  bool is_set() const { return pending_ != nullptr; }
  bool done() const { return pending_ != nullptr && pending_->done(); }
  // The result, once, when done():
  //   kNotFound           there is no such name, or it has no such address
  //   kInvalidArgument    it is not a name
  //   kUnavailable        nobody who might know answered, or they said that they failed
  //   kDeadlineExceeded   FindOptions::timeout has passed
  //   kResourceExhausted  a limit of the resolver
  //   kCancelled          the resolver is gone
  absl::StatusOr<Addresses> Take() {
    ROTOR_CHECK(done(), "Lookup::Take() before done()");
    return std::exchange(pending_, nullptr)->Take();
  }

 private:
  std::unique_ptr<PendingLookup> pending_;
};

// A name being watched, as a Resolver keeps it. Its destructor ends that.
class PendingSubscription {
 public:
  virtual ~PendingSubscription() = default;
  virtual bool TakeChanged() = 0;
  virtual const absl::StatusOr<Addresses>& addresses() const = 0;
};

// What a name means, kept current, owned by whoever wants to know. As Lookup otherwise.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::unique_ptr<PendingSubscription> pending)
      : pending_(std::move(pending)) {}

  bool is_set() const { return pending_ != nullptr; }
  // Whether addresses() has changed since this was last asked.
  bool TakeChanged() { return pending_ != nullptr && pending_->TakeChanged(); }
  // In the order of their bytes. kUnavailable until the first answer. Later a resolver that cannot
  // answer changes nothing: what was known stays; that the name is gone is kNotFound. is_set()
  // only.
  const absl::StatusOr<Addresses>& addresses() const {
    ROTOR_CHECK(is_set(), "Subscription::addresses() of no subscription");
    return pending_->addresses();
  }

 private:
  std::unique_ptr<PendingSubscription> pending_;
};

// Belongs to a loop, and is used on its thread.
class Resolver {
 public:
  virtual ~Resolver() = default;

  // Begins to look `host` up: a name, or a numeric address, which is its own answer. The machine of
  // `scope` gets a Wakeup when the lookup is done, also when it is done at once, as the Lookup then
  // says. Never fails: what is wrong is the Lookup's result.
  virtual Lookup Find(std::string_view host, const FindOptions& options, Scope& scope) = 0;

  // Begins to watch `host`. The machine of `scope` gets a Wakeup whenever TakeChanged() is true.
  // How soon a change is seen depends on how long answers may be kept; `options.timeout` is that
  // of each look.
  virtual Subscription Watch(std::string_view host, const FindOptions& options, Scope& scope) = 0;
};

}  // namespace rotor::resolve

#endif  // ROTOR_PROTOCOLS_RESOLVE_RESOLVER_H_
