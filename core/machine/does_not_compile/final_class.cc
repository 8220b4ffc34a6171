// A final class: whether it has a handler could not be told.
#include "core/machine/machine.h"

class Machine final {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
static_assert(rotor::IsMachine<Machine>());
