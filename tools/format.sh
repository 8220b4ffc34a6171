#!/bin/bash
# Formats every C++ file of the repository; with --check it only says which lines differ.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
if [[ ${1:-} == --check ]]; then mode=(--dry-run -Werror); fi

find core protocols examples benchmarks tools \( -name '*.h' -o -name '*.cc' \) -print0 |
  xargs -0 -r clang-format-14 "${mode[@]}"
