// The line of one request for the access log, in the making. Not for authors: see access_log.h.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_RECORD_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_RECORD_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/time/time.h"
#include "protocols/http/codec/request_head.h"
#include "protocols/http/codec/response_writer.h"
#include "protocols/http/server/access_log.h"

namespace rotor::http {

class AccessRecords;

// What is known when the head of a request is there, already in the form of a line.
struct AccessRecord {
  AccessRecords& records;
  std::string line;
  Time begin;
};

// Writes the record of a request whose connection goes away in the middle, too.
class AccessRecordHolder {
 public:
  explicit AccessRecordHolder(const ResponseWriter& writer) : writer_(writer) {}
  ~AccessRecordHolder();
  AccessRecordHolder(const AccessRecordHolder&) = delete;
  AccessRecordHolder& operator=(const AccessRecordHolder&) = delete;

 private:
  friend class AccessRecords;

  const ResponseWriter& writer_;
  std::unique_ptr<AccessRecord> record_;
};

// Of one server.
class AccessRecords {
 public:
  // `sink` may be null: then nothing else may be called.
  AccessRecords(AccessLogSink* sink, AccessLogFormat format) : sink_(sink), format_(format) {}
  AccessRecords(const AccessRecords&) = delete;
  AccessRecords& operator=(const AccessRecords&) = delete;

  bool on() const { return sink_ != nullptr; }

  // `head` is null for what is no request.
  void Begin(const RequestHead* head, const SocketAddress& peer, absl::Time wall_time, Time now,
             AccessRecordHolder& holder);
  // The response is complete or given up; `now` is unknown if the connection broke.
  void End(std::optional<Time> now, AccessRecordHolder& holder);

 private:
  // Some are kept, so that steady traffic allocates none.
  static constexpr size_t kKeptMax = 64;
  static constexpr size_t kKeptLineBytesMax = 4096;

  AccessLogSink* const sink_;
  const AccessLogFormat format_;
  std::vector<std::unique_ptr<AccessRecord>> kept_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_ACCESS_RECORD_H_
