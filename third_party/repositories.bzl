"""Every external repository of this workspace: the system's libraries under upstream's labels.

Another workspace calls `rotor_repositories()` too; README.md shows how. Nothing is downloaded: a
target only names what to link, and the compiler finds headers and libraries where the
distribution put them. Therefore no target sets `includes` (an -isystem /usr/include would stand
before the C++ library's own directory and break its #include_next), and no directory is written
here that holds for one processor architecture only.
"""

def _link_only_repository_impl(context):
    packages = {}
    for name, parts in context.attr.targets.items():
        package, _, target = name.rpartition(":")
        packages.setdefault(package, []).append("""
cc_library(
    name = "{name}",
    linkopts = {linkopts},
    deps = {deps},
)
""".format(
            name = target,
            linkopts = repr([part for part in parts if part.startswith("-")]),
            deps = repr([part for part in parts if not part.startswith("-")]),
        ))
    for package, rules in packages.items():
        context.file(
            package + "/BUILD" if package else "BUILD",
            "package(default_visibility = [\"//visibility:public\"])\n" + "".join(rules),
        )
    context.file("WORKSPACE", "workspace(name = \"%s\")\n" % context.name)

# `targets` maps "package:name" to linker flags ("-lfoo") and dependencies ("//package:name").
_link_only_repository = repository_rule(
    implementation = _link_only_repository_impl,
    attrs = {"targets": attr.string_list_dict(mandatory = True)},
)

def _files_repository_impl(context):
    context.file("WORKSPACE", "workspace(name = \"%s\")\n" % context.name)
    for path, content in context.attr.contents.items():
        context.file(path, content)
    for file, path in context.attr.links.items():
        context.symlink(file, path)

# A repository of a few small files: `contents` maps a path to a text, `links` a file to its path.
_files_repository = repository_rule(
    implementation = _files_repository_impl,
    attrs = {
        "contents": attr.string_dict(),
        "links": attr.label_keyed_string_dict(allow_files = True),
    },
)

_ABSL = {
    # Internal libraries which headers of several packages refer to.
    "absl/base:base": [
        "-labsl_base",
        "-labsl_spinlock_wait",
        "-labsl_throw_delegate",
        "-labsl_raw_logging_internal",
        "-labsl_log_severity",
    ],
    "absl/base:core_headers": [],
    "absl/algorithm:container": [],
    "absl/cleanup:cleanup": [],
    "absl/container:fixed_array": ["//absl/base"],
    "absl/container:flat_hash_map": ["//absl/container:raw_hash_set"],
    "absl/container:flat_hash_set": ["//absl/container:raw_hash_set"],
    "absl/container:inlined_vector": ["//absl/base"],
    "absl/container:node_hash_map": ["//absl/container:raw_hash_set"],
    "absl/container:raw_hash_set": [
        "-labsl_raw_hash_set",
        "-labsl_hashtablez_sampler",
        "//absl/hash",
        "//absl/synchronization",
    ],
    "absl/debugging:symbolize": [
        "-labsl_symbolize",
        "-labsl_stacktrace",
        "-labsl_debugging_internal",
        "-labsl_demangle_internal",
        "-labsl_malloc_internal",
        "//absl/strings",
    ],
    "absl/flags:flag": [
        "-labsl_flags_internal",
        "-labsl_flags_marshalling",
        "-labsl_flags_reflection",
        "-labsl_flags_private_handle_accessor",
        "-labsl_flags_commandlineflag",
        "-labsl_flags_commandlineflag_internal",
        "-labsl_flags_config",
        "-labsl_flags_program_name",
        "//absl/container:raw_hash_set",
        "//absl/strings:str_format",
    ],
    "absl/flags:parse": [
        "-labsl_flags_parse",
        "//absl/flags:flag",
        "//absl/flags:usage",
    ],
    "absl/flags:usage": [
        "-labsl_flags_usage",
        "-labsl_flags_usage_internal",
        "//absl/flags:flag",
    ],
    "absl/functional:any_invocable": [],
    "absl/functional:bind_front": [],
    "absl/functional:function_ref": [],
    "absl/hash:hash": [
        "-labsl_hash",
        "-labsl_city",
        "-labsl_low_level_hash",
        "//absl/strings:cord",
        "//absl/types:variant",
    ],
    "absl/memory:memory": [],
    "absl/numeric:bits": [],
    "absl/numeric:int128": ["-labsl_int128"],
    "absl/status:status": [
        "-labsl_status",
        "-labsl_strerror",
        "//absl/strings:cord",
        "//absl/strings:str_format",
    ],
    "absl/status:statusor": [
        "-labsl_statusor",
        "//absl/status",
        "//absl/types:variant",
    ],
    "absl/strings:cord": [
        "-labsl_cord",
        "-labsl_cordz_info",
        "-labsl_cord_internal",
        "-labsl_cordz_functions",
        "-labsl_exponential_biased",
        "-labsl_cordz_handle",
        "//absl/synchronization",
        "//absl/types:optional",
    ],
    "absl/strings:str_format": [
        "-labsl_str_format_internal",
        "//absl/strings",
    ],
    "absl/strings:strings": [
        "-labsl_strings",
        "-labsl_strings_internal",
        "//absl/base",
        "//absl/numeric:int128",
    ],
    "absl/synchronization:synchronization": [
        "-labsl_synchronization",
        "-labsl_graphcycles_internal",
        "//absl/debugging:symbolize",
        "//absl/time",
    ],
    "absl/time:time": [
        "-labsl_time",
        "-labsl_civil_time",
        "-labsl_time_zone",
        "//absl/strings",
    ],
    "absl/types:optional": ["-labsl_bad_optional_access", "//absl/base"],
    "absl/types:span": ["//absl/base"],
    "absl/types:variant": ["-labsl_bad_variant_access", "//absl/base"],
}

def rotor_repositories():
    """Declares what Rotor needs, except repositories that the caller has already declared."""
    _declare(_link_only_repository, "com_google_absl", targets = _ABSL)
    _declare(_link_only_repository, "com_google_googletest", targets = {
        ":gtest": ["-lgmock", "-lgtest"],
        ":gtest_main": ["-lgtest_main", "//:gtest"],
    })
    _declare(_link_only_repository, "com_google_benchmark", targets = {
        ":benchmark": ["-lbenchmark"],
        ":benchmark_main": ["-lbenchmark_main", "//:benchmark"],
    })
    _declare(_link_only_repository, "http_parser", targets = {
        ":http_parser": ["-lhttp_parser"],
    })

    # What Bazel itself refers to. Debian's, which alone has no version number, would otherwise
    # download it; a released one has its own, newer rules and keeps them.
    if not native.bazel_version:
        _debian_bazel_repositories()

def _debian_bazel_repositories():
    _declare(native.local_repository, "rules_java", path = "/usr/share/bazel/rules/java")
    _declare(
        _files_repository,
        "rules_cc",
        contents = {"cc/BUILD": ""},
        links = {Label("//third_party:rules_cc_defs.bzl"): "cc/defs.bzl"},
    )
    _declare(_files_repository, "remote_coverage_tools", contents = {
        "BUILD": "filegroup(name = \"coverage_report_generator\", " +
                 "visibility = [\"//visibility:public\"])\n",
    })

def _declare(rule, name, **attributes):
    if not native.existing_rule(name):
        rule(name = name, **attributes)
