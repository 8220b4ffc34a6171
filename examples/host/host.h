// Looks a name up and says what it found. Everything but main().
#ifndef ROTOR_EXAMPLES_HOST_HOST_H_
#define ROTOR_EXAMPLES_HOST_HOST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/composer/composer.h"
#include "core/machine/machine.h"
#include "protocols/dns/resolver/resolver.h"

namespace host {

// What the process ends with.
enum ExitCode : int {
  kFound = 0,
  kNotFound = 1,  // No such name, or no such record.
  kUsage = 2,
  kFailed = 3,  // Nobody could say.
};

struct Request {
  std::string name;
  std::vector<rotor::dns::RecordType> types;  // At least one.
  absl::Duration timeout = absl::Seconds(10);
  bool json = false;
};

// From the arguments NAME and TYPE, of which the latter may be empty: A and AAAA then, or PTR if
// the name is a numeric address.
absl::StatusOr<Request> MakeRequest(std::string_view name, std::string_view type);

// Of `--server` and `--tcp`. Without a server, resolv.conf says.
absl::StatusOr<rotor::dns::ResolverOptions> MakeOptions(std::string_view server, bool tcp);

struct Outcome {
  int exit_code = kFailed;
  std::string out;  // For standard output: the records as a zone file has them, or JSON.
  std::string err;  // For standard error: why there are none.
};

// Asks for all types at once and finishes.
class HostMachine {
 public:
  // All three must outlive the machine.
  HostMachine(const Request& request, rotor::dns::Resolver& resolver, Outcome& outcome)
      : request_(request), resolver_(resolver), outcome_(outcome) {}

  rotor::Step Start(rotor::Scope& scope);
  rotor::Step Wakeup(rotor::Scope& scope);

 private:
  void Conclude(rotor::Time now);

  const Request& request_;
  rotor::dns::Resolver& resolver_;
  Outcome& outcome_;
  std::vector<rotor::dns::RecordLookup> lookups_;  // One for each type.
};
static_assert(rotor::IsMachine<HostMachine>());

using App = rotor::Compose<rotor::dns::ResolverMachines, HostMachine>;

}  // namespace host

#endif  // ROTOR_EXAMPLES_HOST_HOST_H_
