// Sends every line back: nc 127.0.0.1 7007
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/line/line.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "address to listen on");
ABSL_FLAG(uint16_t, port, 7007, "port to listen on; 0 lets the kernel choose");

namespace {

using App = rotor::Compose<rotor::line::EchoServer>;

absl::Status Serve() {
  auto address = rotor::SocketAddress::Ip(absl::GetFlag(FLAGS_bind), absl::GetFlag(FLAGS_port));
  if (!address.ok()) return address.status();
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();

  rotor::LoopBuilder<App> builder({}, **backend);
  rotor::line::EchoOptions options;
  options.addresses = {*address};
  auto mounted = rotor::line::Mount(builder, "echo", options);
  if (!mounted.ok()) return mounted.status();

  std::printf("echoing lines on %s\n", mounted->addresses[0].ToString().c_str());
  std::fflush(stdout);
  return std::move(builder).Build().Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Sends every line back");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "line_echo: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
