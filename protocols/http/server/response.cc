#include "protocols/http/server/response.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rotor::http {

void Send(const Response& response, Reply& reply, Scope& scope) {
  std::vector<Field> fields;
  fields.reserve(response.fields.size());
  for (const Response::OwnedField& field : response.fields) {
    fields.push_back({field.name, field.value});
  }
  const absl::Status status = response.is_error_page
                                  ? reply.SendError(response.status, response.body, fields)
                                  : reply.Send({.status = response.status,
                                                .content_type = response.content_type,
                                                .fields = fields},
                                               response.body);
  // What is not sent becomes 500; only here it is known why.
  if (!status.ok() && scope.log().Enabled(LogLevel::kWarning)) {
    scope.log().Write(LogLevel::kWarning,
                      std::string(absl::StrCat("response refused: ", status.message())));
  }
}

}  // namespace rotor::http
