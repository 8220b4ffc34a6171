// A client on a real socket, in the thread of the loop it talks to: for tests.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_LOOPBACK_CLIENT_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_LOOPBACK_CLIENT_H_

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "core/backend/socket_address.h"
#include "gtest/gtest.h"

namespace rotor::http {

// Receiving never blocks. Sending may: keep it below the socket's buffer.
class LoopbackClient {
 public:
  explicit LoopbackClient(const SocketAddress& address)
      : fd_(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(connect(fd_, address.kernel_address(), address.kernel_size()), 0);
  }
  ~LoopbackClient() { close(fd_); }

  void Send(std::string_view bytes) {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void ShutdownWrite() { EXPECT_EQ(shutdown(fd_, SHUT_WR), 0); }
  // What is there by now.
  void Receive() {
    char bytes[4096];
    ssize_t count;
    while ((count = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
      received_.append(bytes, static_cast<size_t>(count));
    }
    ended_ |= count == 0;
    EXPECT_TRUE(count == 0 || errno == EAGAIN) << "recv: " << errno;
  }
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }

 private:
  const int fd_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_LOOPBACK_CLIENT_H_
