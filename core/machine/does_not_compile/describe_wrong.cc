// Describe is not const.
#include "core/machine/machine.h"

class Machine {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  void Describe(rotor::Description&) {}
};
static_assert(rotor::IsMachine<Machine>());
