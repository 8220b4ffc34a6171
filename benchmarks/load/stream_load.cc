#include "benchmarks/load/stream_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"

namespace rotor::benchmarks {
namespace {

constexpr size_t kInputBytes = 256 << 10;
constexpr size_t kOpenedAtATime = 64;
// Connections from each address of 127.0.0.0/8. The kernel takes every other port first; when it
// has no more of those, it looks through all of them for each connection.
constexpr size_t kPortsPerAddress = 10'000;
constexpr std::string_view kAnswerStart = "HTTP/1.1 200";
constexpr uint64_t kSecond = 1'000'000'000;
// Answers that are still missing so long after the end of a run will not come.
constexpr uint64_t kPatience = 5 * kSecond;

absl::Status Failed(const char* what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

constexpr std::string_view kBlankLine = "\r\n\r\n";

// An HTTP answer at the front of received bytes, taken apart at leisure.
struct ParsedAnswer {
  size_t head_bytes = 0;
  size_t bytes = 0;  // 0 if it is not complete, or does not tell its length.
  bool says_close = false;
};

ParsedAnswer Parse(std::string_view text) {
  ParsedAnswer answer;
  const size_t head_end = text.find(kBlankLine);
  if (head_end == std::string_view::npos) return answer;
  const std::string head = absl::AsciiStrToLower(AsAbsl(text.substr(0, head_end + 2)));
  answer.head_bytes = head_end + kBlankLine.size();
  answer.says_close = head.find("\r\nconnection: close\r\n") != std::string::npos;
  static constexpr std::string_view kField = "\r\ncontent-length:";
  const size_t field = head.find(kField);
  if (field == std::string::npos) return answer;
  const size_t value = field + kField.size();
  uint32_t content = 0;
  if (absl::SimpleAtoi(head.substr(value, head.find('\r', value) - value), &content) &&
      text.size() >= answer.head_bytes + content) {
    answer.bytes = answer.head_bytes + content;
  }
  return answer;
}

}  // namespace

uint64_t NowNanoseconds() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

StreamLoad::StreamLoad(const StreamLoadOptions& options, std::vector<Batch> batches)
    : options_(options),
      batches_(std::move(batches)),
      connections_(options.connections),
      events_(512),
      input_(kInputBytes) {
  address_.sin_family = AF_INET;
  address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address_.sin_port = htons(options.port);
}

StreamLoad::~StreamLoad() {
  for (Connection& connection : connections_) Close(connection);
  if (epoll_ >= 0) ::close(epoll_);
}

absl::Status StreamLoad::Open() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return Failed("epoll_create1");
  if (options_.framing == Framing::kLine) {
    answer_bytes_ = batches_[0].bytes.size() / batches_[0].requests;
  } else if (options_.framing == Framing::kHttp) {
    absl::Status status = LearnAnswerLength();
    if (!status.ok()) return status;
  }
  if (options_.per_request) return absl::OkStatus();
  // In small groups, so that the server's backlog suffices; with a request on each at once, because
  // servers close connections on which none comes.
  for (size_t first = 0; first < connections_.size(); first += kOpenedAtATime) {
    const size_t end = std::min(first + kOpenedAtATime, connections_.size());
    for (size_t i = first; i < end; ++i) {
      ++outstanding_;
      absl::Status status = Begin(connections_[i], NowNanoseconds());
      if (!status.ok()) return status;
    }
    absl::Status status = FinishOutstanding();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// On a blocking socket with a timeout.
absl::Status StreamLoad::LearnAnswerLength() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed("socket");
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request =
      batches_[0].bytes.substr(0, batches_[0].bytes.find(kBlankLine) + kBlankLine.size());
  std::string answer;
  ssize_t received = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    while (Parse(answer).bytes == 0 &&
           (received = ::recv(fd, input_.data(), input_.size(), 0)) > 0) {
      answer.append(input_.data(), static_cast<size_t>(received));
    }
  }
  ::close(fd);
  answer_bytes_ = Parse(answer).bytes;
  answer_head_bytes_ = Parse(answer).head_bytes;
  if (answer_bytes_ != 0) return absl::OkStatus();
  return absl::UnavailableError("no answer with a Content-Length to the first request: " + answer);
}

absl::Status StreamLoad::Connect(Connection& connection) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return Failed("socket");
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (const size_t number = NumberOf(connection); number >= kPortsPerAddress) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + static_cast<uint32_t>(number / kPortsPerAddress));
    ::setsockopt(connection.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(connection.fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
      return Failed("bind");
    }
  }
  connection.connecting = true;
  connection.wants_write = true;
  if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) !=
          0 &&
      errno != EINPROGRESS) {
    return Failed("connect");
  }
  Watch(connection, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
  return absl::OkStatus();
}

void StreamLoad::Watch(Connection& connection, int operation, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = NumberOf(connection);
  ::epoll_ctl(epoll_, operation, connection.fd, &event);
}

void StreamLoad::Close(Connection& connection) {
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
  connection.begun.clear();
}

absl::Status StreamLoad::Begin(Connection& connection, uint64_t now) {
  const size_t which = batches_.size() == 1 ? 0 : random_.Below(batches_.size());
  connection.batch = &batches_[which];
  connection.unsent = connection.batch->bytes.size();
  connection.answers_due = connection.batch->requests;
  connection.started = now;
  if (connection.fd < 0) return Connect(connection);  // Sends when connected.
  return Send(connection);
}

absl::Status StreamLoad::BatchDone(Connection& connection) {
  const uint64_t now = NowNanoseconds();
  latency_.Add(now - connection.started);
  --outstanding_;
  if (options_.per_request) Close(connection);
  if (options_.rate > 0) {
    if (connection.scheduled.empty()) return absl::OkStatus();
    const uint64_t scheduled = connection.scheduled.front();
    connection.scheduled.pop_front();
    return Begin(connection, scheduled);
  }
  if (!sending_) return absl::OkStatus();
  ++outstanding_;
  return Begin(connection, now);
}

absl::Status StreamLoad::Send(Connection& connection) {
  const std::string& bytes = connection.batch->bytes;
  const char* from = bytes.data() + bytes.size() - connection.unsent;
  const ssize_t sent = ::send(connection.fd, from, connection.unsent, MSG_NOSIGNAL);
  if (sent > 0) connection.unsent -= static_cast<size_t>(sent);
  if (sent < 0 && errno != EAGAIN) {
    // The server reads no more: what came from it before tells whether it may.
    if (errno != EPIPE && errno != ECONNRESET) return Failed("send");
    connection.unsent = 0;
  }
  const bool wants_write = connection.unsent > 0;
  if (wants_write != connection.wants_write) {
    connection.wants_write = wants_write;
    Watch(connection, EPOLL_CTL_MOD, wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
  return absl::OkStatus();
}

absl::Status StreamLoad::Receive(Connection& connection) {
  const ssize_t received = ::recv(connection.fd, input_.data(), input_.size(), 0);
  if (received < 0 && errno == EAGAIN) return absl::OkStatus();
  if (received <= 0) return Ended(connection, received);
  std::string_view bytes(input_.data(), static_cast<size_t>(received));
  std::string joined;
  if (!connection.begun.empty()) {
    joined = std::exchange(connection.begun, std::string()).append(bytes);
    bytes = joined;
  }
  bool ended = false;
  absl::Status status = Count(connection, bytes, ended);
  if (!status.ok()) return status;
  if (ended) return Reconnect(connection);
  if (connection.answers_due > 0 || connection.batch == nullptr) return status;
  // The server ends the connection of an HTTP request that asked for it.
  if (options_.per_request && options_.framing == Framing::kHttp) return status;
  connection.batch = nullptr;
  return BatchDone(connection);
}

absl::Status StreamLoad::Ended(Connection& connection, ssize_t received) {
  if (received < 0) return Failed("recv");
  const bool all_there = connection.answers_due == 0 && connection.batch != nullptr;
  if (!options_.per_request || !all_there) {
    return absl::UnavailableError("the server ended a connection before its answers were in");
  }
  connection.batch = nullptr;
  return BatchDone(connection);
}

// The server answers nothing more on this connection.
absl::Status StreamLoad::Reconnect(Connection& connection) {
  ++reconnects_;
  Close(connection);
  if (connection.answers_due == 0) {
    connection.batch = nullptr;
    return BatchDone(connection);
  }
  const std::string& bytes = connection.batch->bytes;
  size_t answered = 0;
  for (size_t i = connection.answers_due; i < connection.batch->requests; ++i) {
    answered = bytes.find(kBlankLine, answered) + kBlankLine.size();
  }
  connection.unsent = bytes.size() - answered;
  return Connect(connection);
}

absl::StatusOr<StreamLoad::Answer> StreamLoad::Next(std::string_view bytes) const {
  if (options_.framing == Framing::kLine) return Answer{.bytes = answer_bytes_};
  if (options_.framing == Framing::kLength) {
    if (bytes.size() < 2) return Answer();
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
    return Answer{.bytes = 2 + (byte(0) << 8 | byte(1))};
  }
  if (!kAnswerStart.starts_with(bytes.substr(0, kAnswerStart.size()))) {
    return absl::InternalError(
        absl::StrCat("not the start of an answer: ", std::string(bytes.substr(0, 80))));
  }
  if (bytes.size() < answer_head_bytes_) return Answer();
  // The blank line where it always was: the answer has the fields that it always had.
  if (bytes.substr(answer_head_bytes_ - kBlankLine.size(), kBlankLine.size()) == kBlankLine) {
    return Answer{.bytes = answer_bytes_};
  }
  const ParsedAnswer answer = Parse(bytes);
  if (answer.head_bytes == 0 || answer.says_close) {
    return Answer{.bytes = answer.bytes, .is_last = true};
  }
  return absl::InternalError(absl::StrCat("an answer unlike the first: ",
                                          std::string(bytes.substr(0, answer.head_bytes))));
}

absl::Status StreamLoad::Count(Connection& connection, std::string_view bytes, bool& ended) {
  while (!bytes.empty()) {
    if (connection.answers_due == 0 || ended) {
      return absl::InternalError("more answers than requests");
    }
    const absl::StatusOr<Answer> answer = Next(bytes);
    if (!answer.ok()) return answer.status();
    if (answer->bytes == 0 || answer->bytes > bytes.size()) {
      connection.begun = bytes;
      break;
    }
    bytes.remove_prefix(answer->bytes);
    --connection.answers_due;
    ++requests_;
    ended = answer->is_last;
  }
  return absl::OkStatus();
}

absl::Status StreamLoad::Handle(Connection& connection, uint32_t events) {
  if (connection.connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      return Failed("connect");
    }
    connection.connecting = false;
    if (connection.unsent > 0) return Send(connection);
    connection.wants_write = false;
    Watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    return absl::OkStatus();
  }
  if ((events & EPOLLOUT) != 0 && connection.unsent > 0) {
    absl::Status status = Send(connection);
    if (!status.ok()) return status;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) return Receive(connection);
  return absl::OkStatus();
}

absl::Status StreamLoad::Turn(int timeout_milliseconds) {
  const int count =
      ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_milliseconds);
  if (count < 0 && errno != EINTR) return Failed("epoll_wait");
  for (int i = 0; i < count; ++i) {
    absl::Status status = Handle(connections_[events_[static_cast<size_t>(i)].data.u64],
                                 events_[static_cast<size_t>(i)].events);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StreamLoad::StartAll() {
  const uint64_t now = NowNanoseconds();
  for (Connection& connection : connections_) {
    ++outstanding_;
    absl::Status status = Begin(connection, now);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Begins the batches whose time has come, one connection after the other.
absl::Status StreamLoad::SendScheduled(uint64_t now) {
  const double interval =
      static_cast<double>(kSecond) * static_cast<double>(batches_[0].requests) / options_.rate;
  while (next_scheduled_ <= static_cast<double>(now)) {
    Connection& connection = connections_[next_connection_];
    next_connection_ = (next_connection_ + 1) % connections_.size();
    const uint64_t scheduled = static_cast<uint64_t>(next_scheduled_);
    next_scheduled_ += interval;
    ++outstanding_;
    if (connection.batch != nullptr) {
      connection.scheduled.push_back(scheduled);
      continue;
    }
    absl::Status status = Begin(connection, scheduled);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StreamLoad::FinishOutstanding() {
  const uint64_t give_up = NowNanoseconds() + kPatience;
  while (outstanding_ > 0) {
    absl::Status status = Turn(100);
    if (!status.ok()) return status;
    if (NowNanoseconds() > give_up) {
      return absl::DeadlineExceededError(
          absl::StrCat(outstanding_, " batches were never answered in full"));
    }
  }
  return absl::OkStatus();
}

absl::Status StreamLoad::Run(double seconds, LoadResult& result) {
  latency_.Clear();
  requests_ = 0;
  reconnects_ = 0;
  sending_ = true;
  const uint64_t start = NowNanoseconds();
  const uint64_t end = start + static_cast<uint64_t>(seconds * static_cast<double>(kSecond));
  absl::Status status;
  next_scheduled_ = static_cast<double>(start);
  if (options_.rate <= 0) status = StartAll();
  uint64_t now = start;
  while (status.ok() && now < end) {
    // An open loop polls: no sleep of the client's delays a request.
    if (options_.rate > 0) status = SendScheduled(now);
    if (status.ok()) status = Turn(options_.rate > 0 ? 0 : 100);
    now = NowNanoseconds();
  }
  result.requests_in_time = requests_;
  result.seconds = static_cast<double>(now - start) / static_cast<double>(kSecond);
  sending_ = false;
  if (status.ok()) status = FinishOutstanding();
  result.requests = requests_;
  result.reconnects = reconnects_;
  return status;
}

}  // namespace rotor::benchmarks
