// Access log: a line for each request, in a format that other programs read.
//
//   http::StdioAccessLog log(stdout);
//   options.access_log = &log;
//   options.access_log_format = http::AccessLogFormat::kJson;
//
// A line is written when the response is complete, as far as the server is concerned, or given up;
// also for what was refused as no valid request. Without a log a request costs a branch; with one a
// system call, for the client's address, and the making of the line, which allocates nothing in
// steady traffic.
//
// kCommon is the Common Log Format, the first of these; kJson is the second, one object per line:
//
//   192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a?b HTTP/1.1" 200 13
//   {"time":"1994-11-06T08:49:37.123Z","peer":"192.0.2.1","method":"GET","target":"/a?b",
//    "version":"HTTP/1.1","host":"example.org","referer":"","user_agent":"curl/8","status":200,
//    "body_bytes":13,"duration_us":250,"complete":true}
//
// The time is that of the request's head. Bytes are those of the body, without framing, that were
// handed to the connection. "-" and null stand for what is not there: the request line of what is
// no request, the address of a client on a Unix socket, the status of a request that was given up
// before it was answered, the duration if the connection broke.
//
// Values come from clients: whatever is not printable ASCII, and what could end a field, is
// escaped, as \xHH and in JSON as \u00HH. So no client can forge a line. A line is as long as the
// head of its request may be, times six.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_LOG_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_LOG_H_

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace rotor::http {

enum class AccessLogFormat : uint8_t { kCommon, kJson };

class AccessLogSink {
 public:
  virtual ~AccessLogSink() = default;
  // One line with its line feed, valid during the call. On the loop's thread: all connections wait
  // until it returns, so what writes to something slow must queue or drop lines by itself.
  virtual void Write(std::string_view line) = 0;
};

// Writes to a file of the C library, which buffers as setvbuf(3) says and blocks as the file does:
// right for regular files. Errors are ignored: ferror(3) tells.
class StdioAccessLog final : public AccessLogSink {
 public:
  // `file` is not owned.
  explicit StdioAccessLog(std::FILE* file) : file_(file) {}
  void Write(std::string_view line) override { std::fwrite(line.data(), 1, line.size(), file_); }

 private:
  std::FILE* const file_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_LOG_H_
