#!/bin/sh
# Passes when a compiler rejects a source file with the expected words.
#
#   does_not_compile.sh LINES_MAX SOURCE EXPECTED... -- COMPILER FLAG...
#
# LINES_MAX bounds the lines of the diagnostics; 0 does not.
set -eu

lines_max=$1
source_file=$2
shift 2

# What stands before "--" is kept, one text per line, and the rest becomes the command.
expected=
while [ "$1" != -- ]; do
  expected="$expected$1
"
  shift
done
shift

diagnostics=${TEST_TMPDIR:-/tmp}/diagnostics.$$
trap 'rm -f "$diagnostics"' EXIT
if LC_ALL=C "$@" -fsyntax-only "$source_file" 2>"$diagnostics"; then
  echo "$source_file: compiles, but must not" >&2
  exit 1
fi

fail() {
  echo "$source_file: $1. The diagnostics:" >&2
  cat "$diagnostics" >&2
  exit 1
}

printf '%s' "$expected" | {
  while IFS= read -r text; do
    grep -qF -- "$text" "$diagnostics" || fail "the diagnostics lack \"$text\""
  done
}
lines=$(wc -l <"$diagnostics")
if [ "$lines_max" -gt 0 ] && [ "$lines" -gt "$lines_max" ]; then
  fail "$lines lines of diagnostics, at most $lines_max are allowed"
fi
