// A Scope is valid during one call; it cannot be copied to be kept.
#include <optional>

#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope& scope) {
    kept_.emplace(scope);
    return rotor::Step::WaitForever();
  }

 private:
  std::optional<rotor::Scope> kept_;
};
static_assert(rotor::IsMachine<Machine>());
