// Listeners that a service manager opened and passed to this process, as sd_listen_fds(3)
// describes.
#ifndef ROTOR_CORE_BACKEND_EPOLL_INHERITED_LISTENERS_H_
#define ROTOR_CORE_BACKEND_EPOLL_INHERITED_LISTENERS_H_

#include <vector>

#include "absl/status/statusor.h"

namespace rotor {

// The descriptors from 3 on, $LISTEN_FDS of them, if $LISTEN_PID is this process; for the option
// `inherited` of a server. Empty if nothing was passed. They are closed in programs that this one
// starts, and the variables are gone afterwards, so a second call gives nothing. kInvalidArgument
// if the variables make no sense or a descriptor is not open. Before threads are started.
absl::StatusOr<std::vector<int>> InheritedListeners();

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_INHERITED_LISTENERS_H_
