// Flush takes no Scope.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  void Flush() {}
};
static_assert(rotor::IsMachine<Machine>());
