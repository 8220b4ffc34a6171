#!/bin/bash
# Builds and runs a program in a workspace of its own that depends on this repository, as
# third_party/README.md tells others to.
set -euo pipefail
rotor=$(realpath "$(dirname "$0")/..")
workspace=$(mktemp -d)
cd "$workspace"

cat >WORKSPACE <<END
local_repository(
    name = "rotor",
    path = "$rotor",
)

load("@rotor//third_party:repositories.bzl", "rotor_repositories")

rotor_repositories()
END
cat >.bazelrc <<END
build --nosandbox_debug
build --cxxopt=-std=c++20
END
cat >BUILD <<END
[cc_binary(
    name = name,
    srcs = [name + ".cc"],
    deps = [
        "@rotor//core/backend/epoll",
        "@rotor//core/loop",
        protocol,
    ],
) for name, protocol in [
    ("line_daemon", "@rotor//protocols/line"),
    ("http_daemon", "@rotor//protocols/http/server"),
]]
END
cat >line_daemon.cc <<END
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/line/line.h"

int main() {
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return 1;
  rotor::LoopBuilder<rotor::Compose<rotor::line::EchoServer>> builder({}, **backend);
  rotor::line::EchoOptions options;
  options.addresses = {rotor::SocketAddress::Ip("127.0.0.1", 0).value()};
  return rotor::line::Mount(builder, "echo", options).ok() ? 0 : 1;
}
END
cat >http_daemon.cc <<END
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/http/server/server.h"

struct Site {
  void RequestReceived(const rotor::http::Request&, rotor::http::Reply& reply, rotor::Scope&) {
    (void)reply.Send("text/plain", "hello");
  }
};

int main() {
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return 1;
  rotor::LoopBuilder<rotor::Compose<rotor::http::Server<Site>>> builder({}, **backend);
  rotor::http::ServerOptions options;
  options.addresses = {rotor::SocketAddress::Ip("127.0.0.1", 0).value()};
  return rotor::http::Mount(builder, "http", options, Site()).ok() ? 0 : 1;
}
END

bazel=("$rotor/tools/bazel" --output_base="$workspace.output")
finish() {
  "${bazel[@]}" shutdown
  chmod -R u+w "$workspace.output"
  rm -rf "$workspace" "$workspace.output"
}
trap finish EXIT
"${bazel[@]}" build --color=no --curses=no //...

# Each runs, and holds nothing of the protocols it did not ask for.
check() {
  local program=bazel-bin/$1
  "$program"
  for other in "${@:2}"; do
    if nm -C "$program" | grep -q "rotor::$other::"; then
      echo "$1 holds symbols of $other" >&2
      return 1
    fi
  done
}
check line_daemon http dns
check http_daemon line dns
