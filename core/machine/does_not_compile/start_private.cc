// Start is not public.
#include "core/machine/machine.h"

class Machine {
 public:
 private:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
static_assert(rotor::IsMachine<Machine>());
