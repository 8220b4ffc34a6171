// Every event in every state of a connection, in a simulated world.
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "protocols/http/server/exchange_test_util.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

// A server whose targets say how requests are treated.
class StatesWorld : public BasicHttpWorld<PlanningSite> {
 public:
  StatesWorld() : BasicHttpWorld({}, Plain(absl::Milliseconds(1), 10'000)) {
    script.plan = [this](const RequestHead& head, Reply& reply, Scope& scope) {
      notifier = scope.notifier();
      return Plan(head, reply, scope);
    };
    script.answer = [this](const Request& request, Reply& reply, Scope& scope) {
      if (request.head.path == "/later") {
        return reply.AnswerLater(Make(), Next::WaitUntil(scope.now() + absl::Seconds(60)));
      }
      if (request.head.path == "/large") {
        EXPECT_TRUE(reply.StartSized({}, 50'000).ok());
        return reply.AnswerLater(Make(), Next::FlushedTo(0, scope.now() + absl::Seconds(600)));
      }
      const bool big = request.head.path == "/big";
      EXPECT_TRUE(reply.Send("text/plain", std::string(big ? 50'000 : 3, 'x')).ok());
    };
  }

  Notifier notifier;

 private:
  BodyPlan Plan(const RequestHead& head, Reply& reply, Scope& scope) {
    const Time patience = scope.now() + absl::Seconds(60);
    if (head.path == "/stream") return BodyPlan::Progressive(Make(), 1, Next::MoreBody(patience));
    if (head.path == "/held") return BodyPlan::Progressive(Make(), 1, Next::WaitUntil(patience));
    if (head.path == "/answered") {
      EXPECT_TRUE(reply.Send("text/plain", "early").ok());
      return BodyPlan::Answered();
    }
    return BodyPlan::Buffered();
  }
  std::unique_ptr<http::Exchange> Make() {
    const auto done = [](auto&&, Reply& reply, Scope&) {
      EXPECT_TRUE(reply.Send("text/plain", "done").ok());
      return Next::Finished();
    };
    const auto write = [left = 50'000](Reply& reply, Scope& scope) mutable {
      EXPECT_TRUE(reply.Write(std::string(10'000, 'x')).ok());
      left -= 10'000;
      if (left > 0) return Next::FlushedTo(0, scope.now() + absl::Seconds(600));
      EXPECT_TRUE(reply.Finish().ok());
      return Next::Finished();
    };
    const auto more = [](std::string_view, Reply&, Scope& scope) {
      return Next::MoreBody(scope.now() + absl::Seconds(60));
    };
    const auto wakeup = [](Reply& reply, Scope& scope) {
      if (reply.started() || scope.draining()) return Next::Unchanged();
      if (!reply.request_complete()) return Next::MoreBody(scope.now() + absl::Seconds(60));
      EXPECT_TRUE(reply.Send("text/plain", "woken").ok());
      return Next::Finished();
    };
    return std::make_unique<ScriptedExchange>(
        Moves{.body = more, .ended = done, .wakeup = wakeup, .flushed = write}, script.seen);
  }
};

// The statuses that came, how it ended for the client, and the state of the connection.
std::string Outcome(StatesWorld& world, const SimConnection& client) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  std::string outcome;
  const std::string_view bytes = client.received();
  for (size_t at = bytes.find(kStart); at != std::string_view::npos; at = bytes.find(kStart, at)) {
    at += kStart.size();
    absl::StrAppend(&outcome, AsAbsl(bytes.substr(at, 3)), " ");
  }
  absl::StrAppend(&outcome, client.ended() ? "end " : "", client.was_reset() ? "reset " : "", "| ");
  std::string state = "gone";
  world.loop->VisitMachines(0, 64, [&](const MachineReport& report) {
    if (report.kind.find("Acceptor") == std::string_view::npos) state = report.description.state;
  });
  return outcome + state;
}

struct StateRow {
  std::string_view state;
  std::string bytes;  // Bring a connection into it.
  bool reads;         // The client does, meanwhile.
  std::string rest;   // Of the request.
  // After each of kEvents.
  std::vector<std::string_view> outcomes;
};

const std::string kPost = " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";

const StateRow kStates[] = {
    {"idle",
     "",
     true,
     "",
     {"200 | idle", "end | gone", "end | gone", "| idle", "end | gone", "end reset | gone",
      "| gone", "| idle"}},
    {"reading head",
     "GET /now HT",
     true,
     "TP/1.1\r\nHost: h\r\n\r\n",
     {"200 200 | idle", "400 end | gone", "408 end | gone", "| reading head", "| reading head",
      "200 end | closing", "| gone", "| reading head"}},
    {"reading body",
     "POST /now" + kPost + "ab",
     true,
     "cd",
     {"200 200 | idle", "400 end | gone", "408 end | gone", "| reading body", "| reading body",
      "200 end | closing", "| gone", "| reading body"}},
    {"streaming",
     "POST /stream" + kPost + "ab",
     true,
     "cd",
     {"200 200 | idle", "400 end | gone", "408 end | gone", "| streaming", "| streaming",
      "200 end | closing", "| gone", "| streaming"}},
    {"streaming",
     "POST /held" + kPost + "ab",
     true,
     "cd",
     {"| streaming", "| streaming", "408 end | gone", "| streaming", "| streaming", "| streaming",
      "| gone", "| streaming"}},
    {"answering",
     Get("/later"),
     true,
     "",
     {"| answering", "| answering", "504 end | gone", "200 | idle", "| answering", "| answering",
      "| gone", "| answering"}},
    {"answering",
     Get("/large"),
     false,
     "",
     {"| answering", "| answering", "| gone", "| answering", "| answering", "| answering", "| gone",
      "200 | idle"}},
    {"discarding body",
     "POST /answered" + kPost + "ab",
     true,
     "cd",
     {"200 | idle", "end | gone", "end | gone", "| discarding body", "| discarding body",
      "200 end | closing", "| gone", "| discarding body"}},
    {"idle",
     Get("/big"),
     false,
     "",
     {"| idle", "| closing", "| gone", "| idle", "| closing", "| closing", "| gone", "200 | idle"}},
    {"closing",
     Get("/big", "Connection: close\r\n"),
     false,
     "",
     {"| closing", "| closing", "| gone", "| closing", "| closing", "| closing", "| gone",
      "200 end | closing"}},
    {"closing",
     "bad\r\n\r\n",
     true,
     "",
     {"end | closing", "end | gone", "end | gone", "end | closing", "end | closing",
      "end | closing", "end | gone", "end | closing"}},
};

struct EventRow {
  std::string_view name;
  std::function<void(StatesWorld&, SimConnection&, const StateRow&)> happen;
};

const EventRow kEvents[] = {
    {"the rest and another request",
     [](StatesWorld& world, SimConnection& client, const StateRow& row) {
       client.Send(row.rest + Get("/now"));
       world.Run(absl::Milliseconds(20));
     }},
    {"the client ends its side",
     [](StatesWorld& world, SimConnection& client, const StateRow&) {
       client.ShutdownWrite();
       world.Run(absl::Milliseconds(20));
     }},
    {"time",
     [](StatesWorld& world, SimConnection&, const StateRow&) { world.Run(absl::Seconds(130)); }},
    {"a wake-up",
     [](StatesWorld& world, SimConnection&, const StateRow&) {
       world.notifier.Wake();
       world.Run(absl::Milliseconds(20));
     }},
    {"a drain",
     [](StatesWorld& world, SimConnection&, const StateRow&) {
       world.loop->Drain(world.world.now() + absl::Seconds(500));
       world.Run(absl::Milliseconds(20));
     }},
    {"a drain and the rest",
     [](StatesWorld& world, SimConnection& client, const StateRow& row) {
       world.loop->Drain(world.world.now() + absl::Seconds(500));
       client.Send(row.rest + Get("/now"));
       world.Run(absl::Milliseconds(20));
     }},
    {"a reset",
     [](StatesWorld& world, SimConnection& client, const StateRow&) {
       client.Reset();
       world.Run(absl::Milliseconds(20));
     }},
    {"reading",
     [](StatesWorld& world, SimConnection& client, const StateRow&) {
       client.ResumeReading();
       world.Run(absl::Milliseconds(100));
     }},
};

TEST(StatesTest, EveryEventInEveryStateHasItsOutcome) {
  for (const StateRow& row : kStates) {
    ASSERT_EQ(row.outcomes.size(), std::size(kEvents));
    for (size_t i = 0; i < std::size(kEvents); ++i) {
      StatesWorld world;
      const auto client = world.Connect();
      world.Exchange(*client, Get("/now"));
      if (!row.reads) client->PauseReading();
      client->Send(row.bytes);
      world.Run(absl::Milliseconds(20));
      ASSERT_EQ(world.Report(1).description.state, row.state) << row.bytes;
      client->TakeReceived();
      kEvents[i].happen(world, *client, row);
      EXPECT_EQ(Outcome(world, *client), row.outcomes[i])
          << row.state << " after " << row.bytes << ": " << kEvents[i].name;
    }
  }
}

TEST(DescribeTest, AConnectionSaysWhichStateItIsIn) {
  HttpWorld world;
  std::string within;
  world.script.answer = [&](const Request&, Reply& reply, Scope& scope) {
    scope.VisitMachines(0, 9,
                        [&](const MachineReport& report) { within = report.description.state; });
    EXPECT_TRUE(reply.Send("text/plain", "x").ok());
  };
  const auto client = world.Connect();
  const auto Seen = [&](std::string_view bytes) {
    world.Exchange(*client, bytes);
    const Description description = world.Report(1).description;
    EXPECT_EQ(description.peer, client->local_address().ToString());
    return absl::StrCat(description.state, "; ", description.waits_for,
                        description.bytes_held > 0 ? "; memory" : "");
  };
  EXPECT_EQ(Seen(""), "idle; 1 bytes of input");
  EXPECT_EQ(Seen("PO"), "reading head; 3 bytes of input; memory");
  EXPECT_EQ(Seen(Post("01").substr(2, Post("01").size() - 3)),
            "reading body; 1 bytes of input; memory");
  EXPECT_EQ(Seen("1"), "idle; 1 bytes of input");
  EXPECT_EQ(within, "answering");
  EXPECT_EQ(Seen("bad\r\n"), "closing; output to drain and the peer to close");
}

}  // namespace
}  // namespace rotor::http
