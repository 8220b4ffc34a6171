// FileIo by Linux system calls, for EpollIo.
#ifndef ROTOR_CORE_BACKEND_EPOLL_LINUX_FILES_H_
#define ROTOR_CORE_BACKEND_EPOLL_LINUX_FILES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/backend/file_io.h"
#include "core/backend/io.h"

namespace rotor {

// OpenBeneath() is one openat2(2), from Linux 5.6 on and where the container's filter of system
// calls knows it; elsewhere each name is opened by itself, which costs two calls for each and
// allocates. SendFile() is sendfile(2), and two calls that keep SIGPIPE away; a copy for files that
// cannot be sent so, such as those of some file systems in user space.
class LinuxFiles final : public FileIo {
 public:
  explicit LinuxFiles(Io& io) : io_(io) {}

  absl::StatusOr<Fd> OpenDirectory(std::string_view path) override;
  Opened OpenBeneath(const Fd& directory, std::string_view path, SymlinkPolicy policy) override;
  IoResult GetInfo(const Fd& file, FileInfo& info) override;
  IoResult ReadAt(const Fd& file, uint64_t offset, std::span<char> into) override;
  IoResult SendFile(const Fd& socket, const Fd& file, uint64_t offset, size_t bytes_max) override;

 private:
  Io& io_;
  bool has_openat2_ = true;  // Until it says otherwise.
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_LINUX_FILES_H_
