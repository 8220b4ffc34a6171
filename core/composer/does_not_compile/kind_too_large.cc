// A kind that would make every slot large.
#include "core/loop/loop.h"

struct Listed {
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }
};
class Large {
 public:
  rotor::Step Start(rotor::Scope&) { return rotor::Step::WaitForever(); }

 private:
  char bytes_[193];
};

rotor::LoopBuilder<rotor::Compose<Listed, Large>> Build(rotor::Backend& backend) {
  return {{}, backend};
}
