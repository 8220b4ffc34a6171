// Any bytes as the path, and as each field that the functions here read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "protocols/http/codec/http_date.h"
#include "protocols/http/semantics/conditions.h"
#include "protocols/http/semantics/content_type.h"
#include "protocols/http/semantics/path.h"
#include "protocols/http/semantics/range.h"

namespace rotor::http {
namespace {

void CheckPath(std::string_view text) {
  std::string into(text.size(), '\0');
  const std::optional<std::string_view> path = DecodePath(text, into);
  if (!path.has_value()) return;
  ROTOR_CHECK(path->starts_with('/') && path->size() <= text.size(), "not a path");
  ROTOR_CHECK(
      std::count(path->begin(), path->end(), '/') == std::count(text.begin(), text.end(), '/'),
      "a separator came from an encoded one");
  for (const char c : *path) {
    ROTOR_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a control byte");
  }
  const std::string closed = std::string(*path) + "/";
  ROTOR_CHECK(closed.find("/../") == std::string::npos && closed.find("/./") == std::string::npos,
              "a dot segment");
  ROTOR_CHECK(!ContentTypeOf(*path).empty(), "no content type");
}

void CheckDate(std::string_view text) {
  const std::optional<int64_t> time = ParseHttpDate(text, 1795000000);
  if (!time.has_value()) return;
  char again[kHttpDateBytes];
  FormatHttpDate(*time, again);
  // The last leap second of the last year has no other form.
  if (*time > 253402300799) return;
  ROTOR_CHECK(ParseHttpDate({again, sizeof(again)}, 0) == time, "a date does not come back");
}

void CheckRange(const RequestHead& head, uint64_t size) {
  const RangeRequest range = ParseRange(head, size);
  if (range.kind != RangeRequest::Kind::kPart) return;
  ROTOR_CHECK(range.first <= range.last && range.last < size, "a range outside the file");
  ROTOR_CHECK(!ContentRange(range, size).empty(), "no Content-Range");
}

void CheckTag(std::string_view text) {
  const std::optional<EntityTag> tag = ParseEntityTag(text);
  const std::vector<Field> fields = {{"If-Match", text}};
  if (!tag.has_value()) return;
  ROTOR_CHECK(MatchTagList(fields, "If-Match", tag, WeakMatch) == TagListMatch::kMatches,
              "a tag does not match itself in a list");
  ROTOR_CHECK(
      (MatchTagList(fields, "If-Match", tag, StrongMatch) == TagListMatch::kMatches) == !tag->weak,
      "a weak tag matches strongly");
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rotor::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckPath(text);
  CheckDate(text);
  CheckTag(text);
  // Cut at the first line feed, so that one input can be two fields.
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view second = text.substr(std::min(first.size() + 1, text.size()));
  for (const char* name : {"Range", "If-Match", "If-None-Match", "If-Modified-Since",
                           "If-Unmodified-Since", "If-Range"}) {
    const std::vector<Field> fields = {{name, first}, {"If-None-Match", second}};
    RequestHead head;
    head.method = Method::kGet;
    head.fields = fields;
    for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, ~uint64_t{0}}) {
      CheckRange(head, bytes);
    }
    const Validators validators = {EntityTag{"\"1\"", false}, 784111777};
    (void)EvaluatePreconditions(head, validators, 1795000000);
    (void)RangeMayBeServed(head, validators, 1795000000);
  }
  return 0;
}
