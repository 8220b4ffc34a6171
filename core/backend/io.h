// The system calls a machine may make: all of them, and all replaceable by a simulator.
//
// No call blocks. "Would block" is an ordinary result, not an error, and costs no allocation.
#ifndef ROTOR_CORE_BACKEND_IO_H_
#define ROTOR_CORE_BACKEND_IO_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "core/backend/fd.h"
#include "core/backend/file_io.h"
#include "core/backend/listener_options.h"
#include "core/backend/socket_address.h"

namespace rotor {

// Belongs to a Backend; used on the loop's thread only.
class Io {
 public:
  virtual ~Io() = default;

  // A listening stream socket. TCP connections accepted from it have TCP_NODELAY set. An IPv6
  // listener takes no IPv4 connections. Closing that of a Unix socket removes the file it made.
  virtual absl::StatusOr<Fd> Listen(const SocketAddress& address,
                                    const ListenerOptions& options) = 0;
  // Takes over a stream socket that listens already, from whoever started the process; its backlog,
  // address and file are theirs. kInvalidArgument if it is none; else it may be kUnimplemented.
  virtual absl::StatusOr<Fd> AdoptListener(int) {
    return absl::UnimplementedError("this backend inherits no listeners");
  }
  virtual Accepted Accept(const Fd& listener) = 0;
  // A stream to `address`, still being connected, with TCP_NODELAY. Until it is, read and write
  // would block; then it is reported as writable, or error() is, and the next Read() says why.
  virtual absl::StatusOr<Fd> Connect(const SocketAddress& address) = 0;
  // Zero bytes without an error mean the end of the stream. `into` must not be empty.
  virtual IoResult Read(const Fd& socket, std::span<char> into) = 0;
  // Sends the pieces in order, or a part. At most kWritePiecesMax. A closed peer: EPIPE, no signal.
  virtual IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) = 0;
  static constexpr size_t kWritePiecesMax = 16;
  // Bytes written that the peer's host has not taken yet; 0 where the system does not tell.
  virtual size_t BytesUntaken(const Fd&) { return 0; }
  // Tells the peer that no more will be sent; reading goes on.
  virtual IoResult ShutdownWrite(const Fd& socket) = 0;
  // Write(), then ShutdownWrite() if all was taken; over TCP the end leaves with the last bytes.
  virtual IoResult WriteLast(const Fd& socket, std::string_view bytes);

  // `address` must be an IP address.
  virtual absl::StatusOr<Fd> BindDatagram(const SocketAddress& address) = 0;
  // A datagram socket that sends to `peer` and receives from nobody else. kFailedPrecondition if
  // `local_port` is taken; with 0 the system chooses one.
  virtual absl::StatusOr<Fd> ConnectDatagram(const SocketAddress& peer, uint16_t local_port) = 0;
  // One datagram; what does not fit into `into` is lost, and `bytes` is then its full size. An
  // empty datagram is 0 bytes without an error.
  virtual IoResult ReceiveFrom(const Fd& socket, std::span<char> into, SocketAddress& from) = 0;
  virtual IoResult SendTo(const Fd& socket, std::string_view datagram, const SocketAddress& to) = 0;
  // The same with our address too, of a socket bound to every address (ip(7), IP_PKTINFO).
  virtual IoResult ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends);
  virtual IoResult SendFrom(const Fd& socket, std::string_view datagram, const DatagramEnds& ends);
  // To and from the peer of a socket made by ConnectDatagram(); Receive() as ReceiveFrom().
  // ECONNREFUSED from either tells once that nobody received an earlier datagram.
  virtual IoResult Send(const Fd& socket, std::string_view datagram) = 0;
  virtual IoResult Receive(const Fd& socket, std::span<char> into) = 0;

  // With the port the kernel chose.
  virtual absl::StatusOr<SocketAddress> LocalAddress(const Fd& socket) = 0;
  virtual absl::StatusOr<SocketAddress> PeerAddress(const Fd& socket) = 0;

  // A descriptor that becomes readable when one of `signals` arrives. Until it is closed those
  // signals are blocked for the calling thread, so open it before starting threads, and for each
  // signal only once. Signals not read when it is closed are lost.
  virtual absl::StatusOr<Fd> OpenSignals(std::span<const int> signals) = 0;
  // The next signal number into `signal`; would_block() if none waits.
  virtual IoResult ReadSignal(const Fd& signals, int& signal) = 0;

  // Reading and sending files: see file_io.h.
  virtual FileIo& files() = 0;

 private:
  friend class Fd;
  virtual void Close(int number) noexcept = 0;
};

inline void Fd::Close() noexcept {
  if (number_ >= 0) io_->Close(std::exchange(number_, -1));
}

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_IO_H_
