// HTTP on Boost.Beast, its parser fed by hand so that all answers to one read leave in one write:
// several times as fast as async_read and async_write for each request. Fields live in memory of
// the connection. Argument: port.
#define BOOST_ASIO_DISABLE_THREADS 1
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
// The executor by type, not by pointer: no virtual calls.
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;
using Allocator = std::pmr::polymorphic_allocator<char>;
using Parser = http::request_parser<http::empty_body, Allocator>;
using Answer = http::response<http::span_body<const char>, http::basic_fields<Allocator>>;

constexpr char kContent[] = "Hello, World!";
char date[64];

void ReadClock() {
  const time_t now = time(nullptr);
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
}

// Memory that is given back as a whole.
class Arena {
 public:
  Allocator Fresh() {
    resource_.emplace(memory_, sizeof memory_);
    return Allocator(&*resource_);
  }

 private:
  alignas(16) char memory_[4096];
  std::optional<std::pmr::monotonic_buffer_resource> resource_;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : socket_(std::move(socket)) { ExpectRequest(); }

  void Read() {
    socket_.async_read_some(input_.prepare(input_.max_size() - input_.size()),
                            [self = shared_from_this()](error_code error, size_t size) {
                              if (error) return;
                              self->input_.commit(size);
                              self->Parse();
                            });
  }

 private:
  void ExpectRequest() {
    parser_.reset();
    parser_.emplace(std::piecewise_construct, std::make_tuple(),
                    std::make_tuple(request_arena_.Fresh()));
  }

  void Parse() {
    output_.clear();
    while (input_.size() > 0 && keep_alive_) {
      error_code error;
      input_.consume(parser_->put(input_.data(), error));
      if (error == http::error::need_more) break;
      if (error) {
        keep_alive_ = false;
      } else if (parser_->is_done()) {
        keep_alive_ = parser_->get().keep_alive();
        Append();
        ExpectRequest();
      }
    }
    if (output_.empty()) {
      if (keep_alive_) Read();
      return;
    }
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (!error && self->keep_alive_) self->Read();
                      });
  }

  void Append() {
    Answer answer(std::piecewise_construct, std::make_tuple(),
                  std::make_tuple(answer_arena_.Fresh()));
    answer.result(http::status::ok);
    answer.version(11);
    answer.set(http::field::date, date);
    answer.set(http::field::server, "beast");
    answer.set(http::field::content_type, "text/plain");
    answer.keep_alive(keep_alive_);
    answer.body() = {kContent, sizeof kContent - 1};
    answer.prepare_payload();
    http::response_serializer<Answer::body_type, Answer::fields_type> serializer(answer);
    error_code error;
    while (!serializer.is_done() && !error) {
      serializer.next(error, [&](error_code&, const auto& buffers) {
        size_t size = 0;
        for (const asio::const_buffer buffer : beast::buffers_range_ref(buffers)) {
          output_.append(static_cast<const char*>(buffer.data()), buffer.size());
          size += buffer.size();
        }
        serializer.consume(size);
      });
    }
  }

  Socket socket_;
  beast::flat_static_buffer<8192> input_;
  Arena request_arena_;
  Arena answer_arena_;
  std::optional<Parser> parser_;
  std::string output_;
  bool keep_alive_ = true;
};

void Accept(Acceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, Socket socket) {
    if (!error) {
      socket.set_option(asio::ip::tcp::no_delay(true), error);
      std::make_shared<Session>(std::move(socket))->Read();
    }
    Accept(acceptor);
  });
}

void Tick(asio::steady_timer& timer) {
  ReadClock();
  timer.expires_after(std::chrono::seconds(1));
  timer.async_wait([&timer](error_code) { Tick(timer); });
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
  asio::steady_timer timer(loop);
  Tick(timer);
  loop.run();
}
