// A kind other than the one a loop without Compose runs.
#include "core/loop/loop.h"

struct Listed {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
struct Other {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};

void Mount(rotor::LoopBuilder<Listed>& builder, rotor::GroupId group) {
  (void)builder.SpawnerFor<Other>(group);
}
