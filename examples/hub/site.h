// The web site of the hub.
#ifndef ROTOR_EXAMPLES_HUB_SITE_H_
#define ROTOR_EXAMPLES_HUB_SITE_H_

#include "core/machine/scope.h"
#include "examples/hub/context.h"
#include "protocols/http/server/reply.h"

namespace hub {

class Site {
 public:
  void RequestReceived(const rotor::http::Request& request, rotor::http::Reply& reply,
                       rotor::ContextScope<Context>& scope);
};

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_SITE_H_
