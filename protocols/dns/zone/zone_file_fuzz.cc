#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/zone/zone_file.h"

namespace rotor::dns {
namespace {

// Writes the zone as a zone file, everything in full.
std::string Write(Zone& zone) {
  std::string text;
  zone.Prepare([&](const Name& owner, const Rrset& rrset) {
    for (const RecordData& data : rrset.records) {
      absl::StrAppend(&text, owner.ToText(), " ", rrset.ttl, " IN ", ToText(data.type()), " ",
                      ToText(data.encoded()), "\n");
    }
    return PreparedAnswer();
  });
  return text;
}

void CheckText(std::string_view text) {
  const ZoneFileOptions options = {.origin = "", .bytes_max = 1 << 20, .records_max = 10000};
  absl::StatusOr<Zone> zone = ParseZone(text, "fuzz", options);
  if (!zone.ok()) {
    ROTOR_CHECK(zone.status().message().substr(0, 5) == "fuzz:", "an error says where");
    return;
  }
  const std::string written = Write(*zone);
  absl::StatusOr<Zone> again = ParseZone(written, "written", {});
  // What lies below a zone cut is not written, so name servers there have no address any more.
  if (!again.ok()) {
    ROTOR_CHECK(absl::IsFailedPrecondition(again.status()), "what was read can be written");
    return;
  }
  ROTOR_CHECK(Write(*again) == written, "and read again is the same");
}

}  // namespace
}  // namespace rotor::dns

// Any text is a zone or an error that says where, and a zone can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::dns::CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}
