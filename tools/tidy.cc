#include "tools/tidy.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rotor::tidy {
namespace {

constexpr int kLineColumnsMax = 100;
constexpr size_t kFunctionLinesMax = 60;

// Core without tests, benchmarks, test doubles and backends: small enough to be read in a day.
constexpr int kCoreLinesMax = 4000;
// The headers an author of a machine reads.
constexpr int kAuthorHeaderLinesMax = 600;
constexpr std::string_view kAuthorHeaders[] = {
    "core/backend/io.h",        "core/composer/composer.h", "core/loop/loop.h",
    "core/machine/machine.h",   "core/machine/scope.h",     "core/machine/step.h",
    "protocols/stream/stream.h"};

constexpr std::string_view kTopLevel[] = {"BUILD",      "README.md",   "WORKSPACE",
                                          "benchmarks", "core",        "examples",
                                          "protocols",  "third_party", "tools"};

// What each folder of core may include besides itself. Tests may include all of core.
struct Layer {
  std::string_view folder;
  std::string_view below;
};
constexpr Layer kCoreLayers[] = {
    {"base", ""},
    {"time", "base"},
    {"buffer", "base"},
    {"slab", "base time"},
    {"timer", "base time slab"},
    {"notifier", "base time slab"},
    {"backend", "base time notifier"},
    {"machine", "base time buffer slab timer notifier backend"},
    {"composer", "base time buffer slab timer notifier backend machine"},
    {"signals", "base time buffer slab timer notifier backend machine composer"},
    {"loop", "base time buffer slab timer notifier backend machine composer"},
    {"testing", "base time buffer slab timer notifier backend machine composer loop"},
};

// Protocols know each other only through these.
constexpr std::string_view kSharedProtocols[] = {"stream", "resolve"};

bool Contains(std::span<const std::string_view> list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "core" of "core/time/time.h"; the nth folder counting from 0; empty when there is none.
std::string_view Folder(std::string_view path, int index) {
  for (; index > 0; --index) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view Directory(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }

bool IsBenchmark(std::string_view path) {
  return path.starts_with("benchmarks/") || path.ends_with("_benchmark.cc");
}

// Tests, benchmarks, and what exists only for them.
bool IsForTests(std::string_view path) {
  return path.ends_with("_test.cc") || IsBenchmark(path) || Has(path, "/testing/") ||
         Has(path, "_test_") || Has(path, "_fuzz") || Has(path, "/does_not_compile/") ||
         path.starts_with("core/backend/contract");
}

bool IsWordByte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_';
}

// Finds `word` where no letter, digit or underscore continues it at an end that is one of these.
bool HasWord(std::string_view line, std::string_view word) {
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsWordByte(word.front()) || !IsWordByte(line[at - 1]);
    const bool ends = end == line.size() || !IsWordByte(word.back()) || !IsWordByte(line[end]);
    if (starts && ends) return true;
  }
  return false;
}

// Finds "::name(" in the global namespace: nothing stands before the colons that could qualify it.
bool HasGlobalCall(std::string_view line, std::string_view name) {
  const std::string call = "::" + std::string(name) + "(";
  for (size_t at = line.find(call); at != std::string_view::npos; at = line.find(call, at + 1)) {
    if (at == 0 || (!IsWordByte(line[at - 1]) && line[at - 1] != '>')) return true;
  }
  return false;
}

// Lines without their line feeds. A last line without one is a line too.
std::vector<std::string_view> Lines(std::string_view content) {
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const size_t end = std::min(content.find('\n'), content.size());
    lines.push_back(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return lines;
}

// Code points, so that a dash or an arrow counts once.
int Columns(std::string_view line) {
  return static_cast<int>(
      std::count_if(line.begin(), line.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

// The rule broken by `path` when it includes `included`; empty if none.
std::string CheckCoreInclude(std::string_view path, std::string_view included) {
  const std::string_view from = Folder(path, 1);
  const std::string_view to = Folder(included, 1);
  if (Folder(included, 0) != "core") return "core includes core only";
  if (from == to || IsForTests(path)) return {};
  for (const Layer& layer : kCoreLayers) {
    if (layer.folder != from) continue;
    if (HasWord(layer.below, to)) return {};
    return "core/" + std::string(from) + " must not include core/" + std::string(to);
  }
  return "core/" + std::string(from) + " has no place in the layers: add it to tools/tidy.cc";
}

std::string CheckProtocolInclude(std::string_view path, std::string_view included) {
  const std::string_view from = Folder(path, 1);
  const std::string_view to = Folder(included, 1);
  if (Folder(included, 0) == "core") {
    if (IsForTests(path)) return {};
    if (to == "loop") return "protocols do not know the loop: applications mount them";
    if (to == "testing") return "core/testing is for tests";
    return {};
  }
  if (Folder(included, 0) != "protocols") return "protocols include core and protocols only";
  if (from == to || (Contains(kSharedProtocols, to) && !Contains(kSharedProtocols, from))) {
    return {};
  }
  return "protocols do not know each other";
}

std::string CheckInclude(std::string_view path, std::string_view included) {
  const std::string_view from = Folder(path, 0);
  const std::string_view to = Folder(included, 0);
  if (included == "http_parser.h") {
    // Peers are compiled by the benchmarks' driver, not by the build.
    if (path.starts_with("protocols/http/codec/") || path.starts_with("benchmarks/peers/")) {
      return {};
    }
    return "only protocols/http/codec knows http_parser.h";
  }
  static constexpr std::string_view kLibraries[] = {"absl", "benchmark", "gmock", "gtest"};
  if (Contains(kLibraries, to)) return {};
  if (to.empty() || !Contains(kTopLevel, to)) return "includes are written from the root";
  if (from == "core") return CheckCoreInclude(path, included);
  if (from == "protocols") return CheckProtocolInclude(path, included);
  if (from == to || to == "core" || (to == "protocols" && from != "tools")) return {};
  return std::string(from) + " must not include " + std::string(to);
}

// The file named by an #include line; empty for other lines. Of system headers only http_parser.h.
std::string_view IncludedFile(std::string_view line) {
  static constexpr std::string_view kQuoted = "#include \"";
  if (line == "#include <http_parser.h>") return "http_parser.h";
  if (!line.starts_with(kQuoted)) return {};
  line.remove_prefix(kQuoted.size());
  return line.substr(0, line.find('"'));
}

// Where a name may be used although it is banned elsewhere.
bool Nowhere(std::string_view) { return false; }
bool InBase(std::string_view path) { return path.starts_with("core/base/"); }
bool InBenchmarks(std::string_view path) { return IsBenchmark(path); }
bool InBackends(std::string_view path) {
  return path.starts_with("core/backend/") || IsBenchmark(path);
}

struct BannedName {
  std::string_view name;
  bool (*allowed)(std::string_view path);
  std::string_view rule;
};
constexpr BannedName kBannedNames[] = {
    {"absl::any", Nowhere, "std::any instead of Abseil's"},
    {"absl::optional", Nowhere, "std::optional instead of Abseil's"},
    {"absl::variant", Nowhere, "std::variant instead of Abseil's"},
    {"absl::string_view", InBase, "std::string_view; AsAbsl() of core/base/strings.h converts"},
    {"absl::Mutex", Nowhere, "std::mutex: the thread sanitizer does not see into Debian's Abseil"},
    {"absl::Notification", Nowhere, "std::atomic or std::mutex, as for absl::Mutex"},
    {"sleep_for", InBenchmarks, "nothing sleeps: wait for an event"},
    {"sleep_until", InBenchmarks, "nothing sleeps: wait for an event"},
    {"sleep(", InBenchmarks, "nothing sleeps: wait for an event"},
    {"usleep(", InBenchmarks, "nothing sleeps: wait for an event"},
    {"nanosleep(", InBenchmarks, "nothing sleeps: wait for an event"},
    {"clock_gettime", InBackends, "clocks are read by backends only"},
    {"steady_clock", InBackends, "clocks are read by backends only"},
    {"system_clock", InBackends, "clocks are read by backends only"},
    {"absl::Now(", InBackends, "clocks are read by backends only"},
    {"random_device", InBackends, "random numbers come from core/base/random.h and a given seed"},
    {"std::rand", InBackends, "random numbers come from core/base/random.h and a given seed"},
};

// Tests may call these too: as the peer of what they test.
constexpr std::string_view kSystemCalls[] = {
    "accept", "accept4", "bind",  "close",  "connect", "epoll_ctl", "epoll_wait",
    "listen", "read",    "readv", "recv",   "recvmsg", "send",      "sendmsg",
    "sendto", "socket",  "write", "writev", "recvfrom"};

// One or two capitals, a dash and two digits name a row of a list which a reader of this repository
// does not have.
bool HasRowId(std::string_view line) {
  for (size_t dash = line.find('-'); dash != std::string_view::npos;
       dash = line.find('-', dash + 1)) {
    size_t start = dash;
    while (start > 0 && IsWordByte(line[start - 1])) --start;
    const std::string_view list = line.substr(start, dash - start);
    static constexpr std::string_view kLists[] = {"C", "H", "HP", "P", "R", "S"};
    size_t end = dash + 1;
    while (end < line.size() && IsWordByte(line[end])) ++end;
    const std::string_view row = line.substr(dash + 1, end - dash - 1);
    if (Contains(kLists, list) && row.size() == 2 && std::isdigit(row[0]) && std::isdigit(row[1])) {
      return true;
    }
  }
  return false;
}

constexpr std::string_view kLeftovers[] = {"TODO", "FIXME", "XXX", "HACK"};
constexpr std::string_view kLintExemption = "NOLINT";

// "NOLINT(check): reason" has a reason, "NOLINT(check)" has none.
bool ExemptsWithoutReason(std::string_view line) {
  const size_t at = line.find(kLintExemption);
  if (at == std::string_view::npos) return false;
  std::string_view rest = line.substr(at + kLintExemption.size());
  while (!rest.empty() && IsWordByte(rest.front())) rest.remove_prefix(1);
  if (rest.starts_with("(")) rest.remove_prefix(std::min(rest.find(')'), rest.size()));
  return std::none_of(rest.begin(), rest.end(), IsWordByte);
}

// Collects the findings of one file.
class FileCheck {
 public:
  explicit FileCheck(const SourceFile& file) : path_(file.path), lines_(Lines(file.content)) {
    if (!file.content.empty() && !file.content.ends_with('\n')) {
      Add(lines_.size(), "the last line has no line feed");
    }
  }

  std::vector<Finding> Run() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      number_ = i + 1;
      CheckForm(lines_[i]);
      // The rules and their test name what they ban.
      if (!path_.starts_with("tools/tidy")) CheckNames(lines_[i]);
      if (IsCpp(path_)) {
        CheckFunctionEndingAt(i);
        const std::string_view included = IncludedFile(lines_[i]);
        if (!included.empty()) AddIfAny(CheckInclude(path_, included));
      }
    }
    return std::move(findings_);
  }

 private:
  void Add(size_t line, std::string rule) {
    findings_.push_back({path_, static_cast<int>(line), std::move(rule)});
  }
  void AddIfAny(std::string rule) {
    if (!rule.empty()) Add(number_, std::move(rule));
  }

  void CheckForm(std::string_view line) {
    // Addresses cannot be broken, nor can rows of tables in Markdown; buildifier joins loads.
    const bool breakable = !Has(line, "://") && !line.starts_with("load(") &&
                           !(path_.ends_with(".md") && line.starts_with("|"));
    if (breakable && Columns(line) > kLineColumnsMax) {
      Add(number_, "more than " + std::to_string(kLineColumnsMax) + " columns");
    }
    if (line.ends_with(' ') || line.ends_with('\t') || line.ends_with('\r')) {
      Add(number_, "space at the end of the line");
    }
    if (IsCpp(path_) && Has(line, "\t")) Add(number_, "tab");
  }

  void CheckNames(std::string_view line) {
    for (const std::string_view leftover : kLeftovers) {
      if (HasWord(line, leftover)) Add(number_, "leftover: " + std::string(leftover));
    }
    if (ExemptsWithoutReason(line)) {
      Add(number_, std::string(kLintExemption) + " without a reason behind it");
    }
    if (HasRowId(line)) Add(number_, "a row of a list that readers do not have");
    if (IsCpp(path_)) CheckCode(line);
  }

  void CheckCode(std::string_view line) {
    line = line.substr(0, line.find("//"));
    for (const BannedName& banned : kBannedNames) {
      if (HasWord(line, banned.name) && !banned.allowed(path_)) {
        Add(number_, "banned: " + std::string(banned.name) + ". " + std::string(banned.rule));
      }
    }
    if (InBackends(path_) || IsForTests(path_)) return;
    for (const std::string_view call : kSystemCalls) {
      if (HasGlobalCall(line, call)) {
        Add(number_, "banned: ::" + std::string(call) + ". Only backends call the system");
      }
    }
  }

  // clang-format ends a function with a brace at the indentation of its first line.
  void CheckFunctionEndingAt(size_t last) {
    const size_t indent = lines_[last].find_first_not_of(' ');
    if (lines_[last] != "}" && lines_[last] != "  }") return;
    size_t first = last;
    while (first > 0) {
      const std::string_view above = lines_[--first];
      if (above.find_first_not_of(' ') == indent && above[indent] != '#') break;
    }
    const size_t length = last - first + 1;
    // A test may hold a table.
    const size_t length_max = IsForTests(path_) ? 2 * kFunctionLinesMax : kFunctionLinesMax;
    if (length > length_max) {
      Add(first + 1, "a function of " + std::to_string(length) + " lines; at most " +
                         std::to_string(length_max));
    }
  }

  std::string path_;
  std::vector<std::string_view> lines_;
  size_t number_ = 0;
  std::vector<Finding> findings_;
};

int LineCount(const SourceFile& file) {
  return static_cast<int>(std::count(file.content.begin(), file.content.end(), '\n'));
}

// Core as it runs in production on whichever backend.
bool CountsAsCore(std::string_view path) {
  if (!path.starts_with("core/") || !IsCpp(path) || IsForTests(path)) return false;
  const bool is_one_backend = path.starts_with("core/backend/") && !Folder(path, 2).empty();
  return !is_one_backend;
}

void CheckBudgets(const std::vector<SourceFile>& files, std::vector<Finding>& findings) {
  int core_lines = 0;
  int author_lines = 0;
  for (const SourceFile& file : files) {
    if (CountsAsCore(file.path)) core_lines += LineCount(file);
    if (Contains(kAuthorHeaders, file.path)) author_lines += LineCount(file);
  }
  if (core_lines > kCoreLinesMax) {
    findings.push_back({"core", 0,
                        std::to_string(core_lines) + " lines without tests and backends; at most " +
                            std::to_string(kCoreLinesMax)});
  }
  if (author_lines > kAuthorHeaderLinesMax) {
    findings.push_back({"core/machine/machine.h", 0,
                        "it and the other headers that authors of machines read have " +
                            std::to_string(author_lines) + " lines; at most " +
                            std::to_string(kAuthorHeaderLinesMax)});
  }
}

// A README, or a comment at the head of a source file. A Python file says what it is in a string.
bool Explains(const SourceFile& file) {
  const std::string_view name =
      std::string_view(file.path).substr(std::min(file.path.rfind('/') + 1, file.path.size()));
  return name == "README.md" || (IsCpp(name) && file.content.starts_with("// ")) ||
         (name.ends_with(".py") && file.content.starts_with("\"\"\""));
}

}  // namespace

bool IsChecked(std::string_view path) {
  if (Has(path, "/corpus/") || Has(path, "/testdata/")) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  static constexpr std::string_view kNames[] = {"BUILD",      "WORKSPACE",     ".bazelrc",
                                                ".gitignore", ".clang-format", "bazel"};
  static constexpr std::string_view kEndings[] = {".h",  ".cc", ".bzl",    ".md",
                                                  ".py", ".sh", ".bazelrc"};
  return Contains(kNames, name) || path.starts_with(".ci/") ||
         std::any_of(std::begin(kEndings), std::end(kEndings),
                     [name](std::string_view ending) { return name.ends_with(ending); });
}

std::vector<Finding> CheckFile(const SourceFile& file) { return FileCheck(file).Run(); }

std::vector<Finding> CheckTree(const std::vector<SourceFile>& files) {
  std::vector<Finding> findings;
  std::set<std::string_view> packages;
  std::set<std::string_view> explained;
  std::set<std::string_view> top_level;
  for (const SourceFile& file : files) {
    const std::string_view path = file.path;
    const std::string_view directory = Directory(path);
    if (path.ends_with("/BUILD")) packages.insert(directory);
    if (Explains(file)) explained.insert(directory);
    top_level.insert(path.substr(0, path.find('/')));
  }
  for (const std::string_view package : packages) {
    if (explained.contains(package)) continue;
    findings.push_back(
        {std::string(package), 0, "no README.md, and no source file that starts with a comment"});
  }
  for (const std::string_view entry : top_level) {
    if (Contains(kTopLevel, entry) || entry.starts_with('.')) continue;
    findings.push_back({std::string(entry), 0, "not one of the known top-level entries"});
  }
  CheckBudgets(files, findings);
  return findings;
}

}  // namespace rotor::tidy
