#!/bin/bash
# Compiles files of the repository without making code. One line per file that fails, then why.
#
#   check_syntax.sh COMPILER headers|sources
#
# `headers` compiles each header alone: it must include what it uses. `sources` compiles each source
# file: a second compiler sees what the first one lets pass.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=$1
flags=(-std=c++20 -Wall -Wextra -Werror -fsyntax-only -I.)
case $2 in
  headers)
    pattern='*.h'
    # As a file that includes it: a header of its own would be warned of its guard and pragmas.
    flags+=(-x c++ /dev/null -include)
    ;;
  sources) pattern='*.cc' ;;
  *) exit 2 ;;
esac

# rotor_does_not_compile_test has its sources in files or folders of that name.
folders=(core protocols examples benchmarks tools)
# The peers of benchmarks need libraries that the repository does not.
find "${folders[@]}" -name "$pattern" ! -path '*does_not_compile*' \
  ! -path 'benchmarks/peers/*' -print0 |
  xargs -0 -r -n 1 -P "$(nproc)" "$compiler" "${flags[@]}"
