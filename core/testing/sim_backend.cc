#include "core/testing/sim_backend.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "core/testing/sim_core.h"
#include "core/testing/sim_files.h"
#include "core/testing/sim_network.h"

namespace rotor {
namespace {

// The largest datagram of UDP over IPv4.
constexpr size_t kDatagramBytesMax = 65507;

int64_t Bits(Readiness readiness) {
  return readiness.readable() + 2 * readiness.writable() + 4 * readiness.peer_closed() +
         8 * readiness.error();
}

}  // namespace

class SimSignalWaker final : public Waker {
 public:
  void Signal() override { signalled_.store(true, std::memory_order_release); }
  bool TakeSignal() { return signalled_.exchange(false, std::memory_order_acquire); }

 private:
  std::atomic<bool> signalled_{false};
};

SimBackend::SimBackend(std::string_view name, SimCore& core, SimNetwork& network)
    : name_(name),
      core_(core),
      network_(network),
      waker_(std::make_shared<SimSignalWaker>()),
      file_io_(std::make_unique<SimFiles>(*this)) {}

SimBackend::~SimBackend() = default;

Time SimBackend::Now() { return core_.now(); }
absl::Time SimBackend::WallTime() { return core_.wall_time(); }
uint64_t SimBackend::Entropy() { return core_.random()(); }
std::shared_ptr<Waker> SimBackend::waker() { return waker_; }
FileIo& SimBackend::files() { return *file_io_; }
SimFileSystem& SimBackend::file_system() { return file_io_->file_system(); }

// ---- Descriptors ----

template <typename File>
File* SimBackend::Find(int number, std::string_view call) {
  const auto found = files_.find(number);
  if (found == files_.end()) {
    core_.Violation(
        absl::StrCat(name_, ": ", AsAbsl(call), " on descriptor ", number, ", which is not open"));
    return nullptr;
  }
  if constexpr (std::is_same_v<File, SimFile>) {
    return found->second.get();
  } else {
    File* const file = dynamic_cast<File*>(found->second.get());
    if (file == nullptr) {
      core_.Violation(absl::StrCat(name_, ": ", AsAbsl(call), " on descriptor ", number,
                                   ", which is a ", AsAbsl(found->second->kind_name())));
    }
    return file;
  }
}

absl::Status SimBackend::CheckOpenFiles(std::string_view what) const {
  if (files_.size() < static_cast<size_t>(core_.options().open_files_max)) return absl::OkStatus();
  return absl::ErrnoToStatus(EMFILE, AsAbsl(what));
}

Fd SimBackend::Install(std::shared_ptr<SimFile> file) {
  if (free_numbers_.empty()) free_numbers_.insert(next_number_++);
  file->number = free_numbers_.extract(free_numbers_.begin()).value();
  files_.emplace(file->number, file);
  return Fd(*this, file->number);
}

void SimBackend::Close(int number) noexcept {
  core_.Log(name_, "close", {number});
  SimFile* const file = Find<SimFile>(number, "close");
  if (file == nullptr) return;
  file->Closed();
  std::erase(edges_, number);
  files_.erase(number);
  free_numbers_.insert(number);
}

IoResult SimBackend::Logged(std::string_view call, const Fd& fd, IoResult result,
                            std::string_view bytes) {
  core_.Log(name_, call, {fd.number(), static_cast<int64_t>(result.bytes), result.error}, bytes);
  if (result.bytes > 0) core_.Progress();
  return result;
}

// ---- Io: streams ----

absl::StatusOr<Fd> SimBackend::Listen(const SocketAddress& address,
                                      const ListenerOptions& options) {
  const std::string what = absl::StrCat("listen at ", address.ToString());
  core_.Log(name_, what);
  if (!address.is_ip() && !address.is_unix()) return absl::ErrnoToStatus(EAFNOSUPPORT, what);
  if (absl::Status status = CheckOpenFiles(what); !status.ok()) return status;
  auto listener =
      std::make_shared<SimListenerFile>(*this, network_, network_.WithPort(address), options);
  if (!network_.AddListener(*listener)) return absl::ErrnoToStatus(EADDRINUSE, what);
  return Install(std::move(listener));
}

absl::StatusOr<Fd> SimBackend::Connect(const SocketAddress& address) {
  const std::string what = absl::StrCat("connect to ", address.ToString());
  core_.Log(name_, what);
  if (!address.is_ip() && !address.is_unix()) return absl::ErrnoToStatus(EAFNOSUPPORT, what);
  if (absl::Status status = CheckOpenFiles(what); !status.ok()) return status;
  return Install(std::make_shared<SimConnectedFile>(*this, network_.Connect(address, {})));
}

Accepted SimBackend::Accept(const Fd& listener) {
  Accepted accepted;
  auto* const file = Find<SimListenerFile>(listener.number(), "accept");
  std::shared_ptr<SimStream> stream;
  accepted.error = file == nullptr ? EBADF : TakeConnection(*file, stream);
  if (stream != nullptr) {
    accepted.socket = Install(std::make_shared<SimStreamFile>(*this, std::move(stream)));
    core_.Progress();
  }
  core_.Log(name_, "accept", {listener.number(), accepted.socket.number(), accepted.error});
  return accepted;
}

int SimBackend::TakeConnection(SimListenerFile& listener, std::shared_ptr<SimStream>& stream) {
  // The kernel looks for a free descriptor first, so EMFILE comes even if no connection waits.
  if (!CheckOpenFiles("accept").ok()) return EMFILE;
  if (listener.backlog.empty()) return EAGAIN;
  if (core_.Strikes(&SimFaultProbabilities::would_block)) {
    listener.EdgeLater();
    return EAGAIN;
  }
  if (core_.Strikes(&SimFaultProbabilities::out_of_files)) return EMFILE;
  stream = std::move(listener.backlog.front());
  listener.backlog.pop_front();
  if (!core_.Strikes(&SimFaultProbabilities::aborted_accept)) return 0;
  stream->Break(0);
  stream = nullptr;
  return ECONNABORTED;
}

IoResult SimBackend::Read(const Fd& socket, std::span<char> into) {
  auto* const file = Find<SimSocketFile>(socket.number(), "read");
  if (file == nullptr) return {.error = EBADF};
  if (into.empty()) {
    core_.Violation(absl::StrCat(name_, ": read of descriptor ", file->number, " into no space"));
    return {.error = EINVAL};
  }
  const IoResult result = file->Read(into);
  return Logged("read", socket, result, {into.data(), result.bytes});
}

IoResult SimBackend::Write(const Fd& socket, std::span<const std::string_view> pieces) {
  auto* const file = Find<SimSocketFile>(socket.number(), "write");
  if (file == nullptr) return {.error = EBADF};
  if (pieces.size() > kWritePiecesMax) {
    core_.Violation(absl::StrCat(name_, ": write of ", pieces.size(), " pieces"));
    return {.error = EINVAL};
  }
  return Logged("write", socket, file->Write(pieces));
}

size_t SimBackend::BytesUntaken(const Fd& socket) {
  auto* const file = Find<SimSocketFile>(socket.number(), "bytes untaken");
  return file == nullptr ? 0 : file->bytes_untaken();
}

IoResult SimBackend::ShutdownWrite(const Fd& socket) {
  auto* const file = Find<SimSocketFile>(socket.number(), "shutdown");
  if (file == nullptr) return {.error = EBADF};
  return Logged("shutdown", socket, file->ShutdownWrite());
}

// ---- Io: datagrams, addresses, signals ----

absl::StatusOr<Fd> SimBackend::BindDatagram(const SocketAddress& address) {
  const std::string what = absl::StrCat("bind datagram socket to ", address.ToString());
  core_.Log(name_, what);
  if (!address.is_ip()) return absl::ErrnoToStatus(EAFNOSUPPORT, what);
  if (absl::Status status = CheckOpenFiles(what); !status.ok()) return status;
  return InstallDatagram(what, address, std::nullopt);
}

absl::StatusOr<Fd> SimBackend::ConnectDatagram(const SocketAddress& peer, uint16_t local_port) {
  const std::string what =
      absl::StrCat("connect datagram socket to ", peer.ToString(), " from port ", local_port);
  core_.Log(name_, what);
  if (!peer.is_ip()) return absl::InvalidArgumentError(absl::StrCat(what, ": not an IP address"));
  return InstallDatagram(what, SimNetwork::ConnectedFrom(peer, local_port), peer);
}

absl::StatusOr<Fd> SimBackend::InstallDatagram(std::string_view what, const SocketAddress& address,
                                               std::optional<SocketAddress> peer) {
  if (absl::Status status = CheckOpenFiles(what); !status.ok()) return status;
  auto file = std::make_shared<SimDatagramFile>(*this, network_, network_.WithPort(address));
  file->peer = std::move(peer);
  const bool added = network_.AddReceiver(
      file->address,
      [raw = file.get(), max = core_.options().datagrams_waiting_max](SimDatagram datagram) {
        if (raw->peer.has_value() && datagram.from != *raw->peer) return;
        if (raw->waiting.size() >= max) return;
        raw->waiting.push_back(std::move(datagram));
        raw->Edge();
      });
  if (!added) return absl::ErrnoToStatus(EADDRINUSE, AsAbsl(what));
  return Install(std::move(file));
}

IoResult SimBackend::ReceiveFrom(const Fd& socket, std::span<char> into, SocketAddress& from) {
  DatagramEnds ends;
  const IoResult result = ReceiveAt(socket, into, ends);
  if (result.ok()) from = ends.peer;
  return result;
}

IoResult SimBackend::ReceiveAt(const Fd& socket, std::span<char> into, DatagramEnds& ends) {
  auto* const file = Find<SimDatagramFile>(socket.number(), "receive");
  if (file == nullptr) return {.error = EBADF};
  if (file->error != 0) {
    return Logged("receive", socket, {.error = std::exchange(file->error, 0)});
  }
  if (file->waiting.empty()) return Logged("receive", socket, {.error = EAGAIN});
  if (core_.Strikes(&SimFaultProbabilities::would_block)) {
    file->EdgeLater();
    return Logged("receive", socket, {.error = EAGAIN});
  }
  const SimDatagram datagram = std::move(file->waiting.front());
  file->waiting.pop_front();
  core_.Progress();
  datagram.bytes.copy(into.data(), into.size());
  ends.peer = datagram.from;
  ends.local = file->address.is_any() ? datagram.to.WithPort(0) : SocketAddress();
  return Logged("receive", socket, {.bytes = datagram.bytes.size()}, datagram.bytes);
}

IoResult SimBackend::Receive(const Fd& socket, std::span<char> into) {
  SocketAddress peer;
  return ReceiveFrom(socket, into, peer);
}

IoResult SimBackend::SendTo(const Fd& socket, std::string_view datagram, const SocketAddress& to) {
  auto* const file = Find<SimDatagramFile>(socket.number(), "send");
  if (file == nullptr) return {.error = EBADF};
  return SendDatagram(socket, *file, datagram, file->address, to);
}

IoResult SimBackend::SendFrom(const Fd& socket, std::string_view datagram,
                              const DatagramEnds& ends) {
  auto* const file = Find<SimDatagramFile>(socket.number(), "send");
  if (file == nullptr) return {.error = EBADF};
  const SocketAddress from =
      ends.local.is_ip() ? ends.local.WithPort(file->address.port()) : file->address;
  return SendDatagram(socket, *file, datagram, from, ends.peer);
}

IoResult SimBackend::Send(const Fd& socket, std::string_view datagram) {
  auto* const file = Find<SimDatagramFile>(socket.number(), "send");
  if (file == nullptr) return {.error = EBADF};
  if (!file->peer.has_value()) return Logged("send", socket, {.error = EDESTADDRREQ});
  return SendDatagram(socket, *file, datagram, file->address, *file->peer);
}

IoResult SimBackend::SendDatagram(const Fd& socket, SimDatagramFile& file,
                                  std::string_view datagram, const SocketAddress& from,
                                  const SocketAddress& to) {
  if (file.error != 0) return Logged("send", socket, {.error = std::exchange(file.error, 0)});
  if (datagram.size() > kDatagramBytesMax) return Logged("send", socket, {.error = EMSGSIZE});
  file.send_blocked = core_.Strikes(&SimFaultProbabilities::would_block);
  if (file.send_blocked) {
    file.EdgeLater();
    return Logged("send", socket, {.error = EAGAIN});
  }
  // Only a connected socket hears of it (udp(7)).
  std::function<void()> unreachable;
  if (file.peer.has_value()) {
    unreachable = [weak = file.weak_from_this()] {
      const auto sender = std::static_pointer_cast<SimDatagramFile>(weak.lock());
      if (sender == nullptr) return;
      sender->error = ECONNREFUSED;
      sender->Edge();
    };
  }
  network_.SendDatagram(from, to, datagram, std::move(unreachable));
  return Logged("send", socket, {.bytes = datagram.size()}, datagram);
}

absl::StatusOr<SocketAddress> SimBackend::LocalAddress(const Fd& socket) {
  SimFile* const file = Find<SimFile>(socket.number(), "local address");
  if (auto* const stream = dynamic_cast<SimSocketFile*>(file)) return stream->local_address();
  if (auto* const listener = dynamic_cast<SimListenerFile*>(file)) return listener->address;
  if (auto* const datagram = dynamic_cast<SimDatagramFile*>(file)) return datagram->address;
  return absl::ErrnoToStatus(file == nullptr ? EBADF : ENOTSOCK, "local address");
}

absl::StatusOr<SocketAddress> SimBackend::PeerAddress(const Fd& socket) {
  SimFile* const file = Find<SimFile>(socket.number(), "peer address");
  if (auto* const stream = dynamic_cast<SimSocketFile*>(file)) {
    if (stream->peer_address().family() != AF_UNSPEC) return stream->peer_address();
  }
  if (auto* const datagram = dynamic_cast<SimDatagramFile*>(file)) {
    if (datagram->peer.has_value()) return *datagram->peer;
  }
  return absl::ErrnoToStatus(file == nullptr ? EBADF : ENOTCONN, "peer address");
}

absl::StatusOr<Fd> SimBackend::OpenSignals(std::span<const int> signals) {
  core_.Log(name_, "open signals");
  if (absl::Status status = CheckOpenFiles("signals"); !status.ok()) return status;
  return Install(std::make_shared<SimSignalsFile>(*this, signals));
}

IoResult SimBackend::ReadSignal(const Fd& signals, int& signal) {
  auto* const file = Find<SimSignalsFile>(signals.number(), "read signal");
  if (file == nullptr) return {.error = EBADF};
  if (file->pending.empty()) return Logged("read signal", signals, {.error = EAGAIN});
  signal = file->pending.extract(file->pending.begin()).value();
  return Logged("read signal", signals, {.bytes = sizeof(signal)});
}

void SimBackend::RaiseSignal(int signal) {
  core_.Log(name_, "signal", {signal});
  for (const auto& [number, file] : files_) {
    auto* const signals = dynamic_cast<SimSignalsFile*>(file.get());
    if (signals == nullptr || signals->wanted.count(signal) == 0) continue;
    signals->pending.insert(signal);
    return signals->Edge();
  }
  core_.Violation(absl::StrCat(name_, ": killed by signal ", signal, ", which is not opened"));
}

// ---- Events ----

absl::Status SimBackend::Watch(const Fd& fd, WatchKind kind, uint64_t key) {
  core_.Log(name_, "watch", {fd.number(), static_cast<int64_t>(key)});
  SimFile* const file = Find<SimFile>(fd.number(), "watch");
  if (file == nullptr) return absl::ErrnoToStatus(EBADF, "watch");
  if (key == kReservedKey) return absl::InvalidArgumentError("watch with the reserved key");
  if (file->watch_key.has_value()) return absl::ErrnoToStatus(EEXIST, "watch");
  if (!file->watchable()) return absl::ErrnoToStatus(EPERM, "watch");
  if (kind != file->kind()) {
    core_.Violation(absl::StrCat(name_, ": watch of descriptor ", file->number,
                                 " as something else than the ", AsAbsl(file->kind_name()),
                                 " it is"));
  }
  file->watch_key = key;
  if (!file->Poll().resumed()) file->Edge();
  return absl::OkStatus();
}

void SimBackend::Unwatch(const Fd& fd) {
  core_.Log(name_, "unwatch", {fd.number()});
  SimFile* const file = Find<SimFile>(fd.number(), "unwatch");
  if (file == nullptr) return;
  file->watch_key.reset();
  file->edge_waits = false;
  std::erase(edges_, file->number);
}

void SimBackend::QueueEdge(SimFile& file) {
  if (!file.watch_key.has_value() || file.edge_waits) return;
  file.edge_waits = true;
  edges_.push_back(file.number);
}

absl::StatusOr<size_t> SimBackend::Wait(Deadline latest, std::span<Event> events) {
  if (events.empty()) return absl::InvalidArgumentError("wait without space for events");
  core_.Log(name_, "wait", {latest.time().nanoseconds()});
  core_.AdvanceTo(core_.now());  // Lets happen what is due.
  if (absl::Status status = CheckBusyLoop(); !status.ok()) return status;
  for (;;) {
    const bool woken = waker_->TakeSignal();
    size_t count = Collect(events);
    const Deadline until = Sooner(latest, core_.next_event());
    if (count == 0 && !woken && !until.is_never()) count = MakeSpuriousEvent(events);
    if (count > 0 || woken || latest.ReachedAt(core_.now())) return Returned(events.first(count));
    if (until.is_never()) return Deadlock();
    if (core_.Strikes(&SimFaultProbabilities::spurious_wake)) {
      core_.AdvanceTo(core_.now() +
                      core_.Between(absl::ZeroDuration(), until.time() - core_.now()));
      return Returned({});
    }
    const bool stopped = core_.Strikes(&SimFaultProbabilities::clock_jump);
    core_.AdvanceTo(until.time() + (stopped ? core_.Between(absl::Seconds(1), absl::Seconds(10))
                                            : absl::ZeroDuration()));
  }
}

size_t SimBackend::Returned(std::span<const Event> events) {
  core_.Log(name_, "events", {static_cast<int64_t>(events.size())});
  for (const Event& event : events) {
    core_.Log(name_, "event", {static_cast<int64_t>(event.key), Bits(event.readiness)});
    core_.Progress();
  }
  core_.CountEvents(events.size());
  return events.size();
}

size_t SimBackend::Collect(std::span<Event> events) {
  size_t count = 0;
  while (count < events.size() && !edges_.empty()) {
    SimFile& file = *files_.at(edges_.front());
    edges_.pop_front();
    file.edge_waits = false;
    // As epoll does, report all that holds now, also what is older than the edge; or nothing, if
    // what the edge was about has been used up.
    const Readiness readiness = file.Poll();
    if (!readiness.resumed()) events[count++] = {*file.watch_key, readiness};
  }
  return count;
}

size_t SimBackend::MakeSpuriousEvent(std::span<Event> events) {
  // There may be a hundred thousand files.
  if (core_.options().faults.spurious_event <= 0) return 0;
  std::vector<uint64_t> keys;
  for (const auto& [number, file] : files_) {
    if (file->watch_key.has_value()) keys.push_back(*file->watch_key);
  }
  if (keys.empty() || !core_.Strikes(&SimFaultProbabilities::spurious_event)) return 0;
  const Readiness kinds[] = {Readiness::Readable(), Readiness::Writable(),
                             Readiness::Readable() | Readiness::Writable()};
  events[0] = {keys[core_.random().Below(keys.size())], kinds[core_.random().Below(3)]};
  return 1;
}

absl::Status SimBackend::CheckBusyLoop() {
  idle_waits_ =
      std::exchange(progress_seen_, core_.progress()) == core_.progress() ? idle_waits_ + 1 : 0;
  if (idle_waits_ <= core_.options().idle_waits_max) return absl::OkStatus();
  const std::string text = absl::StrCat("busy loop: ", idle_waits_, " waits of host ", name_,
                                        " in a row without any effect");
  idle_waits_ = 0;
  core_.Violation(text);
  return absl::AbortedError(text);
}

absl::Status SimBackend::Deadlock() {
  std::string text = absl::StrCat("deadlock: nothing will ever happen to host ", name_, "; open:");
  for (const auto& [number, file] : files_) {
    const Readiness ready = file->Poll();
    absl::StrAppend(&text, " ", number, " (", AsAbsl(file->kind_name()),
                    file->watch_key.has_value() ? ", watched" : ", not watched",
                    ready.readable() ? ", readable" : "", ready.writable() ? ", writable" : "",
                    ")");
  }
  core_.Log(name_, text);
  if (deadlocked_at_ == core_.progress()) core_.Violation(absl::StrCat("again ", text));
  deadlocked_at_ = core_.progress();
  return absl::AbortedError(text);
}

void SimBackend::ExpectNothingOpen() {
  for (const auto& [number, file] : files_) {
    core_.Violation(absl::StrCat(name_, ": descriptor ", number, ", a ", AsAbsl(file->kind_name()),
                                 ", is still open"));
  }
}

}  // namespace rotor
