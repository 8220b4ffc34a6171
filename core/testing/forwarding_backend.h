// ForwardingBackend: a backend that passes every call on to another one, for tests that look at a
// few of them, or spoil them: derive and override those.
#ifndef ROTOR_CORE_TESTING_FORWARDING_BACKEND_H_
#define ROTOR_CORE_TESTING_FORWARDING_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/io.h"
#include "core/notifier/waker.h"
#include "core/time/time.h"

namespace rotor {

// Descriptors belong to the backend beneath, and close through it.
class ForwardingBackend : public Backend, protected Io {
 public:
  explicit ForwardingBackend(Backend& beneath) : beneath_(beneath) {}

  std::string_view name() const override { return beneath_.name(); }
  Time Now() override { return beneath_.Now(); }
  absl::Time WallTime() override { return beneath_.WallTime(); }
  uint64_t Entropy() override { return beneath_.Entropy(); }
  absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) override {
    return beneath_.Watch(fd, kind, key);
  }
  void Unwatch(const Fd& fd) override { beneath_.Unwatch(fd); }
  absl::StatusOr<size_t> Wait(Deadline latest, std::span<Event> events) override {
    return beneath_.Wait(latest, events);
  }
  std::shared_ptr<Waker> waker() override { return beneath_.waker(); }
  Io& io() override { return *this; }

 protected:
  absl::StatusOr<Fd> Listen(const SocketAddress& address, const ListenerOptions& options) override {
    return beneath_.io().Listen(address, options);
  }
  absl::StatusOr<Fd> AdoptListener(int number) override {
    return beneath_.io().AdoptListener(number);
  }
  Accepted Accept(const Fd& listener) override { return beneath_.io().Accept(listener); }
  absl::StatusOr<Fd> Connect(const SocketAddress& to) override { return beneath_.io().Connect(to); }
  IoResult Read(const Fd& socket, std::span<char> into) override {
    return beneath_.io().Read(socket, into);
  }
  IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) override {
    return beneath_.io().Write(socket, pieces);
  }
  size_t BytesUntaken(const Fd& socket) override { return beneath_.io().BytesUntaken(socket); }
  IoResult ShutdownWrite(const Fd& socket) override { return beneath_.io().ShutdownWrite(socket); }
  absl::StatusOr<Fd> BindDatagram(const SocketAddress& address) override {
    return beneath_.io().BindDatagram(address);
  }
  absl::StatusOr<Fd> ConnectDatagram(const SocketAddress& peer, uint16_t local_port) override {
    return beneath_.io().ConnectDatagram(peer, local_port);
  }
  IoResult ReceiveFrom(const Fd& socket, std::span<char> into, SocketAddress& from) override {
    return beneath_.io().ReceiveFrom(socket, into, from);
  }
  IoResult SendTo(const Fd& socket, std::string_view datagram, const SocketAddress& to) override {
    return beneath_.io().SendTo(socket, datagram, to);
  }
  IoResult ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) override {
    return beneath_.io().ReceiveAt(socket, into, ends);
  }
  IoResult SendFrom(const Fd& socket, std::string_view datagram,
                    const DatagramEnds& ends) override {
    return beneath_.io().SendFrom(socket, datagram, ends);
  }
  IoResult Send(const Fd& socket, std::string_view datagram) override {
    return beneath_.io().Send(socket, datagram);
  }
  IoResult Receive(const Fd& socket, std::span<char> into) override {
    return beneath_.io().Receive(socket, into);
  }
  absl::StatusOr<SocketAddress> LocalAddress(const Fd& socket) override {
    return beneath_.io().LocalAddress(socket);
  }
  absl::StatusOr<SocketAddress> PeerAddress(const Fd& socket) override {
    return beneath_.io().PeerAddress(socket);
  }
  absl::StatusOr<Fd> OpenSignals(std::span<const int> signals) override {
    return beneath_.io().OpenSignals(signals);
  }
  IoResult ReadSignal(const Fd& signals, int& signal) override {
    return beneath_.io().ReadSignal(signals, signal);
  }
  FileIo& files() override { return beneath_.io().files(); }

 private:
  void Close(int) noexcept override {}

  Backend& beneath_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_FORWARDING_BACKEND_H_
