// Matchers of what a machine answers, for EXPECT_THAT.
#ifndef ROTOR_CORE_TESTING_STEP_MATCHERS_H_
#define ROTOR_CORE_TESTING_STEP_MATCHERS_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/machine/step.h"
#include "core/time/time.h"
#include "gmock/gmock.h"

namespace rotor {

namespace internal {

inline std::string ToText(Deadline deadline) {
  if (deadline.is_never()) return "never";
  return absl::FormatDuration(absl::Nanoseconds(deadline.time().nanoseconds()));
}

inline std::string ToText(const Step& step) {
  switch (step.kind()) {
    case Step::Kind::kWait:
      return absl::StrCat("WaitUntil ", ToText(step.deadline()));
    case Step::Kind::kKeepWaiting:
      return "KeepWaiting";
    case Step::Kind::kYield:
      return absl::StrCat("Yield until ", ToText(step.deadline()));
    case Step::Kind::kDone:
      return step.reason().ok() ? "Done" : absl::StrCat("Fail ", step.reason().ToString());
  }
  return "an impossible Step";
}

}  // namespace internal

// How GoogleTest shows them, found by argument-dependent look-up.
inline void PrintTo(Time time, std::ostream* out) { *out << internal::ToText(Deadline(time)); }
inline void PrintTo(Deadline deadline, std::ostream* out) { *out << internal::ToText(deadline); }
inline void PrintTo(const Step& step, std::ostream* out) { *out << internal::ToText(step); }

// `deadline` is a Time or a Deadline.
MATCHER_P(WaitsUntil, deadline,
          absl::StrCat(negation ? "isn't" : "is", " WaitUntil ",
                       internal::ToText(Deadline(deadline)))) {
  return arg.kind() == Step::Kind::kWait && arg.deadline() == Deadline(deadline);
}
MATCHER(WaitsForever, absl::StrCat(negation ? "isn't" : "is", " WaitForever")) {
  return arg.kind() == Step::Kind::kWait && arg.deadline().is_never();
}
MATCHER(KeepsWaiting, absl::StrCat(negation ? "isn't" : "is", " KeepWaiting")) {
  return arg.kind() == Step::Kind::kKeepWaiting;
}
// Whatever the deadline; it is in MachineTester::deadline().
MATCHER(Yields, absl::StrCat(negation ? "isn't" : "is", " Yield")) {
  return arg.kind() == Step::Kind::kYield;
}
MATCHER(IsDone, absl::StrCat(negation ? "isn't" : "is", " Done without a failure")) {
  return arg.finished() && arg.reason().ok();
}
MATCHER_P(FailsWith, code,
          absl::StrCat(negation ? "isn't" : "is", " Fail with ", absl::StatusCodeToString(code))) {
  return arg.finished() && arg.reason().code() == code;
}

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_STEP_MATCHERS_H_
