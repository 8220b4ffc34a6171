// Fd: an open descriptor with one owner; and what calls on one return.
#ifndef ROTOR_CORE_BACKEND_FD_H_
#define ROTOR_CORE_BACKEND_FD_H_

#include <cerrno>
#include <cstddef>
#include <utility>

namespace rotor {

class Io;

// An open descriptor and the duty to close it, through the Io that opened it. Closing ends its
// watch. The Io must outlive it.
class Fd {
 public:
  Fd() = default;
  Fd(Io& io, int number) : io_(&io), number_(number) {}
  Fd(Fd&& other) noexcept : io_(other.io_), number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    io_ = other.io_;
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  ~Fd() { Close(); }

  bool is_open() const { return number_ >= 0; }
  Io* io() const { return io_; }
  int number() const { return number_; }
  void Close() noexcept;

 private:
  Io* io_ = nullptr;
  int number_ = -1;
};

// What a transfer did. `error` is an errno value, 0 if none.
struct IoResult {
  size_t bytes = 0;
  int error = 0;

  bool ok() const { return error == 0; }
  bool would_block() const { return error == EAGAIN || error == EWOULDBLOCK; }
};

struct Accepted {
  Fd socket;      // Not open if `error` is set.
  int error = 0;  // EAGAIN: no connection waits. EMFILE and the like: see accept(2).

  bool would_block() const { return error == EAGAIN || error == EWOULDBLOCK; }
};

}  // namespace rotor

#endif  // ROTOR_CORE_BACKEND_FD_H_
