// One load on one server. The driver starts it, reads the server's CPU time between "ready" and
// "go", and again after the result:
//
//   out  ready            connected, warm, and nothing under way
//   in   go
//   out  {"requests": ...} the result in one line; the connections stay open
//   in   end of input
#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/load/requests.h"
#include "benchmarks/load/stream_load.h"
#include "benchmarks/load/udp_load.h"

ABSL_FLAG(uint16_t, port, 0, "the server's port on 127.0.0.1");
ABSL_FLAG(std::string, requests, "http-one-field",
          "http-one-field, http-browser, http-mixed, line, dns (over TCP) or dns-udp");
ABSL_FLAG(uint32_t, connections, 64, "connections at a time, or UDP sockets");
ABSL_FLAG(uint32_t, depth, 1, "requests sent in one piece, or under way on each UDP socket");
ABSL_FLAG(bool, per_request, false, "a connection for each request");
ABSL_FLAG(double, rate, 0, "requests per second by a fixed schedule; 0: as fast as answers come");
ABSL_FLAG(double, seconds, 2, "length of the run that is measured");
ABSL_FLAG(double, warmup, 0.2, "length of the run before it, in seconds");

namespace rotor::benchmarks {
namespace {

Framing FramingOf(const std::string& requests) {
  if (requests == "line") return Framing::kLine;
  return requests == "dns" ? Framing::kLength : Framing::kHttp;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// StreamLoad or UdpLoad.
template <typename Load>
absl::Status Measure(Load& load) {
  LoadResult result;
  absl::Status status = load.Open();
  if (status.ok()) status = load.Run(absl::GetFlag(FLAGS_warmup), result);
  if (!status.ok()) return status;
  std::puts("ready");
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  const double cpu_before = CpuSeconds();
  status = load.Run(absl::GetFlag(FLAGS_seconds), result);
  if (!status.ok()) return status;
  std::printf(
      "{\"requests\": %llu, \"rate\": %.1f, \"p50\": %.2f, \"p99\": %.2f, "
      "\"client_cpu\": %.3f, \"reconnects\": %llu}\n",
      static_cast<unsigned long long>(result.requests),
      static_cast<double>(result.requests_in_time) / result.seconds,
      load.latency().Quantile(0.5) / 1e3, load.latency().Quantile(0.99) / 1e3,
      (CpuSeconds() - cpu_before) / result.seconds,
      static_cast<unsigned long long>(result.reconnects));
  std::fflush(stdout);
  std::getline(std::cin, line);
  return absl::OkStatus();
}

absl::Status Main() {
  const std::string requests = absl::GetFlag(FLAGS_requests);
  const std::string host = absl::StrCat("127.0.0.1:", absl::GetFlag(FLAGS_port));
  const bool per_request = absl::GetFlag(FLAGS_per_request);
  if (absl::GetFlag(FLAGS_connections) == 0 || absl::GetFlag(FLAGS_depth) == 0) {
    return absl::InvalidArgumentError("--connections and --depth are at least 1");
  }
  if (requests == "dns-udp") {
    UdpLoad load({.port = absl::GetFlag(FLAGS_port),
                  .sockets = absl::GetFlag(FLAGS_connections),
                  .under_way = absl::GetFlag(FLAGS_depth)});
    return Measure(load);
  }
  auto batches = MakeBatches(
      {.kind = requests, .depth = absl::GetFlag(FLAGS_depth), .close = per_request, .host = host});
  if (!batches.ok()) return batches.status();
  StreamLoad load({.port = absl::GetFlag(FLAGS_port),
                   .connections = absl::GetFlag(FLAGS_connections),
                   .framing = FramingOf(requests),
                   .per_request = per_request,
                   .rate = absl::GetFlag(FLAGS_rate)},
                  *std::move(batches));
  return Measure(load);
}

}  // namespace
}  // namespace rotor::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Sends requests to a server and counts its answers");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = rotor::benchmarks::Main();
  if (!status.ok()) std::fprintf(stderr, "load: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
