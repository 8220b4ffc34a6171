// What the kernel alone costs: a server that looks at as little as possible of what it gets.
//
// One thread on epoll(7), edge-triggered, one receive buffer for all connections, receives of a
// turn first and then its sends. HTTP: counts blank lines and sends that many copies of a fixed
// answer. Echo: sends back what came. Nothing is parsed, timed or limited; only for benchmarks.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/null/blank_lines.h"

ABSL_FLAG(uint16_t, port, 0, "port on 127.0.0.1");
ABSL_FLAG(bool, echo, false, "send back what came, instead of HTTP answers");
ABSL_FLAG(bool, close, false,
          "one HTTP request per connection: TCP_DEFER_ACCEPT, a receive right after accept, then "
          "answer and close");
ABSL_FLAG(int64_t, poll_microseconds, 0, "poll so long before sleeping");

namespace rotor::benchmarks {
namespace {

constexpr size_t kInputBytes = 4096;
constexpr size_t kEventsPerTurn = 512;
constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\nServer: null\r\n"
    "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
constexpr std::string_view kLastAnswer =
    "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\nServer: null\r\n"
    "Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!";

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "null_server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Connection {
  BlankLines blank_lines;
  bool waits_for_output = false;  // Registered for EPOLLOUT alone.
  std::string owed;               // What a short send left over.
};

class NullServer {
 public:
  NullServer()
      : echo_(absl::GetFlag(FLAGS_echo)),
        close_(absl::GetFlag(FLAGS_close)),
        poll_(std::chrono::microseconds(absl::GetFlag(FLAGS_poll_microseconds))),
        answer_bytes_((close_ ? kLastAnswer : kAnswer).size()),
        input_(kInputBytes),
        events_(kEventsPerTurn) {
    // No request is shorter than four bytes, so no receive asks for more answers than these.
    for (size_t i = 0; i < kInputBytes / 4; ++i) answers_ += close_ ? kLastAnswer : kAnswer;
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) Die("epoll_create1");
    Listen();
  }

  [[noreturn]] void Run() {
    while (true) {
      const int count = Wait();
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<size_t>(i)];
        if (event.data.fd == listener_) {
          AcceptAll();
        } else {
          Serve(event.data.fd, event.events);
        }
      }
      for (const auto& [fd, requests] : outbox_) {
        if (!Send(fd, answers_.data(), requests * answer_bytes_)) Close(fd);
      }
      outbox_.clear();
    }
  }

 private:
  struct Answers {
    int fd;
    size_t requests;
  };

  void Listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener_ < 0) Die("socket");
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Accepted ones inherit it.
    if (close_) ::setsockopt(listener_, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(absl::GetFlag(FLAGS_port));
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("bind");
    if (::listen(listener_, 4096) != 0) Die("listen");
    Watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  void Watch(int operation, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, operation, fd, &event) != 0) Die("epoll_ctl");
  }

  int Wait() {
    const int max = static_cast<int>(events_.size());
    if (poll_.count() > 0) {
      const auto start = std::chrono::steady_clock::now();
      do {
        const int count = ::epoll_wait(epoll_, events_.data(), max, 0);
        if (count > 0) return count;
      } while (std::chrono::steady_clock::now() - start < poll_);
    }
    return ::epoll_wait(epoll_, events_.data(), max, -1);
  }

  void AcceptAll() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (static_cast<size_t>(fd) >= connections_.size()) {
        connections_.resize(static_cast<size_t>(fd) + 1);
      }
      if (close_ && !Serve(fd, 0)) continue;
      Watch(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
  }

  void Close(int fd) {
    connections_[static_cast<size_t>(fd)] = Connection();
    ::close(fd);
  }

  // False if the connection is broken. What the socket does not take is kept.
  bool Send(int fd, const char* bytes, size_t size) {
    const ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(size)) return true;
    if (sent < 0 && errno != EAGAIN) return false;
    const size_t taken = sent > 0 ? static_cast<size_t>(sent) : 0;
    Connection& connection = connections_[static_cast<size_t>(fd)];
    connection.owed.assign(bytes + taken, size - taken);
    if (!connection.waits_for_output) Watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    connection.waits_for_output = true;
    return true;
  }

  bool SendOwed(int fd) {
    Connection& connection = connections_[static_cast<size_t>(fd)];
    const std::string owed = std::move(connection.owed);
    connection.owed.clear();
    if (!Send(fd, owed.data(), owed.size())) return false;
    if (!connection.owed.empty()) return true;
    connection.waits_for_output = false;
    Watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);  // Reports what has come meanwhile.
    return true;
  }

  // False when the connection is closed.
  bool Serve(int fd, uint32_t events) {
    if (connections_[static_cast<size_t>(fd)].waits_for_output) {
      if (SendOwed(fd)) return true;
      Close(fd);
      return false;
    }
    while (true) {
      const ssize_t received = ::recv(fd, input_.data(), input_.size(), 0);
      if (received < 0 && errno == EAGAIN) return true;
      if (received <= 0 || !Answer(fd, static_cast<size_t>(received))) {
        Close(fd);
        return false;
      }
      // A short receive has taken all there was. Only the end of input would be overlooked.
      const bool drained = static_cast<size_t>(received) < input_.size() &&
                           (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0;
      if (drained || connections_[static_cast<size_t>(fd)].waits_for_output) return true;
    }
  }

  // False when the connection is to be closed.
  bool Answer(int fd, size_t size) {
    if (echo_) return Send(fd, input_.data(), size);
    const size_t requests =
        connections_[static_cast<size_t>(fd)].blank_lines.Count(input_.data(), size);
    if (requests == 0) return true;
    if (!close_) {
      outbox_.push_back({fd, requests});
      return true;
    }
    Send(fd, answers_.data(), answer_bytes_);
    return false;
  }

  const bool echo_;
  const bool close_;
  const std::chrono::microseconds poll_;
  const size_t answer_bytes_;
  std::string answers_;  // Many answers, of which any number from the front is sent.
  std::vector<char> input_;
  std::vector<epoll_event> events_;
  std::vector<Connection> connections_;  // By descriptor.
  std::vector<Answers> outbox_;
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("The cheapest server: the reference of the benchmarks");
  absl::ParseCommandLine(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  rotor::benchmarks::NullServer().Run();
}
