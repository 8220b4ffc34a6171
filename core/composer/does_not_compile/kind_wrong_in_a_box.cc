// The same within a box, whose own handlers are right.
#include "core/loop/loop.h"

struct Listed {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
struct Wrong {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  rotor::Step WakeUp(rotor::Scope&) { return rotor::Step::KeepWaiting(); }
};

rotor::LoopBuilder<rotor::Compose<Listed, rotor::Boxed<Wrong>>> Build(rotor::Backend& backend) {
  return {{}, backend};
}
