// A kind that the loop's Compose does not list.
#include "core/loop/loop.h"

struct Listed {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
struct Unlisted {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};

void Mount(rotor::LoopBuilder<rotor::Compose<Listed>>& builder, rotor::GroupId group) {
  (void)builder.Add<Unlisted>(group);
}
