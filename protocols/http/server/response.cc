#include "protocols/http/server/response.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rotor::http {

namespace {

// Neither may be inlined: their frames are not for each response.
[[gnu::noinline]] absl::Status SendWithFields(const Response& response, Reply& reply) {
  std::vector<Field> fields;
  fields.reserve(response.fields.size());
  for (const Response::OwnedField& field : response.fields) {
    fields.push_back({field.name, field.value});
  }
  if (response.is_error_page) return reply.SendError(response.status, response.body, fields);
  return reply.Send(
      {.status = response.status, .content_type = response.content_type, .fields = fields},
      response.body);
}

// What is not sent becomes 500; only here it is known why.
[[gnu::noinline]] void LogRefused(const absl::Status& why, Scope& scope) {
  if (!scope.log().Enabled(LogLevel::kWarning)) return;
  scope.log().Write(LogLevel::kWarning,
                    std::string(absl::StrCat("response refused: ", why.message())));
}

}  // namespace

void Send(const Response& response, Reply& reply, Scope& scope) {
  const bool plain = response.fields.empty() && !response.is_error_page;
  const absl::Status status =
      plain ? reply.Send({.status = response.status, .content_type = response.content_type},
                         response.body)
            : SendWithFields(response, reply);
  if (!status.ok()) LogRefused(status, scope);
}

}  // namespace rotor::http
