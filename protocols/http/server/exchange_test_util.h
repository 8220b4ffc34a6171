// Handlers and exchanges that do what a test says.
#ifndef ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_TEST_UTIL_H_
#define ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_TEST_UTIL_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "protocols/http/server/exchange.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {

// What an exchange of a test does; without a function, what Exchange does.
struct Moves {
  std::function<Next(std::string_view, Reply&, Scope&)> body = nullptr;
  std::function<Next(std::span<const Field>, Reply&, Scope&)> ended = nullptr;
  std::function<Next(Reply&, Scope&)> wakeup = nullptr;
  std::function<Next(Reply&, Scope&)> flushed = nullptr;
  std::function<Next(Reply&, Scope&)> timeout = nullptr;
  bool ends_with_client = false;
};

// Writes down what it is told, and that it is destroyed.
class ScriptedExchange final : public Exchange {
 public:
  ScriptedExchange(Moves moves, std::vector<std::string>& seen)
      : moves_(std::move(moves)), seen_(seen) {}
  ~ScriptedExchange() override { seen_.push_back("gone"); }

  Next BodyReceived(std::string_view piece, Reply& reply, Scope& scope) override {
    seen_.push_back(absl::StrCat("body ", AsAbsl(piece)));
    return moves_.body ? moves_.body(piece, reply, scope)
                       : Exchange::BodyReceived(piece, reply, scope);
  }
  Next RequestEnded(std::span<const Field> trailers, Reply& reply, Scope& scope) override {
    seen_.push_back("ended");
    for (const Field& field : trailers) absl::StrAppend(&seen_.back(), " ", AsAbsl(field.name));
    return moves_.ended ? moves_.ended(trailers, reply, scope)
                        : Exchange::RequestEnded(trailers, reply, scope);
  }
  Next Wakeup(Reply& reply, Scope& scope) override {
    seen_.push_back(scope.draining() ? "drain" : "wakeup");
    return moves_.wakeup ? moves_.wakeup(reply, scope) : Exchange::Wakeup(reply, scope);
  }
  Next Flushed(Reply& reply, Scope& scope) override {
    seen_.push_back("flushed");
    return moves_.flushed ? moves_.flushed(reply, scope) : Exchange::Flushed(reply, scope);
  }
  Next Timeout(Reply& reply, Scope& scope) override {
    seen_.push_back("timeout");
    return moves_.timeout ? moves_.timeout(reply, scope) : Exchange::Timeout(reply, scope);
  }
  bool ends_with_client() const override { return moves_.ends_with_client; }
  size_t bytes_held() const override { return 1'000'000; }

 private:
  const Moves moves_;
  std::vector<std::string>& seen_;
};

// A handler with all that is optional.
class PlanningSite {
 public:
  explicit PlanningSite(Script& script) : script_(&script) {}

  BodyPlan HeadReceived(const RequestHead& head, Reply& reply, Scope& scope) {
    return script_->plan ? script_->plan(head, reply, scope) : BodyPlan::Buffered();
  }
  void RequestReceived(const Request& request, Reply& reply, Scope& scope) {
    const std::string said = absl::StrCat(AsAbsl(request.head.method_text), " ",
                                          AsAbsl(request.head.target), " ", AsAbsl(request.body));
    script_->seen.push_back(said);
    if (script_->answer) return script_->answer(request, reply, scope);
    EXPECT_TRUE(reply.Send("text/plain", said).ok());
  }
  void WriteErrorPage(ErrorPage& page) {
    if (script_->error_page) script_->error_page(page);
  }

 private:
  Script* script_;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_SERVER_EXCHANGE_TEST_UTIL_H_
