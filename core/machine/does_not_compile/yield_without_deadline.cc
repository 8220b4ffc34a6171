// A yield that does not say by when to be called at the latest.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::Yield(); }
};
static_assert(rotor::IsMachine<Machine>());
