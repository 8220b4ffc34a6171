// What clients that are slow, greedy or many can make an HTTP server do and hold, in a simulated
// world.
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
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/allocation_count.h"
#include "protocols/http/server/server.h"
#include "protocols/http/server/server_test_util.h"

namespace rotor::http {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// ---- Deadlines ----

TEST(DeadlineTest, AByteNowAndThenDoesNotExtendTheTimeForAHead) {
  ServerOptions options;
  options.head_timeout = absl::Seconds(10);
  HttpWorld world(options);
  const auto client = world.Connect();
  const std::string request = Get("/slow");
  for (int i = 0; i < 9; ++i) {
    client->Send(request.substr(i, 1));
    world.Run(absl::Seconds(1));
    ASSERT_THAT(client->received(), IsEmpty()) << i;
  }
  client->Send(request.substr(9, 1));
  world.Run(absl::Milliseconds(1500));
  ExpectClosing(client->TakeReceived(), 408);
  EXPECT_TRUE(client->ended());
  // It would be complete now.
  EXPECT_THAT(world.Exchange(*client, request.substr(10)), IsEmpty());
  EXPECT_THAT(world.script.seen, IsEmpty());
}

TEST(DeadlineTest, TheTimeForAHeadBeginsWithItsFirstByte) {
  ServerOptions options;
  options.head_timeout = absl::Seconds(10);
  options.idle_timeout = absl::Seconds(60);
  HttpWorld world(options);
  const auto client = world.Connect();
  world.Run(absl::Seconds(30));
  client->Send("GET / HTTP/1.1\r\n");
  world.Run(absl::Seconds(9));
  EXPECT_THAT(Statuses(world.Exchange(*client, "Host: h\r\n\r\n")), ElementsAre(200));
  client->Send("GET / HTTP/1.1\r\n");
  world.Run(absl::Seconds(9));
  EXPECT_THAT(Statuses(world.Exchange(*client, "Host: h\r\n\r\n")), ElementsAre(200));
}

TEST(DeadlineTest, ABodyThatStallsIs408AndTheProcessLives) {
  const std::string chunked =
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab";
  const std::string sized = Post("0123456789");
  for (const std::string& part :
       {sized.substr(0, sized.size() - 10), sized.substr(0, sized.size() - 1), chunked}) {
    ServerOptions options;
    options.body_window = absl::Seconds(30);
    HttpWorld world(options);
    const auto client = world.Connect();
    client->Send(part);
    world.Run(absl::Seconds(29));
    EXPECT_THAT(client->received(), IsEmpty());
    world.Run(absl::Seconds(2));
    ExpectClosing(client->received(), 408);
    EXPECT_TRUE(client->ended());
    EXPECT_THAT(world.script.seen, IsEmpty());
    EXPECT_THAT(Statuses(world.ExchangeOnce(Get("/next"))), ElementsAre(200));
  }
}

TEST(DeadlineTest, ABodyThatGoesOnComingIsAwaited) {
  ServerOptions options;
  options.body_window = absl::Seconds(30);
  options.body_bytes_per_second_min = 0;
  HttpWorld world(options);
  const auto client = world.Connect();
  const std::string request = Post("0123456789");
  client->Send(request.substr(0, request.size() - 10));
  for (size_t left = 10; left > 0; --left) {
    world.Run(absl::Seconds(29));
    EXPECT_THAT(client->received(), IsEmpty());
    client->Send(request.substr(request.size() - left, 1));
  }
  world.Run();
  EXPECT_THAT(Bodies(client->received()), ElementsAre("POST /p 0123456789"));
}

// Sends `bytes` at the given rate until the connection ends; how long that took.
absl::Duration Dribble(HttpWorld& world, SimConnection& client, std::string_view bytes,
                       size_t bytes_per_second) {
  const Time start = world.world.now();
  while (!client.ended() && !bytes.empty()) {
    const size_t count = std::min(bytes.size(), bytes_per_second);
    client.Send(bytes.substr(0, count));
    bytes.remove_prefix(count);
    world.Run(absl::Seconds(1));
  }
  return world.world.now() - start;
}

TEST(DeadlineTest, ABodyThatComesTooSlowlyIs408) {
  const std::string sized = Post(std::string(20'000, 'x'));
  std::string chunked = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&chunked, "64\r\n", std::string(100, 'x'), "\r\n");
  for (const std::string& request : {sized, chunked + "0\r\n\r\n"}) {
    HttpWorld world;
    const auto slow = world.Connect();
    EXPECT_LE(Dribble(world, *slow, request, 200), absl::Seconds(21));
    ExpectClosing(slow->received(), 408);
    const auto fast_enough = world.Connect();
    EXPECT_GE(Dribble(world, *fast_enough, request, 300), absl::Seconds(60));
    EXPECT_THAT(Statuses(fast_enough->received()), ElementsAre(200));
  }
}

TEST(DeadlineTest, ManySlowClientsCostLittleAndEndWhileOthersAreServed) {
  HttpWorld world({}, Plain(), {.machines_max = 256});
  constexpr int kSlow = 200;
  const std::string head = Get("/slow", "Some-Field: value\r\nAnother-Field: value\r\n");
  const std::string post = Post(std::string(2000, 'x'));
  std::vector<std::unique_ptr<SimConnection>> slow;
  for (int i = 0; i < kSlow; ++i) slow.push_back(world.Connect());
  const auto healthy = world.Connect();
  size_t most = 0;
  for (int second = 0; second < 25; ++second) {
    // Half of them dribble a head, the others a body.
    for (int i = 0; i < kSlow; ++i) {
      if (i % 2 == 0) slow[i]->Send(head.substr(second, 1));
      if (i % 2 == 1) slow[i]->Send(second == 0 ? post.substr(0, 60) : "x");
    }
    world.Run(absl::Seconds(1));
    most = std::max(most, world.BytesHeld());
    EXPECT_THAT(Statuses(world.Exchange(*healthy, Get("/"))), ElementsAre(200));
  }
  for (const auto& client : slow) ExpectClosing(client->received(), 408);
  // Per slow client: its input or head and body in the smallest blocks, and what is known of it.
  EXPECT_LT(most / kSlow, 2 * 4096 + sizeof(PendingRequest) + 100);
  EXPECT_GT(most, 0u);
  EXPECT_THAT(Statuses(world.Exchange(*healthy, Get("/"))), ElementsAre(200));
}

TEST(DeadlineTest, AnIdleConnectionIsClosedSilently) {
  for (const bool used : {false, true}) {
    ServerOptions options;
    options.idle_timeout = absl::Seconds(60);
    HttpWorld world(options);
    const auto client = world.Connect();
    if (used) world.Exchange(*client, Get("/a"));
    world.Run(absl::Seconds(59));
    EXPECT_FALSE(client->ended());
    world.Run(absl::Seconds(2));
    EXPECT_TRUE(client->ended());
    EXPECT_THAT(client->received(), IsEmpty());
    EXPECT_EQ(world.connections(), 0u);
    EXPECT_EQ(world.Count("requests_refused"), 0);
    EXPECT_EQ(world.Count("machines_failed"), 0);
  }
}

TEST(DeadlineTest, AConnectionThatTheClientDoesNotCloseEndsAfterTheCloseTimeout) {
  ServerOptions options;
  options.close_timeout = absl::Seconds(5);
  HttpWorld world(options);
  const auto client = world.Connect();
  world.Exchange(*client, Get("/a", "Connection: close\r\n"));
  EXPECT_TRUE(client->ended());
  world.Run(absl::Seconds(4));
  EXPECT_EQ(world.connections(), 1u);
  world.Run(absl::Seconds(2));
  EXPECT_EQ(world.connections(), 0u);
  EXPECT_EQ(world.Count("machines_failed"), 0);
}

class UnreadTest : public testing::TestWithParam<bool> {
 protected:
  std::string Large() const { return Get("/large", GetParam() ? "Connection: close\r\n" : ""); }
  static void AnswerLarge(const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", std::string(200'000, 'x')).ok());
  }
};

TEST_P(UnreadTest, AClientThatDoesNotReadItsResponseEnds) {
  ServerOptions options;
  options.write_window = absl::Seconds(20);
  HttpWorld world(options);
  world.script.answer = AnswerLarge;
  const auto client = world.Connect();
  client->PauseReading();
  // The one behind it is not served meanwhile.
  client->Send(Large() + Get("/next"));
  world.Run(absl::Seconds(19));
  EXPECT_EQ(world.connections(), 1u);
  world.Run(absl::Seconds(22));
  EXPECT_EQ(world.connections(), 0u);
  EXPECT_THAT(world.script.seen, SizeIs(1));
  EXPECT_EQ(world.Count("machines_failed"), 1);
  EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("does not read its responses")));
}

// A second for each thousand bytes: far longer in all than any deadline.
TEST_P(UnreadTest, AClientThatReadsSlowlyGetsAllOfItsResponse) {
  HttpWorld world({}, Plain(/*latency=*/absl::Seconds(1), /*window_bytes=*/1000));
  world.script.answer = AnswerLarge;
  const auto client = world.world.Connect(world.address);
  client->Send(Large());
  world.Run(absl::Seconds(215));
  EXPECT_THAT(Bodies(client->received()), ElementsAre(std::string(200'000, 'x')));
  EXPECT_EQ(client->ended(), GetParam());
  EXPECT_FALSE(client->was_reset());
}

// 100 bytes a second: progress, but less than write_bytes_per_second_min.
TEST_P(UnreadTest, AClientThatReadsTooSlowlyEnds) {
  ServerOptions options;
  options.write_window = absl::Seconds(20);
  HttpWorld world(options, Plain(/*latency=*/absl::Seconds(1), /*window_bytes=*/100));
  world.script.answer = AnswerLarge;
  const auto client = world.world.Connect(world.address);
  client->Send(Large());
  world.Run(absl::Seconds(20));
  EXPECT_EQ(world.connections(), 1u);
  world.Run(absl::Seconds(30));
  EXPECT_EQ(world.connections(), 0u);
  EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("does not read its responses")));
}

// The system's buffers are large, and it asks for more only when much of them is free: it takes
// nothing for minutes, while the client reads.
TEST_P(UnreadTest, AClientThatReadsFromTheBuffersOfTheSystemIsServed) {
  ServerOptions options;
  options.write_window = absl::Seconds(20);
  HttpWorld world(options, Plain(absl::Milliseconds(1), 1000));
  world.script.answer = AnswerLarge;
  const auto client = world.Connect();
  client->PauseReading();
  world.Exchange(*client, Large());
  for (size_t untaken = 2'000'000; untaken > 0; untaken -= 100'000) {
    world.host.untaken = untaken;
    world.Run(absl::Seconds(20));
    ASSERT_EQ(world.connections(), 1u) << untaken;
  }
  world.Run(absl::Seconds(41));
  EXPECT_EQ(world.connections(), 0u);
  EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("does not read its responses")));
}

INSTANTIATE_TEST_SUITE_P(KeepAliveAndClose, UnreadTest, testing::Bool());

TEST(DeadlineTest, AClientThatDoesNotReadCannotMakeTheServerHoldMuch) {
  ServerOptions options;
  options.stream.output_pause_bytes = 10'000;
  HttpWorld world(options, Plain(absl::Milliseconds(1), 1000));
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", std::string(1000, 'x')).ok());
  };
  const auto client = world.world.Connect(world.address);
  client->PauseReading();
  for (int i = 0; i < 1000; ++i) client->Send(Get("/a"));
  world.Run(absl::Seconds(1));
  EXPECT_LT(world.script.seen.size(), 20u);
  EXPECT_LT(world.Report(1).description.bytes_held, 100'000u);
}

// ---- Limits ----

TEST(LimitTest, ASizedBodyTooLargeIs413BeforeItIsRead) {
  ServerOptions options;
  options.body_bytes_max = 10;
  HttpWorld world(options);
  EXPECT_THAT(Statuses(world.ExchangeOnce(Post("0123456789"))), ElementsAre(200));
  const std::string large = Post("0123456789x");
  const auto client = world.Connect();
  ExpectClosing(world.Exchange(*client, large.substr(0, large.size() - 11)), 413);
  EXPECT_TRUE(client->ended());
  ExpectClosing(world.ExchangeOnce(large), 413);
  EXPECT_THAT(world.script.seen, SizeIs(1));
}

TEST(LimitTest, AChunkedBodyIs413AsSoonAsItIsTooLarge) {
  ServerOptions options;
  options.body_bytes_max = 10;
  HttpWorld world(options);
  const std::string head = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(Bodies(world.ExchangeOnce(head + "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n")),
              ElementsAre("POST /p 0123456789"));
  const auto client = world.Connect();
  EXPECT_THAT(world.Exchange(*client, head + "4\r\n0123\r\n6\r\n456789\r\n"), IsEmpty());
  ExpectClosing(world.Exchange(*client, "1\r\nx"), 413);
  EXPECT_TRUE(client->ended());
  ExpectClosing(world.ExchangeOnce(head + "b\r\n0123456789x\r\n0\r\n\r\n"), 413);
  EXPECT_THAT(world.script.seen, SizeIs(1));
}

// RFC 9112 section 9.6: a reset would take the response away from a client that is still sending.
TEST(LimitTest, AClientThatGoesOnSendingStillSeesTheErrorAndTheEnd) {
  ServerOptions options;
  options.body_bytes_max = 10;
  HttpWorld world(options);
  const auto client = world.Connect();
  client->Send(Post(std::string(50'000, 'x')));
  world.Run(absl::Seconds(1));
  ExpectClosing(client->received(), 413);
  EXPECT_TRUE(client->ended());
  client->Send("more");
  world.Run();
  EXPECT_FALSE(client->was_reset());
  client->Close();
  world.Run();
  EXPECT_EQ(world.connections(), 0u);
}

TEST(LimitTest, RequestsThatAreRefusedGetTheirStatusAndTheEnd) {
  ServerOptions options;
  options.limits = {.head_bytes_max = 1000,
                    .target_bytes_max = 100,
                    .field_line_bytes_max = 500,
                    .fields_max = 5,
                    .trailer_bytes_max = 50};
  HttpWorld world(options);
  const std::string chunked = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<int, std::string> kRequests[] = {
      {414, Get(std::string(101, '/'))},
      {431, Get("/", absl::StrCat("Field: ", std::string(494, 'x'), "\r\n"))},
      {431, Get("/", absl::StrCat("A: ", std::string(490, 'x'), "\r\nB: ", std::string(490, 'x')))},
      {431, Get("/", "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n")},
      {431, absl::StrCat(chunked, "0\r\nA: ", std::string(50, 'x'), "\r\n\r\n")},
      {400, absl::StrCat(chunked, "x\r\n")},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "\x16\x03\x01\x02"},
      {417, Post("x", "Expect: miracles\r\n")},
      {501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {501, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"}};
  for (const auto& [status, request] : kRequests) {
    const auto client = world.Connect();
    ExpectClosing(world.Exchange(*client, request), status);
    EXPECT_TRUE(client->ended()) << request;
    EXPECT_FALSE(client->was_reset()) << request;
    const auto slow = world.Connect();
    for (const char& byte : request) {
      slow->Send({&byte, 1});
      world.Run(absl::Microseconds(300));
    }
    ExpectClosing(slow->TakeReceived(), status);
  }
  EXPECT_THAT(world.script.seen, IsEmpty());
  EXPECT_EQ(world.Count("requests_refused"), 2 * std::ssize(kRequests));
}

TEST(LimitTest, AHeadErrorAfterHeadHasNoBody) {
  HttpWorld world;
  const std::string answer =
      world.ExchangeOnce("HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 413 "), EndsWith("\r\n\r\n")));
}

// ---- Drain ----

TEST(DrainTest, AnIdleConnectionIsClosedAtOnce) {
  HttpWorld world;
  const auto fresh = world.Connect();
  const auto used = world.Connect();
  world.Exchange(*used, Get("/a"));
  world.loop->Drain(world.world.now() + absl::Seconds(10));
  world.Run();
  for (const auto* client : {fresh.get(), used.get()}) {
    EXPECT_TRUE(client->ended());
    EXPECT_THAT(client->received(), IsEmpty());
  }
  EXPECT_EQ(world.loop->machines(), 0u);
  EXPECT_THAT(world.log.lines, IsEmpty());
}

TEST(DrainTest, ARequestOnItsWayIsAnsweredWithCloseAndIsTheLast) {
  const std::string sized = Post("0123456789");
  for (const std::string& request : {Get("/a"), sized}) {
    for (const size_t first : {size_t{1}, request.size() - 1}) {
      HttpWorld world;
      const auto client = world.Connect();
      client->Send(request.substr(0, first));
      world.Run();
      world.loop->Drain(world.world.now() + absl::Seconds(10));
      world.Run();
      EXPECT_FALSE(client->ended());
      ExpectClosing(world.Exchange(*client, request.substr(first) + Get("/next")), 200);
      EXPECT_TRUE(client->ended());
      client->Close();
      world.FinishDrain();
      EXPECT_THAT(world.script.seen, SizeIs(1));
      EXPECT_THAT(world.log.lines, IsEmpty());
    }
  }
}

TEST(DrainTest, ARequestBehindADrainFromItsOwnHandlerIsNotServed) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope& scope) {
    EXPECT_TRUE(reply.Send("text/plain", "going").ok());
    scope.Drain(scope.now() + absl::Seconds(10));
  };
  const auto client = world.Connect();
  const std::string answer = world.Exchange(*client, Get("/stop") + Get("/2") + Get("/3"));
  // The first had its response before the drain; the second one's says close.
  EXPECT_THAT(Statuses(answer), ElementsAre(200, 200));
  EXPECT_TRUE(Parse(answer)[1].closes());
  EXPECT_TRUE(client->ended());
  client->Close();
  world.FinishDrain();
}

TEST(DrainTest, AResponseThatIsOwedIsTakenFirst) {
  HttpWorld world;
  world.script.answer = [](const Request&, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", std::string(200'000, 'x')).ok());
  };
  const auto client = world.Connect();
  client->PauseReading();
  world.Exchange(*client, Get("/large"));
  world.loop->Drain(world.world.now() + absl::Seconds(10));
  world.Run(absl::Seconds(5));
  EXPECT_EQ(world.Report(0).description.state, "closing");
  client->ResumeReading();
  world.Run(absl::Seconds(1));
  EXPECT_THAT(Bodies(client->received()), ElementsAre(SizeIs(200'000)));
  EXPECT_TRUE(client->ended());
  client->Close();
  world.FinishDrain();
  EXPECT_THAT(world.log.lines, IsEmpty());
}

TEST(DrainTest, ARequestThatStaysIncompleteIsCutAndNamed) {
  HttpWorld world;
  const auto client = world.Connect();
  client->Send("GET / HT");
  world.Run();
  world.loop->Drain(world.world.now() + absl::Seconds(3));
  world.FinishDrain();
  EXPECT_THAT(world.log.lines,
              ElementsAre(AllOf(HasSubstr("cut /http/1 "), HasSubstr("state: reading head"))));
}

// ---- Room ----

TEST(RoomTest, TheConnectionThatDoesNotFitWaitsAndIsServed) {
  constexpr uint32_t kConnectionsMax = 4;
  HttpWorld world({}, Plain(), {.machines_max = 1 + kConnectionsMax});
  std::vector<std::unique_ptr<SimConnection>> clients;
  for (uint32_t i = 0; i < kConnectionsMax + 1; ++i) {
    clients.push_back(world.Connect());
    clients.back()->Send(Get("/a"));
  }
  world.Run();
  EXPECT_EQ(world.connections(), kConnectionsMax);
  EXPECT_EQ(world.script.seen.size(), kConnectionsMax);
  EXPECT_TRUE(clients.back()->connected());
  EXPECT_THAT(clients.back()->received(), IsEmpty());
  clients[1]->Close();
  world.Run();
  EXPECT_THAT(Statuses(clients.back()->received()), ElementsAre(200));
}

// ---- Memory ----

using Connection = stream::Machine<ServerProtocol<Site>>;
static_assert(sizeof(Connection) <= 192, "the machine of a connection lies in a slot of the loop");

// What the loop sets aside for each slot, without the machine in it.
size_t BytesPerSlot() {
  constexpr uint32_t kSlots = 10'000;
  const auto BytesFor = [](uint32_t slots) {
    SimWorld world;
    SimBackend& host = world.AddHost("server");
    const size_t before = AllocatedBytes();
    const LoopBuilder<App> builder({.machines_max = slots}, host);
    return AllocatedBytes() - before;
  };
  return (BytesFor(2 * kSlots) - BytesFor(kSlots)) / kSlots;
}

TEST(MemoryTest, AnIdleConnectionHoldsNoBufferAndTakesAtMost256BytesAllTold) {
  HttpWorld world;
  const BufferPool* pool = nullptr;
  world.script.answer = [&](const Request&, Reply& reply, Scope& scope) {
    pool = &scope.buffer_pool();
    EXPECT_TRUE(reply.Send("text/plain", "some body").ok());
  };
  std::vector<std::unique_ptr<SimConnection>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(world.Connect());
    // Some in pieces, some with a body: what those took is given back.
    const std::string request = i % 2 == 0 ? Get("/a") : Post("0123456789");
    clients.back()->Send(request.substr(0, 10 * i));
    world.Run();
    if (10u * i < request.size()) clients.back()->Send(request.substr(10 * i));
    world.Run();
    EXPECT_THAT(Statuses(clients.back()->TakeReceived()), ElementsAre(200));
  }
  ASSERT_EQ(world.connections(), clients.size());
  for (size_t i = 1; i <= clients.size(); ++i) {
    EXPECT_EQ(world.Report(i).description.bytes_held, 0u);
  }
  EXPECT_EQ(pool->bytes_used(), 0u);
  // The slot with its timer and wake mark, and the machine in it; the kernel's share is not ours.
  const size_t bytes = BytesPerSlot() + sizeof(App);
  RecordProperty("bytes_per_idle_connection", static_cast<int>(bytes));
  EXPECT_GT(BytesPerSlot(), 32u);
  EXPECT_LE(bytes, 256u);
}

TEST(MemoryTest, ABodyInPiecesAllocatesNothingInSteadyTraffic) {
  HttpWorld world;
  world.script.seen.reserve(10'000);
  world.script.answer = [](const Request& request, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", request.body).ok());
  };
  const auto client = world.Connect();
  size_t calls = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string post = Post("01");
    for (const std::string_view piece :
         {std::string_view(post).substr(0, 20), std::string_view(post).substr(20, 30),
          std::string_view(post).substr(50)}) {
      client->Send(piece);
      const Time until = world.world.now() + absl::Milliseconds(2);
      while (world.world.now() < until) {
        const size_t before = AllocationCount();
        ASSERT_TRUE(world.loop->RunOnce(until).ok());
        if (i >= 50) calls += AllocationCount() - before;
      }
    }
    ASSERT_THAT(Statuses(client->TakeReceived()), ElementsAre(200));
  }
  EXPECT_EQ(calls, 0u);
}

TEST(MemoryTest, AKeepAliveRequestServedWholeAllocatesNothing) {
  HttpWorld world;
  world.script.seen.reserve(10'000);
  world.script.answer = [](const Request& request, Reply& reply, Scope&) {
    EXPECT_TRUE(reply.Send("text/plain", request.body).ok());
  };
  const auto client = world.Connect();
  // What is seen of each fits into a string object.
  const std::string requests = Get("/a") + Post("01") + Get("/b");
  size_t calls = 0;
  for (int i = 0; i < 200; ++i) {
    client->Send(requests);
    const Time until = world.world.now() + absl::Milliseconds(2);
    while (world.world.now() < until) {
      const size_t before = AllocationCount();
      ASSERT_TRUE(world.loop->RunOnce(until).ok());
      // The first ones fill the pool and let vectors grow.
      if (i >= 100) calls += AllocationCount() - before;
    }
    ASSERT_THAT(Statuses(client->TakeReceived()), ElementsAre(200, 200, 200));
  }
  EXPECT_EQ(calls, 0u);
}

}  // namespace
}  // namespace rotor::http
