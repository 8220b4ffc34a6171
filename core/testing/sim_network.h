// The network between hosts and peers, and what descriptors of a host refer to.
#ifndef ROTOR_CORE_TESTING_SIM_NETWORK_H_
#define ROTOR_CORE_TESTING_SIM_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/backend/backend.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_core.h"
#include "core/time/time.h"

namespace rotor {

class SimBackend;

// What an open descriptor of a host refers to. The host is its only owner.
class SimFile : public std::enable_shared_from_this<SimFile> {
 public:
  SimFile(SimBackend& host, WatchKind kind) : host_(host), kind_(kind) {}
  virtual ~SimFile() = default;

  WatchKind kind() const { return kind_; }
  virtual std::string_view kind_name() const;
  // Everything it is ready for at this moment; resumed() if nothing.
  virtual Readiness Poll() const = 0;
  virtual void Closed() {}  // The descriptor is being closed.
  virtual bool watchable() const { return true; }

  void Edge();       // Something new happened: the watch, if any, has to report it.
  void EdgeLater();  // The same after one latency.

  // Kept by the host.
  int number = -1;
  std::optional<uint64_t> watch_key;
  bool edge_waits = false;  // In the host's queue of edges.

 private:
  SimBackend& host_;
  const WatchKind kind_;
};

class SimStreamFile;
class SimListenerFile;

// Bytes in order, taken from the front.
class SimBytes {
 public:
  bool empty() const { return view().empty(); }
  size_t size() const { return view().size(); }
  std::string_view view() const { return std::string_view(bytes_).substr(taken_); }
  void Append(std::string_view bytes) { bytes_.append(bytes); }
  std::string Take(size_t count);
  void Clear() { *this = {}; }

 private:
  std::string bytes_;
  size_t taken_ = 0;
};

// One direction of a stream.
struct SimPipe {
  SimBytes unsent;  // Waits at the sender for the window.
  size_t in_flight = 0;
  SimBytes arrived;  // Waits at the receiver to be read.
  bool end_wanted = false, end_sent = false, end_arrived = false;
  Time last_arrival;  // Nothing sent later may arrive earlier.

  size_t size() const { return unsent.size() + in_flight + arrived.size(); }
};

// A stream between a listener's host (the server's side) and a SimConnection (the client's side),
// which may itself be held by a descriptor of a host: SimConnectedFile.
// As in Linux, unread data survives a reset at the server's side, the error comes once, and an end
// of stream that arrived before the reset hides it from Read(). The client's side loses what is
// unread, as RFC 9112 section 9.6 warns.
struct SimStream : std::enable_shared_from_this<SimStream> {
  SimStream(SimCore& core, SocketAddress client, SocketAddress server)
      : core(core), client_address(client), server_address(server) {}

  // The server's side: what its descriptor does.
  IoResult Read(std::span<char> into);
  IoResult Write(std::span<const std::string_view> pieces);
  IoResult ShutdownWrite();
  void CloseServer();
  Readiness Poll() const;
  size_t write_space() const;

  // The client's side.
  void Send(std::string_view bytes);
  void EndSending();
  void CloseClient();
  void ResetFromClient();
  void ReadAtClient();
  void Notify();  // Calls on_event.
  // The client's side, when it is a descriptor of a host.
  IoResult ReadByClient(std::span<char> into, SimFile& file);
  IoResult WriteByClient(std::span<const std::string_view> pieces, SimFile& file);
  Readiness PollClient() const;
  size_t client_write_space() const;

  void Established();
  void ResetFromServer();        // Behind what is on the way.
  void Break(int server_error);  // By a fault: both sides are reset.

  SimCore& core;
  const SocketAddress client_address, server_address;
  SimPipe to_server, to_client;

  SimConnection* client = nullptr;  // Until closed.
  bool established = false, refused = false, client_ended = false, client_reset = false;
  bool client_closed = false, paused = false, cut_short = false;
  bool client_write_blocked = false;
  bool client_error_told = false;  // Of a refusal or a reset; errors come once.

  SimStreamFile* server = nullptr;             // While accepted and open.
  std::weak_ptr<SimListenerFile> deferred_by;  // Until there is something to read, or it is late.
  bool server_closed = false, server_reset = false, write_shut = false, write_blocked = false;
  int server_error = 0;  // Reported once.

 private:
  void Pump(SimPipe& pipe);
  Time NextArrival(SimPipe& pipe);
  void Arrive(SimPipe& pipe, std::string_view segment);
  void ArriveEnd(SimPipe& pipe);
  void ServerChanged();
  void ResetServer(int error);
};

// Either end of a stream, as a descriptor of a host.
class SimSocketFile : public SimFile {
 public:
  SimSocketFile(SimBackend& host, std::shared_ptr<SimStream> stream)
      : SimFile(host, WatchKind::kStream), stream(std::move(stream)) {}
  virtual IoResult Read(std::span<char> into) = 0;
  virtual IoResult Write(std::span<const std::string_view> pieces) = 0;
  virtual size_t bytes_untaken() const = 0;  // Written here and not read there.
  virtual IoResult ShutdownWrite() = 0;
  virtual SocketAddress local_address() const = 0;
  virtual SocketAddress peer_address() const = 0;  // None when there is no connection.

  const std::shared_ptr<SimStream> stream;
};

// The accepted end.
class SimStreamFile final : public SimSocketFile {
 public:
  SimStreamFile(SimBackend& host, std::shared_ptr<SimStream> accepted)
      : SimSocketFile(host, std::move(accepted)) {
    stream->server = this;
  }
  Readiness Poll() const override { return stream->Poll(); }
  void Closed() override { stream->CloseServer(); }
  IoResult Read(std::span<char> into) override { return stream->Read(into); }
  IoResult Write(std::span<const std::string_view> pieces) override {
    return stream->Write(pieces);
  }
  size_t bytes_untaken() const override { return stream->to_client.size(); }
  IoResult ShutdownWrite() override { return stream->ShutdownWrite(); }
  SocketAddress local_address() const override { return stream->server_address; }
  // As Linux: a connection that was reset has no peer any more.
  SocketAddress peer_address() const override {
    return stream->server_reset ? SocketAddress() : stream->client_address;
  }
};

// The connecting end.
class SimConnectedFile final : public SimSocketFile {
 public:
  SimConnectedFile(SimBackend& host, std::unique_ptr<SimConnection> connection);
  Readiness Poll() const override { return stream->PollClient(); }
  void Closed() override { connection_.reset(); }
  IoResult Read(std::span<char> into) override { return stream->ReadByClient(into, *this); }
  IoResult Write(std::span<const std::string_view> pieces) override {
    return stream->WriteByClient(pieces, *this);
  }
  size_t bytes_untaken() const override { return stream->to_server.size(); }
  IoResult ShutdownWrite() override;
  SocketAddress local_address() const override { return stream->client_address; }
  SocketAddress peer_address() const override {
    const bool gone = !stream->established || stream->client_reset;
    return gone ? SocketAddress() : stream->server_address;
  }

 private:
  std::unique_ptr<SimConnection> connection_;
};

class SimListenerFile final : public SimFile {
 public:
  SimListenerFile(SimBackend& host, SimNetwork& network, SocketAddress address,
                  const ListenerOptions& options)
      : SimFile(host, WatchKind::kListener), network(network), address(address), options(options) {}
  Readiness Poll() const override { return backlog.empty() ? Readiness() : Readiness::Readable(); }
  void Closed() override;
  bool full() const { return backlog.size() >= static_cast<size_t>(options.backlog); }
  void Admit(std::shared_ptr<SimStream> stream);    // Its request to connect has arrived.
  void Enqueue(std::shared_ptr<SimStream> stream);  // It can be accepted.

  SimNetwork& network;
  const SocketAddress address;
  const ListenerOptions options;
  std::deque<std::shared_ptr<SimStream>> backlog;
};

class SimDatagramFile final : public SimFile {
 public:
  SimDatagramFile(SimBackend& host, SimNetwork& network, SocketAddress address)
      : SimFile(host, WatchKind::kDatagram), network(network), address(address) {}
  Readiness Poll() const override;
  void Closed() override;

  SimNetwork& network;
  const SocketAddress address;
  std::optional<SocketAddress> peer;  // If it is connected.
  int error = 0;                      // Of an earlier datagram; told once.
  std::deque<SimDatagram> waiting;
  bool send_blocked = false;  // Since then no SendTo() succeeded.
};

class SimSignalsFile final : public SimFile {
 public:
  SimSignalsFile(SimBackend& host, std::span<const int> signals)
      : SimFile(host, WatchKind::kOther), wanted(signals.begin(), signals.end()) {}
  Readiness Poll() const override { return pending.empty() ? Readiness() : Readiness::Readable(); }

  const std::set<int> wanted;
  std::set<int> pending;
};

// Who is reachable where, and the way there.
class SimNetwork {
 public:
  explicit SimNetwork(SimCore& core) : core_(core) {}

  // `address`, with a free port if it is IP and has none.
  SocketAddress WithPort(const SocketAddress& address);

  // False if the address is taken, which is EADDRINUSE.
  bool AddListener(SimListenerFile& listener);
  void RemoveListener(const SocketAddress& address) { listeners_.erase(address.ToString()); }

  using Receiver = std::function<void(SimDatagram)>;
  bool AddReceiver(const SocketAddress& address, Receiver receiver);
  void RemoveReceiver(const SocketAddress& address) { receivers_.erase(address.ToString()); }
  // `unreachable`, if any, is called one latency after nobody was found there.
  void SendDatagram(const SocketAddress& from, const SocketAddress& to, std::string_view bytes,
                    std::function<void()> unreachable = nullptr);

  std::unique_ptr<SimConnection> Connect(const SocketAddress& to, const SocketAddress& from);
  // Where a connected socket to `peer` is, seen from there.
  static SocketAddress ConnectedFrom(const SocketAddress& peer, uint16_t port);
  std::unique_ptr<SimDatagramSocket> BindDatagram(const SocketAddress& address);

 private:
  struct ReceiverEntry {
    Receiver receive;
    Time last_arrival;
  };

  void RequestConnection(const std::shared_ptr<SimStream>& stream, int attempt);

  SimCore& core_;
  std::map<std::string, SimListenerFile*> listeners_;
  std::map<std::string, ReceiverEntry> receivers_;
  uint16_t next_port_ = 49152;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_NETWORK_H_
