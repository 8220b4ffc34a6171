#include "core/backend/io.h"

namespace rotor {

IoResult Io::WriteLast(const Fd& socket, std::string_view bytes) {
  const IoResult result = Write(socket, std::span(&bytes, 1));
  // An error of it is found again by reading.
  if (result.ok() && result.bytes == bytes.size()) (void)ShutdownWrite(socket);
  return result;
}

// For backends whose hosts have one address.
IoResult Io::ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) {
  ends.local = SocketAddress();
  return ReceiveFrom(socket, into, ends.peer);
}

IoResult Io::SendFrom(const Fd& socket, std::string_view datagram, const DatagramEnds& ends) {
  return SendTo(socket, datagram, ends.peer);
}

}  // namespace rotor
