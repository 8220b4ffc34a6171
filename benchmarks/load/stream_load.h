// Conversations over TCP: requests out, answers counted.
#ifndef ROTOR_BENCHMARKS_LOAD_STREAM_LOAD_H_
#define ROTOR_BENCHMARKS_LOAD_STREAM_LOAD_H_

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/load/histogram.h"
#include "benchmarks/load/requests.h"
#include "core/base/random.h"

namespace rotor::benchmarks {

// Monotonic, in nanoseconds.
uint64_t NowNanoseconds();

// How the answers are told apart. The generator looks at as little as it can, so that the server is
// what limits the figures.
enum class Framing {
  kHttp,    // Each must begin as a 200. All are as long as the first, but a connection's last one.
  kLine,    // As long as the request.
  kLength,  // Two bytes of length in front, RFC 1035 §4.2.2.
};

struct StreamLoadOptions {
  uint16_t port = 0;  // On 127.0.0.1.
  size_t connections = 1;
  Framing framing = Framing::kHttp;
  // A connection per request: over when the server has closed it (HTTP), or when the answer is in
  // and the client has closed it.
  bool per_request = false;
  // Requests per second on all connections together, by a fixed schedule, whether or not the
  // server keeps up. Latency then counts from the scheduled time. 0: each connection sends when the
  // answers to its last batch are in.
  double rate = 0;
};

// What one run of a load came to.
struct LoadResult {
  uint64_t requests = 0;          // Answered, those that came after the end of the run included.
  uint64_t requests_in_time = 0;  // Answered before its end.
  double seconds = 0;             // Until its end.
  uint64_t reconnects = 0;        // Connections that the server ended in order, made anew.
};

// A closed or open loop over many connections in one thread, on epoll(7). Each Run() begins and
// ends with nothing under way, so that a server's CPU time can be read between two runs.
//
// A server may end a connection with an HTTP answer that says so ("Connection: close", RFC 9112
// §9.6). The connection is made anew then, and the requests behind that answer are sent again.
class StreamLoad {
 public:
  // `batches` must not be empty.
  StreamLoad(const StreamLoadOptions& options, std::vector<Batch> batches);
  ~StreamLoad();

  StreamLoad(const StreamLoad&) = delete;
  StreamLoad& operator=(const StreamLoad&) = delete;

  // Learns the length of an answer and opens the connections with a batch on each, unless each
  // request has its own.
  absl::Status Open();

  // Fails if an answer is wrong or missing, or a connection ends without a word.
  absl::Status Run(double seconds, LoadResult& result);

  // Latencies of the last Run() in nanoseconds, one per batch.
  const Histogram& latency() const { return latency_; }

 private:
  struct Connection {
    int fd = -1;
    bool connecting = false;
    bool wants_write = false;
    size_t answers_due = 0;
    std::string begun;  // An answer of which the rest has not come.
    const Batch* batch = nullptr;
    size_t unsent = 0;  // Of the batch, at its end.
    uint64_t started = 0;
    std::deque<uint64_t> scheduled;  // Batches not begun yet, open loop only.
  };

  // What stands at the front of received bytes.
  struct Answer {
    size_t bytes = 0;      // 0 if it has not come in full.
    bool is_last = false;  // The server ends the connection behind it.
  };

  size_t NumberOf(const Connection& connection) const {
    return static_cast<size_t>(&connection - connections_.data());
  }
  absl::Status LearnAnswerLength();
  absl::Status Connect(Connection& connection);
  void Watch(Connection& connection, int operation, uint32_t events);
  void Close(Connection& connection);
  absl::Status Begin(Connection& connection, uint64_t now);
  absl::Status BatchDone(Connection& connection);
  absl::Status Send(Connection& connection);
  absl::Status Receive(Connection& connection);
  absl::Status Ended(Connection& connection, ssize_t received);
  absl::Status Reconnect(Connection& connection);
  // Counts the answers in `bytes`. `ended`: the last of them ends the connection.
  absl::Status Count(Connection& connection, std::string_view bytes, bool& ended);
  absl::StatusOr<Answer> Next(std::string_view bytes) const;
  absl::Status Handle(Connection& connection, uint32_t events);
  absl::Status Turn(int timeout_milliseconds);
  absl::Status StartAll();
  absl::Status SendScheduled(uint64_t now);
  absl::Status FinishOutstanding();

  const StreamLoadOptions options_;
  const std::vector<Batch> batches_;
  sockaddr_in address_{};
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::vector<epoll_event> events_;
  std::vector<char> input_;
  Random random_{1};
  size_t answer_bytes_ = 0;       // Of an answer, if they are equally long.
  size_t answer_head_bytes_ = 0;  // HTTP: the part of it that its blank line ends.

  bool sending_ = false;
  size_t outstanding_ = 0;  // Batches begun or scheduled, and not done.
  uint64_t requests_ = 0;
  uint64_t reconnects_ = 0;
  double next_scheduled_ = 0;  // Nanoseconds.
  size_t next_connection_ = 0;
  Histogram latency_;
};

}  // namespace rotor::benchmarks

#endif  // ROTOR_BENCHMARKS_LOAD_STREAM_LOAD_H_
