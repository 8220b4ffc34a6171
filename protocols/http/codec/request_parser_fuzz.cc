// What a RequestParser makes of bytes must not depend on the pieces they come in, nor may it fail,
// read too far or keep a pointer, nor may http-parser refuse what the gate has passed.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/random.h"
#include "protocols/http/codec/request_cases.h"
#include "protocols/http/codec/request_transcript.h"

namespace rotor::http {
namespace {

// Ascending offsets of at most eight splits, the same for the same bytes.
std::vector<size_t> SplitsOf(std::string_view bytes) {
  Random random(std::hash<std::string_view>()(bytes));
  std::vector<size_t> ends(random.Below(9));
  for (size_t& end : ends) end = random.Below(bytes.size() + 1);
  std::sort(ends.begin(), ends.end());
  return ends;
}

void Check(std::string_view bytes, const RequestLimits& limits) {
  const std::string whole = TranscriptOf(bytes, limits);
  ROTOR_CHECK(TranscriptByteByByte(bytes, limits) == whole, "byte by byte reads otherwise");
  ROTOR_CHECK(TranscriptOf(bytes, SplitsOf(bytes), limits) == whole, "in pieces reads otherwise");
  ROTOR_CHECK(!whole.ends_with("http-parser refuses what the gate has passed"),
              "gate and parser disagree");
}

}  // namespace
}  // namespace rotor::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  rotor::http::Check(bytes, {});
  rotor::http::Check(bytes, rotor::http::kSmallLimits);
  return 0;
}
