#include "core/backend/io.h"

namespace rotor {

// For backends whose hosts have one address.
IoResult Io::ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) {
  ends.local = SocketAddress();
  return ReceiveFrom(socket, into, ends.peer);
}

IoResult Io::SendFrom(const Fd& socket, std::string_view datagram, const DatagramEnds& ends) {
  return SendTo(socket, datagram, ends.peer);
}

}  // namespace rotor
