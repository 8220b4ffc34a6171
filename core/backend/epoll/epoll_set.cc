#include "core/backend/epoll/epoll_set.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace rotor {
namespace {

constexpr uint32_t kReadableEdges = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr uint32_t kAllEdges = kReadableEdges | EPOLLOUT;

epoll_event MakeEvent(uint32_t edges, uint64_t key) {
  epoll_event event = {};
  event.events = edges;
  event.data.u64 = key;
  return event;
}

}  // namespace

EpollSet::~EpollSet() { close(number_); }

absl::Status EpollSet::Watch(int fd, WatchKind kind, uint64_t key) {
  ROTOR_CHECK(key != kReservedKey, "Backend::Watch(): the key is reserved");
  const bool is_datagram = kind == WatchKind::kDatagram;
  epoll_event event = MakeEvent(is_datagram ? kReadableEdges : kAllEdges, key);
  if (epoll_ctl(number_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("watch descriptor ", fd, ": epoll_ctl"));
  }
  if (is_datagram) datagram_keys_[fd] = key;
  return absl::OkStatus();
}

void EpollSet::Unwatch(int fd) { epoll_ctl(number_, EPOLL_CTL_DEL, fd, nullptr); }

void EpollSet::WatchDatagramWritable(int fd) {
  const auto found = datagram_keys_.find(fd);
  if (found == datagram_keys_.end()) return;
  epoll_event event = MakeEvent(kAllEdges, found->second);
  // Reports at once if room has come between the send and now: epoll_ctl(2) looks.
  if (epoll_ctl(number_, EPOLL_CTL_MOD, fd, &event) == 0) datagram_keys_.erase(found);
}

}  // namespace rotor
