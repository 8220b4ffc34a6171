#include "core/backend/epoll/epoll_backend.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/contract.h"
#include "core/backend/epoll/epoll_test_host.h"
#include "core/backend/io.h"
#include "core/backend/socket_address.h"
#include "core/time/time.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

constexpr uint64_t kKey = 42;

INSTANTIATE_TEST_SUITE_P(Epoll, FileContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<EpollHost>();
                         })));

INSTANTIATE_TEST_SUITE_P(Epoll, BackendContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<EpollHost>();
                         })));

INSTANTIATE_TEST_SUITE_P(BusyEpoll, BackendContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<EpollHost>(
                               EpollOptions{.busy_poll_max = absl::Milliseconds(1)});
                         })));

// ---- What only the kernel can show

class EpollBackendTest : public testing::Test {
 protected:
  EpollBackendTest() : backend_(*EpollBackend::Create()) {}

  Backend& backend() { return *backend_; }
  Io& io() { return backend_->io(); }

  Fd Listen(const SocketAddress& address, int defer_accept_seconds = 0) {
    auto listener = io().Listen(address, {.defer_accept_seconds = defer_accept_seconds});
    EXPECT_TRUE(listener.ok()) << listener.status().ToString();
    return listener.ok() ? *std::move(listener) : Fd();
  }
  Fd ListenOnLoopback() { return Listen(*SocketAddress::Ip("127.0.0.1", 0)); }

  // Waits up to ten seconds for an event of any kind.
  std::optional<Event> NextEvent() {
    Event event;
    const Time latest = backend().Now() + absl::Seconds(10);
    const auto count = backend().Wait(latest, std::span(&event, 1));
    EXPECT_TRUE(count.ok());
    return count.ok() && *count == 1 ? std::optional(event) : std::nullopt;
  }
  // Collects what is reported already.
  size_t PollEvents() {
    std::array<Event, 16> events;
    const auto count = backend().Wait(backend().Now(), events);
    EXPECT_TRUE(count.ok());
    return count.ok() ? *count : 0;
  }
  Fd Accept(const Fd& listener) {
    pollfd readable = {.fd = listener.number(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, 10'000);
    Accepted accepted = io().Accept(listener);
    EXPECT_EQ(accepted.error, 0);
    return std::move(accepted.socket);
  }

 private:
  std::unique_ptr<EpollBackend> backend_;
};

int OptionOf(const Fd& socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(socket.number(), level, option, &value, &size), 0);
  return value;
}

int LowestFreeDescriptor() {
  const int number = dup(0);
  close(number);
  return number;
}

// Lets the process open no more descriptors than it has, plus `more`, while it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(int more) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit few = {.rlim_cur = static_cast<rlim_t>(LowestFreeDescriptor() + more),
                        .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST_F(EpollBackendTest, Name) { EXPECT_EQ(backend().name(), "epoll"); }

TEST_F(EpollBackendTest, PollingForHoursOrIntoThePastIsRefused) {
  EXPECT_EQ(EpollBackend::Create({.busy_poll_max = absl::Hours(1)}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EpollBackend::Create({.busy_poll_max = absl::Nanoseconds(-1)}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Contract tests never wait twice in a row for so short a time that polling begins.
TEST(BusyEpollTest, PollingFindsEventsAndEndsAtTheDeadline) {
  auto backend = *EpollBackend::Create({.busy_poll_max = absl::Seconds(1)});
  auto listener = backend->io().Listen(*SocketAddress::Ip("127.0.0.1", 0), {});
  ASSERT_TRUE(listener.ok()) << listener.status();
  ASSERT_TRUE(backend->Watch(*listener, WatchKind::kListener, kKey).ok());
  const SocketAddress address = *backend->io().LocalAddress(*listener);
  Event event;
  for (int i = 0; i < 10; ++i) {
    RawStream client(address);
    auto found = backend->Wait(backend->Now() + absl::Seconds(10), std::span(&event, 1));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, 1u);
    EXPECT_EQ(event.key, kKey);
    while (backend->io().Accept(*listener).error == 0) {
    }
  }
  const Time deadline = backend->Now() + absl::Milliseconds(5);
  auto found = backend->Wait(deadline, std::span(&event, 1));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, 0u);
  EXPECT_GE(backend->Now(), deadline);
}

TEST_F(EpollBackendTest, InterruptedSleepReturnsNoEvents) {
  struct sigaction ignore = {}, action_before;
  ignore.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGALRM, &ignore, &action_before), 0);
  // Again and again, since the first may come before the sleep.
  const itimerval each_millisecond = {.it_interval = {0, 1'000}, .it_value = {0, 1'000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &each_millisecond, nullptr), 0);
  Event event;
  const auto count = backend().Wait(Deadline::Never(), std::span(&event, 1));
  const itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &action_before, nullptr);
  ASSERT_TRUE(count.ok()) << count.status().ToString();
  EXPECT_EQ(*count, 0u);
}

TEST_F(EpollBackendTest, MillisecondsAreRoundedUpWhereTheKernelHasNoNanosecondSleep) {
  bool is_filtered = false;
  std::thread([&is_filtered] {
    is_filtered = FailSystemCall(SYS_epoll_pwait2, ENOSYS);
    if (!is_filtered) return;
    const auto backend = *EpollBackend::Create();
    Event event;
    for (const int64_t nanoseconds : {-1, 1, 999'999, 1'000'001, 2'500'000}) {
      const Time latest = backend->Now() + absl::Nanoseconds(nanoseconds);
      const auto count = backend->Wait(latest, std::span(&event, 1));
      ASSERT_TRUE(count.ok()) << count.status().ToString();
      EXPECT_EQ(*count, 0u);
      EXPECT_GE(backend->Now(), latest) << nanoseconds;
    }
    // A number of milliseconds whose low 32 bits are zero, which must not become no sleep at all.
    const absl::Duration weeks = absl::Milliseconds(int64_t{1} << 32);
    for (const Deadline latest : {Deadline::Never(), Deadline(backend->Now() + weeks)}) {
      std::atomic<bool> is_signalled = false;
      std::thread signaller([&is_signalled, waker = backend->waker()] {
        is_signalled = true;
        waker->Signal();
      });
      EXPECT_TRUE(backend->Wait(latest, std::span(&event, 1)).ok());
      EXPECT_TRUE(is_signalled) << "returned for no reason";
      signaller.join();
    }
  }).join();
  if (!is_filtered) GTEST_SKIP() << "no seccomp(2) here";
}

TEST_F(EpollBackendTest, DatagramSocketThatWouldBlockReportsRoomOnceAsked) {
  absl::StatusOr<Fd> socket = io().BindDatagram(*SocketAddress::Ip("127.0.0.1", 0));
  ASSERT_TRUE(socket.ok());
  ASSERT_TRUE(backend().Watch(*socket, WatchKind::kDatagram, kKey).ok());
  EXPECT_EQ(PollEvents(), 0u);
  bool is_filtered = false;
  std::thread([&] {
    is_filtered = FailSystemCall(SYS_sendto, EAGAIN);
    if (!is_filtered) return;
    const SocketAddress to = *io().LocalAddress(*socket);
    EXPECT_TRUE(io().SendTo(*socket, "x", to).would_block());
  }).join();
  if (!is_filtered) GTEST_SKIP() << "no seccomp(2) here";
  const std::optional<Event> event = NextEvent();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->key, kKey);
  EXPECT_TRUE(event->readiness.writable());
}

// The signal also comes with a part that was sent before the peer went away.
TEST_F(EpollBackendTest, APeerThatGoesAwayWhileAFileIsSentIsNoSignal) {
  const int number = memfd_create("large", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(number, 64 << 20), 0);
  const Fd file(io(), number);
  const Fd listener = ListenOnLoopback();
  for (int round = 0; round < 100; ++round) {
    auto peer = std::make_unique<RawStream>(*io().LocalAddress(listener));
    const Fd socket = Accept(listener);
    std::thread reader([peer = std::move(peer)] {
      size_t received = 0;
      while (received < (8 << 20)) received += peer->Receive(1 << 16).size();
      peer->Close();
    });
    IoResult result;
    while (result.error == 0 || result.would_block()) {
      result = io().files().SendFile(socket, file, 0, 64 << 20);
    }
    EXPECT_TRUE(result.error == EPIPE || result.error == ECONNRESET) << result.error;
    reader.join();
  }
}

TEST_F(EpollBackendTest, AcceptedSocketsDoNotDelaySmallWrites) {
  const Fd listener = ListenOnLoopback();
  const RawStream peer(*io().LocalAddress(listener));
  EXPECT_EQ(OptionOf(Accept(listener), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(EpollBackendTest, AcceptedSocketsDoNotBlockAndAreNotInherited) {
  const Fd listener = ListenOnLoopback();
  const RawStream peer(*io().LocalAddress(listener));
  const Fd socket = Accept(listener);
  for (const Fd* fd : {&listener, &socket}) {
    EXPECT_TRUE(fcntl(fd->number(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd->number(), F_GETFD) & FD_CLOEXEC);
  }
}

TEST_F(EpollBackendTest, DeferringListenerYieldsAConnectionOnceTheClientHasSpoken) {
  const Fd listener = Listen(*SocketAddress::Ip("127.0.0.1", 0), /*defer_accept_seconds=*/60);
  ASSERT_TRUE(backend().Watch(listener, WatchKind::kListener, kKey).ok());
  RawStream client(*io().LocalAddress(listener));
  EXPECT_TRUE(io().Accept(listener).would_block());
  client.Send("hello");
  ASSERT_TRUE(NextEvent().has_value());
  const Fd socket = Accept(listener);
  // Its data is there already: reading right after accepting pays.
  std::array<char, 16> buffer;
  EXPECT_EQ(io().Read(socket, buffer).bytes, 5u);
}

TEST_F(EpollBackendTest, ListenerDoesNotDeferUnlessAsked) {
  EXPECT_EQ(OptionOf(ListenOnLoopback(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

TEST_F(EpollBackendTest, PortCanBeListenedOnAgainWhileOldConnectionsLinger) {
  Fd listener = ListenOnLoopback();
  const SocketAddress address = *io().LocalAddress(listener);
  RawStream peer(address);
  Accept(listener).Close();  // The side that closes first keeps the port, in TIME_WAIT.
  peer.Close();
  listener.Close();
  EXPECT_TRUE(Listen(address).is_open());
}

TEST_F(EpollBackendTest, BothFamiliesCanListenOnOnePort) {
  absl::StatusOr<Fd> v6 = io().Listen(*SocketAddress::Ip("::", 0), ListenerOptions());
  if (!v6.ok()) GTEST_SKIP() << "no IPv6 here";
  // Somebody else may have the port in the other family: try some.
  absl::StatusOr<Fd> v4 = absl::UnknownError("not tried");
  for (int attempt = 0; attempt < 10 && !v4.ok(); ++attempt) {
    v6 = io().Listen(*SocketAddress::Ip("::", 0), ListenerOptions());
    ASSERT_TRUE(v6.ok());
    const uint16_t port = io().LocalAddress(*v6)->port();
    v4 = io().Listen(*SocketAddress::Ip("0.0.0.0", port), ListenerOptions());
  }
  EXPECT_TRUE(v4.ok()) << v4.status().ToString();
  EXPECT_EQ(OptionOf(*v6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  absl::StatusOr<Fd> datagram = io().BindDatagram(*SocketAddress::Ip("::", 0));
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(OptionOf(*datagram, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST_F(EpollBackendTest, DuplicateKeepsAClosedDescriptorWatched) {
  const Fd listener = ListenOnLoopback();
  RawStream peer(*io().LocalAddress(listener));
  Fd socket = Accept(listener);
  ASSERT_TRUE(backend().Watch(socket, WatchKind::kStream, kKey).ok());
  PollEvents();
  const Fd duplicate(io(), dup(socket.number()));
  socket.Close();
  peer.Send("x");
  // The case that Unwatch() is for.
  const std::optional<Event> event = NextEvent();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->key, kKey);
}

TEST_F(EpollBackendTest, UnwatchEndsTheWatchInSpiteOfADuplicate) {
  const Fd listener = ListenOnLoopback();
  RawStream peer(*io().LocalAddress(listener));
  Fd socket = Accept(listener);
  ASSERT_TRUE(backend().Watch(socket, WatchKind::kStream, kKey).ok());
  PollEvents();
  const Fd duplicate(io(), dup(socket.number()));
  backend().Unwatch(socket);
  socket.Close();
  peer.Send("x");
  std::array<char, 4> buffer;
  while (io().Read(duplicate, buffer).would_block()) poll(nullptr, 0, 1);  // It has arrived.
  EXPECT_EQ(PollEvents(), 0u);
}

TEST_F(EpollBackendTest, WatchSaysWhyItFailed) {
  const Fd listener = ListenOnLoopback();
  ASSERT_TRUE(backend().Watch(listener, WatchKind::kListener, kKey).ok());
  const absl::Status again = backend().Watch(listener, WatchKind::kListener, kKey);
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again.ToString();
  EXPECT_EQ(again.message(),
            "watch descriptor " + std::to_string(listener.number()) + ": epoll_ctl: File exists");
}

TEST_F(EpollBackendTest, ListenErrorsNameAddressCallAndReason) {
  EXPECT_EQ(io().Listen(*SocketAddress::Ip("203.0.113.1", 0), {}).status().message(),
            "listen on 203.0.113.1:0: bind: Cannot assign requested address");
  const Fd listener = ListenOnLoopback();
  const SocketAddress taken = *io().LocalAddress(listener);
  EXPECT_EQ(io().Listen(taken, {}).status().message(),
            "listen on " + taken.ToString() + ": bind: Address already in use");
  EXPECT_EQ(io().Listen(SocketAddress(), {}).status().message(),
            "listen on (none): socket: Address family not supported by protocol");
}

TEST_F(EpollBackendTest, NoDescriptorsToStartWith) {
  for (const auto& [more, call] : {std::pair(0, "epoll_create1"), std::pair(1, "eventfd")}) {
    const FewDescriptors few(more);
    // Twice: the first attempt must leave nothing open.
    for (int attempt = 0; attempt < 2; ++attempt) {
      const absl::Status status = EpollBackend::Create().status();
      EXPECT_TRUE(absl::IsResourceExhausted(status));
      EXPECT_EQ(status.message(),
                "create epoll backend: " + std::string(call) + ": Too many open files");
    }
  }
}

TEST_F(EpollBackendTest, NothingStaysOpenAfterTheBackendAndItsWakers) {
  const auto CountOpen = [] {
    int count = 0;
    for (int number = 0; number < 256; ++number) count += fcntl(number, F_GETFD) >= 0;
    return count;
  };
  const int open_before = CountOpen();
  std::shared_ptr<Waker> waker = (*EpollBackend::Create())->waker();
  EXPECT_EQ(CountOpen(), open_before + 1);
  waker.reset();
  EXPECT_EQ(CountOpen(), open_before);
}

TEST_F(EpollBackendTest, WaitSaysWhyItFailed) {
  bool is_filtered = false;
  std::thread([&] {
    is_filtered = FailSystemCall(SYS_epoll_pwait2, EINVAL);
    if (!is_filtered) return;
    Event event;
    const absl::Status status = backend().Wait(backend().Now(), std::span(&event, 1)).status();
    EXPECT_EQ(status.message(), "wait for events: epoll_pwait2: Invalid argument");
  }).join();
  if (!is_filtered) GTEST_SKIP() << "no seccomp(2) here";
}

TEST_F(EpollBackendTest, AcceptWithoutDescriptorsIsAnErrorAndTheConnectionWaits) {
  const Fd listener = ListenOnLoopback();
  const RawStream peer(*io().LocalAddress(listener));
  {
    const FewDescriptors few(0);
    EXPECT_EQ(io().Accept(listener).error, EMFILE);
  }
  EXPECT_TRUE(io().Accept(listener).socket.is_open());
}

// ---- Unix sockets

class EpollUnixTest : public EpollBackendTest {
 protected:
  EpollUnixTest() {
    // Not the test's own directory, whose name may be longer than a socket's may be.
    char directory[] = "/tmp/rotor_epoll_XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    path_ = directory_ + "/socket";
  }
  ~EpollUnixTest() override {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  SocketAddress address() const { return *SocketAddress::Unix(path_); }
  bool FileExists() const { return access(path_.c_str(), F_OK) == 0; }
  // A socket file as a process leaves it that died without cleaning up.
  void LeaveStaleFile(int type) {
    const int number = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(number, address().kernel_address(), address().kernel_size()), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(number, 1), 0);
    }
    close(number);
    EXPECT_TRUE(FileExists());
  }
  void ExpectExchange(const Fd& listener, const SocketAddress& address) {
    RawStream peer(address);
    const Fd socket = Accept(listener);
    ASSERT_TRUE(backend().Watch(socket, WatchKind::kStream, kKey).ok());
    peer.Send("ping");
    ASSERT_TRUE(NextEvent().has_value());
    std::array<char, 16> buffer;
    EXPECT_EQ(io().Read(socket, buffer).bytes, 4u);
    const std::string_view pong = "pong";
    EXPECT_EQ(io().Write(socket, std::span(&pong, 1)).bytes, 4u);
    EXPECT_EQ(peer.Receive(16), "pong");
    EXPECT_EQ(*io().LocalAddress(socket), address);
    EXPECT_EQ(io().PeerAddress(socket)->ToString(), "unix:");
  }

  std::string directory_, path_;
};

TEST_F(EpollUnixTest, PathIsUsedAndItsFileRemovedAtTheEnd) {
  Fd listener = Listen(address());
  EXPECT_EQ(*io().LocalAddress(listener), address());
  ExpectExchange(listener, address());
  EXPECT_TRUE(FileExists());
  listener.Close();
  EXPECT_FALSE(FileExists());
}

TEST_F(EpollUnixTest, AbstractName) {
  const auto name = *SocketAddress::Unix("@" + path_);
  Fd listener = Listen(name);
  ExpectExchange(listener, name);
  EXPECT_FALSE(FileExists());
  EXPECT_FALSE(io().Listen(name, {}).ok());
  listener.Close();
  EXPECT_TRUE(io().Listen(name, {}).ok());
}

TEST_F(EpollUnixTest, StaleFileIsReplaced) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    LeaveStaleFile(type);
    ExpectExchange(Listen(address()), address());
  }
}

TEST_F(EpollUnixTest, FileOfALiveListenerIsNot) {
  const Fd live = Listen(address());
  const absl::Status status = io().Listen(address(), {}).status();
  EXPECT_EQ(status.message(), "listen on unix:" + path_ + ": bind: Address already in use");
  EXPECT_TRUE(FileExists());
  Accept(live);  // The probe of the attempt, which was all it did to the live one.
  ExpectExchange(live, address());
}

TEST_F(EpollUnixTest, FileOfALiveDatagramSocketIsNotReplaced) {
  const int live = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(live, address().kernel_address(), address().kernel_size()), 0);
  EXPECT_FALSE(io().Listen(address(), {}).ok());
  EXPECT_TRUE(FileExists());
  close(live);
}

TEST_F(EpollUnixTest, OrdinaryFileIsNotReplaced) {
  close(open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_FALSE(io().Listen(address(), {}).ok());
  EXPECT_TRUE(FileExists());
}

TEST_F(EpollUnixTest, FileThatSomebodyElsePutThereIsNotRemoved) {
  Fd listener = Listen(address());
  ASSERT_EQ(rename(path_.c_str(), (directory_ + "/moved").c_str()), 0);
  LeaveStaleFile(SOCK_STREAM);
  listener.Close();
  EXPECT_TRUE(FileExists());
  unlink((directory_ + "/moved").c_str());
}

TEST_F(EpollUnixTest, StaleFileIsNotReplacedIfThatIsNotWanted) {
  LeaveStaleFile(SOCK_STREAM);
  const absl::Status status = io().Listen(address(), {.unix_replace_stale = false}).status();
  EXPECT_EQ(status.message(), "listen on unix:" + path_ + ": bind: Address already in use");
  EXPECT_TRUE(FileExists());
}

TEST_F(EpollUnixTest, FileGetsThePermissionsWanted) {
  const mode_t before = umask(077);
  const auto listener = io().Listen(address(), {.unix_mode = 0666});
  umask(before);
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  struct stat file;
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0666u);
  ExpectExchange(*listener, address());
}

TEST_F(EpollUnixTest, AbstractNameHasNothingToDoWithAFileOfThatName) {
  ASSERT_EQ(chdir(directory_.c_str()), 0);
  const int file = open("@socket", O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(file, 0);
  close(file);
  Listen(*SocketAddress::Unix("@socket")).Close();
  EXPECT_EQ(unlink("@socket"), 0);
  ASSERT_EQ(chdir("/"), 0);
}

// ---- Inherited listeners

TEST_F(EpollUnixTest, InheritedListenerIsServedAndItsFileLeft) {
  const int number = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(number, address().kernel_address(), address().kernel_size()), 0);
  ASSERT_EQ(listen(number, 1), 0);
  auto listener = io().AdoptListener(number);
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  EXPECT_EQ(fcntl(number, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(fcntl(number, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(io().Accept(*listener).would_block());
  ExpectExchange(*listener, address());
  listener->Close();
  EXPECT_TRUE(FileExists());
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

TEST_F(EpollBackendTest, ConnectionsOfAnInheritedListenerDoNotDelay) {
  const int number = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(number, 1), 0);  // At any port of any address.
  auto listener = io().AdoptListener(number);
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  RawStream peer(*SocketAddress::Ip("127.0.0.1", io().LocalAddress(*listener)->port()));
  EXPECT_EQ(OptionOf(Accept(*listener), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(EpollBackendTest, OnlyListenersAreInherited) {
  const int stream = socket(AF_INET, SOCK_STREAM, 0);
  const int datagram = socket(AF_INET, SOCK_DGRAM, 0);
  const int file = open("/dev/null", O_RDONLY);
  for (const int number : {stream, datagram, file, 10'000}) {
    EXPECT_EQ(io().AdoptListener(number).status().message(),
              "listen on inherited descriptor " + std::to_string(number) +
                  ": not a stream socket that listens");
  }
  for (const int number : {stream, datagram, file}) EXPECT_EQ(close(number), 0);
}

// ---- Signals

bool IsBlocked(int signal) {
  sigset_t mask;
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  return sigismember(&mask, signal) == 1;
}

TEST_F(EpollBackendTest, SignalsAreBlockedOnlyWhileTheirDescriptorIsOpen) {
  sigset_t blocked_before;
  sigemptyset(&blocked_before);
  sigaddset(&blocked_before, SIGUSR2);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &blocked_before, nullptr), 0);
  const std::array<int, 2> numbers = {SIGUSR1, SIGUSR2};
  absl::StatusOr<Fd> signals = io().OpenSignals(numbers);
  ASSERT_TRUE(signals.ok());
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  EXPECT_TRUE(IsBlocked(SIGUSR2));
  signals->Close();
  EXPECT_FALSE(IsBlocked(SIGUSR1));
  EXPECT_TRUE(IsBlocked(SIGUSR2));

  // The next descriptor with that number has nothing to do with them.
  sigaddset(&blocked_before, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &blocked_before, nullptr), 0);
  ListenOnLoopback().Close();
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  pthread_sigmask(SIG_UNBLOCK, &blocked_before, nullptr);
}

TEST_F(EpollBackendTest, UnreadSignalDoesNotEndTheProcessWhenItsDescriptorIsClosed) {
  const int number = SIGUSR1;
  absl::StatusOr<Fd> signals = io().OpenSignals(std::span(&number, 1));
  ASSERT_TRUE(signals.ok());
  ASSERT_EQ(kill(getpid(), number), 0);
  signals->Close();
}

TEST_F(EpollBackendTest, UnknownSignalIsNamedInTheError) {
  const int number = 1'000;
  EXPECT_EQ(io().OpenSignals(std::span(&number, 1)).status().message(),
            "open signal 1000: sigaddset: Invalid argument");
}

}  // namespace
}  // namespace rotor
