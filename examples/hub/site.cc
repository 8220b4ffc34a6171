#include "examples/hub/site.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "examples/hub/report.h"

namespace hub {

namespace {

using rotor::http::Field;
using rotor::http::Method;
using rotor::http::Reply;
using rotor::http::Request;

// The value of `name` in "a=1&b=2"; empty without it.
std::string_view Parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

uint32_t Number(std::string_view text, uint32_t otherwise) {
  uint32_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() ? number : otherwise;
}

absl::Status SendEcho(const Request& request, Reply& reply) {
  return reply.Send(
      {.status = 200,
       .content_type = request.head.Find("Content-Type").value_or("application/octet-stream")},
      request.body);
}

absl::Status SendHeaders(const Request& request, Reply& reply) {
  std::string text;
  for (const Field& field : request.head.fields) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return reply.Send("text/plain", text);
}

absl::Status SendTree(const Request& request, Reply& reply, const rotor::Scope& scope) {
  const uint32_t first = Number(Parameter(request.head.query, "first"), 0);
  const uint32_t count =
      std::min(Number(Parameter(request.head.query, "count"), kTreeMachinesMax), kTreeMachinesMax);
  if (Parameter(request.head.query, "format") == "json") {
    return reply.Send("application/json", TreeAsJson(scope, first, count));
  }
  return reply.Send("text/plain; charset=utf-8", TreeAsText(scope, first, count));
}

absl::Status Answer(const Request& request, Reply& reply,
                    const rotor::ContextScope<Context>& scope) {
  const std::string_view path = request.head.path;
  if (path == "/echo") return SendEcho(request, reply);
  if (request.head.method != Method::kGet && request.head.method != Method::kHead) {
    static constexpr Field kAllow = {"Allow", "GET, HEAD"};
    return reply.Send(
        {.status = 405, .content_type = "text/plain", .fields = std::span(&kAllow, 1)},
        "only GET and HEAD here; /echo takes every method\n");
  }
  if (path == "/") return reply.Send("text/html; charset=utf-8", FrontPage(scope.context()));
  if (path == "/plaintext") return reply.Send("text/plain", "Hello, World!");
  if (path == "/stats") return reply.Send("application/json", StatsAsJson(scope.counters()));
  if (path == "/headers") return SendHeaders(request, reply);
  if (path == "/tree") return SendTree(request, reply, scope);
  return reply.Send({.status = 404, .content_type = "text/plain"}, "there is no such page\n");
}

}  // namespace

void Site::RequestReceived(const Request& request, Reply& reply,
                           rotor::ContextScope<Context>& scope) {
  const absl::Status status = Answer(request, reply, scope);
  // Only a value copied from the request can be refused.
  if (!status.ok()) (void)reply.SendError(400, "The response cannot repeat this request.");
}

}  // namespace hub
