#include "protocols/http/server/reply.h"

#include <algorithm>
#include <vector>

#include "core/base/check.h"
#include "protocols/http/server/server_shared.h"

namespace rotor::http {

namespace {

// In one call; the stream's share of a turn is less.
constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

}  // namespace

absl::Status Reply::SendError(int status, std::string_view explanation,
                              std::span<const Field> fields) {
  const ErrorPage page = shared_.MakeErrorPage(status, explanation);
  return Send({.status = status, .content_type = page.content_type, .fields = fields}, page.body);
}

IoResult Reply::SendFile(const Fd& file, uint64_t offset) {
  ROTOR_CHECK(writer_.state() == ResponseWriter::State::kSizedBody,
              "Reply::SendFile() is for a response begun with StartSized()");
  IoResult result;
  if (writer_.body_bytes_left() > 0) {
    const uint64_t left = std::min<uint64_t>(writer_.body_bytes_left(), kFileBytesMax);
    result = stream_.SendFile(file, offset, static_cast<size_t>(left));
    writer_.SkipBody(result.bytes);
  }
  if (writer_.body_bytes_left() == 0) (void)Finish();
  return result;
}

absl::Status Reply::SendUpgrade(std::string_view name, std::span<const Field> fields) {
  if (body_left_ != BodyLeft::kNothing) {
    return absl::FailedPreconditionError("Reply::Upgrade(): the request has a body to come");
  }
  std::vector<Field> all(fields.begin(), fields.end());
  all.push_back({"Upgrade", name});
  absl::Status status = writer_.Respond(output_, defaults_, {.status = 101, .fields = all}, "");
  if (status.ok()) stream_.Consume(request_bytes_);
  return status;
}

size_t Reply::room() const {
  // So that a chunk of it, with its framing, fits into a block of that many bytes.
  constexpr size_t kFramingBytes = 64;
  const size_t used = bytes_owed() + kFramingBytes;
  const size_t limit = shared_.options.stream.output_pause_bytes;
  return limit > used ? limit - used : 0;
}

}  // namespace rotor::http
