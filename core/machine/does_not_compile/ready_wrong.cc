// Ready without its Readiness.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step Ready(rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
