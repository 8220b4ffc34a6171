// /lookup?name=NAME: the addresses of a name, as JSON.
#ifndef ROTOR_EXAMPLES_HUB_LOOKUP_H_
#define ROTOR_EXAMPLES_HUB_LOOKUP_H_

#include <string>
#include <string_view>
#include <utility>

#include "core/machine/scope.h"
#include "examples/hub/context.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/reply.h"
#include "protocols/resolve/resolver.h"

namespace hub {

// Owns the lookup: when the connection goes, it goes, and with it the query.
class LookupExchange final : public rotor::http::Exchange {
 public:
  LookupExchange(std::string name, rotor::resolve::Lookup lookup)
      : name_(std::move(name)), lookup_(std::move(lookup)) {}

  rotor::http::Next Wakeup(rotor::http::Reply& reply, rotor::Scope& scope) override;
  bool ends_with_client() const override { return true; }
  size_t bytes_held() const override { return sizeof(*this) + name_.size(); }

 private:
  const std::string name_;
  rotor::resolve::Lookup lookup_;
};

// `name` is the parameter's value. Names of letters, digits and "-_.:" only: others are 400.
void AnswerLookup(std::string_view name, rotor::http::Reply& reply,
                  rotor::ContextScope<Context>& scope);

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_LOOKUP_H_
