// HTTP on libuv and http-parser: uv_try_write of all answers to one read. Field names and values
// are parsed and not kept. Argument: port.
#include <http_parser.h>
#include <uv.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace {

struct Client {
  uv_tcp_t socket;
  http_parser parser;
  std::string output;  // Empty between reads.
  bool close = false;
};

struct Write {
  uv_write_t request;
  std::string bytes;
};

uv_loop_t* loop;
char input[65536];  // One for all clients.
std::string answer;
std::string last_answer;
http_parser_settings settings;

// Once per second, as every server does it.
void Compose(uv_timer_t*) {
  char date[64];
  const time_t now = time(nullptr);
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  const std::string head =
      std::string("HTTP/1.1 200 OK\r\nDate: ") + date +
      "\r\nServer: libuv\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n";
  answer = head + "\r\nHello, World!";
  last_answer = head + "Connection: close\r\n\r\nHello, World!";
}

int RequestComplete(http_parser* parser) {
  Client& client = *static_cast<Client*>(parser->data);
  client.close = http_should_keep_alive(parser) == 0;
  client.output += client.close ? last_answer : answer;
  return 0;
}

void Close(Client* client) {
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&client->socket);
  if (uv_is_closing(handle)) return;
  uv_close(handle, [](uv_handle_t* closed) { delete static_cast<Client*>(closed->data); });
}

void Answer(Client* client) {
  uv_stream_t* stream = reinterpret_cast<uv_stream_t*>(&client->socket);
  const uv_buf_t all = uv_buf_init(client->output.data(), client->output.size());
  const int written = uv_try_write(stream, &all, 1);
  const size_t done = written > 0 ? static_cast<size_t>(written) : 0;
  if (done < client->output.size()) {
    Write* write = new Write{{}, client->output.substr(done)};
    write->request.data = write;
    const uv_buf_t rest = uv_buf_init(write->bytes.data(), write->bytes.size());
    uv_write(&write->request, stream, &rest, 1,
             [](uv_write_t* request, int) { delete static_cast<Write*>(request->data); });
  }
  client->output.clear();
}

void Read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  Client* client = static_cast<Client*>(stream->data);
  if (size < 0) return Close(client);
  const size_t parsed =
      http_parser_execute(&client->parser, &settings, buffer->base, static_cast<size_t>(size));
  if (!client->output.empty()) Answer(client);
  if (client->close || parsed != static_cast<size_t>(size)) Close(client);
}

void Accept(uv_stream_t* listener, int status) {
  if (status < 0) return;
  Client* client = new Client;
  uv_tcp_init(loop, &client->socket);
  client->socket.data = client;
  http_parser_init(&client->parser, HTTP_REQUEST);
  client->parser.data = client;
  uv_stream_t* stream = reinterpret_cast<uv_stream_t*>(&client->socket);
  if (uv_accept(listener, stream) != 0) return Close(client);
  uv_tcp_nodelay(&client->socket, 1);
  uv_read_start(
      stream,
      [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(input, sizeof input); },
      Read);
}

}  // namespace

int main(int, char** argv) {
  loop = uv_default_loop();
  http_parser_settings_init(&settings);
  // A callback for each field, as a server that looks at any of them needs.
  const auto skip = [](http_parser*, const char*, size_t) { return 0; };
  settings.on_url = skip;
  settings.on_header_field = skip;
  settings.on_header_value = skip;
  settings.on_message_complete = RequestComplete;
  Compose(nullptr);
  uv_timer_t clock;
  uv_timer_init(loop, &clock);
  uv_timer_start(&clock, Compose, 1000, 1000);
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address);
  if (uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0) != 0) return 1;
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, Accept) != 0) return 1;
  return uv_run(loop, UV_RUN_DEFAULT);
}
