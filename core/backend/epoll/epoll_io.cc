#include "core/backend/epoll/epoll_io.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor {
namespace {

// "listen on 127.0.0.1:80: bind: Permission denied".
absl::Status CallFailed(std::string_view doing, std::string_view call, int error = errno) {
  return absl::ErrnoToStatus(error, absl::StrCat(AsAbsl(doing), ": ", AsAbsl(call)));
}

IoResult ToResult(ssize_t returned) {
  if (returned < 0) return {.error = errno};
  return {.bytes = static_cast<size_t>(returned)};
}

bool SetOption(const Fd& socket, int level, int option, int value) {
  return setsockopt(socket.number(), level, option, &value, sizeof(value)) == 0;
}

// The options of `address`'s family that are needed before bind(2). Returns which call failed, or
// nothing.
std::string_view PrepareListener(const Fd& socket, const SocketAddress& address,
                                 const ListenerOptions& options) {
  if (!address.is_ip()) return "";
  if (!SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return "setsockopt(SO_REUSEADDR)";
  // Accepted sockets inherit it, which saves a call for each.
  if (!SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1)) return "setsockopt(TCP_NODELAY)";
  if (options.defer_accept_seconds > 0 &&
      !SetOption(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_seconds)) {
    return "setsockopt(TCP_DEFER_ACCEPT)";
  }
  return "";
}

// So that 0.0.0.0 and :: can be bound to the same port, by whoever wants both.
bool KeepToOneFamily(const Fd& socket, const SocketAddress& address) {
  return address.family() != AF_INET6 || SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

// So that ReceiveAt() learns to which address a datagram came.
bool AskForLocalAddress(const Fd& socket, const SocketAddress& address) {
  if (!address.is_any()) return true;
  return address.family() == AF_INET6 ? SetOption(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                      : SetOption(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

// Of ip(7) and ipv6(7), whichever is larger.
constexpr size_t kPacketInfoBytes = CMSG_SPACE(sizeof(in6_pktinfo));

// The address a received message came to, without a port; none if it does not say.
SocketAddress ReadPacketInfo(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_addr = info.ipi_spec_dst;
      return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&address),
                                       sizeof(address));
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      sockaddr_in6 address = {};
      address.sin6_family = AF_INET6;
      address.sin6_addr = info.ipi6_addr;
      // Elsewhere the route chooses the interface.
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) address.sin6_scope_id = info.ipi6_ifindex;
      return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&address),
                                       sizeof(address));
    }
  }
  return SocketAddress();
}

template <typename Info>
void AddPacketInfo(msghdr& message, int level, int type, const Info& info) {
  message.msg_controllen = CMSG_SPACE(sizeof(info));
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(part), &info, sizeof(info));
}

// Lets `message`, whose control buffer is large enough, leave from `local`.
void WritePacketInfo(msghdr& message, const SocketAddress& local) {
  if (local.family() == AF_INET) {
    sockaddr_in address;
    std::memcpy(&address, local.kernel_address(), sizeof(address));
    in_pktinfo info = {};
    info.ipi_spec_dst = address.sin_addr;
    AddPacketInfo(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    sockaddr_in6 address;
    std::memcpy(&address, local.kernel_address(), sizeof(address));
    in6_pktinfo info = {};
    info.ipi6_addr = address.sin6_addr;
    info.ipi6_ifindex = address.sin6_scope_id;
    AddPacketInfo(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

// Whether the file at `address` is a socket whose owner died without removing it.
bool IsStale(const SocketAddress& address) {
  struct stat file;
  if (lstat(address.host().c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  // Every other outcome, such as EAGAIN of a full backlog, means that somebody may be there.
  const bool refused =
      connect(probe, address.kernel_address(), address.kernel_size()) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

}  // namespace

absl::StatusOr<Fd> EpollIo::Listen(const SocketAddress& address, const ListenerOptions& options) {
  const std::string doing = absl::StrCat("listen on ", address.ToString());
  const int number = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return CallFailed(doing, "socket");
  Fd fd(*this, number);
  const std::string_view failed_call = PrepareListener(fd, address, options);
  if (!failed_call.empty()) return CallFailed(doing, failed_call);
  if (!KeepToOneFamily(fd, address)) return CallFailed(doing, "setsockopt(IPV6_V6ONLY)");
  if (address.is_unix()) {
    const absl::Status bound = BindUnix(fd, address, options, doing);
    if (!bound.ok()) return bound;
  } else if (bind(number, address.kernel_address(), address.kernel_size()) != 0) {
    return CallFailed(doing, "bind");
  }
  if (listen(number, options.backlog) != 0) return CallFailed(doing, "listen");
  return fd;
}

absl::Status EpollIo::BindUnix(const Fd& socket, const SocketAddress& address,
                               const ListenerOptions& options, std::string_view doing) {
  const std::string path = address.host();
  const bool has_file = !path.starts_with('@');
  const auto Bind = [&] {
    return bind(socket.number(), address.kernel_address(), address.kernel_size());
  };
  int result = Bind();
  if (result != 0 && errno == EADDRINUSE) {
    // Two processes that start at the same moment may both get here; unix(7) offers no lock.
    if (!has_file || !options.unix_replace_stale || !IsStale(address)) {
      return CallFailed(doing, "bind", EADDRINUSE);
    }
    if (unlink(path.c_str()) != 0) return CallFailed(doing, "unlink stale socket");
    result = Bind();
  }
  if (result != 0) return CallFailed(doing, "bind");
  struct stat file;
  if (!has_file || lstat(path.c_str(), &file) != 0) return absl::OkStatus();
  duties_.push_back({socket.number(), SocketFile{path, file.st_dev, file.st_ino}});
  // Nobody can connect before listen(2), so there is no moment with other permissions.
  if (options.unix_mode != 0 && chmod(path.c_str(), options.unix_mode) != 0) {
    return CallFailed(doing, "chmod");
  }
  return absl::OkStatus();
}

absl::StatusOr<Fd> EpollIo::AdoptListener(int number) {
  const std::string doing = absl::StrCat("listen on inherited descriptor ", number);
  const auto Option = [number](int option) {
    int value = 0;
    socklen_t size = sizeof(value);
    return getsockopt(number, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
  };
  if (Option(SO_ACCEPTCONN) != 1 || Option(SO_TYPE) != SOCK_STREAM) {
    return absl::InvalidArgumentError(absl::StrCat(doing, ": not a stream socket that listens"));
  }
  Fd fd(*this, number);
  const int flags = fcntl(number, F_GETFL);
  if (flags < 0 || fcntl(number, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    return CallFailed(doing, "fcntl");
  }
  const absl::StatusOr<SocketAddress> address = LocalAddress(fd);
  if (!address.ok()) return address.status();
  if (address->is_ip() && !SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1)) {
    return CallFailed(doing, "setsockopt(TCP_NODELAY)");
  }
  return fd;
}

absl::StatusOr<Fd> EpollIo::Connect(const SocketAddress& address) {
  const std::string doing = absl::StrCat("connect to ", address.ToString());
  const int number = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return CallFailed(doing, "socket");
  Fd fd(*this, number);
  if (address.is_ip() && !SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1)) {
    return CallFailed(doing, "setsockopt(TCP_NODELAY)");
  }
  if (connect(number, address.kernel_address(), address.kernel_size()) != 0 &&
      errno != EINPROGRESS) {
    return CallFailed(doing, "connect");
  }
  return fd;
}

Accepted EpollIo::Accept(const Fd& listener) {
  const int number = accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (number < 0) return {.socket = Fd(), .error = errno};
  return {.socket = Fd(*this, number)};
}

IoResult EpollIo::Read(const Fd& socket, std::span<char> into) {
  ROTOR_CHECK(!into.empty(), "Io::Read(): nowhere to read into");
  return ToResult(recv(socket.number(), into.data(), into.size(), 0));
}

IoResult EpollIo::Write(const Fd& socket, std::span<const std::string_view> pieces) {
  ROTOR_CHECK(pieces.size() <= kWritePiecesMax, "Io::Write(): too many pieces");
  // The usual case; cheaper in the kernel than sendmsg(2) with one piece.
  if (pieces.size() == 1) {
    return ToResult(send(socket.number(), pieces[0].data(), pieces[0].size(), MSG_NOSIGNAL));
  }
  std::array<iovec, kWritePiecesMax> parts;
  for (size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = pieces.size();
  return ToResult(sendmsg(socket.number(), &message, MSG_NOSIGNAL));
}

size_t EpollIo::BytesUntaken(const Fd& socket) {
  int bytes = 0;
  return ioctl(socket.number(), SIOCOUTQ, &bytes) == 0 ? static_cast<size_t>(bytes) : 0;
}

IoResult EpollIo::ShutdownWrite(const Fd& socket) {
  return ToResult(shutdown(socket.number(), SHUT_WR));
}

IoResult EpollIo::WriteLast(const Fd& socket, std::string_view bytes) {
  // What MSG_MORE holds back (tcp(7)) leaves with the end of the stream, in one segment.
  const IoResult result =
      ToResult(send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE));
  if (result.ok() && result.bytes == bytes.size()) (void)ShutdownWrite(socket);
  return result;
}

absl::StatusOr<Fd> EpollIo::BindDatagram(const SocketAddress& address) {
  const std::string doing = absl::StrCat("bind datagram socket to ", address.ToString());
  // Unix datagram sockets give no edge when a full receiver makes room (unix(7)).
  if (!address.is_ip()) {
    return absl::InvalidArgumentError(absl::StrCat(doing, ": not an IP address"));
  }
  const int number = socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return CallFailed(doing, "socket");
  Fd fd(*this, number);
  if (!KeepToOneFamily(fd, address)) return CallFailed(doing, "setsockopt(IPV6_V6ONLY)");
  if (!AskForLocalAddress(fd, address)) return CallFailed(doing, "setsockopt(PKTINFO)");
  if (bind(number, address.kernel_address(), address.kernel_size()) != 0) {
    return CallFailed(doing, "bind");
  }
  return fd;
}

absl::StatusOr<Fd> EpollIo::ConnectDatagram(const SocketAddress& peer, uint16_t local_port) {
  const std::string doing = absl::StrCat("connect datagram socket to ", peer.ToString());
  if (!peer.is_ip()) return absl::InvalidArgumentError(absl::StrCat(doing, ": not an IP address"));
  const int number = socket(peer.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (number < 0) return CallFailed(doing, "socket");
  Fd fd(*this, number);
  if (local_port != 0) {
    const absl::StatusOr<SocketAddress> local =
        SocketAddress::Ip(peer.family() == AF_INET ? "0.0.0.0" : "::", local_port);
    if (!local.ok()) return local.status();
    if (!KeepToOneFamily(fd, *local)) return CallFailed(doing, "setsockopt(IPV6_V6ONLY)");
    if (bind(number, local->kernel_address(), local->kernel_size()) != 0) {
      return CallFailed(absl::StrCat(doing, " from port ", local_port), "bind");
    }
  }
  if (connect(number, peer.kernel_address(), peer.kernel_size()) != 0) {
    return CallFailed(doing, "connect");
  }
  return fd;
}

IoResult EpollIo::ReceiveFrom(const Fd& socket, std::span<char> into, SocketAddress& from) {
  sockaddr_storage sender;
  socklen_t size = sizeof(sender);
  // MSG_TRUNC makes the kernel return the full size of what did not fit.
  const ssize_t received = recvfrom(socket.number(), into.data(), into.size(), MSG_TRUNC,
                                    reinterpret_cast<sockaddr*>(&sender), &size);
  if (received >= 0) {
    from = SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&sender), size);
  }
  return ToResult(received);
}

IoResult EpollIo::SendTo(const Fd& socket, std::string_view datagram, const SocketAddress& to) {
  const IoResult result = ToResult(sendto(socket.number(), datagram.data(), datagram.size(),
                                          MSG_NOSIGNAL, to.kernel_address(), to.kernel_size()));
  if (result.would_block()) watched_.WatchDatagramWritable(socket.number());
  return result;
}

IoResult EpollIo::ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) {
  sockaddr_storage sender;
  alignas(cmsghdr) char control[kPacketInfoBytes];
  iovec piece = {into.data(), into.size()};
  msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof(sender);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t received = recvmsg(socket.number(), &message, MSG_TRUNC);
  if (received >= 0) {
    ends.peer =
        SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&sender), message.msg_namelen);
    ends.local = ReadPacketInfo(message);
  }
  return ToResult(received);
}

IoResult EpollIo::SendFrom(const Fd& socket, std::string_view datagram, const DatagramEnds& ends) {
  if (!ends.local.is_ip()) return SendTo(socket, datagram, ends.peer);
  alignas(cmsghdr) char control[kPacketInfoBytes] = {};
  iovec piece = {const_cast<char*>(datagram.data()), datagram.size()};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(ends.peer.kernel_address());
  message.msg_namelen = ends.peer.kernel_size();
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  WritePacketInfo(message, ends.local);
  const IoResult result = ToResult(sendmsg(socket.number(), &message, MSG_NOSIGNAL));
  if (result.would_block()) watched_.WatchDatagramWritable(socket.number());
  return result;
}

IoResult EpollIo::Send(const Fd& socket, std::string_view datagram) {
  const IoResult result =
      ToResult(send(socket.number(), datagram.data(), datagram.size(), MSG_NOSIGNAL));
  if (result.would_block()) watched_.WatchDatagramWritable(socket.number());
  return result;
}

IoResult EpollIo::Receive(const Fd& socket, std::span<char> into) {
  return ToResult(recv(socket.number(), into.data(), into.size(), MSG_TRUNC));
}

absl::StatusOr<SocketAddress> EpollIo::LocalAddress(const Fd& socket) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return CallFailed(absl::StrCat("local address of descriptor ", socket.number()), "getsockname");
  }
  return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&address), size);
}

absl::StatusOr<SocketAddress> EpollIo::PeerAddress(const Fd& socket) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getpeername(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return CallFailed(absl::StrCat("peer address of descriptor ", socket.number()), "getpeername");
  }
  return SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&address), size);
}

absl::StatusOr<Fd> EpollIo::OpenSignals(std::span<const int> signals) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : signals) {
    if (sigaddset(&wanted, signal) != 0) {
      return CallFailed(absl::StrCat("open signal ", signal), "sigaddset");
    }
  }
  const int number = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  if (number < 0) return CallFailed("open signals", "signalfd");
  Fd fd(*this, number);
  sigset_t before;
  const int error = pthread_sigmask(SIG_BLOCK, &wanted, &before);
  if (error != 0) return CallFailed("open signals", "pthread_sigmask", error);
  for (const int signal : signals) {
    if (sigismember(&before, signal)) sigdelset(&wanted, signal);
  }
  duties_.push_back({number, BlockedSignals{wanted}});
  return fd;
}

IoResult EpollIo::ReadSignal(const Fd& signals, int& signal) {
  signalfd_siginfo info;
  const IoResult result = ToResult(read(signals.number(), &info, sizeof(info)));
  if (result.ok()) signal = static_cast<int>(info.ssi_signo);
  return result;
}

void EpollIo::Close(int number) noexcept {
  const auto found = std::find_if(duties_.begin(), duties_.end(),
                                  [number](const Duty& duty) { return duty.number == number; });
  if (found != duties_.end()) {
    Fulfil(*found);
    duties_.erase(found);
  }
  close(number);
}

void EpollIo::Fulfil(const Duty& duty) noexcept {
  if (const auto* file = std::get_if<SocketFile>(&duty.about)) {
    // Another process may have replaced it by its own in the meantime.
    struct stat now;
    const bool is_ours = lstat(file->path.c_str(), &now) == 0 && now.st_dev == file->device &&
                         now.st_ino == file->inode;
    if (is_ours) unlink(file->path.c_str());
  } else if (const auto* blocked = std::get_if<BlockedSignals>(&duty.about)) {
    // Those that came while the descriptor was open were for its reader; unblocked, a second
    // SIGTERM would end a process that is just ending in good order.
    signalfd_siginfo info;
    while (read(duty.number, &info, sizeof(info)) > 0) {
    }
    pthread_sigmask(SIG_UNBLOCK, &blocked->set, nullptr);
  }
}

}  // namespace rotor
