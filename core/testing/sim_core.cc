#include "core/testing/sim_core.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace rotor {
namespace {

constexpr Time kStart = Time::FromNanoseconds(1'000'000'000'000);
constexpr int64_t kWallStartSeconds = 784111777;  // RFC 9110 section 5.6.7.
constexpr size_t kLoggedBytesMax = 80;

struct NamedFault {
  std::string_view name;
  SimFault fault;
};

constexpr NamedFault kFaults[] = {
    {"short_read", &SimFaultProbabilities::short_read},
    {"short_write", &SimFaultProbabilities::short_write},
    {"would_block", &SimFaultProbabilities::would_block},
    {"spurious_event", &SimFaultProbabilities::spurious_event},
    {"spurious_wake", &SimFaultProbabilities::spurious_wake},
    {"delayed_event", &SimFaultProbabilities::delayed_event},
    {"reset_by_peer", &SimFaultProbabilities::reset_by_peer},
    {"half_close", &SimFaultProbabilities::half_close},
    {"write_error", &SimFaultProbabilities::write_error},
    {"aborted_accept", &SimFaultProbabilities::aborted_accept},
    {"out_of_files", &SimFaultProbabilities::out_of_files},
    {"datagram_loss", &SimFaultProbabilities::datagram_loss},
    {"datagram_duplication", &SimFaultProbabilities::datagram_duplication},
    {"datagram_reordering", &SimFaultProbabilities::datagram_reordering},
    {"clock_jump", &SimFaultProbabilities::clock_jump},
};
static_assert(sizeof(SimFaultProbabilities) == std::size(kFaults) * sizeof(double),
              "every probability has a name and a counter");

}  // namespace

SimCore::SimCore(SimOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      now_(kStart),
      log_hash_(0xcbf29ce484222325u) {
  for (const NamedFault& named : kFaults) faults_.push_back({named.name, 0});
}

absl::Time SimCore::wall_time() const {
  return absl::FromUnixSeconds(kWallStartSeconds) + (now_ - kStart);
}

void SimCore::At(Time when, std::function<void()> action) {
  if (when < now_) {
    Violation(absl::StrCat("scheduled in the past, ", absl::FormatDuration(now_ - when), " ago"));
    when = now_;
  }
  schedule_.emplace(std::pair(when, sequence_++), std::move(action));
}

Deadline SimCore::next_event() const {
  if (schedule_.empty()) return Deadline::Never();
  return schedule_.begin()->first.first;
}

void SimCore::AdvanceTo(Time when) {
  ROTOR_CHECK(!advancing_, "an action of a simulated world must not wait or advance the clock");
  advancing_ = true;
  while (next_event().ReachedAt(when)) {
    auto next = schedule_.extract(schedule_.begin());
    MoveClock(next.key().first);
    Progress();
    next.mapped()();
  }
  MoveClock(when);
  advancing_ = false;
}

void SimCore::MoveClock(Time when) {
  if (when <= now_) return;
  now_ = when;
  Progress();
}

absl::Duration SimCore::Between(absl::Duration low, absl::Duration high) {
  const int64_t span = absl::ToInt64Nanoseconds(high - low);
  if (span <= 0) return low;
  return low + absl::Nanoseconds(random_.Below(static_cast<uint64_t>(span) + 1));
}

bool SimCore::Strikes(SimFault fault) {
  const double probability = options_.faults.*fault;
  if (probability <= 0 || !random_.Chance(probability)) return false;
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    if (kFaults[i].fault != fault) continue;
    ++faults_[i].count;
    Log("fault", kFaults[i].name);
  }
  return true;
}

void SimCore::Log(std::string_view who, std::string_view what,
                  std::initializer_list<int64_t> numbers, std::string_view bytes) {
  const int64_t nanoseconds = now_.nanoseconds();
  Hash({reinterpret_cast<const char*>(&nanoseconds), sizeof(nanoseconds)});
  Hash(who);
  Hash(what);
  Hash({reinterpret_cast<const char*>(numbers.begin()), numbers.size() * sizeof(int64_t)});
  Hash(bytes);
  if (!options_.log_sink) return;
  std::string line = absl::StrFormat("%d.%09d %s %s", nanoseconds / 1'000'000'000,
                                     nanoseconds % 1'000'000'000, AsAbsl(who), AsAbsl(what));
  for (const int64_t number : numbers) absl::StrAppend(&line, " ", number);
  if (!bytes.empty()) {
    const std::string_view shown = bytes.substr(0, kLoggedBytesMax);
    absl::StrAppend(&line, " \"", absl::CHexEscape(AsAbsl(shown)), "\"",
                    shown.size() < bytes.size() ? "..." : "");
  }
  options_.log_sink(line);
}

void SimCore::Violation(std::string text) {
  Log("violation", text);
  violations_.push_back(std::move(text));
}

// FNV-1a, by words where there are some.
void SimCore::Hash(std::string_view bytes) {
  constexpr uint64_t kPrime = 0x100000001b3u;
  // The length keeps fields apart: "a", "bc" is not "ab", "c".
  log_hash_ = (log_hash_ ^ bytes.size()) * kPrime;
  for (; bytes.size() >= sizeof(uint64_t); bytes.remove_prefix(sizeof(uint64_t))) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof(word));
    log_hash_ = (log_hash_ ^ word) * kPrime;
    log_hash_ ^= log_hash_ >> 32;  // A multiplication alone never brings high bits down.
  }
  for (const char byte : bytes) {
    log_hash_ = (log_hash_ ^ static_cast<unsigned char>(byte)) * kPrime;
  }
}

}  // namespace rotor
