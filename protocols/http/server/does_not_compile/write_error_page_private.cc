// Out of reach.
#include "protocols/http/server/server.h"

class Site {
 public:
  void RequestReceived(const rotor::http::Request&, rotor::http::Reply&, rotor::Scope&) {}

 private:
  void WriteErrorPage(rotor::http::ErrorPage&) {}
};
static_assert(rotor::http::IsHandler<Site>());
