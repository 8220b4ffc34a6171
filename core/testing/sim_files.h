// FileIo of a simulated host.
#ifndef ROTOR_CORE_TESTING_SIM_FILES_H_
#define ROTOR_CORE_TESTING_SIM_FILES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/backend/file_io.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_file_system.h"
#include "core/testing/sim_network.h"

namespace rotor {

// An open file or directory.
class SimDiskFile final : public SimFile {
 public:
  SimDiskFile(SimBackend& host, std::shared_ptr<SimFileNode> node)
      : SimFile(host, WatchKind::kOther), node(std::move(node)) {}
  std::string_view kind_name() const override { return "file"; }
  Readiness Poll() const override { return Readiness(); }
  bool watchable() const override { return false; }  // As epoll_ctl(2) has it.

  const std::shared_ptr<SimFileNode> node;
};

class SimFiles final : public FileIo {
 public:
  explicit SimFiles(SimBackend& host) : host_(host) {}

  SimFileSystem& file_system() { return file_system_; }

  absl::StatusOr<Fd> OpenDirectory(std::string_view path) override;
  Opened OpenBeneath(const Fd& directory, std::string_view path, SymlinkPolicy policy) override;
  IoResult GetInfo(const Fd& file, FileInfo& info) override;
  IoResult ReadAt(const Fd& file, uint64_t offset, std::span<char> into) override;
  IoResult SendFile(const Fd& socket, const Fd& file, uint64_t offset, size_t bytes_max) override;

 private:
  // Null, and a violation, if it is not open or no file.
  SimFileNode* Find(const Fd& file, std::string_view call);
  int Open(const Fd& directory, std::string_view path, SymlinkPolicy policy, Fd& opened);

  SimBackend& host_;
  SimFileSystem file_system_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_FILES_H_
