"""Programs beside which ours is judged: each only if Debian's package for it is installed."""

import os
import pathlib
import shutil
import subprocess
from typing import Sequence

from benchmarks.driver.system import Failure

# The same as the null servers': no peer loses to its flags.
FLAGS = ["-O3", "-march=native", "-DNDEBUG"]


def program(name: str) -> str | None:
    """Where a program is, also if its folder is for administrators; None if nowhere."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


def missing_header(headers: Sequence[str]) -> str | None:
    """The first header that the compiler does not find, None if all are there."""
    for header in headers:
        test = subprocess.run(
            ["g++", "-E", "-x", "c++", "-"],
            input=f"#include <{header}>\n",
            text=True,
            capture_output=True,
        )
        if test.returncode != 0:
            return header
    return None


def compile_peer(
    source: str, libraries: Sequence[str], folder: pathlib.Path, flags: Sequence[str] = ()
) -> str:
    """Compiles one file of benchmarks/peers and returns the program."""
    output = folder / pathlib.Path(source).stem
    command = ["g++", "-std=c++20", *FLAGS, *flags, "-I.", "-o", str(output), source]
    result = subprocess.run(
        command + [f"-l{library}" for library in libraries], text=True, capture_output=True
    )
    if result.returncode != 0:
        raise Failure(f"{source} does not compile: {result.stderr[:2000]}")
    return str(output)
