// A near miss: OnReady for Ready.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step OnReady(rotor::Readiness, rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
