// Wakeup takes something else than a Scope.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step Wakeup(int) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
