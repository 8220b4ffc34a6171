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
cc_test(
    name = "consumer_test",
    size = "small",
    srcs = ["consumer_test.cc"],
    deps = [
        "@com_google_googletest//:gtest_main",
        "@rotor//core/time",
    ],
)
END
cat >consumer_test.cc <<END
#include "core/time/time.h"
#include "gtest/gtest.h"

TEST(ConsumerTest, UsesRotor) { EXPECT_LT(rotor::Time(), rotor::Deadline::Never()); }
END

bazel=("$rotor/tools/bazel" --output_base="$workspace.output")
finish() {
  "${bazel[@]}" shutdown
  chmod -R u+w "$workspace.output"
  rm -rf "$workspace" "$workspace.output"
}
trap finish EXIT
"${bazel[@]}" test --color=no --curses=no //:consumer_test
