// The way to a machine from other machines and other threads.
#ifndef ROTOR_CORE_NOTIFIER_NOTIFIER_H_
#define ROTOR_CORE_NOTIFIER_NOTIFIER_H_

#include <memory>
#include <utility>

#include "core/base/check.h"
#include "core/notifier/wake_queue.h"
#include "core/slab/token.h"

namespace rotor {

// Wakes one machine. Copy it freely and use it from any thread (each copy from one thread at a
// time, as usual). It may outlive the machine and the loop: waking does nothing then, also if
// another machine has moved into the slot. A default-constructed one wakes nobody. 24 bytes.
class Notifier {
 public:
  Notifier() = default;

  // For the loop, which hands notifiers out: `token` was announced to `queue` by SlotAcquired().
  Notifier(std::shared_ptr<WakeQueue> queue, Token token)
      : queue_(std::move(queue)), token_(token) {
    ROTOR_CHECK(queue_ != nullptr && token.generation != 0, "a notifier names a machine of a loop");
  }

  // Asks for one Wakeup of the machine, soon. Never blocks, never fails. Calls that come before
  // the machine runs are merged; what happened before any of them is visible in that Wakeup. Costs
  // one atomic exchange if a wake is pending, two if not, and a Waker::Signal() if the loop sleeps.
  void Wake() const {
    if (queue_ != nullptr) queue_->Wake(token_);
  }

 private:
  std::shared_ptr<WakeQueue> queue_;
  Token token_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_NOTIFIER_NOTIFIER_H_
