#!/bin/sh
# Runs a Python module of benchmarks/: run.sh MODULE [flags]. Bazel starts it at the root of its
# files.
if ! [ -x /usr/bin/python3 ]; then
  echo "the benchmarks' driver needs /usr/bin/python3: apt install python3" >&2
  exit 1
fi
module=$1
shift
exec /usr/bin/python3 -B -m "$module" "$@"
