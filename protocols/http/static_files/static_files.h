// StaticFiles: a handler that serves the files below a directory.
//
//   auto files = http::StaticFiles::Open(builder.io(), {.root = "/srv/www"});
//   if (!files.ok()) return files.status();
//   auto mounted = http::Mount(builder, "http", options, *std::move(files));
//
// or, as one route of several: router.Get("/static/{path...}", *std::move(files)), with
// `.prefix = "/static/"`.
//
// What a client sees:
//
//   200, 304, 412  GET and HEAD, with ETag, Last-Modified and conditions (RFC 9110 section 13)
//   206, 416       one range of a GET, with If-Range; several ranges get the whole (section 14.2)
//   301            the path of a directory without its '/'
//   400            a path that can be read in more than one way: see DecodePath()
//   403            the file may not be read
//   404            nothing there, a directory without index, no plain file, a name that begins with
//                  '.', a link that is not to be followed
//   405            another method, with Allow; OPTIONS is 204
//   500, 503       the file cannot be read; there are no descriptors left
//
// Directories are never listed. Files are opened beneath the root by the kernel, so that nobody who
// moves things about meanwhile leads outside. The root is opened once: a link to it that is changed
// later is not noticed.
//
// Small files go out in one piece with the head. Larger ones are sent from the page cache by the
// kernel (sendfile(2)): memory stays the same however large the file and slow the client. One that
// shrinks while it is sent ends the connection, and so does a client that takes it too slowly: see
// ServerOptions::write_bytes_per_second_min. A file that waits for the disk holds up the loop:
// see core/backend/file_io.h.
#ifndef ROTOR_PROTOCOLS_HTTP_STATIC_FILES_STATIC_FILES_H_
#define ROTOR_PROTOCOLS_HTTP_STATIC_FILES_STATIC_FILES_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/backend/io.h"
#include "core/machine/scope.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/reply.h"

namespace rotor::http {

struct StaticFilesOptions {
  std::string root = {};
  // What paths begin with; the rest is looked for below `root`. Begins and ends with '/', not
  // encoded.
  std::string prefix = "/";
  // What a directory answers with; it has no answer if empty.
  std::string index = "index.html";
  SymlinkPolicy symlinks = SymlinkPolicy::kNever;
  bool dot_files = false;  // Also serve names that begin with '.'.
  // The value of Cache-Control; no such field if empty.
  std::string cache_control = {};
  // What is sent of larger files is not read but left to the kernel.
  size_t read_bytes_max = 32 << 10;
};

class StaticFiles {
 public:
  // Opens the root. kInvalidArgument if an option is out of range, else what open(2) says. `io`
  // must outlive the result, as a composer's does.
  static absl::StatusOr<StaticFiles> Open(Io& io, StaticFilesOptions options);

  // A body is not wanted, whatever the method.
  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, Scope& scope);
  void RequestReceived(const Request& request, Reply& reply, Scope& scope) {
    Answer(request.head, reply, scope);
  }

 private:
  struct Target;
  struct Representation;

  StaticFiles(StaticFilesOptions options, Fd root);

  void Answer(const RequestHead& head, Reply& reply, Scope& scope);
  bool FindTarget(const RequestHead& head, Target& target) const;
  bool IsHidden(std::string_view path) const;
  void AnswerFile(const RequestHead& head, Representation& found, Reply& reply, Scope& scope);
  absl::Status SendBody(const RequestHead& head, Representation& found, uint64_t first,
                        uint64_t bytes, const ResponseHead& response, Reply& reply, Scope& scope);

  StaticFilesOptions options_;
  Fd root_;
  std::string contents_;  // Of the small file that is being sent; kept so as not to allocate.
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_STATIC_FILES_STATIC_FILES_H_
