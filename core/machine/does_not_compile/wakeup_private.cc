// Wakeup is not public.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }

 private:
  rotor::Step Wakeup(rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};
static_assert(rotor::IsMachine<Machine>());
