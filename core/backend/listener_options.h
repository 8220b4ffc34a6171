// How Io::Listen() opens a listener.
#ifndef ROTOR_CORE_BACKEND_LISTENER_OPTIONS_H_
#define ROTOR_CORE_BACKEND_LISTENER_OPTIONS_H_

namespace rotor {

struct ListenerOptions {
  int backlog = 4096;  // Connections the kernel holds before they are accepted; it may hold fewer.
  // Accept only once the client has sent something, or after about this many seconds (tcp(7),
  // TCP_DEFER_ACCEPT). For protocols whose client speaks first. 0 turns it off. TCP only.
  int defer_accept_seconds = 0;
  // Permission bits of the file of a Unix socket, such as 0660, set before anybody can connect. 0:
  // what umask(2) leaves.
  unsigned unix_mode = 0;
  // Replace the file of a Unix socket that nobody listens on any more, because its owner died.
  // Otherwise it is an address in use.
  bool unix_replace_stale = true;
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_LISTENER_OPTIONS_H_
