#include "protocols/http/server/exchange.h"

#include "protocols/http/server/reply.h"

namespace rotor::http {

Next Exchange::BodyReceived(std::string_view, Reply&, Scope&) { return Next::Finished(); }

Next Exchange::RequestEnded(std::span<const Field>, Reply&, Scope&) { return Next::Finished(); }

Next Exchange::Wakeup(Reply&, Scope&) { return Next::Unchanged(); }

Next Exchange::Flushed(Reply&, Scope&) { return Next::Unchanged(); }

Next Exchange::Timeout(Reply& reply, Scope&) {
  if (!reply.started()) {
    // A client that was too slow would not get its next request through either.
    if (!reply.request_complete()) reply.CloseAfterResponse();
    // The server's own words are accepted.
    (void)(reply.request_complete() ? reply.SendError(504, "The answer was not found in time.")
                                    : reply.SendError(408, "The request did not arrive in time."));
  }
  return Next::Finished();
}

}  // namespace rotor::http
