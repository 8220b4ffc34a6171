"""C++ targets of this repository, so that flags and tags are the same everywhere.

The language level is set here, because it belongs to the sources; warnings, optimization and
sanitizers belong to the build and stand in //:.bazelrc. A workspace that depends on Rotor compiles
its own sources with --cxxopt=-std=c++20.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_COPTS = ["-std=c++20"]

# Which instructions are preferred, not which exist: the result runs on every x86-64. By default GCC
# 12 clears structs of 64 bytes and more by `rep stos`, which takes some 20 cycles to begin; an HTTP
# request met five of them.
_TUNING_COPTS = select({
    "//tools:optimized_for_x86_64": ["-mtune=skylake"],
    "//conditions:default": [],
})

# Logic is compiled once, in many small .cc files. What that costs in calls, some 12 % of a
# request's instructions, the linker wins back. See //tools:link_time_optimization.
_LINK_TIME_COPTS = select({
    "//tools:link_time_optimization": ["-flto"],
    "//conditions:default": [],
})
_LINK_TIME_LINKOPTS = select({
    "//tools:link_time_optimization": [
        "-flto=auto",
        "-O2",
    ],
    "//conditions:default": [],
})

# For whoever wants to name them, //benchmarks does.
ROTOR_OPTIMIZATION_COPTS = _TUNING_COPTS + _LINK_TIME_COPTS

# Everything is linked statically with our own libraries: no shared object per library to link.

def rotor_cc_library(name, copts = [], **kwargs):
    native.cc_library(
        name = name,
        copts = _COPTS + ROTOR_OPTIMIZATION_COPTS + copts,
        linkstatic = True,
        **kwargs
    )

def rotor_cc_binary(name, copts = [], linkopts = [], **kwargs):
    native.cc_binary(
        name = name,
        copts = _COPTS + ROTOR_OPTIMIZATION_COPTS + copts,
        linkopts = linkopts + _LINK_TIME_LINKOPTS,
        linkstatic = True,
        **kwargs
    )

def rotor_cc_test(name, copts = [], linkopts = [], size = "small", **kwargs):
    native.cc_test(
        name = name,
        size = size,
        copts = _COPTS + ROTOR_OPTIMIZATION_COPTS + copts,
        linkopts = linkopts + _LINK_TIME_LINKOPTS,
        linkstatic = True,
        **kwargs
    )

def rotor_cc_benchmark(
        name,
        srcs,
        deps = [],
        data = [],
        size = "medium",
        visibility = None,
        **kwargs):
    """A Google Benchmark program, and `<name>_test`, which runs each of its benchmarks briefly.

    Measure with `tools/bazel run -c opt //package:name`.
    """
    rotor_cc_library(
        name = name + "_main",
        testonly = True,
        srcs = srcs,
        alwayslink = True,
        deps = deps + ["@com_google_benchmark//:benchmark_main"],
        **kwargs
    )
    rotor_cc_binary(
        name = name,
        testonly = True,
        data = data,
        tags = ["benchmark"],
        visibility = visibility,
        deps = [":" + name + "_main"],
    )
    rotor_cc_test(
        name = name + "_test",
        args = ["--benchmark_min_time=0.001"],
        data = data,
        size = size,
        tags = ["benchmark"],
        deps = [":" + name + "_main"],
    )

def rotor_cc_fuzz_test(
        name,
        srcs,
        deps = [],
        corpus = [],
        mutations = 20000,
        search_in_ci = False,
        size = "small"):
    """A fuzz entry, LLVMFuzzerTestOneInput, as a test and as a libFuzzer program.

    `name` replays the files of `corpus` and then runs `mutations` inputs made from them with fixed
    seeds. `<name>_libfuzzer` searches for new ones, beginning with those of `corpus`:
    `tools/bazel run --config=fuzz //package:name_libfuzzer -- -max_total_time=60`.
    With `search_in_ci`, .ci/run lets it do so for half a minute.
    """
    rotor_cc_test(
        name = name,
        srcs = srcs,
        args = ["--mutations=%d" % mutations] + ["$(rootpath %s)" % file for file in corpus],
        data = corpus,
        size = size,
        tags = ["fuzz"],
        deps = deps + ["//tools:fuzz_driver"],
    )
    rotor_cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        srcs = srcs,
        args = ["-seed_inputs=" + ",".join(["$(rootpath %s)" % file for file in corpus])],
        data = corpus,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzz",
            "manual",
        ] + (["fuzz_ci"] if search_in_ci else []),
        deps = deps,
    )

def _does_not_compile_test_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    headers = depset(transitive = [
        dep[CcInfo].compilation_context.headers
        for dep in ctx.attr.deps
    ])
    command = [
        ctx.executable._checker.short_path,
        str(ctx.attr.lines_max),
        ctx.file.src.short_path,
    ] + ctx.attr.expect + ["--", toolchain.compiler_executable] + _COPTS + ["-I."]
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec " + " ".join([_quoted(word) for word in command]) + "\n",
        is_executable = True,
    )
    return DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles([ctx.file.src], transitive_files = headers).merge(
            ctx.attr._checker[DefaultInfo].default_runfiles,
        ),
    )

def _quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"

_does_not_compile_test = rule(
    implementation = _does_not_compile_test_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "expect": attr.string_list(mandatory = True, allow_empty = False),
        "lines_max": attr.int(),
        "src": attr.label(mandatory = True, allow_single_file = [".cc"]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_checker": attr.label(
            default = "//tools:does_not_compile",
            executable = True,
            cfg = "target",
        ),
    },
    test = True,
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def rotor_does_not_compile_test(name, src, expect, deps = [], lines_max = 0, size = "small"):
    """Passes when the compiler rejects `src`, and says why in words an author understands.

    Args:
      name: of the test.
      src: one source file, x_does_not_compile.cc or in a folder does_not_compile, of no library.
      expect: texts which must all appear in the diagnostics.
      deps: libraries whose headers `src` includes.
      lines_max: the most lines of diagnostics allowed; 0 does not count them.
      size: as of any test.
    """
    if "does_not_compile" not in src:
        fail("%s: tools that compile everything skip names with does_not_compile only" % src)
    _does_not_compile_test(
        name = name,
        src = src,
        expect = expect,
        deps = deps,
        lines_max = lines_max,
        size = size,
        tags = ["static"],
    )
