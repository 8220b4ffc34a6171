// The rows of request_cases.h against the whole server over real sockets on the loopback interface,
// client and loop in one thread.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/request_cases.h"
#include "protocols/http/server/case_server.h"
#include "protocols/http/server/loopback_client.h"
#include "protocols/http/server/sent_responses.h"

namespace rotor::http {
namespace {

void ExchangeOnLoopback(const RequestCase& row, int defer_accept_seconds) {
  const auto backend = EpollBackend::Create();
  ASSERT_TRUE(backend.ok()) << backend.status();
  size_t bytes_seen = 0;
  auto loop = LoopBuilder<CaseApp>({.machines_max = 128}, **backend).Build();
  ServerOptions options = CaseOptions(row, *SocketAddress::Ip("127.0.0.1", 0));
  options.listener.defer_accept_seconds = defer_accept_seconds;
  const auto mounted = http::Mount(loop, "http", options, CaseSite(bytes_seen));
  ASSERT_TRUE(mounted.ok()) << mounted.status();
  const Time give_up = (*backend)->Now() + absl::Seconds(10);
  LoopbackClient client(mounted->addresses[0]);
  client.Send(row.bytes.view);

  // A server that waits for more cannot be told from one that is about to answer, except by what it
  // has answered already: the client ends its side when it has got what is due until then.
  const std::string_view answers = row.answers.view;
  const bool closes = answers.ends_with("close");
  size_t due = 0;
  if (!closes) {
    const std::string_view before = answers.substr(0, answers.find("open"));
    due = static_cast<size_t>(std::count(before.begin(), before.end(), ' ') -
                              std::count(before.begin(), before.end(), '?'));
  }
  const auto settled = [&] {
    if (closes) return client.ended();
    const SentResponses sent = ReadResponses(client.received(), client.ended());
    return client.ended() || !sent.error.empty() ||
           (sent.responses.size() >= due && (due == 0 || sent.responses.back().complete));
  };
  const auto run_until = [&](const auto& done) {
    while (!done() && (*backend)->Now() < give_up) {
      ASSERT_TRUE(loop.RunOnce(Sooner(give_up, (*backend)->Now() + absl::Milliseconds(1))).ok());
      client.Receive();
    }
  };
  run_until(settled);
  const std::string received = client.received();
  const bool ended = client.ended();
  client.ShutdownWrite();
  run_until([&] { return client.ended(); });
  EXPECT_EQ(Differences(row, {received, ended, client.received(), client.ended()}), "")
      << client.received();
  EXPECT_EQ(bytes_seen, row.served.view.size());
}

class SocketCaseTest : public testing::TestWithParam<RequestCase> {};

TEST_P(SocketCaseTest, OnLoopback) { ExchangeOnLoopback(GetParam(), 0); }

// Registered only after it was read, and after it has lingered for a while.
TEST_P(SocketCaseTest, OnLoopbackReadFirst) { ExchangeOnLoopback(GetParam(), 1); }

INSTANTIATE_TEST_SUITE_P(All, SocketCaseTest, testing::ValuesIn(RequestCases()), kNameOfCase);

}  // namespace
}  // namespace rotor::http
