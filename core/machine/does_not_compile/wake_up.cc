// A near miss: WakeUp for Wakeup.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step WakeUp(rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
