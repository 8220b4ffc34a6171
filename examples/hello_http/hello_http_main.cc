// Answers "Hello, World!" to GET / and /plaintext: curl -i http://127.0.0.1:8888/
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/http/server/server.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "address to listen on");
ABSL_FLAG(uint16_t, port, 8888, "port to listen on; 0 lets the kernel choose");
ABSL_FLAG(uint32_t, machines_max, 20000, "connections, and a few more; more of them wait");
ABSL_FLAG(absl::Duration, busy_poll, absl::ZeroDuration(),
          "poll up to so long before sleeping, while it pays");
ABSL_FLAG(bool, access_log, false, "write a line for each request to standard output");

namespace {

rotor::http::Response Hello(const rotor::http::Request& request) {
  if (request.head.path != "/" && request.head.path != "/plaintext") {
    return rotor::http::Response::Error(404, "There is no such page.");
  }
  return {.content_type = "text/plain", .body = "Hello, World!"};
}

using App = rotor::Compose<rotor::http::Server<decltype(&Hello)>>;

absl::Status Serve() {
  auto address = rotor::SocketAddress::Ip(absl::GetFlag(FLAGS_bind), absl::GetFlag(FLAGS_port));
  if (!address.ok()) return address.status();
  auto backend = rotor::EpollBackend::Create({.busy_poll_max = absl::GetFlag(FLAGS_busy_poll)});
  if (!backend.ok()) return backend.status();

  rotor::http::StdioAccessLog access_log(stdout);
  rotor::LoopBuilder<App> builder({.machines_max = absl::GetFlag(FLAGS_machines_max)}, **backend);
  rotor::http::ServerOptions options;
  options.addresses = {*address};
  options.listener.defer_accept_seconds = 5;
  if (absl::GetFlag(FLAGS_access_log)) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    options.access_log = &access_log;
  }
  auto mounted = rotor::http::Mount(builder, "http", options, &Hello);
  if (!mounted.ok()) return mounted.status();

  std::printf("listening on http://%s/\n", mounted->addresses[0].ToString().c_str());
  std::fflush(stdout);
  return std::move(builder).Build().Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Answers GET / and /plaintext with Hello, World!");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "hello_http: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
