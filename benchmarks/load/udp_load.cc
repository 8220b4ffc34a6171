#include "benchmarks/load/udp_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmarks/load/requests.h"

namespace rotor::benchmarks {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kPatience = kSecond / 5;
constexpr size_t kAnswerBytesMax = 4096;

absl::Status Failed(const char* what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

}  // namespace

UdpLoad::UdpLoad(const UdpLoadOptions& options) : options_(options), sockets_(options.sockets) {
  for (size_t i = 0; i < kDnsNames; ++i) queries_.push_back(DnsQuery(i));
}

UdpLoad::~UdpLoad() {
  for (const Socket& socket : sockets_) {
    if (socket.fd >= 0) ::close(socket.fd);
  }
  if (epoll_ >= 0) ::close(epoll_);
}

absl::Status UdpLoad::Open() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return Failed("epoll_create1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  for (size_t i = 0; i < sockets_.size(); ++i) {
    Socket& socket = sockets_[i];
    socket.places.resize(options_.under_way);
    socket.fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket.fd < 0) return Failed("socket");
    if (::connect(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      return Failed("connect");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.fd, &event) != 0) return Failed("epoll_ctl");
  }
  return absl::OkStatus();
}

absl::Status UdpLoad::Send(Socket& socket, size_t place) {
  std::string& query = queries_[random_.Below(queries_.size())];
  query[0] = static_cast<char>(place >> 8);
  query[1] = static_cast<char>(place & 0xff);
  socket.places[place].sent = NowNanoseconds();
  ++outstanding_;
  // A full buffer of the socket is a query lost.
  if (::send(socket.fd, query.data(), query.size(), 0) < 0 && errno != EAGAIN) {
    return Failed("send");
  }
  return absl::OkStatus();
}

absl::Status UdpLoad::Receive(Socket& socket) {
  unsigned char answer[kAnswerBytesMax];
  while (true) {
    const ssize_t size = ::recv(socket.fd, answer, sizeof answer, 0);
    if (size < 0) return errno == EAGAIN ? absl::OkStatus() : Failed("recv");
    if (size < 12) return absl::InternalError("an answer without a header");
    const int code = answer[3] & 0xf;
    if (code != 0) return absl::InternalError(absl::StrCat("an answer with code ", code));
    const size_t place = static_cast<size_t>(answer[0]) << 8 | answer[1];
    // Late, after it was given up and before its place was used again.
    if (place >= socket.places.size() || socket.places[place].sent == 0) continue;
    latency_.Add(NowNanoseconds() - socket.places[place].sent);
    socket.places[place].sent = 0;
    --outstanding_;
    ++answered_;
    if (!sending_) continue;
    absl::Status status = Send(socket, place);
    if (!status.ok()) return status;
  }
}

absl::Status UdpLoad::Turn() {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_, events, 64, 50);
  if (count < 0 && errno != EINTR) return Failed("epoll_wait");
  for (int i = 0; i < count; ++i) {
    absl::Status status = Receive(sockets_[events[i].data.u64]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status UdpLoad::ReplaceLost(uint64_t now) {
  for (Socket& socket : sockets_) {
    for (size_t place = 0; place < socket.places.size(); ++place) {
      uint64_t& sent = socket.places[place].sent;
      if (sent == 0 || now - sent < kPatience) continue;
      sent = 0;
      --outstanding_;
      ++lost_;
      if (!sending_) continue;
      absl::Status status = Send(socket, place);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status UdpLoad::Run(double seconds, LoadResult& result) {
  latency_.Clear();
  answered_ = 0;
  lost_ = 0;
  sending_ = true;
  const uint64_t start = NowNanoseconds();
  const uint64_t end = start + static_cast<uint64_t>(seconds * static_cast<double>(kSecond));
  absl::Status status;
  for (Socket& socket : sockets_) {
    for (size_t place = 0; status.ok() && place < socket.places.size(); ++place) {
      status = Send(socket, place);
    }
  }
  uint64_t now = start;
  uint64_t looked = start;
  while (status.ok() && (now < end || outstanding_ > 0)) {
    status = Turn();
    now = NowNanoseconds();
    if (sending_ && now >= end) {
      sending_ = false;
      result.requests_in_time = answered_;
      result.seconds = static_cast<double>(now - start) / static_cast<double>(kSecond);
    }
    if (!status.ok() || now - looked < kPatience / 4) continue;
    looked = now;
    status = ReplaceLost(now);
  }
  result.requests = answered_;
  if (status.ok() && lost_ * 1000 > answered_) {
    return absl::DataLossError(absl::StrCat(lost_, " queries lost, ", answered_, " answered"));
  }
  return status;
}

}  // namespace rotor::benchmarks
