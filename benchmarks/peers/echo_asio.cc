// Line echo on Asio: what has come up to the last line feed goes back in one write. Argument: port.
#define ASIO_DISABLE_THREADS 1
#include <asio.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

// The executor by type, not by pointer: no virtual calls.
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : socket_(std::move(socket)) {}

  void Read() {
    if (size_ == sizeof bytes_) return;  // A line too long.
    socket_.async_read_some(asio::buffer(bytes_ + size_, sizeof bytes_ - size_),
                            [self = shared_from_this()](std::error_code error, size_t size) {
                              if (!error) self->Received(size);
                            });
  }

 private:
  void Received(size_t size) {
    size_ += size;
    const size_t end = std::string_view(bytes_, size_).rfind('\n');
    if (end == std::string_view::npos) return Read();
    asio::async_write(socket_, asio::buffer(bytes_, end + 1),
                      [self = shared_from_this()](std::error_code error, size_t written) {
                        if (error) return;
                        self->size_ -= written;
                        std::char_traits<char>::move(self->bytes_, self->bytes_ + written,
                                                     self->size_);
                        self->Read();
                      });
  }

  Socket socket_;
  char bytes_[4096];
  size_t size_ = 0;
};

void Accept(Acceptor& acceptor) {
  acceptor.async_accept([&acceptor](std::error_code error, Socket socket) {
    if (!error) {
      socket.set_option(asio::ip::tcp::no_delay(true), error);
      std::make_shared<Session>(std::move(socket))->Read();
    }
    Accept(acceptor);
  });
}

}  // namespace

int main(int, char** argv) {
  asio::io_context loop(1);
  Acceptor acceptor(loop.get_executor());
  acceptor.open(asio::ip::tcp::v4());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  acceptor.bind({asio::ip::address_v4::loopback(), static_cast<uint16_t>(atoi(argv[1]))});
  acceptor.listen(4096);
  Accept(acceptor);
  loop.run();
}
