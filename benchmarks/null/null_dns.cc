// What the kernel alone costs of DNS: every query gets its own bytes back as an answer, with one
// address appended. Nothing is looked up.
//
// One thread on epoll(7). UDP: receives and sends until nothing is left. TCP: one write for all
// answers to one read, RFC 1035 §4.2.2 lengths. Only for benchmarks.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
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

ABSL_FLAG(uint16_t, port, 0, "port on 127.0.0.1, of UDP and of TCP");

namespace rotor::benchmarks {
namespace {

constexpr size_t kInputBytes = 64 << 10;
constexpr size_t kHeaderBytes = 12;
// A pointer to the question's name, type A, class IN, an hour to live, four bytes: 192.0.2.1.
constexpr std::string_view kRecord("\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\1", 16);

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "null_dns: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// Appends the answer to a query of at least kHeaderBytes.
void AppendAnswer(std::string& output, const char* query, size_t size) {
  const size_t start = output.size();
  output.append(query, size);
  output.append(kRecord);
  char* header = output.data() + start;
  header[2] = static_cast<char>(header[2] | 0x84);  // An answer, with authority.
  header[3] = 0;
  header[7] = 1;                  // One answer.
  std::memset(header + 8, 0, 4);  // Nothing else.
}

class NullDns {
 public:
  NullDns() : input_(kInputBytes), events_(512) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) Die("epoll_create1");
    udp_ = Open(SOCK_DGRAM);
    tcp_ = Open(SOCK_STREAM);
    const int on = 1;
    ::setsockopt(tcp_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // Accepted ones inherit it.
    if (::listen(tcp_, 4096) != 0) Die("listen");
    Watch(udp_, EPOLLIN);
    Watch(tcp_, EPOLLIN);
  }

  [[noreturn]] void Run() {
    while (true) {
      const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events_[static_cast<size_t>(i)].data.fd;
        if (fd == udp_) {
          ServeUdp();
        } else if (fd == tcp_) {
          AcceptAll();
        } else {
          ServeTcp(fd);
        }
      }
    }
  }

 private:
  int Open(int type) {
    const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) Die("socket");
    const int on = 1;
    if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(absl::GetFlag(FLAGS_port));
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("bind");
    return fd;
  }

  void Watch(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
  }

  void ServeUdp() {
    while (true) {
      sockaddr_in from;
      socklen_t from_size = sizeof from;
      sockaddr* const peer = reinterpret_cast<sockaddr*>(&from);
      const ssize_t size = ::recvfrom(udp_, input_.data(), input_.size(), 0, peer, &from_size);
      if (size < 0) return;
      if (static_cast<size_t>(size) < kHeaderBytes) continue;
      output_.clear();
      AppendAnswer(output_, input_.data(), static_cast<size_t>(size));
      ::sendto(udp_, output_.data(), output_.size(), 0, peer, from_size);
    }
  }

  void AcceptAll() {
    while (true) {
      const int fd = ::accept4(tcp_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (static_cast<size_t>(fd) >= unread_.size()) unread_.resize(static_cast<size_t>(fd) + 1);
      Watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
  }

  // Until nothing is left to read: what ends in the middle of a query is kept.
  void ServeTcp(int fd) {
    std::string& unread = unread_[static_cast<size_t>(fd)];
    while (true) {
      const ssize_t size = ::recv(fd, input_.data(), input_.size(), 0);
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) break;
      std::string_view bytes(input_.data(), static_cast<size_t>(size));
      if (!unread.empty()) bytes = unread.append(bytes);
      output_.clear();
      const size_t taken = AppendAnswers(bytes);
      unread = std::string(bytes.substr(taken));
      // The benchmark's client takes what it asked for, so the socket's buffer never fills up.
      if (!output_.empty() && ::send(fd, output_.data(), output_.size(), MSG_NOSIGNAL) !=
                                  static_cast<ssize_t>(output_.size())) {
        break;
      }
    }
    unread.clear();
    ::close(fd);
  }

  // The bytes of complete queries at the front of `bytes`.
  size_t AppendAnswers(std::string_view bytes) {
    size_t taken = 0;
    while (bytes.size() >= taken + 2) {
      const char* at = bytes.data() + taken;
      const size_t size = static_cast<size_t>(static_cast<unsigned char>(at[0]) << 8 |
                                              static_cast<unsigned char>(at[1]));
      if (size < kHeaderBytes || bytes.size() < taken + 2 + size) break;
      const size_t answer_size = size + kRecord.size();
      output_ += static_cast<char>(answer_size >> 8);
      output_ += static_cast<char>(answer_size & 0xff);
      AppendAnswer(output_, at + 2, size);
      taken += 2 + size;
    }
    return taken;
  }

  int epoll_ = -1;
  int udp_ = -1;
  int tcp_ = -1;
  std::vector<char> input_;
  std::string output_;
  std::vector<epoll_event> events_;
  std::vector<std::string> unread_;  // By descriptor.
};

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("The cheapest DNS server: the reference of the benchmarks");
  absl::ParseCommandLine(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  rotor::benchmarks::NullDns().Run();
}
