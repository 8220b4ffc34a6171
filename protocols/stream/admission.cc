#include "protocols/stream/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace rotor::stream {

std::optional<uint64_t> ClientOf(const SocketAddress& peer) {
  if (peer.family() == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, peer.kernel_address(), sizeof(v4));
    return ntohl(v4.sin_addr.s_addr);
  }
  if (peer.family() != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, peer.kernel_address(), sizeof(v6));
  const uint8_t* const bytes = v6.sin6_addr.s6_addr;
  // A listener inherited from elsewhere may take IPv4 clients too. Their keys lie in ::/32, which
  // no IPv6 client on a network has (RFC 4291 section 2.5).
  const size_t begin = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 12 : 0;
  const size_t end = begin == 12 ? 16 : 8;
  uint64_t key = 0;
  for (size_t i = begin; i < end; ++i) key = key << 8 | bytes[i];
  return key;
}

std::optional<Admission::Ticket> Admission::Enter(uint64_t client) {
  Client& entry = clients_.try_emplace(client, Client{this, client}).first->second;
  if (entry.connections >= limits_.connections_per_client_max) return std::nullopt;
  return Enter(entry);
}

Admission::Ticket Admission::Enter(Client& client) {
  ++client.connections;
  ++connections_;
  return Ticket(client);
}

void Admission::Leave(Client& client) {
  --connections_;
  --client.connections;
  if (&client != &everybody_ && client.connections == 0) clients_.erase(uint64_t{client.key});
  if (waiting_.has_value() && !full()) {
    waiting_->Wake();
    waiting_.reset();
  }
}

}  // namespace rotor::stream
