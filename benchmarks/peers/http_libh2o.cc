// HTTP on libh2o with its own event loop: one handler, which sends from memory. Argument: port.
#include <netinet/in.h>
#include <sys/socket.h>

#include <climits>
#include <csignal>
#include <cstdlib>

#define H2O_USE_EPOLL 1
#include <h2o.h>
#include <h2o/http1.h>

namespace {

h2o_globalconf_t config;
h2o_context_t context;
h2o_accept_ctx_t accepting;
char content[] = "Hello, World!";

int Answer(h2o_handler_t*, h2o_req_t* request) {
  static h2o_generator_t generator{};
  h2o_iovec_t body = h2o_iovec_init(content, sizeof content - 1);
  request->res.status = 200;
  request->res.reason = "OK";
  request->res.content_length = body.len;
  h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, nullptr,
                 "text/plain", 10);
  h2o_start_response(request, &generator);
  h2o_send(request, &body, 1, H2O_SEND_STATE_FINAL);
  return 0;
}

void Accept(h2o_socket_t* listener, const char* error) {
  if (error != nullptr) return;
  for (int left = 64; left > 0; --left) {
    h2o_socket_t* socket = h2o_evloop_socket_accept(listener);
    if (socket == nullptr) return;
    h2o_accept(&accepting, socket);
  }
}

int Listen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) exit(1);
  if (listen(fd, 4096) != 0) exit(1);
  return fd;
}

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  h2o_config_init(&config);
  config.http1.req_timeout = 600'000;  // Idle connections stay.
  h2o_hostconf_t* host = h2o_config_register_host(&config, h2o_iovec_init("default", 7), 65535);
  h2o_handler_t* handler =
      h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t));
  handler->on_req = Answer;
  h2o_context_init(&context, h2o_evloop_create(), &config);
  accepting.ctx = &context;
  accepting.hosts = config.hosts;
  h2o_socket_t* listener =
      h2o_evloop_socket_create(context.loop, Listen(atoi(argv[1])), H2O_SOCKET_FLAG_DONT_READ);
  h2o_socket_read_start(listener, Accept);
  while (h2o_evloop_run(context.loop, INT_MAX) == 0) {
  }
}
