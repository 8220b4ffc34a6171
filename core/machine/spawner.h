// Spawner: the right to create machines of one kind.
#ifndef ROTOR_CORE_MACHINE_SPAWNER_H_
#define ROTOR_CORE_MACHINE_SPAWNER_H_

#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/machine/machine_host.h"
#include "core/notifier/notifier.h"

namespace rotor {

// A composer makes one (SpawnerFor<M>()) and hands it to whoever may spawn. Copy freely; valid as
// long as the loop; its thread only. Children belong to the spawner's group.
template <typename M>
class Spawner {
 public:
  // Finds, for the slot of this index, the place where an M is to be built.
  using Prepare = void* (*)(MachineHost& host, uint32_t index);

  Spawner(MachineHost& host, GroupId group, Prepare prepare)
      : host_(&host), group_(group), prepare_(prepare) {}

  bool HasRoom() const { return host_->RoomLeft() > 0; }

  // Builds M(args...) in its slot and returns the handle that wakes it. Its Start() runs after the
  // current handler has returned. kResourceExhausted if the loop is full: then the arguments are
  // untouched.
  template <typename... Args>
  absl::StatusOr<Notifier> Spawn(Args&&... args) const {
    absl::StatusOr<Token> token = host_->ReserveSlot(group_);
    if (!token.ok()) return token.status();
    ::new (prepare_(*host_, token->index)) M(std::forward<Args>(args)...);
    host_->SlotFilled(*token);
    return host_->NotifierFor(*token);
  }

 private:
  MachineHost* host_;
  GroupId group_;
  Prepare prepare_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_SPAWNER_H_
