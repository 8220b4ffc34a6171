"""Targets of benchmarks/: commands for `tools/bazel run -c opt`."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def benchmark_command(name, data = [], smoke_args = [], testonly = False):
    """Runs the Python module benchmarks/<package>/<package>_benchmark.py.

    Args:
      name: of the package and the target, so that //benchmarks/name is enough.
      data: programs and files that the module needs besides the driver.
      smoke_args: of <name>_smoke_test, which runs ours and the null server for a moment and judges
        no time. Manual: it wants two cores for itself.
      testonly: as of any target.
    """
    script = {
        "srcs": ["//benchmarks/driver:run.sh"],
        "data": data + [
            name + "_benchmark.py",
            "//benchmarks/driver",
            "//benchmarks/load",
            "//benchmarks/null:null_flags",
            "//benchmarks/null:null_server",
            "//benchmarks/peers",
        ],
    }
    module = "benchmarks.%s.%s_benchmark" % (name, name)
    native.sh_binary(
        name = name,
        args = [module],
        tags = ["benchmark"],
        testonly = testonly,
        **script
    )
    native.sh_test(
        name = name + "_smoke_test",
        size = "medium",
        args = [
            module,
            "--rounds=1",
            "--seconds=0.2",
        ] + smoke_args,
        tags = [
            "benchmark",
            "exclusive",
            "manual",
        ],
        **script
    )

def _compiler_flags_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = cc_common.create_compile_variables(
            feature_configuration = features,
            cc_toolchain = toolchain,
            user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts +
                                 ctx.attr.copts,
        ),
    )
    # Of the others, which warn or make the build reproducible, no program gets faster.
    kept = [flag for flag in flags if flag[:2] in ["-O", "-m", "-f", "-g"] or flag == "-DNDEBUG"]
    output = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(output, " ".join(kept) + "\n")
    return DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))

compiler_flags = rule(
    doc = "A file <name>.txt with the flags that C++ sources of this build are compiled with.",
    implementation = _compiler_flags_impl,
    attrs = {
        "copts": attr.string_list(doc = "Those of the target itself."),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def _linkable_impl(ctx):
    headers = []
    archives = []
    flags = []
    for dep in ctx.attr.deps:
        headers.append(dep[CcInfo].compilation_context.headers)
        for linked in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linked.libraries:
                archive = library.static_library or library.pic_static_library
                if archive:
                    archives.append(archive)
            flags += linked.user_link_flags
    output = ctx.actions.declare_file(ctx.label.name + ".link")
    ctx.actions.write(
        output,
        "\n".join([archive.short_path for archive in archives] + flags) + "\n",
    )
    return DefaultInfo(
        files = depset([output]),
        runfiles = ctx.runfiles(
            [output] + archives,
            transitive_files = depset(transitive = headers),
        ),
    )

linkable = rule(
    doc = "What a compiler that Bazel does not start needs of libraries: their headers, their " +
          "archives, and <name>.link with what to link, for g++ @file.",
    implementation = _linkable_impl,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)
