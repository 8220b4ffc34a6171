// One host of a simulated world: a Backend, and so a process with one loop.
#ifndef ROTOR_CORE_TESTING_SIM_BACKEND_H_
#define ROTOR_CORE_TESTING_SIM_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"
#include "core/notifier/waker.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"

namespace rotor {

class SimCore;
class SimDatagramFile;
class SimFile;
class SimFileSystem;
class SimFiles;
class SimListenerFile;
class SimNetwork;
class SimSignalWaker;
struct SimStream;

// Made by SimWorld::AddHost(), which owns it.
//
// Reports edges as an edge-triggered epoll does: when data, a connection or the end of a stream
// arrives, when there is space again after a write came up short, and at Watch() if ready. Never
// because something is still ready, so a program that forgets to read on hangs here too.
//
// Wait() lets all that is due happen. When still nothing is ready, the clock goes to what happens
// next in the world, but not beyond `latest`. It fails with
//  * kAborted, "deadlock: ...", if nothing will ever happen (`latest` is never). The message lists
//    what is open. Doing it again is a violation.
//  * kAborted, "busy loop: ...", also a violation, after SimOptions::idle_waits_max calls without
//    an event, a byte or any passing of time.
//
// Descriptors count up from 3, the lowest free number first, as the kernel's do.
class SimBackend final : public Backend, private Io {
 public:
  ~SimBackend() override;

  std::string_view name() const override { return name_; }
  Time Now() override;
  // Begins at Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 section 5.6.7.
  absl::Time WallTime() override;
  uint64_t Entropy() override;

  absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) override;
  void Unwatch(const Fd& fd) override;
  absl::StatusOr<size_t> Wait(Deadline latest, std::span<Event> events) override;
  std::shared_ptr<Waker> waker() override;
  Io& io() override { return *this; }

  size_t open_files() const { return files_.size(); }
  // The files of this host: see sim_file_system.h.
  SimFileSystem& file_system();

 private:
  friend class SimWorld;
  friend class SimFile;
  friend class SimFiles;

  SimBackend(std::string_view name, SimCore& core, SimNetwork& network);

  absl::StatusOr<Fd> Listen(const SocketAddress& address, const ListenerOptions& options) override;
  absl::StatusOr<Fd> Connect(const SocketAddress& address) override;
  Accepted Accept(const Fd& listener) override;
  IoResult Read(const Fd& socket, std::span<char> into) override;
  IoResult Write(const Fd& socket, std::span<const std::string_view> pieces) override;
  size_t BytesUntaken(const Fd& socket) override;
  IoResult ShutdownWrite(const Fd& socket) override;
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
  FileIo& files() override;
  void Close(int number) noexcept override;

  // The file behind a descriptor; otherwise null, and a violation: `call` is what was tried.
  template <typename File>
  File* Find(int number, std::string_view call);
  absl::Status CheckOpenFiles(std::string_view what) const;
  Fd Install(std::shared_ptr<SimFile> file);
  int TakeConnection(SimListenerFile& listener, std::shared_ptr<SimStream>& stream);
  absl::StatusOr<Fd> InstallDatagram(std::string_view what, const SocketAddress& address,
                                     std::optional<SocketAddress> peer);
  IoResult SendDatagram(const Fd& socket, SimDatagramFile& file, std::string_view datagram,
                        const SocketAddress& from, const SocketAddress& to);
  IoResult Logged(std::string_view call, const Fd& fd, IoResult result,
                  std::string_view bytes = {});
  void RaiseSignal(int signal);
  void ExpectNothingOpen();

  void QueueEdge(SimFile& file);
  size_t Collect(std::span<Event> events);
  size_t Returned(std::span<const Event> events);
  size_t MakeSpuriousEvent(std::span<Event> events);
  absl::Status CheckBusyLoop();
  absl::Status Deadlock();

  std::string name_;
  SimCore& core_;
  SimNetwork& network_;
  std::shared_ptr<SimSignalWaker> waker_;
  const std::unique_ptr<SimFiles> file_io_;
  std::map<int, std::shared_ptr<SimFile>> files_;  // By descriptor number.
  std::set<int> free_numbers_;
  int next_number_ = 3;
  std::deque<int> edges_;  // Descriptors whose edge waits to be reported, oldest first.
  uint64_t idle_waits_ = 0;
  uint64_t progress_seen_ = 0;
  std::optional<uint64_t> deadlocked_at_;  // What progress() was.
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_BACKEND_H_
