// Looks up a name: host NAME [TYPE] [--server=IP[:PORT]] [--tcp] [--json] [--timeout=10s]
//
// Prints the records as a zone file has them, "NAME TTL TYPE DATA" with tabs between, or JSON. Ends
// with 0 if there are any, 1 if there is no such name or record, 2 for wrong arguments, 3 if nobody
// could say.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "examples/host/host.h"

ABSL_FLAG(std::string, server, "", "server to ask, IP or IP:PORT; else those of resolv.conf");
ABSL_FLAG(bool, tcp, false, "ask over TCP");
ABSL_FLAG(bool, json, false, "print JSON");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(10), "of the whole lookup");

namespace {

absl::Status Run(const host::Request& request, const rotor::dns::ResolverOptions& options,
                 host::Outcome& outcome) {
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();
  rotor::LoopBuilder<host::App> builder({.machines_max = 64}, **backend);
  auto resolver = rotor::dns::Mount(builder, "resolver", options);
  if (!resolver.ok()) return resolver.status();
  auto group = builder.AddGroup("host");
  if (!group.ok()) return group.status();
  auto added = builder.Add<host::HostMachine>(*group, request, **resolver, outcome);
  if (!added.ok()) return added.status();
  return std::move(builder).Build().Run();
}

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "host: %s\n", status.ToString().c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("host NAME [TYPE]: looks a name up; see --helpshort.");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() < 2 || arguments.size() > 3) {
    std::fputs("usage: host NAME [TYPE] [--server=IP[:PORT]] [--tcp] [--json]\n", stderr);
    return host::kUsage;
  }
  auto request = host::MakeRequest(arguments[1], arguments.size() > 2 ? arguments[2] : "");
  if (!request.ok()) return Fail(request.status(), host::kUsage);
  request->json = absl::GetFlag(FLAGS_json);
  request->timeout = absl::GetFlag(FLAGS_timeout);
  auto options = host::MakeOptions(absl::GetFlag(FLAGS_server), absl::GetFlag(FLAGS_tcp));
  if (!options.ok()) return Fail(options.status(), host::kUsage);
  host::Outcome outcome;
  const absl::Status status = Run(*request, *options, outcome);
  if (!status.ok()) return Fail(status, host::kFailed);
  std::fputs(outcome.out.c_str(), stdout);
  std::fputs(outcome.err.c_str(), stderr);
  return outcome.exit_code;
}
