// Serves the files below a directory over HTTP.
//
//   tools/bazel run -c opt //examples/static_files -- --root=/usr/share/doc --port=8000
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/http/server/server.h"
#include "protocols/http/static_files/static_files.h"

ABSL_FLAG(std::string, root, "", "directory whose files are served; required");
ABSL_FLAG(std::string, bind, "127.0.0.1", "address to listen on");
ABSL_FLAG(uint16_t, port, 8000, "port to listen on; 0 lets the kernel choose");
ABSL_FLAG(bool, follow_links, false, "follow symbolic links that stay below the root");

namespace {

using App = rotor::Compose<rotor::http::Server<rotor::http::StaticFiles>>;

absl::Status Serve() {
  auto address = rotor::SocketAddress::Ip(absl::GetFlag(FLAGS_bind), absl::GetFlag(FLAGS_port));
  if (!address.ok()) return address.status();
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();
  rotor::LoopBuilder<App> builder({}, **backend);

  rotor::http::StaticFilesOptions files_options = {.root = absl::GetFlag(FLAGS_root)};
  if (absl::GetFlag(FLAGS_follow_links)) files_options.symlinks = rotor::SymlinkPolicy::kBeneath;
  auto files = rotor::http::StaticFiles::Open(builder.io(), files_options);
  if (!files.ok()) return files.status();

  rotor::http::ServerOptions options;
  options.addresses = {*address};
  options.listener.defer_accept_seconds = 5;
  auto mounted = rotor::http::Mount(builder, "http", options, *std::move(files));
  if (!mounted.ok()) return mounted.status();

  std::printf("serving %s on http://%s/\n", files_options.root.c_str(),
              mounted->addresses[0].ToString().c_str());
  std::fflush(stdout);
  return std::move(builder).Build().Run();
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  if (absl::GetFlag(FLAGS_root).empty()) {
    std::fprintf(stderr, "usage: static_files --root=DIRECTORY [--port=8000] [--bind=127.0.0.1]\n");
    return 2;
  }
  const absl::Status status = Serve();
  if (!status.ok()) std::fprintf(stderr, "static_files: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
