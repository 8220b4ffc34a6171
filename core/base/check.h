// ROTOR_CHECK: ends the process when a rule of the programming interface was broken.
//
// For programmer's errors only. What a peer, a file or the kernel can cause is an absl::Status.
#ifndef ROTOR_CORE_BASE_CHECK_H_
#define ROTOR_CORE_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace rotor {

// Prints where and which rule was broken to standard error, then aborts.
[[noreturn]] inline void CheckFailed(const char* file, int line, std::string_view rule) {
  std::fprintf(stderr, "%s:%d: programmer's error: %.*s\n", file, line,
               static_cast<int>(rule.size()), rule.data());
  std::abort();
}

}  // namespace rotor

// Active in every build: one predictable branch. `rule` is converted to std::string_view and
// evaluated only on failure.
#define ROTOR_CHECK(condition, rule)                  \
  do {                                                \
    if (!(condition)) [[unlikely]]                    \
      ::rotor::CheckFailed(__FILE__, __LINE__, rule); \
  } while (false)

#endif  // ROTOR_CORE_BASE_CHECK_H_
