// What all connections of one HTTP server share. Not for authors.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_SHARED_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_SHARED_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "core/buffer/buffer.h"
#include "core/machine/counters.h"
#include "core/machine/scope.h"
#include "core/time/time.h"
#include "protocols/http/codec/http_date.h"
#include "protocols/http/codec/request_parser.h"
#include "protocols/http/codec/response_writer.h"
#include "protocols/http/server/access_record.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/reply.h"
#include "protocols/http/server/server_options.h"

namespace rotor::http {

class ServerShared;

// The handler without its type. Each is given the HandlerShared that holds it; those that a handler
// lacks are null.
struct HandlerCalls {
  void (*request_received)(ServerShared&, const Request&, Reply&, Scope&);
  BodyPlan (*head_received)(ServerShared&, const RequestHead&, Reply&, Scope&);
  void (*write_error_page)(ServerShared&, ErrorPage&);
};

// A request that did not come in one piece, or is not answered at once.
struct PendingRequest {
  RequestParser parser;
  Deadline head_deadline = Deadline::Never();
  // With a buffered body: a copy of the head, and the body so far.
  Buffer head;
  // Of a progressive body: less than a piece.
  Buffer body;
  size_t body_bytes_max = 0;
  uint64_t body_bytes_left = 0;  // Of a sized body.
  // While the body is read: what came in this window, and the window's end.
  uint64_t body_bytes_in_window = 0;
  Deadline body_window_end = Deadline::Never();
  // While a response is owed and an exchange waits.
  Deadline write_window_end = Deadline::Never();
  std::unique_ptr<Exchange> exchange;
  Next next = Next::Finished();
  uint32_t piece_bytes_min = 1;
  bool sized = false;         // The body, not chunked.
  bool continue_due = false;  // The client waits for 100.
  bool end_due = false;       // The exchange is to be told that the request has ended.
};

class ServerShared {
 public:
  ServerShared(const ServerOptions& options, CounterRegistry& counters, std::string_view name);

  // With the Date of this second; formatted once per second.
  const ResponseDefaults& Defaults(Scope& scope) {
    if (scope.now() >= date_valid_until_) UpdateDefaults(scope);
    return defaults_;
  }

  // For a connection that is idle from `now` on, while its last response may still be owed; worked
  // out once per turn.
  Deadline FirstIdleDeadline(Time now) {
    if (now != idle_from_) UpdateFirstIdleDeadline(now);
    return first_idle_deadline_;
  }

  // The page for a response of `status`.
  ErrorPage MakeErrorPage(int status, std::string_view explanation);

  // Some are kept, so that steady traffic allocates none.
  std::unique_ptr<PendingRequest> TakePending();
  void GiveBack(std::unique_ptr<PendingRequest> pending);

  const ServerOptions options;
  // Of the idle timeout, while the last response may still be owed.
  const absl::Duration first_idle_wait;
  const HandlerCalls* calls = nullptr;  // Set before the first request.
  RequestScratch scratch;
  AccessRecords access_records;
  Counter& requests;
  Counter& requests_refused;
  Counter& responses_failed;

 private:
  static constexpr size_t kPendingKeptMax = 64;

  void UpdateDefaults(Scope& scope);
  void UpdateFirstIdleDeadline(Time now);

  // The first request comes at any time.
  Time date_valid_until_ = Time::FromNanoseconds(std::numeric_limits<int64_t>::min());
  ResponseDefaults defaults_;
  Time idle_from_;
  Deadline first_idle_deadline_ = Time() + first_idle_wait;
  std::vector<std::unique_ptr<PendingRequest>> pending_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_SERVER_SHARED_H_
