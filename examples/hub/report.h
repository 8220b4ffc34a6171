// What the hub tells of itself: counters and the tree of machines, as text and JSON.
#ifndef ROTOR_EXAMPLES_HUB_REPORT_H_
#define ROTOR_EXAMPLES_HUB_REPORT_H_

#include <cstdint>
#include <string>

#include "core/machine/scope.h"
#include "examples/hub/context.h"

namespace hub {

// In one page of the tree.
inline constexpr uint32_t kTreeMachinesMax = 1000;

// {"http":{"requests":3,...},...}
std::string StatsAsJson(const rotor::CounterRegistry& counters);
// "http.requests=3 ...", for a TXT record.
std::string StatsAsText(const rotor::CounterRegistry& counters);

// A line per machine, from slot `first` on, at most `count`; then how to get the next page.
std::string TreeAsText(const rotor::Scope& scope, uint32_t first, uint32_t count);
std::string TreeAsJson(const rotor::Scope& scope, uint32_t first, uint32_t count);

// The page that says what runs here and what to try.
std::string FrontPage(const Context& context);

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_REPORT_H_
