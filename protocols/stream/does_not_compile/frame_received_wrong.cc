// FrameReceived takes a size instead of the frame.
#include "protocols/stream/machine.h"

class Protocol {
 public:
  rotor::Intent Start(rotor::Stream&, rotor::Scope&) { return Next(); }
  rotor::Intent FrameReceived(size_t, rotor::Stream&, rotor::Scope&) { return Next(); }

 private:
  static rotor::Intent Next() { return rotor::Expect::Bytes(1).Forever(); }
};
static_assert(rotor::IsProtocol<Protocol>());
