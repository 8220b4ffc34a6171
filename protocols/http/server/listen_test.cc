// Where an HTTP server listens besides TCP ports of its own: Unix sockets and inherited listeners,
// on real sockets.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/server/loopback_client.h"
#include "protocols/http/server/server.h"

namespace rotor::http {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

class Hello {
 public:
  void RequestReceived(const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", "hello").ok());
  }
};

class ListenTest : public testing::Test {
 protected:
  using App = Compose<Server<Hello>>;

  ListenTest() : backend_(*EpollBackend::Create()) {
    // Not the test's own directory, whose name may be longer than a socket's may be.
    char directory[] = "/tmp/rotor_http_XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
  }
  ~ListenTest() override { rmdir(directory_.c_str()); }

  std::string path() const { return directory_ + "/socket"; }

  // Mounts a server, asks it once and ends it. What came back; where it listened in `bound`.
  std::string AskOnce(const ServerOptions& options, SocketAddress* bound = nullptr) {
    auto loop = LoopBuilder<App>({.machines_max = 8}, *backend_).Build();
    const absl::StatusOr<Mounted> mounted = Mount(loop, "http", options, Hello());
    if (!mounted.ok()) return mounted.status().ToString();
    if (bound != nullptr) *bound = mounted->addresses[0];
    LoopbackClient client(mounted->addresses[0]);
    client.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const Time give_up = backend_->Now() + absl::Seconds(10);
    while (!client.ended() && backend_->Now() < give_up) {
      EXPECT_TRUE(loop.RunOnce(backend_->Now() + absl::Milliseconds(1)).ok());
      client.Receive();
    }
    return client.received();
  }

  const std::unique_ptr<EpollBackend> backend_;
  std::string directory_;
};

auto IsHello() { return testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\nhello")); }

TEST_F(ListenTest, AUnixSocketIsServedAndItsFileRemoved) {
  ServerOptions options;
  options.addresses = {*SocketAddress::Unix(path())};
  options.listener.unix_mode = 0600;
  EXPECT_THAT(AskOnce(options), IsHello());
  EXPECT_NE(access(path().c_str(), F_OK), 0);
}

TEST_F(ListenTest, ClientsOfAUnixSocketAreNotLimitedByAddress) {
  ServerOptions options;
  options.addresses = {*SocketAddress::Unix(path())};
  options.accept.connections_per_client_max = 1;
  EXPECT_THAT(AskOnce(options), IsHello());
}

TEST_F(ListenTest, AnAbstractNameIsServed) {
  ServerOptions options;
  options.addresses = {*SocketAddress::Unix("@" + path())};
  SocketAddress bound;
  EXPECT_THAT(AskOnce(options, &bound), IsHello());
  EXPECT_EQ(bound, options.addresses[0]);
}

TEST_F(ListenTest, AFileThatIsNoSocketIsNotReplaced) {
  ASSERT_EQ(mkdir(path().c_str(), 0700), 0);
  ServerOptions options;
  options.addresses = {*SocketAddress::Unix(path())};
  EXPECT_THAT(AskOnce(options), testing::HasSubstr("unix:" + path()));
  EXPECT_EQ(rmdir(path().c_str()), 0);
}

TEST_F(ListenTest, AnInheritedListenerIsServed) {
  const int number = socket(AF_INET, SOCK_STREAM, 0);
  const SocketAddress any = *SocketAddress::Ip("127.0.0.1", 0);
  ASSERT_EQ(bind(number, any.kernel_address(), any.kernel_size()), 0);
  ASSERT_EQ(listen(number, 16), 0);
  ServerOptions options;
  options.inherited = {number};
  SocketAddress bound;
  EXPECT_THAT(AskOnce(options, &bound), IsHello());
  EXPECT_EQ(bound.host(), "127.0.0.1");
}

TEST_F(ListenTest, ADescriptorThatDoesNotListenIsNamed) {
  const int number = socket(AF_INET, SOCK_STREAM, 0);
  ServerOptions options;
  options.inherited = {number};
  EXPECT_THAT(AskOnce(options),
              testing::HasSubstr("inherited descriptor " + std::to_string(number)));
  close(number);
}

}  // namespace
}  // namespace rotor::http
