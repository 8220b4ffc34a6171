// The descriptors an EpollBackend watches.
#ifndef ROTOR_CORE_BACKEND_EPOLL_EPOLL_SET_H_
#define ROTOR_CORE_BACKEND_EPOLL_EPOLL_SET_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "core/backend/backend.h"

namespace rotor {

// Owns an epoll instance. Everything is edge-triggered and registered once, in both directions, so
// that a connection costs one epoll_ctl(2) in its life. That holds for listeners too: the acceptor
// accepts until it would block, or remembers to come back, like any other machine. A
// level-triggered listener would spin when accept(2) fails for want of descriptors.
class EpollSet {
 public:
  // Takes over `number`, an epoll instance.
  explicit EpollSet(int number) : number_(number) {}
  EpollSet(const EpollSet&) = delete;
  EpollSet& operator=(const EpollSet&) = delete;
  ~EpollSet();

  int number() const { return number_; }

  absl::Status Watch(int fd, WatchKind kind, uint64_t key);
  // Nothing happens if `fd` is not watched.
  void Unwatch(int fd);

  // SendTo() on `fd` would have blocked: reports when it no longer would.
  void WatchDatagramWritable(int fd);

 private:
  const int number_;
  // The keys of datagram sockets whose writability is not watched. A datagram socket is "writable"
  // anew whenever the network card has sent one, and an edge for each would wake the loop once per
  // datagram for nothing. Entries of closed sockets stay until their number is watched again; of a
  // descriptor that is not watched, epoll_ctl(2) changes nothing.
  absl::flat_hash_map<int, uint64_t> datagram_keys_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_EPOLL_SET_H_
