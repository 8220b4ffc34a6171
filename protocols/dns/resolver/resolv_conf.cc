#include "protocols/dns/resolver/resolv_conf.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/resolver/words.h"

namespace rotor::dns {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr size_t kShownBytesMax = 60;

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

absl::StatusOr<SocketAddress> WithScope(std::string_view ip, std::string_view scope,
                                        uint16_t port) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Ip(ip, port);
  if (!address.ok()) return address;
  std::optional<uint32_t> index = ParseNumber<uint32_t>(scope);
  if (!index.has_value()) {
    const uint32_t named = if_nametoindex(std::string(scope).c_str());
    if (named != 0) index = named;
  }
  if (address->family() != AF_INET6 || !index.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no such interface: \"", absl::CHexEscape(AsAbsl(scope)), "\""));
  }
  sockaddr_in6 kernel;
  std::memcpy(&kernel, address->kernel_address(), sizeof(kernel));
  kernel.sin6_scope_id = *index;
  return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
}

class Parser {
 public:
  ResolvConf Parse(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      ++line_number_;
      ParseLine(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (conf_.servers.empty()) {
      conf_.servers.push_back(SocketAddress::Ip("127.0.0.1", kDnsPort).value());
    }
    return std::move(conf_);
  }

 private:
  void Note(std::string_view what, std::string_view text) {
    if (conf_.notes.size() >= ResolvConf::kNotesMax) return;
    conf_.notes.push_back(absl::StrCat("line ", line_number_, ": ", AsAbsl(what), ": ",
                                       absl::CHexEscape(AsAbsl(text.substr(0, kShownBytesMax)))));
  }

  void ParseLine(std::string_view line) {
    if (line.empty() || line.front() == '#' || line.front() == ';') return;
    const std::string_view whole = line;
    const std::string_view keyword = TakeWord(line);
    if (keyword == "nameserver") return AddServer(TakeWord(line));
    if (keyword == "search" || keyword == "domain") {
      conf_.search.clear();
      return AddSearch(line, keyword == "domain" ? 1 : ResolvConf::kSearchMax);
    }
    if (keyword == "options") {
      for (std::string_view word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
        SetOption(word);
      }
      return;
    }
    if (!keyword.empty()) Note("ignored", whole);
  }

  void AddServer(std::string_view text) {
    if (conf_.servers.size() == ResolvConf::kServersMax) {
      return Note("more servers than can be used", text);
    }
    absl::StatusOr<SocketAddress> server = ParseServer(text);
    if (!server.ok()) return Note("not a server", text);
    conf_.servers.push_back(*server);
  }

  void AddSearch(std::string_view line, size_t count_max) {
    for (std::string_view word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
      if (conf_.search.size() == count_max) return Note("more domains than can be used", word);
      absl::StatusOr<Name> name = Name::FromText(word);
      if (!name.ok()) {
        Note("not a domain", word);
      } else if (!name->IsRoot()) {  // The name as it is, is tried anyway.
        conf_.search.push_back(*name);
      }
    }
  }

  void SetOption(std::string_view option) {
    const size_t colon = option.find(':');
    const std::string_view name = option.substr(0, colon);
    std::optional<uint32_t> value;
    if (colon != std::string_view::npos) value = ParseNumber<uint32_t>(option.substr(colon + 1));
    if (name == "ndots" && value.has_value()) {
      conf_.ndots = std::min(*value, ResolvConf::kNdotsMax);
    } else if (name == "timeout" && value.has_value()) {
      conf_.timeout = absl::Seconds(std::clamp(*value, 1u, ResolvConf::kTimeoutSecondsMax));
    } else if (name == "attempts" && value.has_value()) {
      conf_.attempts = std::clamp(*value, 1u, ResolvConf::kAttemptsMax);
    } else if (option == "rotate") {
      conf_.rotate = true;
    } else if (option == "edns0") {
      conf_.edns0 = true;
    } else if (option == "use-vc") {
      conf_.use_vc = true;
    } else {
      Note("option ignored", option);
    }
  }

  ResolvConf conf_;
  int line_number_ = 0;
};

}  // namespace

ResolvConf ParseResolvConf(std::string_view text) { return Parser().Parse(text); }

absl::StatusOr<SocketAddress> ParseServer(std::string_view text) {
  std::string_view ip = text;
  std::optional<uint16_t> port = kDnsPort;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ':')) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", absl::CHexEscape(AsAbsl(text)), "\": no \"]\" before the port"));
    }
    ip = text.substr(1, end - 1);
    if (end + 1 < text.size()) port = ParseNumber<uint16_t>(text.substr(end + 2));
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const size_t colon = text.find(':');
    ip = text.substr(0, colon);
    port = ParseNumber<uint16_t>(text.substr(colon + 1));
  }
  if (port.value_or(0) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CHexEscape(AsAbsl(text)), "\": not a port from 1 to 65535"));
  }
  const size_t percent = ip.find('%');
  if (percent == std::string_view::npos) return SocketAddress::Ip(ip, *port);
  return WithScope(ip.substr(0, percent), ip.substr(percent + 1), *port);
}

}  // namespace rotor::dns
