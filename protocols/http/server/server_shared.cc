#include "protocols/http/server/server_shared.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "core/base/check.h"

namespace rotor::http {

ServerShared::ServerShared(const ServerOptions& server_options, CounterRegistry& counters,
                           std::string_view name)
    : options(server_options),
      first_idle_wait(std::min(options.idle_timeout, options.write_window)),
      scratch(server_options.limits),
      access_records(options.access_log, options.access_log_format),
      requests(counters.Get(name, "requests")),
      requests_refused(counters.Get(name, "requests_refused")),
      responses_failed(counters.Get(name, "responses_failed")) {
  pending_.reserve(kPendingKeptMax);
}

void ServerShared::UpdateDefaults(Scope& scope) {
  const absl::Time wall = scope.wall_time();
  const int64_t seconds = absl::ToUnixSeconds(wall);
  char date[kHttpDateBytes];
  FormatHttpDate(seconds, date);
  date_valid_until_ = scope.now() + (absl::FromUnixSeconds(seconds + 1) - wall);
  const absl::Status status =
      defaults_.Set(std::string_view(date, kHttpDateBytes), options.server_name);
  ROTOR_CHECK(status.ok(), "CheckServerOptions() passed a server_name that cannot be sent");
}

void ServerShared::UpdateFirstIdleDeadline(Time now) {
  idle_from_ = now;
  first_idle_deadline_ = now + first_idle_wait;
}

ErrorPage ServerShared::MakeErrorPage(int status, std::string_view explanation) {
  ErrorPage page = {.status = status,
                    .explanation = explanation,
                    .content_type = "text/html",
                    .body = ErrorPageText(status, explanation)};
  if (calls->write_error_page != nullptr) calls->write_error_page(*this, page);
  return page;
}

std::unique_ptr<PendingRequest> ServerShared::TakePending() {
  if (pending_.empty()) return std::make_unique<PendingRequest>();
  std::unique_ptr<PendingRequest> pending = std::move(pending_.back());
  pending_.pop_back();
  return pending;
}

void ServerShared::GiveBack(std::unique_ptr<PendingRequest> pending) {
  if (pending_.size() >= kPendingKeptMax) return;
  *pending = PendingRequest();
  pending_.push_back(std::move(pending));
}

}  // namespace rotor::http
