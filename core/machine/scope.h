// Scope: the one door between a machine and its loop.
#ifndef ROTOR_CORE_MACHINE_SCOPE_H_
#define ROTOR_CORE_MACHINE_SCOPE_H_

#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "core/backend/backend.h"
#include "core/base/random.h"
#include "core/machine/machine_host.h"
#include "core/notifier/notifier.h"
#include "core/time/time.h"

namespace rotor {

// Valid during one call of a handler; never store one. Everything a machine learns or does passes
// through here (time, chance, sockets, children, wake-ups), which is why the whole program runs
// unchanged in a simulator. No method runs a handler: effects come after the current one returns.
// The loop's thread only.
class Scope {
 public:
  Scope(MachineHost& host, Token token) : host_(host), token_(token) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // The time at which this turn's events were collected. Constant during a turn.
  Time now() const { return host_.now_; }
  // For dates shown to people and peers; may jump.
  absl::Time wall_time() const { return host_.backend().WallTime(); }
  // The only source of chance; seeded in a simulator. Not for secrets.
  Random& random() const { return host_.random_; }
  // The seed of what must not be guessed. A system call.
  uint64_t entropy() const { return host_.backend().Entropy(); }

  // Non-blocking system calls: always these, never ::read() and friends.
  Io& io() const { return host_.backend().io(); }
  // From now on Ready() is called when `fd` becomes readable or writable (edge-triggered, both
  // ways at once), with `tag` in its Readiness. The machine keeps owning `fd`; closing ends it.
  absl::Status Watch(const Fd& fd, WatchKind kind, uint8_t tag = 0) {
    return host_.Watch(token_, fd, kind, tag);
  }
  // Ends the watch of an `fd` that stays open, to give it to another machine.
  void Unwatch(const Fd& fd) { host_.backend().Unwatch(fd); }

  // A handle that wakes this machine from any thread, or from another machine.
  Notifier notifier() const { return host_.NotifierFor(token_); }
  // Flush() comes once, however often asked: when this turn ends, or earlier if it takes long.
  void FlushAtEndOfTurn() { host_.FlushAtEndOfTurn(token_); }
  // Ready() is called, resumed() and all, when a slot or buffer memory has come back.
  void ResumeWhenRoomReturns() { host_.ResumeWhenRoomReturns(token_); }
  // How many more machines the loop has slots for.
  uint32_t room_left() const { return host_.RoomLeft(); }
  // This machine alone does not keep the loop running, and no drain ends it: a signal handler, a
  // periodic report.
  void RunInBackground() { host_.RunInBackground(token_); }

  // Asks every machine, or those of one group, to finish: each gets a Wakeup() with draining()
  // true. What is left at `deadline` is destroyed and named in the log. A sooner deadline replaces
  // a later one.
  void Drain(Deadline deadline) { host_.DrainAll(deadline); }
  void Drain(GroupId group, Deadline deadline) { host_.DrainGroup(group, deadline); }
  // A drain whose deadline is now: all machines are destroyed after this turn, without a call.
  void ShutDown() { host_.DrainAll(now()); }
  bool draining() const { return host_.draining(token_); }
  Deadline drain_deadline() const { return host_.drain_deadline(token_); }

  CounterRegistry& counters() const { return host_.counters_; }
  LogSink& log() const { return *host_.log_; }
  // Calls `visit` with up to `count` living machines from slot `first` on; returns the slot to go
  // on from, or 0 at the end. Visits at most 16 slots for each machine asked for.
  uint32_t VisitMachines(uint32_t first, uint32_t count,
                         absl::FunctionRef<void(const MachineReport&)> visit) const {
    return host_.VisitMachines(first, count, visit);
  }

  // For layers that own buffers, such as //protocols/stream. Buffers of the pool may be kept; the
  // receive buffer is every machine's, and its bytes are gone when the handler returns.
  BufferPool& buffer_pool() const { return host_.buffer_pool_; }
  std::span<char> receive_buffer() const { return host_.receive_buffer(); }

 protected:
  MachineHost& host_;

 private:
  Token token_;
};

// A Scope that also reaches the application's context, of which the loop holds one.
template <typename Context>
class ContextScope final : public Scope {
 public:
  ContextScope(MachineHost& host, Token token, Context& context)
      : Scope(host, token), context_(context) {}

  Context& context() const { return context_; }

 private:
  Context& context_;
};

// For loops that need no context.
struct NoContext {};

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_SCOPE_H_
