// Io by Linux system calls, for EpollBackend.
#ifndef ROTOR_CORE_BACKEND_EPOLL_EPOLL_IO_H_
#define ROTOR_CORE_BACKEND_EPOLL_EPOLL_IO_H_

#include <signal.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/backend/epoll/epoll_set.h"
#include "core/backend/epoll/linux_files.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"

namespace rotor {

// Accept, Read, Write, ReceiveFrom, SendTo and Send are one system call each and allocate nothing.
class EpollIo : public Io {
 public:
  explicit EpollIo(EpollSet& watched) : watched_(watched) {}

  absl::StatusOr<Fd> Listen(const SocketAddress& address, const ListenerOptions& options) override;
  absl::StatusOr<Fd> Connect(const SocketAddress& address) override;
  absl::StatusOr<Fd> AdoptListener(int number) override;
  Accepted Accept(const Fd& listener) override;
  IoResult Read(const Fd& socket, std::span<char> into) override;
  IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) override;
  size_t BytesUntaken(const Fd& socket) override;
  IoResult ShutdownWrite(const Fd& socket) override;
  IoResult WriteLast(const Fd& socket, std::string_view bytes) override;
  absl::StatusOr<Fd> BindDatagram(const SocketAddress& address) override;
  IoResult ReceiveFrom(const Fd& socket, std::span<char> into, SocketAddress& from) override;
  IoResult SendTo(const Fd& socket, std::string_view datagram, const SocketAddress& to) override;
  IoResult ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) override;
  IoResult SendFrom(const Fd& socket, std::string_view datagram, const DatagramEnds& ends) override;
  absl::StatusOr<Fd> ConnectDatagram(const SocketAddress& peer, uint16_t local_port) override;
  IoResult Send(const Fd& socket, std::string_view datagram) override;
  IoResult Receive(const Fd& socket, std::span<char> into) override;
  absl::StatusOr<SocketAddress> LocalAddress(const Fd& socket) override;
  absl::StatusOr<SocketAddress> PeerAddress(const Fd& socket) override;
  absl::StatusOr<Fd> OpenSignals(std::span<const int> signals) override;
  IoResult ReadSignal(const Fd& signals, int& signal) override;
  FileIo& files() override { return files_; }

 private:
  // The file a Unix listener made, known again by its inode.
  struct SocketFile {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  // Signals that OpenSignals() found unblocked and blocked.
  struct BlockedSignals {
    sigset_t set;
  };
  // What else ends with a descriptor. Only listeners and signals have any: a handful.
  struct Duty {
    int number;
    std::variant<SocketFile, BlockedSignals> about;
  };

  void Close(int number) noexcept override;
  static void Fulfil(const Duty& duty) noexcept;
  absl::Status BindUnix(const Fd& socket, const SocketAddress& address,
                        const ListenerOptions& options, std::string_view doing);

  EpollSet& watched_;
  LinuxFiles files_{*this};
  std::vector<Duty> duties_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_EPOLL_IO_H_
