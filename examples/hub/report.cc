#include "examples/hub/report.h"

#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace hub {

namespace {

using Group = std::vector<std::pair<std::string, int64_t>>;

// Grouped, with the number of machines that live in each group.
std::map<std::string, Group> Grouped(const rotor::CounterRegistry& counters) {
  std::map<std::string, Group> groups;
  std::map<std::string, int64_t> alive;
  for (const rotor::CounterRegistry::Entry& entry : counters.entries()) {
    groups[entry.group].emplace_back(entry.name, entry.counter.value());
    if (entry.name == "machines_spawned") alive[entry.group] += entry.counter.value();
    if (entry.name == "machines_finished" || entry.name == "machines_failed" ||
        entry.name == "machines_cut") {
      alive[entry.group] -= entry.counter.value();
    }
  }
  for (const auto& [group, count] : alive) groups[group].emplace_back("machines_alive", count);
  return groups;
}

std::string Json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

std::string Left(const rotor::MachineReport& report, rotor::Time now) {
  if (report.deadline.is_never()) return "-";
  return absl::FormatDuration(absl::Trunc(report.deadline.time() - now, absl::Milliseconds(1)));
}

// Template arguments and namespaces say little to a reader of the tree.
std::string ShortKind(std::string_view kind) {
  return absl::StrReplaceAll(std::string(kind), {{"rotor::", ""}, {"{anonymous}::", ""}});
}

}  // namespace

std::string StatsAsJson(const rotor::CounterRegistry& counters) {
  std::vector<std::string> groups;
  for (const auto& [name, group] : Grouped(counters)) {
    std::vector<std::string> members;
    for (const auto& [counter, value] : group) {
      members.push_back(absl::StrCat("    ", Json(counter), ": ", value));
    }
    groups.push_back(
        absl::StrCat("  ", Json(name), ": {\n", absl::StrJoin(members, ",\n"), "\n  }"));
  }
  return absl::StrCat("{\n", absl::StrJoin(groups, ",\n"), "\n}\n");
}

std::string StatsAsText(const rotor::CounterRegistry& counters) {
  std::vector<std::string> all;
  for (const auto& [name, group] : Grouped(counters)) {
    for (const auto& [counter, value] : group) {
      if (value != 0) all.push_back(absl::StrCat(name, ".", counter, "=", value));
    }
  }
  return absl::StrJoin(all, " ");
}

std::string TreeAsText(const rotor::Scope& scope, uint32_t first, uint32_t count) {
  std::string text = absl::StrFormat("%-12s %-14s %10s %10s %8s  %-40s %-24s %s\n", "path", "state",
                                     "age", "deadline", "bytes", "waits for", "peer", "kind");
  const uint32_t next = scope.VisitMachines(first, count, [&](const rotor::MachineReport& report) {
    absl::StrAppendFormat(&text, "%-12s %-14s %10s %10s %8d  %-40s %-24s %s\n", report.path,
                          absl::StrCat(report.description.state, report.draining ? "*" : ""),
                          absl::FormatDuration(absl::Trunc(report.age, absl::Milliseconds(1))),
                          Left(report, scope.now()), report.description.bytes_held,
                          report.description.waits_for, report.description.peer,
                          ShortKind(report.kind));
  });
  if (next != 0) absl::StrAppend(&text, "more: /tree?first=", next, "\n");
  return text;
}

std::string TreeAsJson(const rotor::Scope& scope, uint32_t first, uint32_t count) {
  std::vector<std::string> machines;
  const uint32_t next = scope.VisitMachines(first, count, [&](const rotor::MachineReport& report) {
    machines.push_back(absl::StrCat(
        "  {\"path\": ", Json(report.path), ", \"kind\": ", Json(report.kind), ", \"state\": ",
        Json(report.description.state), ", \"waits_for\": ", Json(report.description.waits_for),
        ", \"peer\": ", Json(report.description.peer),
        ", \"age_seconds\": ", absl::ToDoubleSeconds(report.age), ", \"deadline_seconds\": ",
        report.deadline.is_never()
            ? "null"
            : absl::StrCat(absl::ToDoubleSeconds(report.deadline.time() - scope.now())),
        ", \"bytes_held\": ", report.description.bytes_held,
        ", \"draining\": ", report.draining ? "true" : "false", "}"));
  });
  return absl::StrCat("{\"machines\": [\n", absl::StrJoin(machines, ",\n"),
                      "\n], \"next\": ", next == 0 ? "null" : absl::StrCat(next), "}\n");
}

std::string FrontPage(const Context& context) {
  const std::string http = context.http.ToString();
  const std::string host = context.http.host();
  return absl::StrCat(
      R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Rotor hub</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top;
  padding: .35rem .6rem; border-bottom: 1px solid #dde3ea; }
code, pre { font: 14px/1.5 ui-monospace, monospace; background: #f3f5f8; border-radius: 4px; }
code { padding: .1rem .3rem; }
pre { padding: .8rem; overflow-x: auto; }
</style></head><body>
<h1>Rotor hub</h1>
<p>One process, one thread, one event loop: HTTP, line echo and DNS side by side.</p>
<h2>What runs here</h2>
<table>
<tr><th>Protocol</th><th>Address</th><th>Group</th></tr>
<tr><td>HTTP/1.1</td><td><code>)",
      http, R"(</code></td><td>/http</td></tr>
<tr><td>Line echo</td><td><code>)",
      context.echo.ToString(), R"(</code></td><td>/echo</td></tr>
<tr><td>DNS, UDP and TCP, zone <code>hub.test.</code></td><td><code>)",
      context.dns.ToString(), R"(</code></td><td>/dns</td></tr>
</table>
<h2>Pages</h2>
<table>
<tr><td><a href="/plaintext">/plaintext</a></td><td>Hello, World!</td></tr>
<tr><td><a href="/stats">/stats</a></td><td>counters of each protocol, as JSON</td></tr>
<tr><td><a href="/tree">/tree</a>, <a href="/tree?format=json">JSON</a></td>
<td>every living machine: state, age, deadline, what it waits for; pages by
<code>first</code> and <code>count</code></td></tr>
<tr><td><a href="/lookup?name=localhost">/lookup?name=localhost</a></td>
<td>the addresses of a name</td></tr>
<tr><td><a href="/headers">/headers</a></td><td>the fields of your request</td></tr>
<tr><td>/echo</td><td>the body of your request, any method</td></tr>
</table>
<h2>Try</h2>
<pre>curl -i http://)",
      http, R"(/stats
curl -d 'some body' http://)",
      http, R"(/echo
printf 'a\nb\n' | nc -N )",
      host, " ", context.echo.port(), R"(
dig @)",
      host, " -p ", context.dns.port(), R"( hub.test A +short
dig @)",
      host, " -p ", context.dns.port(), R"( stats.hub.test TXT +short +tcp</pre>
</body></html>
)");
}

}  // namespace hub
