// A near miss: TimeOut for Timeout.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step TimeOut(rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
