#include "protocols/http/static_files/static_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/http/codec/http_date.h"
#include "protocols/http/semantics/conditions.h"
#include "protocols/http/semantics/content_type.h"
#include "protocols/http/semantics/path.h"
#include "protocols/http/semantics/range.h"

namespace rotor::http {
namespace {

// As in the kernel; a longer one names nothing.
constexpr size_t kPathBytesMax = 4096;

// Sends what is left of a file whose head is on the way.
class FileExchange final : public Exchange {
 public:
  FileExchange(Fd file, uint64_t offset) : file_(std::move(file)), offset_(offset) {}

  // However large the file: the server ends what goes out too slowly (ServerOptions::write_window).
  static Next Await() { return Next::FlushedTo(0, Deadline::Never()); }

  Next Flushed(Reply& reply, Scope&) override {
    const IoResult result = reply.SendFile(file_, offset_);
    offset_ += result.bytes;
    // A file that has shrunk: what was announced cannot be sent any more.
    return result.ok() && result.bytes == 0 ? Next::Finished() : Await();
  }
  size_t bytes_held() const override { return sizeof(*this); }

 private:
  const Fd file_;
  uint64_t offset_;
};

void SendOpenError(int error, Reply& reply) {
  switch (error) {
    case EACCES:
    case EPERM:
      return (void)reply.SendError(403, "This file may not be read.");
    case EMFILE:
    case ENFILE:
    case ENOMEM: {
      const Field retry = {"Retry-After", "1"};
      return (void)reply.SendError(503, "Too many files are open.", {&retry, 1});
    }
    case EIO:
      return (void)reply.SendError(500, "The file cannot be read.");
    default:  // ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG and the like.
      return (void)reply.SendError(404, "There is nothing here.");
  }
}

// "5-17a3f" in quotes: the size, and the time of the last change to the nanosecond.
class TagText {
 public:
  TagText(uint64_t bytes, absl::Time modified) {
    char* at = text_.data();
    *at++ = 'W';
    *at++ = '/';
    *at++ = '"';
    at = std::to_chars(at, text_.end(), bytes, 16).ptr;
    *at++ = '-';
    at = std::to_chars(at, text_.end(), static_cast<uint64_t>(absl::ToUnixNanos(modified)), 16).ptr;
    *at++ = '"';
    size_ = static_cast<size_t>(at - text_.data());
  }
  std::string_view weak() const { return {text_.data(), size_}; }
  std::string_view quoted() const { return weak().substr(2); }

 private:
  std::array<char, 48> text_;
  size_t size_;
};

absl::Status CheckOptions(const StaticFilesOptions& options) {
  const std::string& prefix = options.prefix;
  if (!prefix.starts_with('/') || !prefix.ends_with('/')) {
    return absl::InvalidArgumentError("StaticFilesOptions: prefix must begin and end with '/'");
  }
  const bool is_name = IsPlainPath(options.index) && options.index.size() <= 255 &&
                       options.index.find('/') == std::string::npos;
  if (!options.index.empty() && !is_name) {
    return absl::InvalidArgumentError("StaticFilesOptions: index is not the name of a file");
  }
  if (options.read_bytes_max > (1 << 20)) {
    return absl::InvalidArgumentError("StaticFilesOptions: read_bytes_max is more than 1 MiB");
  }
  const bool is_text = std::all_of(options.cache_control.begin(), options.cache_control.end(),
                                   [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!is_text) return absl::InvalidArgumentError("StaticFilesOptions: bad cache_control");
  return absl::OkStatus();
}

}  // namespace

// Where a request's path leads.
struct StaticFiles::Target {
  // Decoded, below the root; with the name of the index if a directory was asked for.
  std::array<char, kPathBytesMax> bytes;
  size_t size = 0;
  int error = 0;  // The status, if it leads nowhere.
  bool is_directory = false;

  std::string_view path() const { return {bytes.data(), size}; }
};

// A file that was found, and what is said of it.
struct StaticFiles::Representation {
  Fd file;
  FileInfo info;
  std::string_view content_type;
};

absl::StatusOr<StaticFiles> StaticFiles::Open(Io& io, StaticFilesOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<Fd> root = io.files().OpenDirectory(options.root);
  if (!root.ok()) return root.status();
  return StaticFiles(std::move(options), *std::move(root));
}

StaticFiles::StaticFiles(StaticFilesOptions options, Fd root)
    : options_(std::move(options)), root_(std::move(root)), contents_(options_.read_bytes_max, 0) {}

BodyPlan StaticFiles::HeadReceived(const RequestHead& head, Reply& reply, Scope& scope) {
  if (head.body_kind == BodyKind::kNone) return BodyPlan::Buffered();
  Answer(head, reply, scope);
  return BodyPlan::Answered();
}

// A name that begins with '.' is nobody's business, even if it is there.
bool StaticFiles::IsHidden(std::string_view path) const {
  return !options_.dot_files &&
         (path.starts_with('.') || path.find("/.") != std::string_view::npos);
}

// False if there is none, with `target.error`.
bool StaticFiles::FindTarget(const RequestHead& head, Target& target) const {
  target.error = 404;
  if (head.path.size() > target.bytes.size() - options_.index.size()) return false;
  const std::optional<std::string_view> decoded = DecodePath(head.path, target.bytes);
  if (!decoded.has_value()) target.error = 400;
  if (!decoded.has_value() || !decoded->starts_with(options_.prefix)) return false;
  const std::string_view path = decoded->substr(options_.prefix.size());
  target.size = path.size();
  std::copy(path.begin(), path.end(), target.bytes.begin());
  target.is_directory = path.empty() || path.ends_with('/');
  if (target.is_directory) {
    if (options_.index.empty()) return false;
    std::copy(options_.index.begin(), options_.index.end(), target.bytes.begin() + target.size);
    target.size += options_.index.size();
  }
  // The index may be named as its owner likes.
  const std::string_view asked = target.path().substr(0, path.size());
  return IsPlainPath(target.path()) && !IsHidden(asked);
}

void StaticFiles::Answer(const RequestHead& head, Reply& reply, Scope& scope) {
  // The server's own words are accepted, so the statuses of errors say nothing.
  if (head.method != Method::kGet && head.method != Method::kHead) {
    static constexpr Field kAllow = {"Allow", "GET, HEAD, OPTIONS"};
    if (head.method == Method::kOptions) {
      return (void)reply.Send({.status = 204, .fields = {&kAllow, 1}}, "");
    }
    return (void)reply.SendError(405, "Files can only be read.", {&kAllow, 1});
  }
  Target target;
  if (!FindTarget(head, target)) {
    return (void)reply.SendError(target.error, target.error == 400
                                                   ? "The path is not plain: see RFC 3986."
                                                   : "There is nothing here.");
  }
  FileIo& files = scope.io().files();
  Opened opened = files.OpenBeneath(root_, target.path(), options_.symlinks);
  if (opened.error != 0) return SendOpenError(opened.error, reply);
  Representation found = {
      .file = std::move(opened.file), .info = {}, .content_type = ContentTypeOf(target.path())};
  const IoResult result = files.GetInfo(found.file, found.info);
  if (!result.ok()) return SendOpenError(EIO, reply);
  if (found.info.kind == FileInfo::Kind::kDirectory && !target.is_directory) {
    const std::string location =
        absl::StrCat(AsAbsl(head.path), "/", head.query.empty() ? "" : "?", AsAbsl(head.query));
    const Field field = {"Location", location};
    return (void)reply.Send({.status = 301, .fields = {&field, 1}}, "");
  }
  if (found.info.kind != FileInfo::Kind::kFile) return SendOpenError(ENOENT, reply);
  AnswerFile(head, found, reply, scope);
}

void StaticFiles::AnswerFile(const RequestHead& head, Representation& found, Reply& reply,
                             Scope& scope) {
  const absl::Time wall = scope.wall_time();
  const int64_t now = absl::ToUnixSeconds(wall);
  // Within the second of a change another may follow unseen, so until then the tag names the file
  // for caches only. No date lies behind that of the response (RFC 9110 section 8.8.2.1).
  const bool settled = found.info.modified + absl::Seconds(1) < wall;
  const int64_t modified = std::min(absl::ToUnixSeconds(found.info.modified), now);
  const TagText tag(found.info.bytes, found.info.modified);
  const Validators validators = {EntityTag{tag.quoted(), !settled}, modified};
  char date[kHttpDateBytes];
  FormatHttpDate(modified, date);
  std::array<Field, 5> fields = {Field{"ETag", settled ? tag.quoted() : tag.weak()},
                                 Field{"Last-Modified", {date, sizeof(date)}}};
  size_t count = 2;
  if (!options_.cache_control.empty()) fields[count++] = {"Cache-Control", options_.cache_control};

  switch (EvaluatePreconditions(head, validators, now)) {
    case Precondition::kNotModified:
      return (void)reply.Send({.status = 304, .fields = {fields.data(), count}}, "");
    case Precondition::kFailed:
      return (void)reply.SendError(412, "The file is not as the request demands.");
    case Precondition::kPass:
      break;
  }
  RangeRequest range;
  if (RangeMayBeServed(head, validators, now)) range = ParseRange(head, found.info.bytes);
  std::string content_range;
  if (range.kind != RangeRequest::Kind::kWhole) {
    content_range = ContentRange(range, found.info.bytes);
    fields[count++] = {"Content-Range", content_range};
  }
  if (range.kind == RangeRequest::Kind::kUnsatisfiable) {
    return (void)reply.SendError(416, "The file has no such range.", {&fields[count - 1], 1});
  }
  fields[count++] = {"Accept-Ranges", "bytes"};
  const bool part = range.kind == RangeRequest::Kind::kPart;
  const ResponseHead response = {.status = part ? 206 : 200,
                                 .content_type = found.content_type,
                                 .fields = {fields.data(), count}};
  const uint64_t bytes = part ? range.last - range.first + 1 : found.info.bytes;
  if (!SendBody(head, found, range.first, bytes, response, reply, scope).ok()) {
    SendOpenError(EIO, reply);
  }
}

absl::Status StaticFiles::SendBody(const RequestHead& head, Representation& found, uint64_t first,
                                   uint64_t bytes, const ResponseHead& response, Reply& reply,
                                   Scope& scope) {
  if (head.method == Method::kHead) {
    absl::Status status = reply.StartSized(response, bytes);
    return status.ok() ? reply.Finish() : status;
  }
  if (bytes > contents_.size()) {
    absl::Status status = reply.StartSized(response, bytes);
    if (!status.ok()) return status;
    reply.AnswerLater(std::make_unique<FileExchange>(std::move(found.file), first),
                      FileExchange::Await());
    return absl::OkStatus();
  }
  size_t filled = 0;
  while (filled < bytes) {
    const IoResult result = scope.io().files().ReadAt(
        found.file, first + filled,
        std::span<char>(contents_).subspan(filled, static_cast<size_t>(bytes) - filled));
    // An error, or a file that has shrunk since.
    if (result.bytes == 0) return absl::DataLossError("the file cannot be read");
    filled += result.bytes;
  }
  return reply.Send(response, std::string_view(contents_).substr(0, filled));
}

}  // namespace rotor::http
