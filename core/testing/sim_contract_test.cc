// The simulator, without faults, keeps the contract that every backend keeps.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/contract.h"
#include "core/backend/socket_address.h"
#include "core/notifier/waker.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_file_system.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

// Reads only when asked to, so that whoever writes to it feels a slow reader.
class SimPeer final : public ContractPeer {
 public:
  explicit SimPeer(std::unique_ptr<SimConnection> connection) : connection_(std::move(connection)) {
    connection_->PauseReading();
  }

  void Send(std::string_view bytes) override { connection_->Send(bytes); }
  void ShutdownWrite() override { connection_->ShutdownWrite(); }
  void Close() override { connection_->Close(); }
  void Reset() override { connection_->Reset(); }
  std::string Receive(size_t bytes_max) override {
    connection_->ResumeReading();
    connection_->PauseReading();
    received_ += connection_->TakeReceived();
    std::string taken = received_.substr(0, bytes_max);
    received_.erase(0, taken.size());
    return taken;
  }
  bool at_end() const override { return connection_->ended() && received_.empty(); }
  SocketAddress LocalAddress() const override { return connection_->local_address(); }

 private:
  std::unique_ptr<SimConnection> connection_;
  std::string received_;
};

class SimDatagramPeer final : public ContractDatagramPeer {
 public:
  explicit SimDatagramPeer(std::unique_ptr<SimDatagramSocket> socket)
      : socket_(std::move(socket)) {}

  void SendTo(std::string_view datagram, const SocketAddress& to) override {
    socket_->SendTo(datagram, to);
  }
  bool Receive(std::string& datagram) override {
    if (next_ == socket_->received().size()) return false;
    datagram = socket_->received()[next_++].bytes;
    return true;
  }
  SocketAddress sender() const override { return socket_->received()[next_ - 1].from; }
  SocketAddress LocalAddress() const override { return socket_->local_address(); }

 private:
  std::unique_ptr<SimDatagramSocket> socket_;
  size_t next_ = 0;
};

class SimHost final : public ContractHost {
 public:
  SimHost() { host_.file_system().MakeDirectory("/root"); }
  ~SimHost() override {
    world_.ExpectNothingOpen();
    for (const std::string& violation : world_.violations()) ADD_FAILURE() << violation;
  }

  Backend& backend() override { return host_; }
  std::unique_ptr<ContractPeer> Connect(const SocketAddress& listener) override {
    return std::make_unique<SimPeer>(world_.Connect(listener));
  }
  std::unique_ptr<ContractDatagramPeer> BindDatagram() override {
    return std::make_unique<SimDatagramPeer>(
        world_.BindDatagram(*SocketAddress::Ip("127.0.0.1", 0)));
  }
  void RaiseSignal(int signal) override { world_.RaiseSignal(host_, signal); }
  void SignalSoon(std::shared_ptr<Waker> waker) override {
    world_.After(absl::Milliseconds(1), [waker] { waker->Signal(); });
  }
  void Progress() override {
    const Time end = world_.now() + absl::Milliseconds(1);
    while (world_.AdvanceToNextEvent(end)) {
    }
  }
  bool has_ipv6() const override { return true; }

  std::string_view file_root() const override { return "/root"; }
  void WriteFile(std::string_view path, std::string_view bytes) override {
    host_.file_system().Write(Place(path), bytes);
  }
  void MakeLink(std::string_view path, std::string_view target) override {
    host_.file_system().MakeLink(Place(path), target);
  }
  void MakePipe(std::string_view path) override { host_.file_system().MakePipe(Place(path)); }
  void RemoveFile(std::string_view path) override { host_.file_system().Remove(Place(path)); }
  void TruncateFile(std::string_view path, size_t bytes) override {
    host_.file_system().Truncate(Place(path), bytes);
  }

 private:
  static std::string Place(std::string_view path) { return "/root/" + std::string(path); }

  SimWorld world_;
  SimBackend& host_ = world_.AddHost("host");
};

INSTANTIATE_TEST_SUITE_P(Sim, FileContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<SimHost>();
                         })));

INSTANTIATE_TEST_SUITE_P(Sim, BackendContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<SimHost>();
                         })));

}  // namespace
}  // namespace rotor
