// Does a class have a member of this name, whatever its signature? For messages about handlers.
#ifndef ROTOR_CORE_MACHINE_MEMBER_CHECK_H_
#define ROTOR_CORE_MACHINE_MEMBER_CHECK_H_

namespace rotor::member {

// A class derived from both T and a base that has the name finds it ambiguous if T has it too. This
// sees templates, overloads and private members, which a requires-expression does not. T must not
// be final.
#define ROTOR_DEFINE_HAS_MEMBER(Name)           \
  struct Name##Base {                           \
    int Name;                                   \
  };                                            \
  template <typename T>                         \
  struct Name##Probe : T, Name##Base {};        \
  template <typename T>                         \
  inline constexpr bool Has##Name = !requires { \
    &Name##Probe<T>::Name;                      \
  }

ROTOR_DEFINE_HAS_MEMBER(Ready);
ROTOR_DEFINE_HAS_MEMBER(Timeout);
ROTOR_DEFINE_HAS_MEMBER(Wakeup);
ROTOR_DEFINE_HAS_MEMBER(Flush);
ROTOR_DEFINE_HAS_MEMBER(Describe);
// Near misses.
ROTOR_DEFINE_HAS_MEMBER(WakeUp);
ROTOR_DEFINE_HAS_MEMBER(TimeOut);
ROTOR_DEFINE_HAS_MEMBER(OnReady);
// Of stream protocols.
ROTOR_DEFINE_HAS_MEMBER(Flushed);
ROTOR_DEFINE_HAS_MEMBER(InputEnded);
ROTOR_DEFINE_HAS_MEMBER(Failed);

#undef ROTOR_DEFINE_HAS_MEMBER

}  // namespace rotor::member

#endif  // ROTOR_CORE_MACHINE_MEMBER_CHECK_H_
