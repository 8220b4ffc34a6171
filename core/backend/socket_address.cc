#include "core/backend/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"

namespace rotor {
namespace {

// Storage is copied in and out instead of cast, so that no aliasing rule is bent.
template <typename Address>
Address As(const sockaddr_storage& storage) {
  Address address;
  std::memcpy(&address, &storage, sizeof(address));
  return address;
}

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);
// One byte of sun_path is for the NUL that ends a path or begins an abstract name.
constexpr size_t kUnixBytesMax = sizeof(sockaddr_un::sun_path) - 1;

// What follows sun_family; an abstract name with the NUL it begins with, a path without its end.
std::string_view UnixBytes(const sockaddr_storage& storage, socklen_t size) {
  if (size <= kPathOffset) return {};
  const char* bytes = reinterpret_cast<const char*>(&storage) + kPathOffset;
  const std::string_view all(bytes, size - kPathOffset);
  return all.front() == '\0' ? all : all.substr(0, all.find('\0'));
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::Ip(std::string_view ip, uint16_t port) {
  char text[INET6_ADDRSTRLEN] = {};
  const bool fits = ip.size() < sizeof(text) && ip.find('\0') == std::string_view::npos;
  if (fits) ip.copy(text, ip.size());
  sockaddr_in v4 = {};
  if (fits && inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return FromKernel(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  }
  sockaddr_in6 v6 = {};
  if (fits && inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return FromKernel(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a numeric IP address: \"", absl::CHexEscape(AsAbsl(ip)), "\""));
}

absl::StatusOr<SocketAddress> SocketAddress::Unix(std::string_view path) {
  const bool abstract = !path.empty() && path.front() == '@';
  if (path.empty() || path.size() > kUnixBytesMax || path.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("not a Unix socket path of 1 to ", kUnixBytesMax,
                                                   " bytes: \"", absl::CHexEscape(AsAbsl(path)),
                                                   "\""));
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  if (abstract) address.sun_path[0] = '\0';
  return FromKernel(reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1)));
}

SocketAddress SocketAddress::FromKernel(const sockaddr* address, socklen_t size) {
  SocketAddress made;
  if (address == nullptr || size < sizeof(sa_family_t)) return made;
  // unix(7) may report one byte more than sockaddr_un: the NUL of a path of full length.
  made.size_ = std::min(size, static_cast<socklen_t>(sizeof(sockaddr_un)));
  std::memcpy(&made.storage_, address, made.size_);
  const bool cut = (made.family() == AF_INET && size < sizeof(sockaddr_in)) ||
                   (made.family() == AF_INET6 && size < sizeof(sockaddr_in6));
  return cut ? SocketAddress() : made;
}

bool SocketAddress::is_any() const {
  if (family() == AF_INET) return As<sockaddr_in>(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
  if (family() != AF_INET6) return false;
  const sockaddr_in6 v6 = As<sockaddr_in6>(storage_);
  return std::memcmp(&v6.sin6_addr, &in6addr_any, sizeof(in6addr_any)) == 0;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(As<sockaddr_in>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(As<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

SocketAddress SocketAddress::WithPort(uint16_t port) const {
  SocketAddress changed = *this;
  const in_port_t network = htons(port);
  char* bytes = reinterpret_cast<char*>(&changed.storage_);
  if (family() == AF_INET) {
    std::memcpy(bytes + offsetof(sockaddr_in, sin_port), &network, sizeof(network));
  } else if (family() == AF_INET6) {
    std::memcpy(bytes + offsetof(sockaddr_in6, sin6_port), &network, sizeof(network));
  }
  return changed;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN];
  if (family() == AF_INET) {
    const sockaddr_in v4 = As<sockaddr_in>(storage_);
    return inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  }
  if (family() == AF_INET6) {
    const sockaddr_in6 v6 = As<sockaddr_in6>(storage_);
    const std::string host = inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return v6.sin6_scope_id == 0 ? host : absl::StrCat(host, "%", v6.sin6_scope_id);
  }
  if (!is_unix()) return "";
  std::string path(UnixBytes(storage_, size_));
  if (!path.empty() && path.front() == '\0') path.front() = '@';
  return path;
}

std::string SocketAddress::ToString() const {
  if (family() == AF_INET) return absl::StrCat(host(), ":", port());
  if (family() == AF_INET6) return absl::StrCat("[", host(), "]:", port());
  // A peer chooses its own name, which ends up in logs.
  if (is_unix()) return absl::StrCat("unix:", absl::CHexEscape(host()));
  return size_ == 0 ? "(none)" : absl::StrCat("(address family ", family(), ")");
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET) {
    const auto v4_a = As<sockaddr_in>(a.storage_), v4_b = As<sockaddr_in>(b.storage_);
    return v4_a.sin_port == v4_b.sin_port && v4_a.sin_addr.s_addr == v4_b.sin_addr.s_addr;
  }
  if (a.family() == AF_INET6) {
    const auto v6_a = As<sockaddr_in6>(a.storage_), v6_b = As<sockaddr_in6>(b.storage_);
    return v6_a.sin6_port == v6_b.sin6_port && v6_a.sin6_scope_id == v6_b.sin6_scope_id &&
           std::memcmp(&v6_a.sin6_addr, &v6_b.sin6_addr, sizeof(v6_a.sin6_addr)) == 0;
  }
  if (a.is_unix()) return UnixBytes(a.storage_, a.size_) == UnixBytes(b.storage_, b.size_);
  return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

}  // namespace rotor
