// Backend by epoll(7): Linux's readiness interface.
#ifndef ROTOR_CORE_BACKEND_EPOLL_EPOLL_BACKEND_H_
#define ROTOR_CORE_BACKEND_EPOLL_EPOLL_BACKEND_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/backend.h"
#include "core/backend/epoll/busy_poll.h"
#include "core/backend/epoll/epoll_io.h"
#include "core/backend/epoll/epoll_set.h"
#include "core/backend/io.h"
#include "core/notifier/waker.h"
#include "core/time/time.h"

namespace rotor {

struct EpollOptions {
  // Look for events again and again for so long before going to sleep, while that has lately paid;
  // see BusyPoll. Going to sleep and waking up is most of what a request costs when there is little
  // to do: with one connection, 20 to 50 us more than triple its throughput, for a core that is
  // never idle meanwhile. Others who want the core get it between two looks (sched_yield(2)). Zero
  // always sleeps. At most one second.
  absl::Duration busy_poll_max = absl::ZeroDuration();
};

// Two descriptors and 6 KiB. A watch costs one epoll_ctl(2), a Wait() one system call and one
// reading of the clock. Sleeps have the precision of nanoseconds from Linux 5.11 on
// (epoll_pwait2(2)), of milliseconds before.
//
// A descriptor duplicated by dup(2) or fork(2) stays watched after its Fd is closed (epoll(7)):
// Unwatch() it first.
class EpollBackend : public Backend {
 public:
  // Fails if the kernel refuses descriptors or entropy, or an option is out of range.
  static absl::StatusOr<std::unique_ptr<EpollBackend>> Create(const EpollOptions& options = {});

  std::string_view name() const override { return "epoll"; }
  Time Now() override;  // CLOCK_MONOTONIC.
  absl::Time WallTime() override;
  uint64_t Entropy() override;  // getrandom(2).
  absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) override;
  void Unwatch(const Fd& fd) override;
  // Returns at most kEventsMax events at once.
  absl::StatusOr<size_t> Wait(Deadline latest, std::span<Event> events) override;
  std::shared_ptr<Waker> waker() override { return waker_; }
  Io& io() override { return io_; }

  static constexpr size_t kEventsMax = 512;

 private:
  EpollBackend(int epoll, std::shared_ptr<Waker> waker, const EpollOptions& options);

  int FindEvents(Deadline latest, int events_max);
  int Poll(Deadline latest, int events_max);
  int Sleep(Deadline latest, int events_max);

  EpollSet watched_;
  EpollIo io_;
  const std::shared_ptr<Waker> waker_;
  const bool sleeps_in_nanoseconds_;
  BusyPoll busy_poll_;
  std::array<epoll_event, kEventsMax> batch_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_EPOLL_BACKEND_H_
