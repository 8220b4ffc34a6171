// Applies the rules of tidy.h to the whole repository and prints each finding as file:line: rule.
#include "tools/tidy.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace rotor::tidy {
namespace {

namespace fs = std::filesystem;

std::string Content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<SourceFile> ReadTree(const fs::path& root) {
  std::vector<SourceFile> files;
  fs::recursive_directory_iterator entry(root);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string path = entry->path().lexically_relative(root);
    // Links to the output of builds, and what Git keeps for itself.
    if (path.starts_with("bazel-") || path == ".git") {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file()) continue;
    files.push_back({path, IsChecked(path) ? Content(entry->path()) : ""});
  }
  return files;
}

// `workspace_file` is a link to the file WORKSPACE in the root of the repository.
int Main(const char* workspace_file) {
  const std::vector<SourceFile> files = ReadTree(fs::canonical(workspace_file).parent_path());
  std::vector<Finding> findings = CheckTree(files);
  for (const SourceFile& file : files) {
    if (!IsChecked(file.path)) continue;
    for (Finding& finding : CheckFile(file)) findings.push_back(std::move(finding));
  }
  for (const Finding& finding : findings) {
    std::printf("%s:%d: %s\n", finding.path.c_str(), finding.line, finding.rule.c_str());
  }
  std::printf("%zu files, %zu findings\n", files.size(), findings.size());
  return findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace rotor::tidy

int main(int argument_count, char** arguments) {
  return argument_count == 2 ? rotor::tidy::Main(arguments[1]) : 2;
}
