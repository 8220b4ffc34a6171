// Flushed answers nothing.
#include "protocols/stream/machine.h"

class Protocol {
 public:
  rotor::Intent Start(rotor::Stream&, rotor::Scope&) { return Next(); }
  rotor::Intent FrameReceived(std::string_view, rotor::Stream&, rotor::Scope&) { return Next(); }
  void Flushed(rotor::Stream&, rotor::Scope&) {}

 private:
  static rotor::Intent Next() { return rotor::Expect::Bytes(1).Forever(); }
};
static_assert(rotor::IsProtocol<Protocol>());
