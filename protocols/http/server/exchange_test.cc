// Requests that are not answered at once: bodies in pieces, answers later, back-pressure, in a
// simulated world.
#include "protocols/http/server/exchange.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/server/exchange_test_util.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExchangeTest : public testing::Test {
 protected:
  using World = BasicHttpWorld<PlanningSite>;

  Script& script() { return world_.script; }
  std::vector<std::string>& seen() { return world_.script.seen; }
  std::unique_ptr<Exchange> Make(Moves moves) {
    return std::make_unique<ScriptedExchange>(std::move(moves), seen());
  }
  Time In(absl::Duration span) { return world_.world.now() + span; }
  // Every request is answered by an exchange that waits `next` long.
  void AnswerLater(Moves moves, absl::Duration patience = absl::Seconds(10)) {
    script().answer = [=, this](const Request&, Reply& reply, Scope& scope) {
      notifier_ = scope.notifier();
      reply.AnswerLater(Make(moves), Next::WaitUntil(scope.now() + patience));
    };
  }
  // The body of every request goes to an exchange in pieces.
  void Stream(Moves moves, uint32_t piece_bytes_min = 1,
              absl::Duration patience = absl::Seconds(10)) {
    script().plan = [=, this](const RequestHead&, Reply&, Scope& scope) {
      notifier_ = scope.notifier();
      return BodyPlan::Progressive(Make(moves), piece_bytes_min,
                                   Next::MoreBody(scope.now() + patience));
    };
  }

  static Next SendDone(Reply& reply) {
    EXPECT_TRUE(reply.Send("text/plain", "done").ok());
    return Next::Finished();
  }

  World world_;
  Notifier notifier_;
};

const auto kMore = [](std::string_view, Reply&, Scope& scope) {
  return Next::MoreBody(scope.now() + absl::Seconds(10));
};
const auto kDone = [](auto&&, Reply& reply, Scope&) {
  EXPECT_TRUE(reply.Send("text/plain", "done").ok());
  return Next::Finished();
};

// ---- Answers later ----

TEST_F(ExchangeTest, AWakeUpBringsTheAnswerAndTheNextRequestWaitsForIt) {
  AnswerLater({.wakeup = [](Reply& reply, Scope&) { return SendDone(reply); }});
  const auto client = world_.Connect();
  EXPECT_THAT(world_.Exchange(*client, Get("/1") + Get("/2")), IsEmpty());
  EXPECT_THAT(seen(), ElementsAre("GET /1 "));
  EXPECT_EQ(world_.Report(1).description.state, "answering");
  EXPECT_GT(world_.Report(1).description.bytes_held, 1'000'000u);
  notifier_.Wake();
  world_.Run();
  EXPECT_THAT(Bodies(client->TakeReceived()), ElementsAre("done"));
  EXPECT_THAT(seen(), ElementsAre("GET /1 ", "wakeup", "gone", "GET /2 "));
  notifier_.Wake();
  world_.Run();
  EXPECT_THAT(Bodies(client->TakeReceived()), ElementsAre("done"));
  EXPECT_EQ(world_.Report(1).description.bytes_held, 0u);
}

TEST_F(ExchangeTest, AWakeUpWithoutItsCauseChangesNothing) {
  AnswerLater({});
  const auto client = world_.Connect();
  world_.Exchange(*client, Get("/1"));
  notifier_.Wake();
  world_.Run(absl::Seconds(9));
  EXPECT_THAT(seen(), ElementsAre("GET /1 ", "wakeup"));
  EXPECT_THAT(client->received(), IsEmpty());
  world_.Run(absl::Seconds(2));
  EXPECT_THAT(Statuses(client->TakeReceived()), ElementsAre(504));
  EXPECT_THAT(seen(), ElementsAre("GET /1 ", "wakeup", "timeout", "gone"));
  EXPECT_THAT(Statuses(world_.ExchangeOnce(Get("/2"))), IsEmpty());
}

TEST_F(ExchangeTest, ATimeoutMayGoOn) {
  int times = 0;
  AnswerLater({.timeout = [&](Reply& reply, Scope& scope) {
    if (++times < 3) return Next::WaitUntil(scope.now() + absl::Seconds(10));
    return SendDone(reply);
  }});
  const auto client = world_.Connect();
  client->Send(Get("/1"));
  world_.Run(absl::Seconds(29));
  EXPECT_THAT(client->received(), IsEmpty());
  world_.Run(absl::Seconds(2));
  EXPECT_THAT(Bodies(client->received()), ElementsAre("done"));
}

TEST_F(ExchangeTest, OneThatFinishesWithoutAResponseIs500) {
  AnswerLater({.wakeup = [](Reply&, Scope&) { return Next::Finished(); }});
  const auto client = world_.Connect();
  world_.Exchange(*client, Get("/1"));
  notifier_.Wake();
  world_.Run();
  ExpectClosing(client->received(), 500);
  EXPECT_EQ(world_.Count("responses_failed"), 1);
}

TEST_F(ExchangeTest, AConnectionThatGoesCancels) {
  AnswerLater({});
  const auto client = world_.Connect();
  world_.Exchange(*client, Get("/1"));
  client->Reset();
  world_.Run();
  EXPECT_THAT(seen(), ElementsAre("GET /1 ", "gone"));
  EXPECT_EQ(world_.connections(), 0u);
}

TEST_F(ExchangeTest, AClientThatEndsItsSideIsStillAnswered) {
  AnswerLater({.wakeup = [](Reply& reply, Scope&) { return SendDone(reply); }});
  const auto client = world_.Connect();
  client->Send(Get("/1"));
  client->ShutdownWrite();
  world_.Run();
  EXPECT_THAT(seen(), SizeIs(1));
  notifier_.Wake();
  world_.Run();
  EXPECT_THAT(Bodies(client->received()), ElementsAre("done"));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world_.connections(), 0u);
}

TEST_F(ExchangeTest, OneThatEndsWithItsClientIsGoneWhenTheClientEndsItsSide) {
  for (const bool close : {false, true}) {
    for (const bool at_once : {false, true}) {
      seen().clear();
      AnswerLater({.ends_with_client = true});
      const auto client = world_.Connect();
      client->Send(Get("/1"));
      if (!at_once) world_.Run();
      if (close) {
        client->Close();
      } else {
        client->ShutdownWrite();
      }
      world_.Run();
      EXPECT_THAT(seen(), ElementsAre("GET /1 ", "gone")) << close << at_once;
      EXPECT_EQ(world_.connections(), 0u);
    }
  }
}

TEST_F(ExchangeTest, OneThatEndsWithItsClientIsAnsweredWhileTheClientIsThere) {
  AnswerLater(
      {.wakeup = [](Reply& reply, Scope&) { return SendDone(reply); }, .ends_with_client = true});
  const auto client = world_.Connect();
  world_.Exchange(*client, Get("/1"));
  notifier_.Wake();
  world_.Run();
  EXPECT_THAT(Bodies(client->received()), ElementsAre("done"));
  EXPECT_EQ(world_.connections(), 1u);
}

TEST_F(ExchangeTest, ADrainIsToldAndTheAnswerSaysClose) {
  AnswerLater({.wakeup = [](Reply& reply, Scope& scope) {
    return scope.draining() ? Next::Unchanged() : SendDone(reply);
  }});
  const auto client = world_.Connect();
  world_.Exchange(*client, Get("/1"));
  world_.loop->Drain(In(absl::Seconds(10)));
  world_.Run();
  EXPECT_THAT(seen(), ElementsAre("GET /1 ", "drain"));
  EXPECT_FALSE(client->ended());
  client->Close();
  world_.FinishDrain();
}

// ---- Bodies in pieces ----

const std::string kChunkedPost =
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n4\r\ndefg\r\n0\r\nCheck: 1\r\n\r\n";

TEST_F(ExchangeTest, PiecesComeAsTheyArrive) {
  Stream({.body = kMore, .ended = kDone});
  const auto client = world_.Connect();
  const std::string post = Post("0123456789");
  world_.Exchange(*client, post.substr(0, post.size() - 7));
  EXPECT_THAT(seen(), ElementsAre("body 012"));
  EXPECT_EQ(world_.Report(1).description.state, "streaming");
  EXPECT_THAT(Bodies(world_.Exchange(*client, "3456789" + Get("/"))), ElementsAre("done", "done"));
  EXPECT_THAT(seen(), ElementsAre("body 012", "body 3456789", "ended", "gone", "ended", "gone"));
}

TEST_F(ExchangeTest, ChunksAndTrailersCome) {
  Stream({.body = kMore, .ended = kDone});
  EXPECT_THAT(Bodies(world_.ExchangeOnce(kChunkedPost + kChunkedPost)),
              ElementsAre("done", "done"));
  EXPECT_THAT(seen(), ElementsAre("body abc", "body defg", "ended Check", "gone", "body abc",
                                  "body defg", "ended Check", "gone"));
}

TEST_F(ExchangeTest, PiecesAreCollectedToTheSizeAskedForAtEverySplit) {
  Stream({.body = kMore, .ended = kDone}, 5);
  for (size_t first = 0; first < kChunkedPost.size(); ++first) {
    seen().clear();
    ASSERT_THAT(Bodies(world_.ExchangeOnce(kChunkedPost, first)), ElementsAre("done")) << first;
    ASSERT_THAT(seen().front(), AllOf(StartsWith("body abcde"))) << first;
    ASSERT_EQ(seen()[seen().size() - 2], "ended Check") << first;
    std::string body;
    for (const std::string& event : seen()) {
      if (event.starts_with("body ")) body += event.substr(5);
    }
    ASSERT_EQ(body, "abcdefg");
  }
}

TEST_F(ExchangeTest, ARequestWithoutBodyEndsAtOnce) {
  Stream({.ended = kDone});
  EXPECT_THAT(Bodies(world_.ExchangeOnce(Get("/a"))), ElementsAre("done"));
  EXPECT_THAT(seen(), ElementsAre("ended", "gone"));
}

// The exchange holds the client back after each piece, also before the end.
TEST_F(ExchangeTest, TheNextPieceComesWhenItIsWanted) {
  for (const std::string& request : {Post("0123456789"), kChunkedPost}) {
    seen().clear();
    const auto wait = [](std::string_view, Reply&, Scope& scope) {
      return Next::WaitUntil(scope.now() + absl::Seconds(10));
    };
    const auto more = [](Reply&, Scope& scope) {
      return Next::MoreBody(scope.now() + absl::Seconds(10));
    };
    Stream({.body = wait, .ended = kDone, .wakeup = more}, 4);
    const auto client = world_.Connect();
    world_.Exchange(*client, request);
    while (client->received().empty() && seen().size() < 20) {
      const size_t events = seen().size();
      world_.Run();
      ASSERT_EQ(seen().size(), events);
      notifier_.Wake();
      world_.Run();
    }
    EXPECT_THAT(Bodies(client->TakeReceived()), ElementsAre("done"));
    EXPECT_EQ(seen()[seen().size() - 2].substr(0, 5), "ended");
  }
}

TEST_F(ExchangeTest, ABodyThatBreaksOffCancelsAndIsRefused) {
  Stream({.body = kMore});
  const std::pair<std::string, int> kBroken[] = {{"x\r\n", 400}, {"3\r\nabcdef", 400}};
  for (const auto& [bytes, status] : kBroken) {
    seen().clear();
    const auto client = world_.Connect();
    world_.Exchange(*client, kChunkedPost.substr(0, kChunkedPost.find("\r\n\r\n") + 4));
    ExpectClosing(world_.Exchange(*client, bytes), status);
    EXPECT_EQ(seen().back(), "gone");
  }
  const auto client = world_.Connect();
  client->Send(Post("0123456789").substr(0, 55));
  client->ShutdownWrite();
  world_.Run();
  ExpectClosing(client->received(), 400);
  EXPECT_EQ(seen().back(), "gone");
}

TEST_F(ExchangeTest, ABodyThatStallsPastTheDeadlineOfItsExchangeIs408) {
  Stream({.body = kMore});
  const auto client = world_.Connect();
  client->Send(Post("0123456789").substr(0, 55));
  world_.Run(absl::Seconds(11));
  ExpectClosing(client->received(), 408);
  EXPECT_EQ(seen().back(), "gone");
  Stream({.body = kMore, .ended = kDone});
  EXPECT_THAT(Bodies(world_.ExchangeOnce(Post("01"))), ElementsAre("done"));
}

// ---- Answered before the body ----

TEST_F(ExchangeTest, ASmallBodyThatNobodyWantsIsDroppedAndTheConnectionGoesOn) {
  script().plan = [](const RequestHead& head, Reply& reply, Scope&) {
    if (head.method == Method::kGet) return BodyPlan::Buffered();
    EXPECT_TRUE(reply.Send("text/plain", "no").ok());
    return BodyPlan::Answered();
  };
  const std::string post = Post("0123456789");
  for (size_t first = 1; first < post.size(); ++first) {
    EXPECT_THAT(Bodies(world_.ExchangeOnce(post + Get("/next"), first)),
                ElementsAre("no", "GET /next "))
        << first;
  }
}

TEST_F(ExchangeTest, ALargeBodyThatNobodyWantsEndsTheConnectionBehindTheResponse) {
  script().plan = [](const RequestHead&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", "no").ok());
    return BodyPlan::Answered();
  };
  const std::string sized = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n";
  const std::string waits =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
  for (const std::string& request : {sized, waits, kChunkedPost}) {
    const auto client = world_.Connect();
    ExpectClosing(world_.Exchange(*client, request + (request == waits ? "" : Get("/"))), 200);
    EXPECT_TRUE(client->ended());
  }
}

TEST_F(ExchangeTest, APlanMayAllowALargerOrASmallerBody) {
  script().plan = [](const RequestHead& head, Reply&, Scope&) {
    return BodyPlan::Buffered(head.path == "/p" ? 3 : 2'000'000);
  };
  EXPECT_THAT(Statuses(world_.ExchangeOnce(Post("012"))), ElementsAre(200));
  ExpectClosing(world_.ExchangeOnce(Post("0123")), 413);
  const auto client = world_.Connect();
  client->Send("POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 1500000\r\n\r\n");
  client->Send(std::string(1'500'000, 'x'));
  world_.Run(absl::Milliseconds(50));
  EXPECT_THAT(Statuses(client->received()), ElementsAre(200));
}

TEST_F(ExchangeTest, ContinueIsSentWhenTheBodyIsWanted) {
  script().plan = [this](const RequestHead&, Reply&, Scope& scope) {
    notifier_ = scope.notifier();
    const auto more = [](Reply&, Scope& its_scope) {
      return Next::MoreBody(its_scope.now() + absl::Seconds(10));
    };
    return BodyPlan::Progressive(Make({.body = kMore, .ended = kDone, .wakeup = more}), 1,
                                 Next::WaitUntil(scope.now() + absl::Seconds(10)));
  };
  const auto client = world_.Connect();
  const std::string request = Post("0123456789", "Expect: 100-continue\r\n");
  EXPECT_THAT(world_.Exchange(*client, request.substr(0, request.size() - 10)), IsEmpty());
  notifier_.Wake();
  world_.Run();
  EXPECT_EQ(client->TakeReceived(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(Bodies(world_.Exchange(*client, "0123456789")), ElementsAre("done"));
}

// ---- Large responses ----

// 10 MB through a window of 1000 bytes never hold more than the buffer of a response.
TEST(BackPressureTest, ALargeResponseToASlowReaderStaysWithinTheBuffer) {
  ServerOptions options;
  options.stream.output_pause_bytes = 20'000;
  BasicHttpWorld<PlanningSite> world(options, Plain(absl::Milliseconds(1), 10'000));
  constexpr size_t kBytes = 10'000'000;
  size_t left = kBytes;
  const auto go_on = [&](Reply& reply, Scope& scope) {
    const std::string piece(std::min(left, reply.room()), 'x');
    left -= piece.size();
    EXPECT_TRUE(reply.Write(piece).ok());
    if (left == 0) {
      EXPECT_TRUE(reply.Finish().ok());
    }
    return Next::FlushedTo(5'000, scope.now() + absl::Seconds(60));
  };
  world.script.answer = [&](const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.StartSized({}, kBytes).ok());
    reply.AnswerLater(
        std::make_unique<ScriptedExchange>(Moves{.flushed = go_on}, world.script.seen),
        Next::FlushedTo(0, scope.now() + absl::Seconds(60)));
  };
  const auto client = world.world.Connect(world.address);
  client->Send(Get("/"));
  size_t most = 0;
  for (int i = 0; i < 10'000 && left > 0; ++i) {
    world.Run(absl::Milliseconds(1));
    if (world.connections() > 0) most = std::max(most, world.Report(1).description.bytes_held);
  }
  world.Run(absl::Seconds(1));
  EXPECT_EQ(left, 0u);
  EXPECT_THAT(Bodies(client->received()), ElementsAre(SizeIs(kBytes)));
  // The exchange says it holds 1,000,000.
  EXPECT_LE(most, 1'000'000u + 32'768 + sizeof(PendingRequest));
}

TEST(BackPressureTest, AnExchangeIsAskedOnlyWhenThereIsRoomHoweverMuchItLeaves) {
  ServerOptions options;
  options.stream.output_pause_bytes = 1024;
  BasicHttpWorld<PlanningSite> world(options);
  size_t left = 100'000;
  const auto go_on = [&](Reply& reply, Scope& scope) {
    EXPECT_GT(reply.room(), 0u);
    const std::string piece(std::min(left, reply.room()), 'x');
    left -= piece.size();
    EXPECT_TRUE(reply.Write(piece).ok());
    if (left == 0) {
      EXPECT_TRUE(reply.Finish().ok());
    }
    return Next::FlushedTo(65'536, scope.now() + absl::Seconds(60));
  };
  world.script.answer = [&](const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.StartStreamed({}).ok());
    reply.AnswerLater(
        std::make_unique<ScriptedExchange>(Moves{.flushed = go_on}, world.script.seen),
        Next::FlushedTo(65'536, scope.now() + absl::Seconds(60)));
  };
  const auto client = world.Connect();
  client->Send(Get("/"));
  world.Run(absl::Milliseconds(500));
  EXPECT_EQ(left, 0u);
  EXPECT_THAT(client->received(), EndsWith("\r\n0\r\n\r\n"));
}

// The client never reads: the exchange and its memory end, whatever its own deadline.
TEST(BackPressureTest, AClientThatNeverReadsEndsTheExchange) {
  for (const bool waits : {false, true}) {
    ServerOptions options;
    options.stream.output_pause_bytes = 20'000;
    options.write_window = absl::Seconds(20);
    BasicHttpWorld<PlanningSite> world(options, Plain(absl::Milliseconds(1), 10'000));
    const auto write = [&](Reply& reply, Scope&) {
      EXPECT_TRUE(reply.Write(std::string(reply.room(), 'x')).ok());
      return waits ? Next::WaitUntil(Deadline::Never()) : Next::FlushedTo(0, Deadline::Never());
    };
    world.script.answer = [&](const Request&, Reply& reply, Scope&) {
      EXPECT_TRUE(reply.StartStreamed({}).ok());
      reply.AnswerLater(
          std::make_unique<ScriptedExchange>(Moves{.flushed = write}, world.script.seen),
          Next::FlushedTo(0, Deadline::Never()));
    };
    const auto client = world.world.Connect(world.address);
    client->PauseReading();
    client->Send(Get("/"));
    world.Run(absl::Seconds(19));
    EXPECT_LE(world.Report(1).description.bytes_held, 1'000'000u + 32'768 + sizeof(PendingRequest));
    EXPECT_EQ(world.connections(), 1u);
    world.Run(absl::Seconds(22));
    EXPECT_EQ(world.connections(), 0u);
    EXPECT_EQ(world.script.seen.back(), "gone");
    EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("does not read its responses")));
  }
}

// An event now and then to a client that reads: each debt has its own time.
TEST(BackPressureTest, AStreamOfSmallEventsIsNotTakenForAClientThatDoesNotRead) {
  BasicHttpWorld<PlanningSite> world;
  const auto event = [](Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.Write("event").ok());
    return Next::WaitUntil(scope.now() + absl::Milliseconds(6'650));
  };
  world.script.answer = [&](const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.StartStreamed({}).ok());
    reply.AnswerLater(
        std::make_unique<ScriptedExchange>(Moves{.timeout = event}, world.script.seen),
        Next::WaitUntil(scope.now() + absl::Seconds(1)));
  };
  const auto client = world.Connect();
  client->Send(Get("/"));
  world.Run(absl::Seconds(600));
  EXPECT_EQ(world.connections(), 1u);
  EXPECT_GT(world.script.seen.size(), 85u);
}

TEST_F(ExchangeTest, WhatIsSentBehindARequestThatWaitsIsNotRead) {
  AnswerLater({}, absl::Seconds(100));
  const auto client = world_.Connect();
  client->Send(Get("/"));
  world_.Run();
  for (int i = 0; i < 100; ++i) client->Send(std::string(100'000, 'x'));
  world_.Run(absl::Seconds(10));
  EXPECT_LT(world_.Report(1).description.bytes_held, 1'000'000u + 1000);
}

TEST_F(ExchangeTest, APieceOfABodyIsNotLateWhileTheExchangeHoldsTheClientBack) {
  Stream(
      {.body = [](std::string_view, Reply&,
                  Scope& scope) { return Next::WaitUntil(scope.now() + absl::Seconds(1000)); },
       .ended = kDone,
       .wakeup = [](Reply&,
                    Scope& scope) { return Next::MoreBody(scope.now() + absl::Seconds(1000)); }});
  const auto client = world_.Connect();
  const std::string post = Post("0123456789");
  world_.Exchange(*client, post.substr(0, post.size() - 2));
  world_.Run(absl::Seconds(500));
  EXPECT_EQ(world_.connections(), 1u);
  notifier_.Wake();
  world_.Run(absl::Seconds(9));
  EXPECT_THAT(client->received(), IsEmpty());
  world_.Run(absl::Seconds(2));
  ExpectClosing(client->received(), 408);
}

TEST_F(ExchangeTest, OneThatGivesUpBehindAStartedResponseEndsTheConnection) {
  for (const bool owed : {false, true}) {
    seen().clear();
    script().answer = [&](const Request&, Reply& reply, Scope& scope) {
      EXPECT_TRUE(reply.StartSized({}, 10).ok());
      const auto give_up = [=](Reply& its_reply, Scope&) {
        EXPECT_TRUE(its_reply.Write(owed ? "12345" : "").ok());
        return Next::Finished();
      };
      reply.AnswerLater(Make({.flushed = give_up}),
                        Next::FlushedTo(0, scope.now() + absl::Seconds(10)));
    };
    const auto client = world_.Connect();
    EXPECT_THAT(world_.Exchange(*client, Get("/a") + Get("/b")),
                EndsWith(owed ? "\r\n\r\n12345" : "\r\n\r\n"));
    EXPECT_TRUE(client->ended());
    EXPECT_THAT(seen(), ElementsAre("GET /a ", "flushed", "gone"));
  }
}

TEST_F(ExchangeTest, AfterHeadAnExchangeIsNotAskedForTheBody) {
  script().answer = [this](const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.StartSized({}, 1'000'000).ok());
    reply.AnswerLater(Make({}), Next::FlushedTo(0, scope.now() + absl::Seconds(10)));
  };
  const auto client = world_.Connect();
  EXPECT_THAT(world_.Exchange(*client, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"),
              EndsWith("Content-Length: 1000000\r\n\r\n"));
  EXPECT_THAT(seen(), ElementsAre("HEAD / ", "gone"));
}

// ---- Error pages ----

TEST_F(ExchangeTest, ErrorPagesMayBeTheHandlersOwn) {
  script().error_page = [](ErrorPage& page) {
    page.content_type = "text/plain";
    page.body = absl::StrCat("sorry: ", page.status);
  };
  EXPECT_THAT(Bodies(world_.ExchangeOnce("x\r\n\r\n")), ElementsAre("sorry: 400"));
  script().answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.SendError(404, "nothing here").ok());
  };
  EXPECT_THAT(Bodies(world_.ExchangeOnce(Get("/1") + Get("/2"))),
              ElementsAre("sorry: 404", "sorry: 404"));
  script().error_page = [](ErrorPage& page) { page.content_type = "bad\r\n"; };
  EXPECT_THAT(world_.ExchangeOnce("x\r\n\r\n"), HasSubstr("<h1>400 Bad Request</h1>"));
}

}  // namespace
}  // namespace rotor::http
