// BusyPoll: whether a wait is likely to be so short that looking again and again is cheaper than
// going to sleep. Pure: time in, decision out.
#ifndef ROTOR_CORE_BACKEND_EPOLL_BUSY_POLL_H_
#define ROTOR_CORE_BACKEND_EPOLL_BUSY_POLL_H_

#include "absl/time/time.h"

namespace rotor {

// Polls while events have lately come within `longest` of the beginning of a wait, whether it
// polled or slept. So an idle loop sleeps, and pays for at most two polls in vain per change from
// busy to idle; a busy one is noticed after two short sleeps.
class BusyPoll {
 public:
  // Zero never polls.
  explicit BusyPoll(absl::Duration longest) : longest_(longest) {}

  bool enabled() const { return longest_ > absl::ZeroDuration(); }
  absl::Duration longest() const { return longest_; }
  bool ShouldPoll() const { return enabled() && score_ >= kPolls; }

  // A wait has ended after `elapsed`, with events or without.
  void WaitEnded(bool with_events, absl::Duration elapsed) {
    if (with_events && elapsed <= longest_) {
      if (score_ < kHighest) ++score_;
    } else if (score_ > 0) {
      --score_;
    }
  }

 private:
  static constexpr int kHighest = 3;
  static constexpr int kPolls = 2;

  absl::Duration longest_;
  int score_ = 0;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_BUSY_POLL_H_
