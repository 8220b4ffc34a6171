// Counters of one loop, by group and name. No globals: the registry belongs to the loop.
#ifndef ROTOR_CORE_MACHINE_COUNTERS_H_
#define ROTOR_CORE_MACHINE_COUNTERS_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace rotor {

// One number that goes up, or a gauge that goes both ways. Loop's thread only.
class Counter {
 public:
  void Add(int64_t amount = 1) { value_ += amount; }
  int64_t value() const { return value_; }

 private:
  int64_t value_ = 0;
};

// All counters of a loop in order of creation. References stay valid as long as the registry.
class CounterRegistry {
 public:
  struct Entry {
    std::string group;
    std::string name;
    Counter counter;
  };

  // The counter `name` of `group`; the same one for the same names. Takes time linear in their
  // number: look a counter up once, when mounting.
  Counter& Get(std::string_view group, std::string_view name) {
    for (Entry& entry : entries_) {
      if (entry.group == group && entry.name == name) return entry.counter;
    }
    entries_.push_back({std::string(group), std::string(name), Counter()});
    return entries_.back().counter;
  }

  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_COUNTERS_H_
