#include "protocols/line/line.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/backend/socket_address.h"
#include "core/composer/composer.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor::line {
namespace {

using App = Compose<EchoServer>;

SocketAddress AnyPort() { return *SocketAddress::Ip("127.0.0.1", 0); }

// An echo server in a simulated world. At the end nothing must be left open or have gone wrong.
class LineTest : public testing::Test {
 protected:
  explicit LineTest(SimOptions sim = {}) : world(std::move(sim)) {}
  ~LineTest() override {
    loop.reset();
    world.ExpectNothingOpen();
    EXPECT_THAT(world.violations(), testing::IsEmpty());
  }

  std::unique_ptr<SimConnection> Serve(EchoOptions options = {}) {
    options.addresses = {AnyPort()};
    LoopBuilder<App> builder({.machines_max = 8}, world.AddHost("server"));
    const absl::StatusOr<Mounted> mounted = Mount(builder, "echo", options);
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    loop.emplace(std::move(builder).Build());
    return world.Connect(mounted->addresses[0]);
  }
  void Run(absl::Duration span = absl::Milliseconds(10)) {
    const Time until = world.now() + span;
    while (world.now() < until) ASSERT_TRUE(loop->RunOnce(until).ok());
  }
  void Exchange(SimConnection& client, std::string_view bytes) {
    client.Send(bytes);
    Run();
  }
  int64_t Count(std::string_view name) { return loop->counters().Get("echo", name).value(); }

  SimWorld world;
  std::optional<Loop<App>> loop;
};

TEST_F(LineTest, EveryLineComesBack) {
  const auto client = Serve();
  Exchange(*client, "hello\n");
  EXPECT_EQ(client->TakeReceived(), "hello\n");
  Exchange(*client, "in pie");
  EXPECT_EQ(client->TakeReceived(), "");
  Exchange(*client, "ces\n");
  EXPECT_EQ(client->TakeReceived(), "in pieces\n");
}

TEST_F(LineTest, ManyLinesAtOnceComeBackInOrder) {
  const auto client = Serve();
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
  Exchange(*client, lines);
  EXPECT_EQ(client->received(), lines);
}

TEST_F(LineTest, TheLastLineNeedsNoLineEnd) {
  const auto client = Serve();
  client->Send("hello\nworld");
  client->ShutdownWrite();
  Run();
  EXPECT_EQ(client->received(), "hello\nworld");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(Count("machines_finished"), 1);
}

TEST_F(LineTest, ALineThatIsTooLongEndsTheConnectionWithAnAnswer) {
  EchoOptions options;
  options.line_bytes_max = 6;
  const auto client = Serve(options);
  Exchange(*client, "hello\n");
  EXPECT_EQ(client->TakeReceived(), "hello\n");
  Exchange(*client, "hello!\nmore\n");
  EXPECT_EQ(client->received(), "line too long\n");
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->was_reset());
  client->Close();
  Run();
  EXPECT_EQ(Count("machines_finished"), 1);
}

TEST_F(LineTest, WhoSendsNoLineInTimeIsDisconnected) {
  EchoOptions options;
  options.idle_timeout = absl::Seconds(60);
  const auto client = Serve(options);
  Run(absl::Seconds(50));
  Exchange(*client, "hello\n");
  // Bytes alone are no line.
  for (int i = 0; i < 5; ++i) {
    Run(absl::Seconds(11));
    EXPECT_FALSE(client->ended());
    client->Send("x");
  }
  Run(absl::Seconds(11));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(client->received(), "hello\n");
  EXPECT_EQ(Count("machines_failed"), 1);
}

TEST_F(LineTest, MountSaysWhatIsWrong) {
  const auto client = Serve();
  EXPECT_EQ(Mount(*loop, "other", EchoOptions()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EchoOptions options;
  options.addresses = {AnyPort()};
  EXPECT_EQ(Mount(*loop, "echo", options).status().code(), absl::StatusCode::kAlreadyExists);
}

// Once over the real network. The peer is a blocking socket that gives up after 10 s.
class LoopbackPeer {
 public:
  explicit LoopbackPeer(const SocketAddress& address)
      : number_(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience = {.tv_sec = 10, .tv_usec = 0};
    EXPECT_EQ(setsockopt(number_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    EXPECT_EQ(setsockopt(number_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    EXPECT_EQ(connect(number_, address.kernel_address(), address.kernel_size()), 0) << errno;
  }
  ~LoopbackPeer() { Close(); }

  void Send(std::string_view bytes) {
    EXPECT_EQ(send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void ShutdownWrite() { EXPECT_EQ(shutdown(number_, SHUT_WR), 0); }
  void Close() {
    if (number_ >= 0) close(std::exchange(number_, -1));
  }
  // All up to the end of the stream; "error" behind it if it does not end well.
  std::string Receive() {
    std::string all;
    for (;;) {
      char bytes[4096];
      const ssize_t count = recv(number_, bytes, sizeof(bytes), 0);
      if (count <= 0) return count == 0 ? all : all + "error";
      all.append(bytes, static_cast<size_t>(count));
    }
  }

 private:
  int number_;
};

class LoopbackTest : public testing::Test {
 protected:
  LoopbackTest() : backend_(*EpollBackend::Create()) {
    EchoOptions options;
    options.addresses = {AnyPort()};
    options.line_bytes_max = 1000;
    LoopBuilder<App> builder({.machines_max = 8}, *backend_);
    const absl::StatusOr<Mounted> mounted = Mount(builder, "echo", options);
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    address_ = mounted->addresses[0];
    loop_.emplace(std::move(builder).Build());
  }

  // Until the server has sent so many bytes.
  void RunUntilSent(int64_t bytes) {
    const Time give_up = backend_->Now() + absl::Seconds(10);
    const Counter& sent = loop_->counters().Get("echo", "bytes_sent");
    while (sent.value() < bytes && backend_->Now() < give_up) {
      ASSERT_TRUE(loop_->RunOnce(give_up).ok());
    }
    EXPECT_EQ(sent.value(), bytes);
  }
  // Until only the acceptor is left.
  void RunUntilAlone() {
    const Time give_up = backend_->Now() + absl::Seconds(10);
    while (loop_->machines() > 1 && backend_->Now() < give_up) {
      ASSERT_TRUE(loop_->RunOnce(give_up).ok());
    }
    EXPECT_EQ(loop_->machines(), 1u);
  }

  std::unique_ptr<EpollBackend> backend_;
  SocketAddress address_;
  std::optional<Loop<App>> loop_;
};

TEST_F(LoopbackTest, LinesComeBackOverTheKernelsNetwork) {
  LoopbackPeer peer(address_);
  peer.Send("hello\nwor");
  RunUntilSent(6);
  peer.Send("ld\nlast");
  peer.ShutdownWrite();
  RunUntilSent(16);
  RunUntilAlone();
  EXPECT_EQ(peer.Receive(), "hello\nworld\nlast");
}

TEST_F(LoopbackTest, UnreadInputDoesNotBecomeAResetThatEatsTheAnswer) {
  LoopbackPeer peer(address_);
  peer.Send(std::string(20'000, 'x'));
  RunUntilSent(14);
  peer.Send(std::string(20'000, 'x'));
  EXPECT_TRUE(loop_->RunOnce(backend_->Now() + absl::Seconds(10)).ok());
  EXPECT_EQ(peer.Receive(), "line too long\n");
  peer.Close();
  RunUntilAlone();
}

}  // namespace
}  // namespace rotor::line
