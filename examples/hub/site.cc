#include "examples/hub/site.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/machine/scope.h"
#include "examples/hub/lookup.h"
#include "examples/hub/report.h"

namespace hub {

namespace {

using rotor::http::Reply;
using rotor::http::Request;
using rotor::http::Response;
using Scope = rotor::ContextScope<Context>;

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

Response ShowFrontPage(const Request&, Scope& scope) {
  return Response::Html(FrontPage(scope.context()));
}

Response SayHello(const Request&) {
  return {.content_type = "text/plain", .body = "Hello, World!"};
}

Response ShowStats(const Request&, Scope& scope) {
  return Response::Json(StatsAsJson(scope.counters()));
}

Response ShowHeaders(const Request& request) {
  Response response = {.content_type = "text/plain"};
  for (const rotor::http::Field& field : request.head.fields) {
    response.body.append(field.name).append(": ").append(field.value).append("\n");
  }
  return response;
}

Response ShowTree(const Request& request, Scope& scope) {
  const std::string_view query = request.head.query;
  const uint32_t first = Number(Parameter(query, "first"), 0);
  // A page of none would lead to itself.
  const uint32_t count =
      std::clamp(Number(Parameter(query, "count"), kTreeMachinesMax), 1u, kTreeMachinesMax);
  if (Parameter(query, "format") == "json") return Response::Json(TreeAsJson(scope, first, count));
  return Response::Text(TreeAsText(scope, first, count));
}

void LookUp(const Request& request, Reply& reply, Scope& scope) {
  AnswerLookup(Parameter(request.head.query, "name"), reply, scope);
}

void Echo(const Request& request, Reply& reply, Scope&) {
  const std::string_view type =
      request.head.Find("Content-Type").value_or("application/octet-stream");
  // What a request may say, a response may.
  (void)reply.Send(type, request.body);
}

}  // namespace

Site MakeSite() {
  Site site;
  site.Get("/", ShowFrontPage);
  site.Get("/plaintext", SayHello);
  site.Get("/stats", ShowStats);
  site.Get("/headers", ShowHeaders);
  site.Get("/tree", ShowTree);
  site.Get("/lookup", LookUp);
  site.Any("/echo", Echo);
  site.SetErrorPage([](rotor::http::ErrorPage& page) {
    page.content_type = "text/plain";
    page.body = std::string(page.explanation) + "\n";
  });
  return site;
}

}  // namespace hub
