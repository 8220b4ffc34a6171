// Answers no plan.
#include "protocols/http/server/server.h"

class Site {
 public:
  void RequestReceived(const rotor::http::Request&, rotor::http::Reply&, rotor::Scope&) {}
  void HeadReceived(const rotor::http::RequestHead&, rotor::http::Reply&, rotor::Scope&) {}
};
static_assert(rotor::http::IsHandler<Site>());
