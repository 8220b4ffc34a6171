#include "core/backend/epoll/epoll_backend.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/check.h"

namespace rotor {
namespace {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;

// Owned together by the backend and everybody who may signal it, so that a late signal finds its
// eventfd open, although nobody waits for it.
class EventfdWaker : public Waker {
 public:
  explicit EventfdWaker(int number) : number_(number) {}
  ~EventfdWaker() override { close(number_); }

  // Nobody ever reads the counter: each write is an edge of its own. EAGAIN, a full counter, takes
  // 2^64 - 2 signals: centuries.
  void Signal() override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(number_, &one, sizeof(one));
  }

 private:
  const int number_;
};

// Kernels before 5.11 do not know epoll_pwait2(2), and a container's system call filter may not.
bool HasNanosecondSleep(int epoll) {
  epoll_event unused;
  const timespec at_once = {};
  return epoll_pwait2(epoll, &unused, 1, &at_once, nullptr) >= 0;
}

Readiness ToReadiness(uint32_t events) {
  Readiness readiness;
  if (events & EPOLLIN) readiness = readiness | Readiness::Readable();
  if (events & EPOLLOUT) readiness = readiness | Readiness::Writable();
  if (events & (EPOLLRDHUP | EPOLLHUP)) readiness = readiness | Readiness::PeerClosed();
  if (events & EPOLLERR) readiness = readiness | Readiness::Error();
  return readiness;
}

bool ReadEntropy(uint64_t& number) {
  // So few bytes are never cut short (getrandom(2)).
  ssize_t filled;
  do {
    filled = getrandom(&number, sizeof(number), 0);
  } while (filled < 0 && errno == EINTR);
  return filled == sizeof(number);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollBackend>> EpollBackend::Create(const EpollOptions& options) {
  if (options.busy_poll_max < absl::ZeroDuration() || options.busy_poll_max > absl::Seconds(1)) {
    return absl::InvalidArgumentError(absl::StrCat("EpollOptions: busy_poll_max is ",
                                                   absl::FormatDuration(options.busy_poll_max),
                                                   "; 0 to 1s is allowed"));
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return absl::ErrnoToStatus(errno, "create epoll backend: epoll_create1");
  const int counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (counter < 0) {
    const absl::Status failed = absl::ErrnoToStatus(errno, "create epoll backend: eventfd");
    close(epoll);
    return failed;
  }
  auto backend = std::unique_ptr<EpollBackend>(
      new EpollBackend(epoll, std::make_shared<EventfdWaker>(counter), options));
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kReservedKey;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) != 0) {
    return absl::ErrnoToStatus(errno, "create epoll backend: epoll_ctl");
  }
  uint64_t unused;
  if (!ReadEntropy(unused)) return absl::ErrnoToStatus(errno, "create epoll backend: getrandom");
  return backend;
}

EpollBackend::EpollBackend(int epoll, std::shared_ptr<Waker> waker, const EpollOptions& options)
    : watched_(epoll),
      io_(watched_),
      waker_(std::move(waker)),
      sleeps_in_nanoseconds_(HasNanosecondSleep(epoll)),
      busy_poll_(options.busy_poll_max) {}

Time EpollBackend::Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time::FromNanoseconds(now.tv_sec * kNanosecondsPerSecond + now.tv_nsec);
}

absl::Time EpollBackend::WallTime() { return absl::Now(); }

uint64_t EpollBackend::Entropy() {
  uint64_t number;
  ROTOR_CHECK(ReadEntropy(number), "getrandom(2) must stay allowed after EpollBackend::Create()");
  return number;
}

absl::Status EpollBackend::Watch(const Fd& fd, WatchKind kind, uint64_t key) {
  return watched_.Watch(fd.number(), kind, key);
}

void EpollBackend::Unwatch(const Fd& fd) { watched_.Unwatch(fd.number()); }

absl::StatusOr<size_t> EpollBackend::Wait(Deadline latest, std::span<Event> events) {
  ROTOR_CHECK(!events.empty(), "Backend::Wait(): no room for events");
  const int found = FindEvents(latest, static_cast<int>(std::min(events.size(), batch_.size())));
  if (found < 0) {
    if (errno == EINTR) return 0;
    return absl::ErrnoToStatus(errno, sleeps_in_nanoseconds_ ? "wait for events: epoll_pwait2"
                                                             : "wait for events: epoll_wait");
  }
  size_t reported = 0;
  for (int i = 0; i < found; ++i) {
    if (batch_[i].data.u64 == kReservedKey) continue;  // The waker.
    events[reported++] = {batch_[i].data.u64, ToReadiness(batch_[i].events)};
  }
  return reported;
}

int EpollBackend::FindEvents(Deadline latest, int events_max) {
  if (!busy_poll_.enabled()) return Sleep(latest, events_max);
  const Time begin = Now();
  // A wait that does not wait says nothing of how long one would be.
  if (latest.ReachedAt(begin)) return Sleep(latest, events_max);
  int found = 0;
  if (busy_poll_.ShouldPoll()) {
    found = Poll(Sooner(latest, begin + busy_poll_.longest()), events_max);
  }
  if (found == 0) found = Sleep(latest, events_max);
  const int error = errno;
  busy_poll_.WaitEnded(found > 0, Now() - begin);
  errno = error;
  return found;
}

int EpollBackend::Poll(Deadline latest, int events_max) {
  for (;;) {
    const int found = epoll_wait(watched_.number(), batch_.data(), events_max, 0);
    if (found != 0 || latest.ReachedAt(Now())) return found;
    sched_yield();
  }
}

// As epoll_wait(2): a count, or -1 and errno.
int EpollBackend::Sleep(Deadline latest, int events_max) {
  int64_t remaining = 0;  // Nanoseconds.
  if (!latest.is_never()) {
    const Time now = Now();
    if (!latest.ReachedAt(now)) remaining = latest.time().nanoseconds() - now.nanoseconds();
  }
  if (sleeps_in_nanoseconds_) {
    const timespec timeout = {.tv_sec = remaining / kNanosecondsPerSecond,
                              .tv_nsec = remaining % kNanosecondsPerSecond};
    return epoll_pwait2(watched_.number(), batch_.data(), events_max,
                        latest.is_never() ? nullptr : &timeout, nullptr);
  }
  // Rounded up, since a sleep that ends early is followed by another, of almost nothing. Only one
  // of more than 24 days is cut, which costs its loop an idle turn.
  const int64_t milliseconds = remaining / kNanosecondsPerMillisecond +
                               (remaining % kNanosecondsPerMillisecond != 0 ? 1 : 0);
  const int64_t timeout = std::min<int64_t>(milliseconds, std::numeric_limits<int>::max());
  return epoll_wait(watched_.number(), batch_.data(), events_max,
                    latest.is_never() ? -1 : static_cast<int>(timeout));
}

}  // namespace rotor
