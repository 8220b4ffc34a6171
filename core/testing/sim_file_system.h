// The files of one simulated host: a tree in memory that the test fills and changes.
//
//   SimBackend& host = world.AddHost("server");
//   host.file_system().Write("/srv/www/index.html", "<p>hello");
//
// The host's machines open and read them through Io::files(), as on a disk: what is removed or
// replaced stays as it was for those who have it open. Short reads are SimFaultProbabilities'
// short_read; what is sent from files goes the way of every Write().
#ifndef ROTOR_CORE_TESTING_SIM_FILE_SYSTEM_H_
#define ROTOR_CORE_TESTING_SIM_FILE_SYSTEM_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "core/backend/file_io.h"

namespace rotor {

// What lies at a path.
struct SimFileNode {
  enum class Kind { kFile, kDirectory, kLink, kPipe };
  Kind kind = Kind::kDirectory;
  bool readable = true;
  absl::Time modified;
  std::string bytes;  // Of a file; of a link: where it leads.
  std::map<std::string, std::shared_ptr<SimFileNode>, std::less<>> entries;  // Of a directory.
};

// Paths begin with '/'. Directories on the way are made. What is at the path already is replaced.
class SimFileSystem {
 public:
  SimFileSystem();

  void Write(std::string_view path, std::string_view bytes,
             absl::Time modified = absl::FromUnixSeconds(784111777));
  void MakeDirectory(std::string_view path);
  void MakeLink(std::string_view path, std::string_view target);
  void MakePipe(std::string_view path);
  void Remove(std::string_view path);
  // Changes the file in place: also those who have it open see it. It must exist.
  void Truncate(std::string_view path, size_t bytes);
  void MakeUnreadable(std::string_view path);

 private:
  friend class SimFiles;

  using Node = std::shared_ptr<SimFileNode>;
  // As openat2(2) with RESOLVE_BENEATH, or with the whole tree as the directory. Returns an errno
  // value.
  static int Resolve(const Node& directory, std::string_view path, bool absolute_links,
                     SymlinkPolicy policy, Node& found);
  Node& Place(std::string_view path);

  const Node root_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_FILE_SYSTEM_H_
