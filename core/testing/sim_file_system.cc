#include "core/testing/sim_file_system.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace rotor {
namespace {

constexpr int kLinksMax = 40;

// The first name of `path`, which it loses.
std::string TakeName(std::string& path) {
  const size_t size = std::min(path.find('/'), path.size());
  std::string name = path.substr(0, size);
  path.erase(0, size + 1);
  return name;
}

}  // namespace

SimFileSystem::SimFileSystem() : root_(std::make_shared<SimFileNode>()) {}

SimFileSystem::Node& SimFileSystem::Place(std::string_view path) {
  ROTOR_CHECK(path.starts_with('/') && IsPlainPath(path.substr(1)),
              "SimFileSystem: paths begin with '/' and are plain");
  std::string rest(path.substr(1));
  Node* node = const_cast<Node*>(&root_);
  while (!rest.empty()) {
    if (*node == nullptr) *node = std::make_shared<SimFileNode>();
    ROTOR_CHECK((*node)->kind == SimFileNode::Kind::kDirectory,
                "SimFileSystem: something on the way is no directory");
    node = &(*node)->entries[TakeName(rest)];
  }
  return *node;
}

void SimFileSystem::Write(std::string_view path, std::string_view bytes, absl::Time modified) {
  Place(path) = std::make_shared<SimFileNode>(SimFileNode{.kind = SimFileNode::Kind::kFile,
                                                          .modified = modified,
                                                          .bytes = std::string(bytes),
                                                          .entries = {}});
}

void SimFileSystem::MakeDirectory(std::string_view path) {
  Place(path) = std::make_shared<SimFileNode>();
}

void SimFileSystem::MakeLink(std::string_view path, std::string_view target) {
  Place(path) = std::make_shared<SimFileNode>(SimFileNode{.kind = SimFileNode::Kind::kLink,
                                                          .modified = {},
                                                          .bytes = std::string(target),
                                                          .entries = {}});
}

void SimFileSystem::MakePipe(std::string_view path) {
  Place(path) = std::make_shared<SimFileNode>(
      SimFileNode{.kind = SimFileNode::Kind::kPipe, .modified = {}, .bytes = {}, .entries = {}});
}

void SimFileSystem::Remove(std::string_view path) {
  const size_t slash = path.rfind('/');
  const Node& parent = slash == 0 ? root_ : Place(path.substr(0, slash));
  ROTOR_CHECK(parent != nullptr && parent->entries.erase(std::string(path.substr(slash + 1))) == 1,
              "SimFileSystem: nothing there to remove");
}

void SimFileSystem::Truncate(std::string_view path, size_t bytes) {
  const Node& node = Place(path);
  ROTOR_CHECK(node != nullptr, "SimFileSystem: nothing there to truncate");
  node->bytes.resize(bytes);
}

void SimFileSystem::MakeUnreadable(std::string_view path) {
  const Node& node = Place(path);
  ROTOR_CHECK(node != nullptr, "SimFileSystem: nothing there");
  node->readable = false;
}

int SimFileSystem::Resolve(const Node& directory, std::string_view path, bool absolute_links,
                           SymlinkPolicy policy, Node& found) {
  std::vector<Node> way = {directory};
  std::string rest(path);
  int links = 0;
  while (!rest.empty()) {
    const std::string name = TakeName(rest);
    if (name.empty() || name == ".") continue;
    if (way.back()->kind != SimFileNode::Kind::kDirectory) return ENOTDIR;
    if (name == "..") {
      if (way.size() == 1 && !absolute_links) return EXDEV;
      if (way.size() > 1) way.pop_back();
      continue;
    }
    const auto entry = way.back()->entries.find(name);
    if (entry == way.back()->entries.end() || entry->second == nullptr) return ENOENT;
    if (entry->second->kind != SimFileNode::Kind::kLink) {
      way.push_back(entry->second);
      continue;
    }
    if (policy == SymlinkPolicy::kNever || ++links > kLinksMax) return ELOOP;
    if (entry->second->bytes.starts_with('/')) {
      if (!absolute_links) return EXDEV;
      way.resize(1);
    }
    rest = entry->second->bytes + "/" + rest;
  }
  found = way.back();
  return found->readable ? 0 : EACCES;
}

}  // namespace rotor
