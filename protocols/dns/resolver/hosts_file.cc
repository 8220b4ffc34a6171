#include "protocols/dns/resolver/hosts_file.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/strings.h"
#include "protocols/dns/resolver/words.h"

namespace rotor::dns {

HostsFile HostsFile::Parse(std::string_view text) {
  HostsFile hosts;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const absl::StatusOr<SocketAddress> address = SocketAddress::Ip(TakeWord(line), 0);
    if (!address.ok()) continue;
    bool first = true;
    for (std::string_view word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
      const absl::StatusOr<Name> name = Name::FromText(word);
      if (!name.ok()) continue;
      auto& known = hosts.addresses_[std::string(NameKey(*name).name())];
      if (std::find(known.begin(), known.end(), *address) == known.end()) {
        known.push_back(*address);
      }
      if (std::exchange(first, false)) {
        hosts.names_.try_emplace(std::string(NameKey(ReverseName(*address)).name()), *name);
      }
    }
  }
  return hosts;
}

const std::vector<SocketAddress>* HostsFile::FindAddresses(const NameKey& name) const {
  const auto found = addresses_.find(AsAbsl(name.name()));
  return found == addresses_.end() ? nullptr : &found->second;
}

const Name* HostsFile::FindReverse(const NameKey& reverse_name) const {
  const auto found = names_.find(AsAbsl(reverse_name.name()));
  return found == names_.end() ? nullptr : &found->second;
}

Name ReverseName(const SocketAddress& address) {
  Name name;
  if (address.family() == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address.kernel_address(), sizeof(v4));
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    for (size_t i = bytes.size(); i-- > 0;) name.AppendLabel(std::to_string(bytes[i]));
    name.AppendLabel("in-addr");
    name.AppendLabel("arpa");
  } else if (address.family() == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address.kernel_address(), sizeof(v6));
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    static constexpr std::string_view kDigits = "0123456789abcdef";
    for (size_t i = bytes.size(); i-- > 0;) {
      name.AppendLabel(kDigits.substr(bytes[i] & 0xf, 1));
      name.AppendLabel(kDigits.substr(bytes[i] >> 4, 1));
    }
    name.AppendLabel("ip6");
    name.AppendLabel("arpa");
  }
  return name;
}

}  // namespace rotor::dns
