#include "examples/hub/lookup.h"

#include <algorithm>
#include <cctype>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace hub {

namespace {

using rotor::http::Next;
using rotor::http::Reply;

constexpr absl::Duration kLookupTimeout = absl::Seconds(10);
// Of the exchange: the lookup ends before by itself.
constexpr absl::Duration kPatience = absl::Seconds(15);

bool IsOrdinary(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ||
         c == ':';
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kUnavailable:
      return 502;
    default:
      return 503;
  }
}

void Tell(std::string_view name, const absl::StatusOr<rotor::resolve::Addresses>& addresses,
          Reply& reply) {
  if (!addresses.ok()) {
    const std::string why(addresses.status().message());
    (void)reply.SendError(HttpStatus(addresses.status().code()), why);
    return;
  }
  std::string body = absl::StrCat("{\"name\":\"", std::string(name), "\",\"addresses\":[");
  for (size_t i = 0; i < addresses->size(); ++i) {
    absl::StrAppend(&body, i == 0 ? "\"" : ",\"", (*addresses)[i].host(), "\"");
  }
  (void)reply.Send("application/json", absl::StrCat(body, "]}\n"));
}

}  // namespace

Next LookupExchange::Wakeup(Reply& reply, rotor::Scope&) {
  if (!lookup_.done()) return Next::Unchanged();
  Tell(name_, lookup_.Take(), reply);
  return Next::Finished();
}

void AnswerLookup(std::string_view name, Reply& reply, rotor::ContextScope<Context>& scope) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), IsOrdinary)) {
    (void)reply.SendError(400, "Which name? /lookup?name=hub.test");
    return;
  }
  rotor::resolve::Lookup lookup =
      scope.context().resolver->Find(name, {.timeout = kLookupTimeout}, scope);
  if (lookup.done()) return Tell(name, lookup.Take(), reply);
  reply.AnswerLater(std::make_unique<LookupExchange>(std::string(name), std::move(lookup)),
                    Next::WaitUntil(scope.now() + kPatience));
}

}  // namespace hub
