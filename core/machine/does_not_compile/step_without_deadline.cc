// An answer that does not say by when to be called again.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitUntil(); }
};
static_assert(rotor::IsMachine<Machine>());
