// A machine without Start.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Begin(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
static_assert(rotor::IsMachine<Machine>());
