// How other threads end the sleep of a loop.
#ifndef ROTOR_CORE_NOTIFIER_WAKER_H_
#define ROTOR_CORE_NOTIFIER_WAKER_H_

namespace rotor {

// Implemented by a backend, e.g. with an eventfd. Held by shared_ptr, because a signal may come
// late, when the loop has already ended; it must be harmless then.
class Waker {
 public:
  virtual ~Waker() = default;

  // Makes the sleep that is going on, or else the next one, end at once. Any thread, never blocks,
  // never fails; signals that come before the sleep ends are merged.
  virtual void Signal() = 0;
};

}  // namespace rotor

#endif  // ROTOR_CORE_NOTIFIER_WAKER_H_
