// Admission: who may still come in at one listener. Not for authors, except for AcceptLimits.
#ifndef ROTOR_PROTOCOLS_STREAM_ADMISSION_H_
#define ROTOR_PROTOCOLS_STREAM_ADMISSION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/notifier/notifier.h"

namespace rotor::stream {

struct AcceptLimits {
  // Connections accepted in one turn before others get theirs.
  uint32_t per_turn = 64;
  // The wait before the next attempt when the process or the system is out of descriptors or memory
  // (EMFILE, ENFILE, ENOBUFS, ENOMEM in accept(2)). Connections stay in the kernel's queue.
  absl::Duration retry_interval = absl::Milliseconds(100);
  // Connections of one listener alive at once. More wait in the kernel's queue, which counts as an
  // accept_pause. 0: as many as the loop has room for.
  uint32_t connections_max = 0;
  // Those of them that come from one client: an IPv4 address, or the first 64 bits of an IPv6
  // address, which is the least that a subscriber gets (RFC 6177). More are closed at once, and
  // counted as connections_refused. Clients of Unix sockets have no address and no limit. 0: any
  // number, which is right behind a proxy. Otherwise a connection costs a system call more, and an
  // address with connections about 50 bytes.
  uint32_t connections_per_client_max = 0;
};

// What tells clients apart; nothing for those that have no IP address.
std::optional<uint64_t> ClientOf(const SocketAddress& peer);

// The counts of one listener; outlives its connections.
class Admission {
  struct Client {
    Admission* admission;
    uint64_t key;  // Of clients_.
    uint32_t connections = 0;
  };

 public:
  explicit Admission(const AcceptLimits& limits) : limits_(limits), everybody_{this, 0} {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // A connection's place; lives as long as the connection.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : client_(std::exchange(other.client_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(client_, other.client_);
      return *this;
    }
    ~Ticket() {
      if (client_ != nullptr) client_->admission->Leave(*client_);
    }

    // Nobody is refused or made to wait if this place is held a little longer than needed.
    bool spare() const { return client_ == nullptr || client_->admission->ample(); }

   private:
    friend class Admission;
    explicit Ticket(Client& client) : client_(&client) {}

    Client* client_ = nullptr;
  };

  const AcceptLimits& limits() const { return limits_; }
  bool full() const {
    return limits_.connections_max > 0 && connections_ >= limits_.connections_max;
  }
  // So many more may come before it is full, and no client has a limit of its own.
  static constexpr uint32_t kAmple = 64;
  bool ample() const {
    return limits_.connections_per_client_max == 0 &&
           (limits_.connections_max == 0 || connections_ + kAmple <= limits_.connections_max);
  }
  // Wakes `acceptor` once when a place is free again.
  void WakeWhenNotFull(Notifier acceptor) { waiting_ = std::move(acceptor); }

  // A place that is not counted against any client.
  Ticket Enter() { return Enter(everybody_); }
  // Nothing if the client has as many as it may.
  std::optional<Ticket> Enter(uint64_t client);

  size_t clients() const { return clients_.size(); }

 private:
  Ticket Enter(Client& client);
  void Leave(Client& client);

  const AcceptLimits limits_;
  uint32_t connections_ = 0;
  Client everybody_;
  // Clients with connections, so no more than there are connections. Never iterated.
  absl::node_hash_map<uint64_t, Client> clients_;
  std::optional<Notifier> waiting_;
};

}  // namespace rotor::stream

#endif  // ROTOR_PROTOCOLS_STREAM_ADMISSION_H_
