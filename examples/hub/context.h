// What the machines of the hub share.
#ifndef ROTOR_EXAMPLES_HUB_CONTEXT_H_
#define ROTOR_EXAMPLES_HUB_CONTEXT_H_

#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "protocols/resolve/resolver.h"

namespace hub {

struct Context {
  rotor::SocketAddress http, echo, dns;
  absl::Duration drain;                          // How long a shutdown waits for what is in flight.
  bool announce = true;                          // Say on standard output when a drain begins.
  rotor::resolve::Resolver* resolver = nullptr;  // Of the loop; never null once mounted.
};

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_CONTEXT_H_
