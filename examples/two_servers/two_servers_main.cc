// Two HTTP servers on two ports in one loop. The first counts its requests; the second shows the
// count, which both reach through the loop's context.
//
//   curl http://127.0.0.1:8001/any/path; curl http://127.0.0.1:8002/count
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/http/router/router.h"
#include "protocols/http/server/server.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "address to listen on");
ABSL_FLAG(uint16_t, public_port, 8001, "port of the server that counts; 0 lets the kernel choose");
ABSL_FLAG(uint16_t, admin_port, 8002, "port of the server that shows the count");

namespace {

namespace http = rotor::http;

struct Counter {
  uint64_t requests = 0;
};
using Scope = rotor::ContextScope<Counter>;
using Router = http::ContextRouter<Counter>;

http::Response Count(const http::Request& request, Scope& scope) {
  ++scope.context().requests;
  return http::Response::Text("counted " + std::string(request.head.path) + "\n");
}

http::Response Show(const http::Request&, Scope& scope) {
  return http::Response::Text(std::to_string(scope.context().requests) + "\n");
}

http::Response Reset(const http::Request&, Scope& scope) {
  scope.context().requests = 0;
  return {.status = 204};
}

using App = rotor::Compose<http::Server<decltype(&Count)>, http::Server<Router>>;

absl::Status Serve() {
  auto address = rotor::SocketAddress::Ip(absl::GetFlag(FLAGS_bind), 0);
  if (!address.ok()) return address.status();
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();
  rotor::LoopBuilder<App, Counter> builder({}, **backend);

  http::ServerOptions options;
  options.addresses = {address->WithPort(absl::GetFlag(FLAGS_public_port))};
  auto counting = http::Mount(builder, "public", options, &Count);
  if (!counting.ok()) return counting.status();

  Router router;
  router.Get("/count", Show);
  router.Post("/reset", Reset);
  options.addresses = {address->WithPort(absl::GetFlag(FLAGS_admin_port))};
  auto admin = http::Mount(builder, "admin", options, std::move(router));
  if (!admin.ok()) return admin.status();

  std::printf("counting on http://%s/, showing on http://%s/count\n",
              counting->addresses[0].ToString().c_str(), admin->addresses[0].ToString().c_str());
  std::fflush(stdout);
  return std::move(builder).Build().Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "two_servers: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
