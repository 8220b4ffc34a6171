// Bridges std::string_view to Abseil releases whose own string_view is a different type.
#ifndef ROTOR_CORE_BASE_STRINGS_H_
#define ROTOR_CORE_BASE_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace rotor {

// Views the same bytes; costs nothing. Needed wherever Abseil takes text: absl::StrCat,
// status constructors, container look-ups.
inline absl::string_view AsAbsl(std::string_view text) { return {text.data(), text.size()}; }

// The way back: what Abseil returns, for our signatures.
inline std::string_view AsStd(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace rotor

#endif  // ROTOR_CORE_BASE_STRINGS_H_
