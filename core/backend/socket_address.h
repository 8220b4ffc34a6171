// Where a socket listens or a peer is: IPv4, IPv6 or Unix domain.
#ifndef ROTOR_CORE_BACKEND_SOCKET_ADDRESS_H_
#define ROTOR_CORE_BACKEND_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace rotor {

// A value: copy it freely. Compares by family and content. Holds a kernel address, so that a
// backend hands it to the kernel as it is.
class SocketAddress {
 public:
  SocketAddress() = default;  // No address; ToString() is "(none)".

  // `ip` is numeric, "127.0.0.1" or "::1", never a name. kInvalidArgument names the text.
  static absl::StatusOr<SocketAddress> Ip(std::string_view ip, uint16_t port);
  // A path, or an abstract name when it begins with '@' (unix(7)). At most 107 bytes.
  static absl::StatusOr<SocketAddress> Unix(std::string_view path);
  // Copies what the kernel returned. `size` as from accept(2); larger ones are cut.
  static SocketAddress FromKernel(const sockaddr* address, socklen_t size);

  bool is_unix() const { return storage_.ss_family == AF_UNIX; }
  bool is_ip() const { return storage_.ss_family == AF_INET || storage_.ss_family == AF_INET6; }
  bool is_any() const;    // 0.0.0.0 or ::, every address of a host.
  uint16_t port() const;  // 0 unless IP.
  SocketAddress WithPort(uint16_t port) const;
  // The numeric host without port or brackets, or the path of a Unix address.
  std::string host() const;
  // "127.0.0.1:80", "[::1]:80", "unix:/run/x", "unix:" for an unnamed peer.
  std::string ToString() const;

  int family() const { return storage_.ss_family; }
  const sockaddr* kernel_address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t kernel_size() const { return size_; }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);

 private:
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

// Where a datagram came from or goes to, and to which of our addresses it came or from which it
// leaves. `local` has no port; without an address the system chooses.
struct DatagramEnds {
  SocketAddress peer;
  SocketAddress local;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_SOCKET_ADDRESS_H_
