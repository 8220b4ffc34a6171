// What the programs of benchmarks/core share: rows of Google Benchmark in either order.
#ifndef ROTOR_BENCHMARKS_CORE_PROGRAM_H_
#define ROTOR_BENCHMARKS_CORE_PROGRAM_H_

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/benchmark.h"

namespace rotor::benchmarks {

enum class Clock {
  kCpu,   // Of the thread: who else runs does not matter.
  kWall,  // Where several threads work together.
  kOwn,   // One iteration, which sets its time.
};

struct Row {
  std::string name;  // operation/who; the argument is appended to it.
  int64_t argument;
  void (*run)(benchmark::State&);
  Clock clock;
};

// CPU time of this thread in seconds.
inline double ThreadSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// main(). Takes --reverse besides the flags of Google Benchmark: the last row is run first.
inline int RunRows(int argc, char** argv, std::vector<Row> rows) {
  char** const end = std::remove_if(
      argv + 1, argv + argc, [](std::string_view argument) { return argument == "--reverse"; });
  if (end != argv + argc) std::reverse(rows.begin(), rows.end());
  argc = static_cast<int>(end - argv);
  for (const Row& row : rows) {
    auto* registered = benchmark::RegisterBenchmark(row.name.c_str(), row.run)->Arg(row.argument);
    if (row.clock == Clock::kOwn) registered->UseManualTime()->Iterations(1);
    if (row.clock == Clock::kWall) registered->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace rotor::benchmarks

#endif  // ROTOR_BENCHMARKS_CORE_PROGRAM_H_
