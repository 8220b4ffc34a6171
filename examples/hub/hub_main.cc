// HTTP, line echo and DNS in one process, one thread, one event loop.
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "examples/hub/hub.h"

ABSL_FLAG(std::string, bind, "127.0.0.1", "numeric address to listen on");
ABSL_FLAG(uint16_t, http_port, 8080, "port for HTTP; 0 lets the kernel choose");
ABSL_FLAG(uint16_t, echo_port, 7007, "port for line echo; 0 lets the kernel choose");
ABSL_FLAG(uint16_t, dns_port, 5300, "port for DNS, UDP and TCP; 0 lets the kernel choose");
ABSL_FLAG(std::string, resolver, "",
          "DNS server /lookup asks, IP or IP:PORT; self: our own; else as resolv.conf says");
ABSL_FLAG(uint32_t, machines_max, 16384, "machines alive at once; more connections wait");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(5), "how long SIGTERM waits for what is in flight");

namespace {

void PrintBanner(const hub::Context& context) {
  const std::string host = context.http.host();
  std::printf("HTTP       http://%s/\n", context.http.ToString().c_str());
  std::printf("line echo  %s\n", context.echo.ToString().c_str());
  std::printf("DNS        %s, UDP and TCP, zone hub.test.\n", context.dns.ToString().c_str());
  std::printf("try:  curl -i http://%s/stats\n", context.http.ToString().c_str());
  std::printf("      curl http://%s/lookup?name=localhost\n", context.http.ToString().c_str());
  std::printf("      printf 'a\\nb\\n' | nc -N %s %d\n", host.c_str(), context.echo.port());
  std::printf("      dig @%s -p %d hub.test A +short\n", host.c_str(), context.dns.port());
  std::printf("      kill -USR1 PID prints the tree of machines; Ctrl-C drains\n");
#ifndef __OPTIMIZE__
  std::printf("an unoptimised build: for speed, tools/bazel run -c opt //examples/hub\n");
#endif
  std::fflush(stdout);
}

absl::Status Serve() {
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();

  rotor::LoopBuilder<hub::App, hub::Context> builder(
      {.machines_max = absl::GetFlag(FLAGS_machines_max)}, **backend);
  auto context = hub::Mount(builder, {.bind = absl::GetFlag(FLAGS_bind),
                                      .http_port = absl::GetFlag(FLAGS_http_port),
                                      .echo_port = absl::GetFlag(FLAGS_echo_port),
                                      .dns_port = absl::GetFlag(FLAGS_dns_port),
                                      .drain = absl::GetFlag(FLAGS_drain),
                                      .resolver = absl::GetFlag(FLAGS_resolver)});
  if (!context.ok()) return context.status();

  PrintBanner(*context);
  return std::move(builder).Build(*context).Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("HTTP, line echo and DNS in one loop");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "hub: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
