#include "benchmarks/load/stream_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/load/requests.h"
#include "gtest/gtest.h"

namespace rotor::benchmarks {
namespace {

constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHi";
constexpr char kLastAnswer[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nHi";

struct Script {
  size_t answers_max = 3;  // On each connection; what comes behind is not answered.
  size_t piece_bytes = 0;  // Answers are sent in pieces of so many; 0: each as a whole.
  std::string last = kLastAnswer;
};

// Answers on one connection after the other, in a thread.
class Server {
 public:
  explicit Server(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Server() {
    if (thread_.joinable()) Answered();
  }

  uint16_t port() const { return port_; }

  // Ends the server. The first lines of the requests that it answered.
  const std::vector<std::string>& Answered() {
    ::shutdown(listener_, SHUT_RDWR);  // Ends accept().
    thread_.join();
    ::close(listener_);
    return answered_;
  }

 private:
  void Run() {
    while (true) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      Serve(fd);
      ::close(fd);
    }
  }

  void Serve(int fd) {
    std::string text;
    char input[4096];
    size_t answers = 0;
    while (true) {
      const ssize_t received = ::recv(fd, input, sizeof input, 0);
      if (received <= 0) return;
      if (answers == script_.answers_max) continue;  // Reads on, so that nothing is reset.
      text.append(input, static_cast<size_t>(received));
      size_t end = 0;
      while (answers < script_.answers_max && (end = text.find("\r\n\r\n")) != std::string::npos) {
        answered_.push_back(text.substr(0, text.find("\r\n")));
        text.erase(0, end + 4);
        Send(fd, ++answers == script_.answers_max ? std::string_view(script_.last) : kAnswer);
      }
      if (answers == script_.answers_max) ::shutdown(fd, SHUT_WR);
    }
  }

  void Send(int fd, std::string_view bytes) const {
    while (!bytes.empty()) {
      const std::string_view piece =
          bytes.substr(0, script_.piece_bytes == 0 ? bytes.size() : script_.piece_bytes);
      ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
      bytes.remove_prefix(piece.size());
    }
  }

  const Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<std::string> answered_;  // The thread's until it has ended.
  std::thread thread_;
};

// "GET /0", "GET /1" and so on.
std::vector<Batch> Numbered(size_t requests) {
  Batch batch;
  batch.requests = requests;
  for (size_t i = 0; i < requests; ++i) {
    batch.bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  return {batch};
}

struct Outcome {
  absl::Status status;
  LoadResult result;
  uint64_t latencies = 0;
};

// A load on one connection, which is gone afterwards.
Outcome RunOn(const Server& server, std::vector<Batch> batches, double rate = 0) {
  StreamLoad load({.port = server.port(), .rate = rate}, std::move(batches));
  Outcome outcome;
  outcome.status = load.Open();
  if (outcome.status.ok()) outcome.status = load.Run(0.05, outcome.result);
  outcome.latencies = load.latency().total();
  return outcome;
}

TEST(StreamLoadTest, AConnectionThatTheServerEndsIsMadeAnew) {
  for (const size_t piece_bytes : {size_t{0}, size_t{1}, size_t{20}}) {
    Server server({.answers_max = 3, .piece_bytes = piece_bytes});
    const Outcome outcome = RunOn(server, Numbered(1));
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    const size_t answered = server.Answered().size();
    // One to learn how long an answer is and one to open, on connections of their own and first.
    EXPECT_EQ(outcome.result.requests, answered - 2);
    EXPECT_EQ(outcome.latencies, outcome.result.requests);
    EXPECT_EQ(outcome.result.reconnects, (answered - 1) / 3);
    EXPECT_GT(outcome.result.reconnects, 0u);
  }
}

// Each batch is answered in its order and in full, over as many connections as it takes.
TEST(StreamLoadTest, RequestsBehindTheLastAnswerAreSentAgain) {
  for (const size_t answers_max : {2, 3, 16, 17}) {
    Server server({.answers_max = answers_max, .piece_bytes = 50});
    const Outcome outcome = RunOn(server, Numbered(16));
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    const std::vector<std::string>& answered = server.Answered();
    ASSERT_EQ(answered.size(), 1 + 16 + outcome.result.requests);
    for (size_t i = 1; i < answered.size(); ++i) {
      ASSERT_EQ(answered[i], "GET /" + std::to_string((i - 1) % 16) + " HTTP/1.1");
    }
    EXPECT_EQ(outcome.result.requests % 16, 0u);
    EXPECT_GT(outcome.result.reconnects, 0u);
  }
}

TEST(StreamLoadTest, AScheduleGoesOnAcrossConnections) {
  Server server({.answers_max = 3});
  const Outcome outcome = RunOn(server, Numbered(1), 2000);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.result.requests, server.Answered().size() - 2);
  EXPECT_EQ(outcome.latencies, outcome.result.requests);
  EXPECT_GT(outcome.result.reconnects, 0u);
}

TEST(StreamLoadTest, AConnectionThatEndsWithoutAWordIsAnError) {
  Server server({.answers_max = 3, .last = kAnswer});
  EXPECT_EQ(RunOn(server, Numbered(1)).status.code(), absl::StatusCode::kUnavailable);
}

TEST(StreamLoadTest, OtherAnswersAreErrors) {
  for (const std::string last : {
           "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: another\r\n\r\nHi",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nHi, and more",
       }) {
    Server server({.last = last});
    EXPECT_EQ(RunOn(server, Numbered(1)).status.code(), absl::StatusCode::kInternal) << last;
  }
}

}  // namespace
}  // namespace rotor::benchmarks
