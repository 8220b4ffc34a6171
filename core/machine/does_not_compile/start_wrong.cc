// Start answers nothing.
#include "core/machine/machine.h"

class Machine {
 public:
  void Start(rotor::Scope&) {}
};
static_assert(rotor::IsMachine<Machine>());
