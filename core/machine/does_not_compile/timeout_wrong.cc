// Timeout answers with something else than a Step.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  bool Timeout(rotor::Scope&) { return true; }
};
static_assert(rotor::IsMachine<Machine>());
