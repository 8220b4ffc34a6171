// A machine that needs a context, in a loop that has another one.
#include "core/machine/machine.h"

struct Settings {};

class Machine {
 public:
  rotor::Step Start(rotor::ContextScope<Settings>&) { return rotor::Step::WaitForever(); }
};
static_assert(rotor::IsMachine<Machine>());
