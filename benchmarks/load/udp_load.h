// Queries over UDP: so many under way at a time.
#ifndef ROTOR_BENCHMARKS_LOAD_UDP_LOAD_H_
#define ROTOR_BENCHMARKS_LOAD_UDP_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "benchmarks/load/histogram.h"
#include "benchmarks/load/stream_load.h"
#include "core/base/random.h"

namespace rotor::benchmarks {

struct UdpLoadOptions {
  uint16_t port = 0;  // On 127.0.0.1.
  size_t sockets = 1;
  size_t under_way = 1;  // Queries of each socket that wait for their answer, at most 65,536.
};

// A closed loop of DNS queries: each answer lets the next query go, for any of the benchmark's
// names. A query is told apart by its identifier, the number of its place on its socket; that an
// answer is right is not looked at, but for its identifier and its response code. One without an
// answer after 0.2 s is lost and replaced. One thread, on epoll(7).
class UdpLoad {
 public:
  explicit UdpLoad(const UdpLoadOptions& options);
  ~UdpLoad();

  UdpLoad(const UdpLoad&) = delete;
  UdpLoad& operator=(const UdpLoad&) = delete;

  absl::Status Open();
  // Fails if an answer is an error, or more than one query in a thousand is lost.
  absl::Status Run(double seconds, LoadResult& result);

  // Latencies of the last Run() in nanoseconds.
  const Histogram& latency() const { return latency_; }

 private:
  struct Place {
    uint64_t sent = 0;  // When; 0 if nothing is under way.
  };
  struct Socket {
    int fd = -1;
    std::vector<Place> places;
  };

  absl::Status Send(Socket& socket, size_t place);
  absl::Status Receive(Socket& socket);
  absl::Status Turn();
  absl::Status ReplaceLost(uint64_t now);

  const UdpLoadOptions options_;
  int epoll_ = -1;
  std::vector<Socket> sockets_;
  std::vector<std::string> queries_;
  Random random_{1};
  bool sending_ = false;
  size_t outstanding_ = 0;
  uint64_t answered_ = 0;
  uint64_t lost_ = 0;
  Histogram latency_;
};

}  // namespace rotor::benchmarks

#endif  // ROTOR_BENCHMARKS_LOAD_UDP_LOAD_H_
