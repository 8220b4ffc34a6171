// Backend: where events, time and entropy come from. Epoll is one; the simulator is another.
//
// Contract, checked for every implementation by //core/backend:contract:
//
//  * A watch is edge-triggered in both directions at once. The first report comes even if the
//    descriptor became ready before Watch(). Every report may be spurious: the call decides.
//  * Events carry the key given to Watch(), never a descriptor: a key outlives its machine, and
//    the loop drops events whose key is stale.
//  * The end of a stream is always reported as peer_closed(), also when unread bytes come before
//  it.
//    So a read that left room in its buffer has drained the socket, unless peer_closed() or error()
//    was reported: then only the next read tells.
//  * Closing a descriptor ends its watch. Unwatch() is needed only while the descriptor, or a
//    duplicate of it, stays open.
//  * Wait() never returns after `latest` without a reason and never sleeps short of it without one:
//    sleeps are rounded up to the precision of the clock.
#ifndef ROTOR_CORE_BACKEND_BACKEND_H_
#define ROTOR_CORE_BACKEND_BACKEND_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/io.h"
#include "core/notifier/waker.h"
#include "core/time/time.h"

namespace rotor {

// What a watched descriptor is, so that a completion backend can serve it too.
enum class WatchKind : uint8_t {
  kListener,
  kStream,
  kDatagram,  // Writability is reported only after Io::SendTo() would have blocked.
  kOther,
};

// The one key that Backend::Watch() does not accept; backends use it for themselves.
inline constexpr uint64_t kReservedKey = ~uint64_t{0};

// Why a machine's Ready() is called. `readable` and `writable` may be spurious: always let the
// system call decide. The others are hints: bytes may be left to read behind them.
class Readiness {
 public:
  constexpr Readiness() = default;
  static constexpr Readiness Readable() { return Readiness(kReadable); }
  static constexpr Readiness Writable() { return Readiness(kWritable); }
  static constexpr Readiness PeerClosed() { return Readiness(kReadable | kPeerClosed); }
  static constexpr Readiness Error() { return Readiness(kReadable | kWritable | kError); }
  friend constexpr Readiness operator|(Readiness a, Readiness b) {
    return Readiness(static_cast<uint8_t>(a.bits_ | b.bits_));
  }

  constexpr bool readable() const { return bits_ & kReadable; }
  constexpr bool writable() const { return bits_ & kWritable; }
  constexpr bool peer_closed() const { return bits_ & kPeerClosed; }
  constexpr bool error() const { return bits_ & kError; }
  // Nothing happened outside: the machine yielded, or what it waited for (a slot, memory) came.
  constexpr bool resumed() const { return bits_ == 0; }
  // Which of the machine's watches this is about: the tag given to Scope::Watch().
  constexpr uint8_t tag() const { return tag_; }
  constexpr Readiness WithTag(uint8_t tag) const {
    Readiness tagged(bits_);
    tagged.tag_ = tag;
    return tagged;
  }

 private:
  static constexpr uint8_t kReadable = 1, kWritable = 2, kPeerClosed = 4, kError = 8;
  constexpr explicit Readiness(int bits) : bits_(static_cast<uint8_t>(bits)) {}

  uint8_t bits_ = 0;
  uint8_t tag_ = 0;
};

struct Event {
  uint64_t key = 0;  // As given to Watch().
  Readiness readiness;
};

// Owned by main() or a test; outlives the loop and every Fd opened through io(). All methods belong
// to the loop's thread; only the Waker may be used from others.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual Time Now() = 0;             // Monotonic.
  virtual absl::Time WallTime() = 0;  // For dates shown to people and peers; may jump.
  virtual uint64_t Entropy() = 0;     // Unpredictable here, seeded in a simulator.

  virtual absl::Status Watch(const Fd& fd, WatchKind kind, uint64_t key) = 0;
  // After return, no later Wait() reports this watch.
  virtual void Unwatch(const Fd& fd) = 0;

  // Sleeps until an event, a Signal() of the waker, or `latest`. Fills the front of `events` and
  // returns how many; an interrupted or woken sleep returns 0.
  virtual absl::StatusOr<size_t> Wait(Deadline latest, std::span<Event> events) = 0;

  // Makes the current or the next Wait() return at once. Thread-safe, and safe to use after the
  // backend is gone.
  virtual std::shared_ptr<Waker> waker() = 0;

  virtual Io& io() = 0;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_BACKEND_H_
