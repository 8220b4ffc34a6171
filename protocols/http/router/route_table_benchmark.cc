// Nanoseconds to find a route, among three and among a thousand.
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "protocols/http/router/route_table.h"

namespace rotor::http {
namespace {

RouteTable Table(int64_t resources) {
  RouteTable table;
  table.Add(Method::kGet, "/plaintext");
  for (int64_t i = 0; i < resources; ++i) {
    table.Add(Method::kGet, absl::StrCat("/api/resource", i));
    table.Add(Method::kGet, absl::StrCat("/api/resource", i, "/{id}"));
  }
  return table;
}

void Find(benchmark::State& state, const char* path) {
  RouteTable table = Table(state.range(0));
  for (auto unused : state) benchmark::DoNotOptimize(table.Find(Method::kGet, path));
}

BENCHMARK_CAPTURE(Find, literal, "/plaintext")->Arg(1)->Arg(500);
BENCHMARK_CAPTURE(Find, parameter, "/api/resource0/1234567")->Arg(1)->Arg(500);
BENCHMARK_CAPTURE(Find, none, "/api/nothing/of/this/kind")->Arg(1)->Arg(500);

}  // namespace
}  // namespace rotor::http
