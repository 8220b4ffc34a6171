// Without a Reply.
#include "protocols/http/server/server.h"

class Site {
 public:
  void RequestReceived(const rotor::http::Request&, rotor::Scope&) {}
};
static_assert(rotor::http::IsHandler<Site>());
