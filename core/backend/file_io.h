// Files, read-only: what a server of files asks of the system.
//
// A call on a file may wait for the disk, and the loop with it: the one exception to Io's "no call
// blocks". What is in the page cache is there at once.
#ifndef ROTOR_CORE_BACKEND_FILE_IO_H_
#define ROTOR_CORE_BACKEND_FILE_IO_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/fd.h"

namespace rotor {

// What a symbolic link below a directory means.
enum class SymlinkPolicy : uint8_t {
  kNever,    // Whatever lies behind a link is ELOOP.
  kBeneath,  // Links are followed as long as they stay below the directory; else EXDEV, also for
             // every absolute one.
};

struct FileInfo {
  enum class Kind : uint8_t { kFile, kDirectory, kOther };
  Kind kind = Kind::kOther;
  uint64_t bytes = 0;
  absl::Time modified;
};

struct Opened {
  Fd file;        // Not open if `error` is set.
  int error = 0;  // An errno value.
};

// Belongs to an Io; used on the loop's thread only.
class FileIo {
 public:
  virtual ~FileIo() = default;

  // A directory to open files below; for trusted paths. Links are followed.
  virtual absl::StatusOr<Fd> OpenDirectory(std::string_view path) = 0;
  // Opens for reading what lies at `path` below `directory`, a directory too; never anything
  // outside, even while others move things about. `path` must be plain: see IsPlainPath(); else
  // EINVAL. Allocates nothing. ENOENT, ENOTDIR, EACCES, ELOOP, EXDEV, ENAMETOOLONG, EMFILE and the
  // like: see open(2).
  virtual Opened OpenBeneath(const Fd& directory, std::string_view path, SymlinkPolicy policy) = 0;
  virtual IoResult GetInfo(const Fd& file, FileInfo& info) = 0;
  // May read less than there is room for; zero bytes without an error are the end of the file.
  // `into` must not be empty.
  virtual IoResult ReadAt(const Fd& file, uint64_t offset, std::span<char> into) = 0;
  // Sends up to `bytes_max` (> 0) bytes of `file` from `offset` on to a stream socket. As
  // Io::Write() in all else, but that zero bytes without an error are the end of the file.
  virtual IoResult SendFile(const Fd& socket, const Fd& file, uint64_t offset,
                            size_t bytes_max) = 0;
};

// True for one or more names with one '/' between two, none of them empty, "." or "..", without
// NUL.
inline bool IsPlainPath(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const size_t size = path.find('/');
    const std::string_view name = path.substr(0, size);
    if (name.empty() || name == "." || name == "..") return false;
    if (size == std::string_view::npos) return true;
    path.remove_prefix(size + 1);
  }
}

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_FILE_IO_H_
