// What only a real kernel can show: its buffers between server and client.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "gtest/gtest.h"
#include "protocols/http/server/loopback_client.h"
#include "protocols/http/server/server.h"

namespace rotor::http {
namespace {

constexpr size_t kLargeBytes = 32 << 20;  // More than the kernel's buffers hold.

// Writes a large body, no more at a time than the buffer of a response.
class LargeBody final : public Exchange {
 public:
  Next Flushed(Reply& reply, Scope& scope) override {
    const std::string piece(std::min(left_, reply.room()), 'x');
    EXPECT_TRUE(reply.Write(piece).ok());
    left_ -= piece.size();
    if (left_ > 0) return Next::FlushedTo(0, scope.now() + absl::Seconds(10));
    EXPECT_TRUE(reply.Finish().ok());
    return Next::Finished();
  }

 private:
  size_t left_ = kLargeBytes;
};

class LargeSite {
 public:
  void RequestReceived(const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.StartSized({}, kLargeBytes).ok());
    reply.AnswerLater(std::make_unique<LargeBody>(),
                      Next::FlushedTo(0, scope.now() + absl::Seconds(10)));
  }
};

class SocketTest : public testing::Test {
 protected:
  using App = Compose<Server<LargeSite>>;

  SocketTest()
      : backend_(*EpollBackend::Create()),
        loop_(LoopBuilder<App>({.machines_max = 8}, *backend_).Build()) {}

  SocketAddress Mount(ServerOptions options) {
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
    const auto mounted = http::Mount(loop_, "http", options, LargeSite());
    EXPECT_TRUE(mounted.ok()) << mounted.status();
    return mounted->addresses[0];
  }
  // Turns until `done`, or too long.
  void RunUntil(const auto& done) {
    const Time give_up = backend_->Now() + absl::Seconds(10);
    while (!done() && backend_->Now() < give_up) {
      ASSERT_TRUE(loop_.RunOnce(backend_->Now() + absl::Milliseconds(1)).ok());
    }
    EXPECT_TRUE(done());
  }
  size_t BytesHeld() {
    size_t bytes = 0;
    loop_.VisitMachines(
        0, 8, [&](const MachineReport& report) { bytes += report.description.bytes_held; });
    return bytes;
  }

  std::unique_ptr<EpollBackend> backend_;
  Loop<App> loop_;
};

// RFC 9112 section 9.6: closing with unread input would reset the connection, and the client might
// lose the response.
TEST_F(SocketTest, AResponseArrivesThoughTheKernelHoldsABodyThatNobodyReads) {
  ServerOptions options;
  options.body_bytes_max = 10;
  LoopbackClient client(Mount(options));
  client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
              std::string(100'000, 'x'));
  RunUntil([&] {
    client.Receive();
    return client.ended();
  });
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(client.received().ends_with("</html>\n"));
  client.ShutdownWrite();
  RunUntil([&] { return loop_.machines() == 1; });
}

TEST_F(SocketTest, AClientThatReadsLateMakesTheServerHoldOneBuffer) {
  ServerOptions options;
  LoopbackClient client(Mount(options));
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(loop_.RunOnce(backend_->Now() + absl::Milliseconds(1)).ok());
    most = std::max(most, BytesHeld());
  }
  RunUntil([&] {
    most = std::max(most, BytesHeld());
    client.Receive();
    return client.received().size() > kLargeBytes;
  });
  EXPECT_GT(most, 0u);
  EXPECT_LE(most, options.stream.output_pause_bytes + sizeof(PendingRequest));
}

}  // namespace
}  // namespace rotor::http
