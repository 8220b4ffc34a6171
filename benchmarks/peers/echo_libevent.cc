// Line echo on libevent's bufferevents: evbuffer_readln finds the lines, as ours does. Argument:
// port.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace {

void Read(bufferevent* client, void*) {
  evbuffer* input = bufferevent_get_input(client);
  evbuffer* output = bufferevent_get_output(client);
  while (true) {
    size_t eol_size = 0;
    const evbuffer_ptr end = evbuffer_search_eol(input, nullptr, &eol_size, EVBUFFER_EOL_LF);
    if (end.pos < 0) return;
    evbuffer_remove_buffer(input, output, static_cast<size_t>(end.pos) + eol_size);
  }
}

void Event(bufferevent* client, short, void*) { bufferevent_free(client); }

void Accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bufferevent* client =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(client, Read, nullptr, Event, nullptr);
  bufferevent_enable(client, EV_READ | EV_WRITE);
}

}  // namespace

int main(int, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(atoi(argv[1])));
  evconnlistener* listener =
      evconnlistener_new_bind(base, Accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                              4096, reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (listener == nullptr) return 1;
  return event_base_dispatch(base);
}
