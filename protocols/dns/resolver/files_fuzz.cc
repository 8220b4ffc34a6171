// resolv.conf and hosts of any content.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "protocols/dns/resolver/hosts_file.h"
#include "protocols/dns/resolver/resolv_conf.h"
#include "protocols/dns/resolver/search.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rotor::dns;  // NOLINT(google-build-using-namespace): the entry of a program.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ResolvConf conf = ParseResolvConf(text);
  ROTOR_CHECK(!conf.servers.empty() && conf.servers.size() <= ResolvConf::kServersMax,
              "from one to three servers");
  ROTOR_CHECK(conf.search.size() <= ResolvConf::kSearchMax, "search is bounded");
  ROTOR_CHECK(conf.notes.size() <= ResolvConf::kNotesMax, "notes are bounded");
  ROTOR_CHECK(conf.ndots <= ResolvConf::kNdotsMax && conf.attempts >= 1 &&
                  conf.attempts <= ResolvConf::kAttemptsMax,
              "options are bounded");
  const absl::StatusOr<TypedName> typed = ParseTypedName(text.substr(0, text.find('\n')));
  if (typed.ok()) {
    size_t candidates = 0;
    while (SearchCandidate(*typed, candidates, conf).has_value()) ++candidates;
    ROTOR_CHECK(candidates >= 1 && candidates <= ResolvConf::kSearchMax + 1,
                "a name is tried at least as it is");
  }
  const HostsFile hosts = HostsFile::Parse(text);
  ROTOR_CHECK(hosts.names() <= size / 2, "a name takes bytes");
  return 0;
}
