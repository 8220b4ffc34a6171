// The handler of a machine, in a protocol.
#include "protocols/stream/machine.h"

class Protocol {
 public:
  rotor::Intent Start(rotor::Stream&, rotor::Scope&) { return Next(); }
  rotor::Intent FrameReceived(std::string_view, rotor::Stream&, rotor::Scope&) { return Next(); }
  rotor::Intent Ready(rotor::Readiness, rotor::Scope&) { return Next(); }

 private:
  static rotor::Intent Next() { return rotor::Expect::Bytes(1).Forever(); }
};
static_assert(rotor::IsProtocol<Protocol>());
