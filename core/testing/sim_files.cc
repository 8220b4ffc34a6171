#include "core/testing/sim_files.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "core/testing/sim_core.h"

namespace rotor {

SimFileNode* SimFiles::Find(const Fd& file, std::string_view call) {
  const auto found = host_.files_.find(file.number());
  auto* const open =
      found == host_.files_.end() ? nullptr : dynamic_cast<SimDiskFile*>(found->second.get());
  if (open != nullptr) return open->node.get();
  host_.core_.Violation(absl::StrCat(host_.name_, ": ", AsAbsl(call), " on descriptor ",
                                     file.number(), ", which is no open file"));
  return nullptr;
}

absl::StatusOr<Fd> SimFiles::OpenDirectory(std::string_view path) {
  const std::string what = absl::StrCat("open directory ", AsAbsl(path));
  host_.core_.Log(host_.name_, what);
  if (absl::Status status = host_.CheckOpenFiles(what); !status.ok()) return status;
  std::shared_ptr<SimFileNode> node;
  int error = SimFileSystem::Resolve(file_system_.root_, path, /*absolute_links=*/true,
                                     SymlinkPolicy::kBeneath, node);
  if (error == 0 && node->kind != SimFileNode::Kind::kDirectory) error = ENOTDIR;
  if (error != 0) return absl::ErrnoToStatus(error, what);
  return host_.Install(std::make_shared<SimDiskFile>(host_, std::move(node)));
}

int SimFiles::Open(const Fd& directory, std::string_view path, SymlinkPolicy policy, Fd& opened) {
  const SimFileNode* const node = Find(directory, "open");
  if (node == nullptr) return EBADF;
  if (!IsPlainPath(path)) return EINVAL;
  if (!host_.CheckOpenFiles("open").ok()) return EMFILE;
  std::shared_ptr<SimFileNode> found;
  const auto& from = static_cast<SimDiskFile&>(*host_.files_.at(directory.number())).node;
  const int error = SimFileSystem::Resolve(from, path, /*absolute_links=*/false, policy, found);
  if (error == 0) opened = host_.Install(std::make_shared<SimDiskFile>(host_, std::move(found)));
  return error;
}

Opened SimFiles::OpenBeneath(const Fd& directory, std::string_view path, SymlinkPolicy policy) {
  Opened opened;
  opened.error = Open(directory, path, policy, opened.file);
  host_.core_.Log(host_.name_, "open", {directory.number(), opened.file.number(), opened.error},
                  path);
  return opened;
}

IoResult SimFiles::GetInfo(const Fd& file, FileInfo& info) {
  const SimFileNode* const node = Find(file, "get info");
  if (node == nullptr) return {.error = EBADF};
  info.kind = node->kind == SimFileNode::Kind::kFile        ? FileInfo::Kind::kFile
              : node->kind == SimFileNode::Kind::kDirectory ? FileInfo::Kind::kDirectory
                                                            : FileInfo::Kind::kOther;
  info.bytes = node->bytes.size();
  info.modified = node->modified;
  return {};
}

IoResult SimFiles::ReadAt(const Fd& file, uint64_t offset, std::span<char> into) {
  const SimFileNode* const node = Find(file, "read file");
  if (node == nullptr) return {.error = EBADF};
  if (node->kind == SimFileNode::Kind::kDirectory) return {.error = EISDIR};
  if (node->kind == SimFileNode::Kind::kPipe) return {.error = ESPIPE};
  if (offset >= node->bytes.size()) return host_.Logged("read file", file, {});
  size_t count = std::min<size_t>(into.size(), node->bytes.size() - offset);
  if (count > 1 && host_.core_.Strikes(&SimFaultProbabilities::short_read)) {
    count = 1 + host_.core_.random().Below(count - 1);
  }
  node->bytes.copy(into.data(), count, offset);
  return host_.Logged("read file", file, {.bytes = count});
}

IoResult SimFiles::SendFile(const Fd& socket, const Fd& file, uint64_t offset, size_t bytes_max) {
  const SimFileNode* const node = Find(file, "send file");
  if (node == nullptr) return {.error = EBADF};
  if (node->kind != SimFileNode::Kind::kFile) return {.error = EINVAL};
  if (offset >= node->bytes.size()) return {};
  const std::string_view bytes = std::string_view(node->bytes).substr(offset, bytes_max);
  return host_.Write(socket, std::span(&bytes, 1));
}

}  // namespace rotor
