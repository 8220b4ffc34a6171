#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/zone/responder_check.h"

// Any query over either transport is answered by the rules. The first byte chooses the transport
// and the size of the response buffer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using rotor::dns::Transport;
  static const rotor::dns::Responder responder(
      rotor::dns::MakeTestZone([] { return std::string(300, 's'); }));
  if (size == 0) return 0;
  const std::string_view query(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Transport transport = (data[0] & 1) != 0 ? Transport::kTcp : Transport::kUdp;
  const size_t buffer_bytes = rotor::dns::kResponseBytesMin + 4 * size_t{data[0]};
  const char* const broken_rule =
      rotor::dns::CheckAnswer(responder, query, transport, buffer_bytes);
  ROTOR_CHECK(broken_rule == nullptr, broken_rule);
  return 0;
}
