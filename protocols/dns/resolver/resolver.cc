#include "protocols/dns/resolver/resolver.h"

namespace rotor::dns {

resolve::Lookup Resolver::Find(std::string_view host, const resolve::FindOptions& options,
                               Scope& scope) {
  return resolve::Lookup(core_.Begin(host, {.addresses = true, .options = options}, scope));
}

resolve::Subscription Resolver::Watch(std::string_view host, const resolve::FindOptions& options,
                                      Scope& scope) {
  return resolve::Subscription(
      core_.Subscribe(host, {.addresses = true, .options = options}, scope));
}

RecordLookup Resolver::Ask(std::string_view name, RecordType type, const AskOptions& options,
                           Scope& scope) {
  Wanted wanted;
  wanted.type = type;
  wanted.options.timeout = options.timeout;
  wanted.search = options.search;
  return RecordLookup(core_.Begin(name, wanted, scope));
}

absl::Status CheckOptions(const ResolverOptions& options) {
  constexpr uint32_t kSocketsMax = 200;
  const auto Wrong = [](const char* what) {
    return absl::InvalidArgumentError(std::string("ResolverOptions: ") + what);
  };
  if (options.config.has_value() && options.config->servers.empty()) {
    return Wrong("config has no server");
  }
  if (options.config.has_value() && options.config->attempts == 0) {
    return Wrong("config.attempts is 0");
  }
  if (options.sockets_max == 0 || options.sockets_max > kSocketsMax) {
    return Wrong("sockets_max is not from 1 to 200");
  }
  if (options.queries_per_socket == 0) return Wrong("queries_per_socket is 0");
  if (options.mismatches_max == 0) return Wrong("mismatches_max is 0");
  if (options.queries_max == 0) return Wrong("queries_max is 0");
  if (options.datagrams_per_turn == 0) return Wrong("datagrams_per_turn is 0");
  if (options.answer_bytes_max < kUdpPayloadBytesMin) return Wrong("answer_bytes_max is below 512");
  if (options.udp_payload_bytes_max < kUdpPayloadBytesMin) {
    return Wrong("udp_payload_bytes_max is below 512");
  }
  return absl::OkStatus();
}

}  // namespace rotor::dns
