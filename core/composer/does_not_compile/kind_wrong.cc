// A kind with a wrong handler whose author did not check it.
#include "core/loop/loop.h"

struct Listed {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
struct Wrong {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
  void Timeout(rotor::Scope&) {}
};

rotor::LoopBuilder<rotor::Compose<Listed, Wrong>> Build(rotor::Backend& backend) {
  return {{}, backend};
}
