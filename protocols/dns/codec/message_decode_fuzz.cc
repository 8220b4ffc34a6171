#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/codec/record_data.h"
#include "protocols/dns/codec/text.h"

namespace rotor::dns {
namespace {

// Whether the data of a type known here has its form, by the typed readers.
bool IsReadable(const EncodedData& data) {
  std::array<uint8_t, 4> v4;
  std::array<uint8_t, 16> v6;
  Name name;
  StartOfAuthority soa;
  MailExchange mx;
  ServiceLocation srv;
  CaaProperty caa;
  return Read(data, &v4) || Read(data, &v6) || Read(data, &name) || Read(data, &soa) ||
         Read(data, &mx) || Read(data, &srv) || Read(data, &caa);
}

bool IsReadableText(const EncodedData& data) {
  size_t count = 0;
  TextStrings strings(data);
  for (std::string_view string; strings.Next(&string);) ++count;
  return count > 0 && !strings.malformed();
}

// Readers, the copying decoder and the text form agree about every record.
void CheckRecord(const RecordView& record) {
  const EncodedData data = record.encoded();
  const bool readable = IsReadable(data) || IsReadableText(data);
  const absl::StatusOr<RecordData> decoded = RecordData::Decode(data);
  ROTOR_CHECK(!readable || decoded.ok(), "data that can be read can be decoded");
  const std::string text = ToText(data);
  ROTOR_CHECK(text.starts_with("\\#") || readable, "only data in its type's form has such a text");
  ROTOR_CHECK(!readable || text == ToText(decoded->encoded()),
              "decompressed data has the same text");
  const absl::StatusOr<Name> owner = Name::FromText(record.owner.ToText());
  ROTOR_CHECK(owner.ok() && owner->wire() == record.owner.wire(), "a name's text reads back");
}

void CheckMessage(std::string_view packet) {
  MessageView view;
  if (view.Parse(packet) != ParseResult::kComplete) return;
  MessageView::Cursor cursor(view);
  for (RecordView record; cursor.Next(&record);) CheckRecord(record);
  if (!view.edns().has_value()) return;
  EdnsOptions options(view.edns()->options);
  for (EdnsOption option; options.Next(&option);) {
  }
  ROTOR_CHECK(!options.malformed(), "options were checked when the message was");
}

}  // namespace
}  // namespace rotor::dns

// Any bytes decode, in every way there is to look at them, or are refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::dns::CheckMessage({reinterpret_cast<const char*>(data), size});
  return 0;
}
