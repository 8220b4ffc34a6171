// Echo on libuv: uv_try_write of what was read. Argument: port.
#include <uv.h>

#include <cstdlib>
#include <string>

namespace {

uv_loop_t* loop;
char input[65536];  // One for all clients.

struct Write {
  uv_write_t request;
  std::string bytes;
};

void Close(uv_stream_t* stream) {
  uv_close(reinterpret_cast<uv_handle_t*>(stream),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

void Read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) return Close(stream);
  const uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  const int written = uv_try_write(stream, &all, 1);
  const ssize_t done = written > 0 ? written : 0;
  if (done == size) return;
  Write* write = new Write{{}, std::string(buffer->base + done, static_cast<size_t>(size - done))};
  write->request.data = write;
  const uv_buf_t rest =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  uv_write(&write->request, stream, &rest, 1,
           [](uv_write_t* request, int) { delete static_cast<Write*>(request->data); });
}

void Accept(uv_stream_t* listener, int status) {
  if (status < 0) return;
  uv_tcp_t* client = new uv_tcp_t;
  uv_tcp_init(loop, client);
  uv_stream_t* stream = reinterpret_cast<uv_stream_t*>(client);
  if (uv_accept(listener, stream) != 0) return Close(stream);
  uv_tcp_nodelay(client, 1);
  const auto allocate = [](uv_handle_t*, size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(input, sizeof input);
  };
  uv_read_start(stream, allocate, Read);
}

}  // namespace

int main(int, char** argv) {
  loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address);
  if (uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0) != 0) return 1;
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, Accept) != 0) return 1;
  return uv_run(loop, UV_RUN_DEFAULT);
}
