// An answer that says nothing.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return {}; }
};
static_assert(rotor::IsMachine<Machine>());
