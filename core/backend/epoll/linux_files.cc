#include "core/backend/epoll/linux_files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor {
namespace {

// A pipe that somebody left there must not hold us up, nor a terminal become ours.
constexpr int kOpenFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int kRacesMax = 8;   // Of openat2(2) with somebody who renames.
constexpr int kLinksMax = 40;  // As the kernel has it (path_resolution(7)).
constexpr size_t kCopiedBytesMax = 16 << 10;

int OpenAt2(int directory, const char* path, SymlinkPolicy policy) {
  open_how how = {};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (policy == SymlinkPolicy::kNever) how.resolve |= RESOLVE_NO_SYMLINKS;
  long number = -1;
  for (int attempt = 0; attempt < kRacesMax; ++attempt) {
    number = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    if (number >= 0 || errno != EAGAIN) break;
  }
  return static_cast<int>(number);
}

// What openat2(2) does, name by name: no name is resolved by the kernel with a link in it, and
// ".." of a link goes back to a directory that was come through.
class Walk {
 public:
  Walk(int root, SymlinkPolicy policy) : root_(root), policy_(policy) {}
  ~Walk() {
    for (const int number : directories_) close(number);
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // As open(2).
  int Open(std::string path) {
    pending_ = std::move(path);
    while (!pending_.empty()) {
      const size_t size = std::min(pending_.find('/'), pending_.size());
      const std::string name = pending_.substr(0, size);
      pending_.erase(0, size + 1);
      const bool last = pending_.find_first_not_of('/') == std::string::npos;
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (!Leave()) return Failed(EXDEV);
        continue;
      }
      const int number = openat(top(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
      if (number < 0) return -1;
      directories_.push_back(number);
      struct stat info;
      if (fstat(number, &info) != 0) return -1;
      if (S_ISLNK(info.st_mode)) {
        if (const int error = Follow(number); error != 0) return Failed(error);
      } else if (last) {
        Leave();
        return openat(top(), name.c_str(), kOpenFlags | O_NOFOLLOW);
      }
    }
    return openat(top(), ".", kOpenFlags);  // Links led to a directory and no further.
  }

 private:
  static int Failed(int error) {
    errno = error;
    return -1;
  }
  int top() const { return directories_.empty() ? root_ : directories_.back(); }
  bool Leave() {
    if (directories_.empty()) return false;
    close(directories_.back());
    directories_.pop_back();
    return true;
  }
  // Puts what the link says before what is pending. Returns an errno value.
  int Follow(int link) {
    if (policy_ == SymlinkPolicy::kNever || ++links_ > kLinksMax) return ELOOP;
    std::string target(PATH_MAX, '\0');
    const ssize_t size = readlinkat(link, "", target.data(), target.size());
    if (size < 0) return errno;
    target.resize(static_cast<size_t>(size));
    if (target.starts_with('/')) return EXDEV;
    Leave();
    pending_ = absl::StrCat(target, "/", pending_);
    return 0;
  }

  const int root_;
  const SymlinkPolicy policy_;
  std::vector<int> directories_;  // From below `root_` to where the walk is.
  std::string pending_;
  int links_ = 0;
};

// sendfile(2) has no MSG_NOSIGNAL: a closed peer would end the process. A signal that comes is
// taken back, unless the program blocks it anyway.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    is_ours_ = !sigismember(&before_, SIGPIPE);
  }
  ~WithoutSigpipe() {
    if (!is_ours_) return;
    if (may_have_come_) {
      const timespec at_once = {};
      sigtimedwait(&sigpipe_, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

  void MayHaveCome() { may_have_come_ = true; }

 private:
  sigset_t sigpipe_, before_;
  bool is_ours_ = false;
  bool may_have_come_ = false;
};

IoResult SendCopy(int socket, int file, uint64_t offset, size_t bytes_max) {
  char bytes[kCopiedBytesMax];
  const ssize_t filled =
      pread(file, bytes, std::min(bytes_max, sizeof(bytes)), static_cast<off_t>(offset));
  if (filled < 0) return {.error = errno};
  if (filled == 0) return {};
  const ssize_t sent = send(socket, bytes, static_cast<size_t>(filled), MSG_NOSIGNAL);
  if (sent < 0) return {.error = errno};
  return {.bytes = static_cast<size_t>(sent)};
}

}  // namespace

absl::StatusOr<Fd> LinuxFiles::OpenDirectory(std::string_view path) {
  const int number =
      open(std::string(path).c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
  if (number < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("open directory ", AsAbsl(path), ": open"));
  }
  return Fd(io_, number);
}

Opened LinuxFiles::OpenBeneath(const Fd& directory, std::string_view path, SymlinkPolicy policy) {
  if (!IsPlainPath(path)) return {.file = Fd(), .error = EINVAL};
  char terminated[PATH_MAX];
  if (path.size() >= sizeof(terminated)) return {.file = Fd(), .error = ENAMETOOLONG};
  *std::copy(path.begin(), path.end(), terminated) = '\0';
  int number = -1;
  if (has_openat2_) {
    number = OpenAt2(directory.number(), terminated, policy);
    // EPERM is what filters of system calls used to say; a file would be EACCES.
    has_openat2_ = number >= 0 || (errno != ENOSYS && errno != EPERM);
  }
  if (!has_openat2_) number = Walk(directory.number(), policy).Open(terminated);
  if (number < 0) return {.file = Fd(), .error = errno};
  return {.file = Fd(io_, number)};
}

IoResult LinuxFiles::GetInfo(const Fd& file, FileInfo& info) {
  struct stat found;
  if (fstat(file.number(), &found) != 0) return {.error = errno};
  info.kind = S_ISREG(found.st_mode)   ? FileInfo::Kind::kFile
              : S_ISDIR(found.st_mode) ? FileInfo::Kind::kDirectory
                                       : FileInfo::Kind::kOther;
  info.bytes = static_cast<uint64_t>(found.st_size);
  info.modified = absl::TimeFromTimespec(found.st_mtim);
  return {};
}

IoResult LinuxFiles::ReadAt(const Fd& file, uint64_t offset, std::span<char> into) {
  ROTOR_CHECK(!into.empty(), "FileIo::ReadAt(): nowhere to read into");
  const ssize_t filled = pread(file.number(), into.data(), into.size(), static_cast<off_t>(offset));
  if (filled < 0) return {.error = errno};
  return {.bytes = static_cast<size_t>(filled)};
}

IoResult LinuxFiles::SendFile(const Fd& socket, const Fd& file, uint64_t offset, size_t bytes_max) {
  ROTOR_CHECK(bytes_max > 0, "FileIo::SendFile(): nothing to send");
  WithoutSigpipe without_sigpipe;
  auto at = static_cast<off_t>(offset);
  const ssize_t sent = sendfile(socket.number(), file.number(), &at, bytes_max);
  const int error = errno;
  // It comes with EPIPE, and with the part that was sent before the peer went away.
  if (sent < 0 ? error == EPIPE : static_cast<size_t>(sent) < bytes_max) {
    without_sigpipe.MayHaveCome();
  }
  if (sent >= 0) return {.bytes = static_cast<size_t>(sent)};
  if (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP) {
    return SendCopy(socket.number(), file.number(), offset, bytes_max);
  }
  return {.error = error};
}

}  // namespace rotor
