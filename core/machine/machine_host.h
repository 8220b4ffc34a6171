// MachineHost: what a loop offers its machines, behind Scope and Spawner. Not for authors.
#ifndef ROTOR_CORE_MACHINE_MACHINE_HOST_H_
#define ROTOR_CORE_MACHINE_MACHINE_HOST_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/backend/backend.h"
#include "core/base/random.h"
#include "core/buffer/buffer.h"
#include "core/machine/counters.h"
#include "core/machine/log.h"
#include "core/notifier/notifier.h"
#include "core/slab/token.h"
#include "core/time/time.h"

namespace rotor {

// The machines mounted under one name: the unit of drain, counters and paths.
enum class GroupId : uint16_t {};

// What a machine says of itself when somebody asks; see machine.h.
struct Description {
  std::string state;      // The name of the state it is in.
  std::string waits_for;  // What would move it on.
  std::string peer;       // Whom it serves.
  size_t bytes_held = 0;  // Memory beyond its slot.
};

// One living machine as an inspector shows it.
struct MachineReport {
  std::string path;       // "/http/17": group and slot.
  std::string_view kind;  // The type's name.
  Description description;
  absl::Duration age;
  Deadline deadline = Deadline::Never();
  bool draining = false;
};

class MachineHost {
 public:
  virtual ~MachineHost() = default;

  Backend& backend() { return backend_; }

 protected:
  friend class Scope;
  template <typename M>
  friend class Spawner;

  MachineHost(Backend& backend, size_t buffer_bytes_max, uint64_t seed, LogSink* log)
      : backend_(backend), random_(seed), buffer_pool_(buffer_bytes_max), log_(log) {}

  virtual absl::Status Watch(Token token, const Fd& fd, WatchKind kind, uint8_t tag) = 0;
  virtual Notifier NotifierFor(Token token) = 0;
  virtual void FlushAtEndOfTurn(Token token) = 0;
  virtual void ResumeWhenRoomReturns(Token token) = 0;
  virtual void RunInBackground(Token token) = 0;
  virtual void DrainAll(Deadline deadline) = 0;
  virtual void DrainGroup(GroupId group, Deadline deadline) = 0;
  virtual bool draining(Token token) const = 0;
  virtual Deadline drain_deadline(Token token) const = 0;
  virtual uint32_t VisitMachines(uint32_t first, uint32_t count,
                                 absl::FunctionRef<void(const MachineReport&)> visit) = 0;
  virtual std::span<char> receive_buffer() = 0;

  // Spawning in two steps, so that the machine is built in its place by whoever knows its type.
  virtual uint32_t RoomLeft() const = 0;
  virtual absl::StatusOr<Token> ReserveSlot(GroupId group) = 0;
  virtual void SlotFilled(Token token) = 0;

  Backend& backend_;
  Time now_;
  Random random_;
  BufferPool buffer_pool_;
  CounterRegistry counters_;
  LogSink* log_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_MACHINE_HOST_H_
