// What tests of the epoll backend share: its host in the contract, and peers by system calls.
#ifndef ROTOR_CORE_BACKEND_EPOLL_EPOLL_TEST_HOST_H_
#define ROTOR_CORE_BACKEND_EPOLL_EPOLL_TEST_HOST_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "core/backend/contract.h"
#include "core/backend/epoll/epoll_backend.h"
#include "gtest/gtest.h"

namespace rotor {

inline SocketAddress LocalAddressOf(int number) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  EXPECT_EQ(getsockname(number, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return SocketAddress::FromKernel(reinterpret_cast<sockaddr*>(&address), size);
}

// A socket of the test's own, beside the backend.
class RawStream : public ContractPeer {
 public:
  explicit RawStream(const SocketAddress& listener)
      : number_(socket(listener.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(connect(number_, listener.kernel_address(), listener.kernel_size()), 0) << errno;
  }
  ~RawStream() override { Close(); }

  void Send(std::string_view bytes) override {
    EXPECT_EQ(send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void ShutdownWrite() override { EXPECT_EQ(shutdown(number_, SHUT_WR), 0); }
  void Close() override {
    if (number_ >= 0) close(std::exchange(number_, -1));
  }
  void Reset() override {
    const linger abort = {.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(setsockopt(number_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
    Close();
  }
  std::string Receive(size_t bytes_max) override {
    std::string bytes(bytes_max, '\0');
    const ssize_t received = recv(number_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    at_end_ = at_end_ || received == 0;
    bytes.resize(received > 0 ? static_cast<size_t>(received) : 0);
    return bytes;
  }
  bool at_end() const override { return at_end_; }
  SocketAddress LocalAddress() const override { return LocalAddressOf(number_); }

 private:
  int number_;
  bool at_end_ = false;
};

class RawDatagram : public ContractDatagramPeer {
 public:
  RawDatagram() : number_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress any = *SocketAddress::Ip("127.0.0.1", 0);
    EXPECT_EQ(bind(number_, any.kernel_address(), any.kernel_size()), 0);
  }
  ~RawDatagram() override { close(number_); }

  void SendTo(std::string_view datagram, const SocketAddress& to) override {
    EXPECT_EQ(
        sendto(number_, datagram.data(), datagram.size(), 0, to.kernel_address(), to.kernel_size()),
        static_cast<ssize_t>(datagram.size()));
  }
  bool Receive(std::string& datagram) override {
    datagram.resize(65'536);
    sockaddr_storage sender;
    socklen_t size = sizeof(sender);
    const ssize_t received = recvfrom(number_, datagram.data(), datagram.size(), MSG_DONTWAIT,
                                      reinterpret_cast<sockaddr*>(&sender), &size);
    datagram.resize(received > 0 ? static_cast<size_t>(received) : 0);
    if (received < 0) return false;
    sender_ = SocketAddress::FromKernel(reinterpret_cast<const sockaddr*>(&sender), size);
    return true;
  }
  SocketAddress sender() const override { return sender_; }
  SocketAddress LocalAddress() const override { return LocalAddressOf(number_); }

 private:
  const int number_;
  SocketAddress sender_;
};

class EpollHost : public ContractHost {
 public:
  explicit EpollHost(const EpollOptions& options = {}) : backend_(*EpollBackend::Create(options)) {
    char directory[] = "/tmp/rotor_files_XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    file_root_ = directory;
  }
  ~EpollHost() override {
    if (signaller_.joinable()) signaller_.join();
    std::filesystem::remove_all(file_root_);
  }

  Backend& backend() override { return *backend_; }
  std::unique_ptr<ContractPeer> Connect(const SocketAddress& listener) override {
    return std::make_unique<RawStream>(listener);
  }
  std::unique_ptr<ContractDatagramPeer> BindDatagram() override {
    return std::make_unique<RawDatagram>();
  }
  void RaiseSignal(int signal) override { EXPECT_EQ(kill(getpid(), signal), 0); }
  void SignalSoon(std::shared_ptr<Waker> waker) override {
    signaller_ = std::thread([waker] { waker->Signal(); });
  }
  void Progress() override { poll(nullptr, 0, 1); }
  bool has_ipv6() const override {
    return backend_->io().Listen(*SocketAddress::Ip("::1", 0), ListenerOptions()).ok();
  }

  std::string_view file_root() const override { return file_root_; }
  void WriteFile(std::string_view path, std::string_view bytes) override {
    std::ofstream(Place(path), std::ios::binary) << bytes;
  }
  void MakeLink(std::string_view path, std::string_view target) override {
    std::filesystem::create_symlink(target, Place(path));
  }
  void MakePipe(std::string_view path) override { EXPECT_EQ(mkfifo(Place(path).c_str(), 0600), 0); }
  void RemoveFile(std::string_view path) override { std::filesystem::remove(Place(path)); }
  void TruncateFile(std::string_view path, size_t bytes) override {
    std::filesystem::resize_file(Place(path), bytes);
  }

 private:
  std::filesystem::path Place(std::string_view path) const {
    const std::filesystem::path place = std::filesystem::path(file_root_) / path;
    std::filesystem::create_directories(place.parent_path());
    return place;
  }

  std::unique_ptr<EpollBackend> backend_;
  std::string file_root_;
  std::thread signaller_;
};

// Makes a system call fail for the rest of the calling thread's life (seccomp(2)). False if this
// machine does not allow that.
inline bool FailSystemCall(uint32_t call, uint32_t error) {
  std::array<sock_filter, 4> program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = program.size(), .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_EPOLL_EPOLL_TEST_HOST_H_
