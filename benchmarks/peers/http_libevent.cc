// HTTP on libevent's evhttp. Argument: port.
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace {

void Answer(evhttp_request* request, void*) {
  evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
  evbuffer_add_reference(evhttp_request_get_output_buffer(request), "Hello, World!", 13, nullptr,
                         nullptr);
  evhttp_send_reply(request, HTTP_OK, nullptr, nullptr);
}

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  evhttp* server = evhttp_new(base);
  evhttp_set_gencb(server, Answer, nullptr);
  if (evhttp_bind_socket(server, "127.0.0.1", static_cast<uint16_t>(atoi(argv[1]))) != 0) return 1;
  return event_base_dispatch(base);
}
