// The web site of the hub.
#ifndef ROTOR_EXAMPLES_HUB_SITE_H_
#define ROTOR_EXAMPLES_HUB_SITE_H_

#include "examples/hub/context.h"
#include "protocols/http/router/router.h"

namespace hub {

using Site = rotor::http::ContextRouter<Context>;

Site MakeSite();

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_SITE_H_
