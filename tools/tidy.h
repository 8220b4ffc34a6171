// The rules of this repository that no compiler checks: which folder may include which, banned
// names, leftovers, form, and line budgets. See tidy.cc for each rule's table and reason.
#ifndef ROTOR_TOOLS_TIDY_H_
#define ROTOR_TOOLS_TIDY_H_

#include <string>
#include <string_view>
#include <vector>

namespace rotor::tidy {

// A file as the rules see it. `path` is relative to the repository's root: "core/time/time.h".
struct SourceFile {
  std::string path;
  std::string content;
};

// One broken rule. `line` counts from 1; 0 means the file or folder as a whole.
struct Finding {
  std::string path;
  int line = 0;
  std::string rule;
};

// True for files that the rules read: C++, BUILD, Starlark, shell, Markdown and dot-files, but not
// the data of tests (folders named corpus or testdata).
bool IsChecked(std::string_view path);

// The rules that need one file only.
std::vector<Finding> CheckFile(const SourceFile& file);

// The rules about the tree: every package explains itself, known top-level entries, line budgets.
// `files` are all files; of those not checked only the path matters.
std::vector<Finding> CheckTree(const std::vector<SourceFile>& files);

}  // namespace rotor::tidy

#endif  // ROTOR_TOOLS_TIDY_H_
