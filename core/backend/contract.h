// The contract of Backend and Io as a test suite, run against every implementation.
//
// A backend's own test brings a host and instantiates the suite:
//
//   class EpollHost : public ContractHost { ... };
//
//   INSTANTIATE_TEST_SUITE_P(Epoll, BackendContract, testing::Values(ContractHostFactory([] {
//                              return std::make_unique<EpollHost>();
//                            })));
//
// Each test makes a fresh host. The tests use real addresses (127.0.0.1 port 0, ::1 port 0) through
// Backend and Io only; whatever lies at the other end they reach through the host.
#ifndef ROTOR_CORE_BACKEND_CONTRACT_H_
#define ROTOR_CORE_BACKEND_CONTRACT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/file_io.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"
#include "core/notifier/waker.h"
#include "gtest/gtest.h"

namespace rotor {

// The other end of one stream connection, driven by the test. No method waits; effects may reach
// the backend later, after Progress() or in Wait(). Destroying it closes.
class ContractPeer {
 public:
  virtual ~ContractPeer() = default;

  // Also directly after Connect(). At most 4 KiB are ever under way, so all of it is sent.
  virtual void Send(std::string_view bytes) = 0;
  virtual void ShutdownWrite() = 0;  // End of stream after what was sent; receiving goes on.
  virtual void Close() = 0;          // Orderly: close(2) without unread data.
  virtual void Reset() = 0;          // Abortive: close(2) with SO_LINGER of zero (socket(7)).

  // What has arrived by now, at most `bytes_max` of it; empty if nothing.
  virtual std::string Receive(size_t bytes_max) = 0;
  // True once Receive() has met the end of the stream.
  virtual bool at_end() const = 0;

  virtual SocketAddress LocalAddress() const = 0;  // What the backend sees as PeerAddress().
};

// A datagram socket on 127.0.0.1, driven by the test. No method waits.
class ContractDatagramPeer {
 public:
  virtual ~ContractDatagramPeer() = default;

  virtual void SendTo(std::string_view datagram, const SocketAddress& to) = 0;
  // The next datagram into `datagram`; false if none has arrived.
  virtual bool Receive(std::string& datagram) = 0;
  // Where the last one received came from.
  virtual SocketAddress sender() const = 0;
  virtual SocketAddress LocalAddress() const = 0;
};

// Owns a backend and everything around it. Peers, Fds and wakers taken from it may be destroyed
// before it, wakers also after it.
class ContractHost {
 public:
  virtual ~ContractHost() = default;

  // Its descriptor numbers are the lowest free ones, as POSIX demands: numbers are reused at once,
  // so that a mix-up of old and new watches shows.
  virtual Backend& backend() = 0;

  // Connects to a listener of the backend without waiting for the accept.
  virtual std::unique_ptr<ContractPeer> Connect(const SocketAddress& listener) = 0;
  virtual std::unique_ptr<ContractDatagramPeer> BindDatagram() = 0;
  virtual void RaiseSignal(int signal) = 0;
  // Arranges one Signal() in the near future, while the next Wait() sleeps if possible: by a thread
  // or by an entry in simulated time.
  virtual void SignalSoon(std::shared_ptr<Waker> waker) = 0;
  // Lets about a millisecond pass, without Wait(). The network takes no longer to do its work.
  virtual void Progress() = 0;
  virtual bool has_ipv6() const = 0;

  // A directory of the host's own, and what the test puts below it. Directories on the way are
  // made; what is there already is replaced.
  virtual std::string_view file_root() const = 0;
  virtual void WriteFile(std::string_view path, std::string_view bytes) = 0;
  virtual void MakeLink(std::string_view path, std::string_view target) = 0;
  virtual void MakePipe(std::string_view path) = 0;
  virtual void RemoveFile(std::string_view path) = 0;
  virtual void TruncateFile(std::string_view path, size_t bytes) = 0;
};

using ContractHostFactory = std::function<std::unique_ptr<ContractHost>()>;

class BackendContract : public testing::TestWithParam<ContractHostFactory> {
 protected:
  BackendContract();

  // A connection that the backend has accepted, and its other end.
  struct Connection {
    std::unique_ptr<ContractPeer> peer;
    Fd socket;
  };

  Backend& backend() { return host_->backend(); }
  Io& io() { return host_->backend().io(); }
  ContractHost& host() { return *host_; }
  // Destroys the backend. Descriptors and peers must be gone.
  void DestroyHost() { host_.reset(); }

  Fd Listen();
  SocketAddress AddressOf(const Fd& socket);
  // The next connection; fails the test if none comes.
  Fd Accept(const Fd& listener);
  Connection Connect(const Fd& listener);

  void Watch(const Fd& fd, WatchKind kind, uint64_t key);
  // One Wait() of at most `time_max`; adds what it reports to `seen_`. Returns the count.
  size_t WaitOnce(absl::Duration time_max);
  // Waits until `wanted` holds of all that was reported for `key` since Forget(); if it never does,
  // fails the test.
  void WaitFor(uint64_t key, bool (Readiness::*wanted)() const);
  // Waits until nothing is reported any more, then forgets everything seen.
  void WaitUntilQuiet();
  void Forget() { seen_.clear(); }
  bool Saw(uint64_t key) const { return seen_.count(key) != 0; }

  // Reads without Watch() until `count` bytes or the end or an error has come.
  std::string Read(const Fd& socket, size_t count);
  // The result of the first Read() that would not block.
  IoResult ReadOnce(const Fd& socket, size_t bytes_max);
  std::string ReceiveAtPeer(ContractPeer& peer, size_t count);
  void WaitForEndAtPeer(ContractPeer& peer);

 private:
  std::unique_ptr<ContractHost> host_;
  std::map<uint64_t, Readiness> seen_;
};

// The part of the contract that is about files, in contract_files.cc. A backend's test instantiates
// it too.
class FileContract : public BackendContract {
 protected:
  FileContract() : root_(OpenRoot()) {}

  FileIo& files() { return io().files(); }
  int ErrorOf(std::string_view path, SymlinkPolicy policy = SymlinkPolicy::kBeneath);
  Fd Open(std::string_view path);
  FileInfo InfoOf(const Fd& file);
  std::string Contents(std::string_view path);

 private:
  Fd OpenRoot();

  const Fd root_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_CONTRACT_H_
