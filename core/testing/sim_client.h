// The other side of a simulated network: peers that a test drives by hand. Not machines.
//
// Made by SimWorld. Call them from the test, from SimWorld::At() actions and from `on_event`.
#ifndef ROTOR_CORE_TESTING_SIM_CLIENT_H_
#define ROTOR_CORE_TESTING_SIM_CLIENT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backend/socket_address.h"

namespace rotor {

class SimNetwork;
struct SimStream;

// One stream to a listener. Destroying it closes it.
//
// When the request to connect arrives and nobody listens there, the connection is refused. When the
// listener's backlog is full, the request is repeated after 1, 2, 4, 8 and 16 seconds, then the
// connection is refused. What is sent before the connection exists goes out when it does.
class SimConnection {
 public:
  ~SimConnection();
  SimConnection(const SimConnection&) = delete;
  SimConnection& operator=(const SimConnection&) = delete;

  // Never short: what exceeds the window waits here. Ignored once this side has ended or failed.
  void Send(std::string_view bytes);
  void ShutdownWrite();  // The end of the stream, behind what was sent.
  // Both directions; as close(2) does, resets the connection if anything received is unread, or
  // arrives later.
  void Close();
  void Reset();  // Behind what is on the way; what still waits here is dropped.

  // A reader that is paused lets the window fill up, so that the other side's writes come up short.
  void PauseReading();
  void ResumeReading();

  bool connected() const;  // Was at some time.
  bool refused() const;
  bool ended() const;      // The other side's end of stream was read, after all its bytes.
  bool was_reset() const;  // By the other side or by a fault.
  // A fault of the network hit this connection, so that a correct peer may leave it incomplete.
  bool cut_short() const;

  const std::string& received() const { return received_; }
  std::string TakeReceived() { return std::exchange(received_, {}); }
  SocketAddress local_address() const;  // What the listener's side sees as its peer.

  // Called after every change of the above, while a host waits. May destroy the connection.
  std::function<void()> on_event;

 private:
  friend class SimNetwork;
  friend struct SimStream;
  friend class SimConnectedFile;
  explicit SimConnection(std::shared_ptr<SimStream> stream);

  std::shared_ptr<SimStream> stream_;
  std::string received_;
};

struct SimDatagram {
  std::string bytes;
  SocketAddress from;
  SocketAddress to;
};

// Sends and receives datagrams at one address; keeps all that arrive. Destroying it closes it.
class SimDatagramSocket {
 public:
  ~SimDatagramSocket();
  SimDatagramSocket(const SimDatagramSocket&) = delete;
  SimDatagramSocket& operator=(const SimDatagramSocket&) = delete;

  void SendTo(std::string_view bytes, const SocketAddress& to);
  const std::vector<SimDatagram>& received() const { return received_; }
  std::vector<SimDatagram> TakeReceived() { return std::exchange(received_, {}); }
  const SocketAddress& local_address() const { return address_; }

  // Called after each arrival, while a host waits. May destroy the socket.
  std::function<void()> on_event;

 private:
  friend class SimNetwork;
  SimDatagramSocket(SimNetwork& network, SocketAddress address)
      : network_(network), address_(std::move(address)) {}

  SimNetwork& network_;
  SocketAddress address_;
  std::vector<SimDatagram> received_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_CLIENT_H_
