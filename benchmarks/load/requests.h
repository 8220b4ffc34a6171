// What the load generator sends.
#ifndef ROTOR_BENCHMARKS_LOAD_REQUESTS_H_
#define ROTOR_BENCHMARKS_LOAD_REQUESTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace rotor::benchmarks {

// Bytes written at once, with the answers that they ask for.
struct Batch {
  std::string bytes;
  size_t requests = 0;
};

struct RequestOptions {
  // http-one-field: GET / with Host alone. http-browser: the 12 fields of a browser, about 700
  // bytes. http-mixed: 1,024 requests drawn from one seed, which differ in query, fields, their
  // order and their values, so that no answer can rest on the one before. line: 64 bytes with the
  // line feed. dns: queries for the 1,000 names of the benchmark's zone, each with its length in
  // front, RFC 1035 §4.2.2.
  std::string_view kind;
  size_t depth = 1;       // Requests in each batch.
  bool close = false;     // HTTP: each request asks for the end of the connection.
  std::string_view host;  // HTTP: value of the Host field.
};

// The batches that connections draw from. InvalidArgument if there is no such kind.
absl::StatusOr<std::vector<Batch>> MakeBatches(const RequestOptions& options);

// The message of one DNS query, without a length in front. `number` is that of the name.
std::string DnsQuery(size_t number);
inline constexpr size_t kDnsNames = 1000;

}  // namespace rotor::benchmarks

#endif  // ROTOR_BENCHMARKS_LOAD_REQUESTS_H_
