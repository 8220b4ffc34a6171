#include "protocols/stream/stream.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
#include "core/buffer/buffer.h"
#include "core/testing/sim_client.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/machine.h"
#include "protocols/stream/stream_test_util.h"

namespace rotor::stream {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A handler that answers with `intent` whatever happens.
template <typename... Args>
auto Always(Intent intent) {
  return [intent = std::move(intent)](Args...) { return intent; };
}
auto AlwaysStart(Intent intent) { return Always<Stream&, Scope&>(std::move(intent)); }

Intent Lines() { return Expect::Delimiter("\n", 64).Forever(); }

// Consumes the frame and sends it back.
Intent Echo(std::string_view frame, Stream& stream, Scope&) {
  stream.Write(frame);
  stream.Consume(frame.size());
  return Intent::Unchanged();
}

// Answers a frame and closes.
Intent Answer(std::string_view frame, Stream& stream, Scope& scope) {
  stream.Consume(frame.size());
  stream.Write("answer");
  return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
}

// ---- Expectations, however the input is cut ----

struct FrameCase {
  std::string name;
  Script::Handler start;
  std::function<Intent(int)> after_frame;  // Number of frames so far, this one included.
  std::string input;
  std::vector<std::string> calls;
  bool wake = false;  // After the input.
};

std::vector<std::string> CallsFor(const FrameCase& test, const std::vector<std::string>& pieces) {
  int frames = 0;
  std::string rest;
  Script script;
  script.start = test.start;
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    return test.after_frame(++frames);
  };
  script.flushed = script.wakeup = [&](Stream&, Scope&) { return test.after_frame(100 + frames); };
  script.ended = [&](InputEnd, Stream& stream, Scope& scope) {
    rest = stream.input();
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  for (const std::string& piece : pieces) world.Exchange(*client, piece);
  if (test.wake) script.notifier.Wake();
  world.Run();
  client->ShutdownWrite();
  world.Run();
  EXPECT_TRUE(client->ended());
  script.calls.push_back("rest " + rest);
  return script.calls;
}

// A hundred is added to the number when it is not a frame that was called.
std::vector<FrameCase> FrameCases() {
  const auto Bytes = [](int) { return Expect::Bytes(3).Forever(); };
  const auto Crlf = [](int) { return Expect::Delimiter("\r\n", 16).Forever(); };
  return {
      {"bytes",
       AlwaysStart(Bytes(0)),
       Bytes,
       "abcdefgh",
       {"start", "frame abc", "frame def", "finished", "rest gh"}},
      {"delimiter",
       AlwaysStart(Crlf(0)),
       Crlf,
       "a\r\r\nb\n\r\n\r\n\r",
       {"start", "frame a\r\r\n", "frame b\n\r\n", "frame \r\n", "finished", "rest \r"}},
      {"delimiter that begins within a failed match",
       AlwaysStart(Expect::Delimiter("aab", 16).Forever()),
       [](int) { return Expect::Delimiter("aab", 16).Forever(); },
       "aaabaaxaabaa",
       {"start", "frame aaab", "frame aaxaab", "finished", "rest aa"}},
      {"delimiter, then bytes, then another delimiter",
       AlwaysStart(Crlf(0)),
       [](int n) {
         return n == 1   ? Expect::Bytes(4).Forever()
                : n == 2 ? Expect::Delimiter("\n", 16).Forever()
                         : Expect::Delimiter("\r\n", 16).Forever();
       },
       "4\r\n\r\nabc\nd\r\n",
       {"start", "frame 4\r\n", "frame \r\nab", "frame c\n", "frame d\r\n", "finished", "rest "}},
      {"bytes or flushed",
       AlwaysStart(Expect::Bytes(3).OrFlushedTo(0).Forever()),
       [](int n) {
         return n >= 100 ? Expect::Bytes(3).Forever() : Expect::Bytes(3).OrFlushedTo(0).Forever();
       },
       "abcdefg",
       {"start", "flushed", "frame abc", "flushed", "frame def", "flushed", "finished", "rest g"}},
      {"delimiter or flushed",
       AlwaysStart(Expect::Delimiter("\n", 9).OrFlushedTo(7).Forever()),
       [](int n) {
         const Expect line = Expect::Delimiter("\n", 9);
         return n >= 100 ? line.Forever() : line.OrFlushedTo(7).Forever();
       },
       "a\nbc\n",
       {"start", "flushed", "frame a\n", "flushed", "frame bc\n", "flushed", "finished", "rest "}},
      {"flushed",
       [](Stream& stream, Scope&) {
         stream.Write("hello");
         return Expect::FlushedTo(0).Forever();
       },
       [](int) { return Lines(); },
       "a\nb",
       {"start", "flushed", "frame a\n", "finished", "rest b"}},
      {"nothing but wake-up",
       AlwaysStart(Expect::NothingButWakeup().Forever()),
       [](int) { return Lines(); },
       "a\nb\nc",
       {"start", "wakeup", "frame a\n", "frame b\n", "finished", "rest c"},
       true},
  };
}

TEST(ExpectTest, FramesAreTheSameHoweverTheInputIsCut) {
  for (const FrameCase& test : FrameCases()) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(CallsFor(test, {test.input}), test.calls);
    std::vector<std::string> bytes;
    for (const char byte : test.input) bytes.emplace_back(1, byte);
    EXPECT_EQ(CallsFor(test, bytes), test.calls) << "byte by byte";
    for (size_t cut = 1; cut < test.input.size(); ++cut) {
      EXPECT_EQ(CallsFor(test, {test.input.substr(0, cut), test.input.substr(cut)}), test.calls)
          << "cut at " << cut;
    }
  }
}

TEST(ExpectTest, BytesAlreadySearchedForTheDelimiterAreNotSearchedAgain) {
  Script script;
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "aaaa");
  world.Exchange(*client, "bbbb");
  // Behind the stream's back a delimiter appears among those eight: a search from the start finds
  // it.
  world.backend.after_read = [](std::string_view read) {
    if (read == "cccc") const_cast<char*>(read.data())[-2] = '\n';
  };
  world.Exchange(*client, "cccc");
  world.Exchange(*client, "\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame aaaabb\nbcccc\n"));
}

TEST(ExpectTest, AnotherExpectationSearchesFromTheFront) {
  Script script;
  script.wakeup = [](Stream&, Scope&) { return Expect::Delimiter(";", 64).Forever(); };
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "ab;cd");
  EXPECT_THAT(script.calls, ElementsAre("start"));
  script.notifier.Wake();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", "wakeup", "frame ab;"));
}

TEST(ExpectTest, ADelimiterIsTheSameWhateverLiteralNamesIt) {
  static constexpr char kOne[] = "\n";
  static constexpr char kOther[] = "\n";
  ASSERT_NE(static_cast<const void*>(kOne), static_cast<const void*>(kOther));
  Script script;
  bool other = false;
  script.frame = [&](std::string_view, Stream&, Scope&) {
    other = !other;
    return (other ? Expect::Delimiter(kOther, 64) : Expect::Delimiter(kOne, 64)).Forever();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  EXPECT_DEATH(world.Exchange(*client, "a\n"), "consumed nothing and expects the same frame again");
}

TEST(ExpectTest, NothingToWaitForIsAProgrammersError) {
  EXPECT_DEATH((void)Expect::Bytes(0), "there is nothing to wait for");
  EXPECT_DEATH((void)Expect::Delimiter("\r\n", 1), "smaller than the delimiter");
}

// ---- Limits of a frame ----

std::vector<std::string> CallsForLine(std::string_view input, bool byte_by_byte) {
  Script script;
  script.start = AlwaysStart(Expect::Delimiter("\r\n", 8).Forever());
  script.ended = [](InputEnd, Stream& stream, Scope& scope) {
    stream.Write("sorry");
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  for (size_t i = 0; i < input.size(); i += byte_by_byte ? 1 : input.size()) {
    world.Exchange(*client, input.substr(i, byte_by_byte ? 1 : input.size()));
  }
  client->ShutdownWrite();
  world.Run();
  EXPECT_EQ(client->received(), "sorry");
  EXPECT_TRUE(client->ended());
  return script.calls;
}

TEST(FrameLimitTest, AFrameAtTheLimitIsDelivered) {
  for (const bool byte_by_byte : {false, true}) {
    EXPECT_THAT(CallsForLine("123456\r\n", byte_by_byte),
                ElementsAre("start", "frame 123456\r\n", "finished"));
  }
}

TEST(FrameLimitTest, AFrameOneAboveTheLimitEndsTheInputOnceAndIsStillAnswered) {
  for (const bool byte_by_byte : {false, true}) {
    EXPECT_THAT(CallsForLine("1234567\r\n1\r\n", byte_by_byte), ElementsAre("start", "too long"));
    EXPECT_THAT(CallsForLine("12345678", byte_by_byte), ElementsAre("start", "too long"));
  }
}

TEST(FrameLimitTest, WhoExpectsInputAfterItsEndFails) {
  for (const std::string_view input : {"a\n123456789", "a\n1234"}) {
    Script script;
    script.start = AlwaysStart(Expect::Delimiter("\n", 8).Forever());
    script.ended = [](InputEnd, Stream&, Scope&) { return Expect::Bytes(1).Forever(); };
    StreamWorld world;
    const auto client = world.Serve(script);
    world.Exchange(*client, input);
    client->ShutdownWrite();
    world.Run();
    EXPECT_THAT(script.calls,
                ElementsAre("start", "frame a\n", input.size() > 8 ? "too long" : "finished",
                            "failed: the protocol expects input after its end"));
    EXPECT_EQ(world.Count("machines_failed"), 1);
  }
}

TEST(FrameLimitTest, AfterTheEndOfInputAProtocolMayStillWaitForAWakeUpAndAnswer) {
  Script script;
  script.ended = [](InputEnd, Stream&, Scope&) { return Expect::NothingButWakeup().Forever(); };
  script.wakeup = [](Stream& stream, Scope& scope) {
    EXPECT_TRUE(stream.input_ended());
    stream.Write("late");
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  client->ShutdownWrite();
  world.Run(absl::Seconds(60));
  script.notifier.Wake();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", "finished", "wakeup"));
  EXPECT_EQ(client->received(), "late");
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

// ---- The end of the input ----

TEST(InputEndTest, WhatCameBeforeTheEndIsDeliveredFirst) {
  Script script;
  StreamWorld world;
  const auto client = world.Serve(script);
  client->Send("a\nb\nc");
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n", "frame b\n", "finished"));
}

TEST(InputEndTest, WhatCameBeforeAHangUpIsDeliveredFirst) {
  Script script;
  StreamWorld world;
  const auto client = world.Serve(script);
  client->Send("a\nb\nc");
  client->Reset();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n", "frame b\n",
                                        HasSubstr("failed: connection broke in read")));
}

TEST(InputEndTest, WhatWasHeldBackIsDeliveredBeforeTheEndOrTheHangUpBehindIt) {
  for (const bool reset : {false, true}) {
    Script script;
    script.start = AlwaysStart(Expect::NothingButWakeup().Forever());
    script.wakeup = AlwaysStart(Lines());
    // Reading in small pieces, so that the end is not seen together with the bytes.
    StreamWorld world(StreamWorld::Plain(), {.machines_max = 8, .receive_buffer_bytes = 4});
    const auto client = world.Serve(script);
    world.Exchange(*client, "a\nb\nc\n");
    script.notifier.Wake();
    if (reset) {
      client->Reset();
    } else {
      client->ShutdownWrite();
    }
    world.Run();
    EXPECT_THAT(script.calls,
                ElementsAre("start", "wakeup", "frame a\n", "frame b\n", "frame c\n",
                            reset ? HasSubstr("failed: connection broke") : HasSubstr("finished")));
  }
}

TEST(InputEndTest, APeerThatEndedStillGetsItsAnswer) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  client->Send("question\n");
  client->ShutdownWrite();
  world.Run();
  EXPECT_EQ(client->received(), "question\n");
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->was_reset());
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

TEST(InputEndTest, AnEndDoesNotDisturbWhoWaitsForAWakeUp) {
  Script script;
  script.start = AlwaysStart(Expect::NothingButWakeup().Forever());
  StreamWorld world;
  const auto client = world.Serve(script);
  client->ShutdownWrite();
  world.Run(absl::Seconds(10));
  EXPECT_THAT(script.calls, ElementsAre("start"));
  EXPECT_LT(world.turns(), 20);
}

TEST(InputEndTest, AResetEndsWhoWaitsForAWakeUp) {
  Script script;
  script.start = AlwaysStart(Expect::NothingButWakeup().Forever());
  StreamWorld world;
  const auto client = world.Serve(script);
  client->Reset();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", HasSubstr("failed: connection broke")));
  EXPECT_EQ(world.Count("machines_failed"), 1);
}

// ---- Closing ----

TEST(CloseTest, ASlowReaderGetsEverythingThenTheEnd) {
  const std::string answer(50'000, 'x');
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
    stream.Consume(frame.size());
    stream.Write(answer);
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(100));
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "go\n");
  while (!client->ended() && world.world.now() < Time() + absl::Seconds(1090)) {
    EXPECT_EQ(world.loop->machines(), 2u);
    client->ResumeReading();
    client->PauseReading();
    world.Run(absl::Seconds(1));
  }
  EXPECT_EQ(client->received(), answer);
  EXPECT_TRUE(client->ended());
  client->Close();
  world.Run();
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

TEST(CloseTest, TheEndLeavesWithTheLastBytes) {
  for (const bool waits_first : {false, true}) {
    Script script;
    script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
      const Intent close = Answer(frame, stream, scope);
      if (!waits_first) return close;
      stream.EndOutput();
      return Expect::FlushedTo(0).Forever();
    };
    script.flushed = [](Stream& stream, Scope& scope) {
      EXPECT_EQ(stream.output_bytes(), 0u);
      return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
    };
    StreamWorld world;
    const auto client = world.Serve(script);
    world.Exchange(*client, "go\n");
    EXPECT_TRUE(client->ended());
    EXPECT_EQ(world.backend.transfers, "rw");
    EXPECT_EQ(world.backend.last_writes, 1);
    EXPECT_EQ(world.loop->machines(), 2u);  // It waits for the peer, which may still read.
    client->Close();
    world.Run();
    EXPECT_EQ(world.Count("machines_finished"), 1);
  }
}

TEST(CloseTest, APeerThatNeverReadsEndsAtTheDeadlineAsAFailure) {
  Script script;
  script.start = [](Stream& stream, Scope& scope) {
    stream.Write(std::string(1500, 'x'));
    return Intent::CloseAfterFlush(scope.now() + absl::Seconds(5));
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
  const auto client = world.world.Connect(world.Mount(script));
  client->PauseReading();
  world.Run(absl::Seconds(4));
  EXPECT_EQ(world.Count("machines_failed"), 0);
  world.Run(absl::Seconds(2));
  EXPECT_EQ(world.Count("machines_failed"), 1);
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("the peer did not take the last 500 bytes")));
  EXPECT_THAT(script.calls, ElementsAre("start"));
}

TEST(CloseTest, APeerThatKeepsItsSideOpenEndsAtTheDeadlineWithoutAFailure) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "go\n");
  EXPECT_EQ(client->received(), "answer");
  EXPECT_TRUE(client->ended());
  world.Run(absl::Seconds(9));
  EXPECT_EQ(world.loop->machines(), 2u);
  world.Run(absl::Seconds(2));
  EXPECT_EQ(world.loop->machines(), 1u);
  EXPECT_EQ(world.Count("machines_finished"), 1);
  EXPECT_EQ(world.Count("machines_failed"), 0);
}

TEST(CloseTest, InputStillUnderWayDoesNotBecomeAResetThatEatsTheAnswer) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script);
  // Unread by its program, so that a reset would discard it.
  client->PauseReading();
  client->Send("go\n" + std::string(20'000, 'x'));
  world.Run(absl::Microseconds(150));
  client->Send(std::string(20'000, 'y'));
  world.Run(absl::Microseconds(150));
  client->Send(std::string(10'000, 'z'));
  world.Run();
  client->ResumeReading();
  world.Run();
  EXPECT_EQ(client->received(), "answer");
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->was_reset());
  EXPECT_EQ(world.loop->machines(), 2u);
  client->Close();
  world.Run();
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

TEST(CloseTest, APeerThatSendsOnAndOnIsNotListenedToForever) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script, {.linger_bytes_max = 1000});
  world.Exchange(*client, "go\n");
  for (int i = 0; i < 9; ++i) world.Exchange(*client, std::string(100, 'x'));
  EXPECT_EQ(world.loop->machines(), 2u);
  world.Exchange(*client, std::string(100, 'x'));
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

TEST(CloseTest, WithoutALingerThePeerIsNotWaitedFor) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script, {.linger_bytes_max = 0});
  world.Exchange(*client, "go\n");
  EXPECT_EQ(client->received(), "answer");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.Count("machines_finished"), 1);
}

TEST(CloseTest, UnreadInputIsReleasedWhileTheAnswerIsOnItsWay) {
  for (const bool in_pieces : {false, true}) {
    Script script;
    script.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
      stream.Consume(frame.size());
      stream.Write(std::string(1500, 'x'));
      return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
    };
    StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
    const auto client = world.Serve(script);
    client->PauseReading();
    if (in_pieces) world.Exchange(*client, "g");
    world.Exchange(*client, (in_pieces ? "o\n" : "go\n") + std::string(900, 'x'));
    EXPECT_EQ(script.pool->bytes_used(), 2048u);  // The block that holds the output.
  }
}

TEST(CloseTest, HowAPeerEndsAfterItsAnswerWasSentDoesNotMatter) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "go\n");
  EXPECT_EQ(client->received(), "answer");
  client->Reset();
  world.Run();
  EXPECT_EQ(world.Count("machines_finished"), 1);
  EXPECT_EQ(world.Count("machines_failed"), 0);
}

TEST(CloseTest, AbortDropsOutputAndSaysWhy) {
  for (const bool with_reason : {false, true}) {
    Script script;
    script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
      stream.Consume(frame.size());
      stream.Write("never sent");
      return Intent::Abort(with_reason ? absl::InternalError("no more") : absl::OkStatus());
    };
    StreamWorld world;
    const auto client = world.Serve(script);
    world.Exchange(*client, "go\n");
    EXPECT_EQ(client->received(), "");
    EXPECT_TRUE(client->ended());
    EXPECT_THAT(script.calls, ElementsAre("start", "frame go\n"));
    EXPECT_EQ(world.Count("machines_failed"), with_reason ? 1 : 0);
    EXPECT_EQ(world.Count("machines_finished"), with_reason ? 0 : 1);
    EXPECT_EQ(with_reason, !world.log.lines.empty());
  }
}

// ---- Deadlines ----

TEST(DeadlineTest, EachIntentIsCalledAtItsDeadline) {
  const Expect expectations[] = {Expect::Bytes(2), Expect::Delimiter("\n", 64),
                                 Expect::NothingButWakeup(), Expect::FlushedTo(10),
                                 Expect::Bytes(2).OrFlushedTo(10)};
  for (const Expect& expect : expectations) {
    Time deadline, timed_out;
    Script script;
    script.start = [&](Stream& stream, Scope& scope) {
      stream.Write(std::string(1500, 'x'));  // 500 bytes of it stay.
      deadline = scope.now() + absl::Seconds(3);
      return expect.Before(deadline);
    };
    script.timeout = [&](Stream&, Scope& scope) {
      timed_out = scope.now();
      return Intent::Abort(absl::OkStatus());
    };
    StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
    const auto client = world.world.Connect(world.Mount(script));
    client->PauseReading();
    world.Exchange(*client, "a");
    world.Run(absl::Seconds(4));
    EXPECT_THAT(script.calls, ElementsAre("start", "timeout"));
    EXPECT_GE(timed_out, deadline);
    EXPECT_LT(timed_out, deadline + absl::Milliseconds(1));
  }
}

TEST(DeadlineTest, UnchangedKeepsTheDeadlineAndAnotherIntentReplacesIt) {
  for (const bool unchanged : {true, false}) {
    Script script;
    script.start = [](Stream&, Scope& scope) {
      return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(3));
    };
    script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
      stream.Consume(frame.size());
      if (unchanged) return Intent::Unchanged();
      return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(3));
    };
    StreamWorld world;
    const auto client = world.Serve(script);
    world.Run(absl::Seconds(2));
    world.Exchange(*client, "a\n");
    world.Run(absl::Seconds(2));
    if (unchanged) {
      EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n", "timeout"));
    } else {
      EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
    }
  }
}

TEST(DeadlineTest, ATimeoutHandlerMayGoOn) {
  Script script;
  script.start = [](Stream&, Scope& scope) {
    return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(1));
  };
  script.timeout = [&](Stream& stream, Scope& scope) {
    stream.Write("still there?");
    return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(1));
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Run(absl::Milliseconds(2500));
  world.Exchange(*client, "yes\n");
  EXPECT_EQ(client->received(), "still there?still there?");
  EXPECT_THAT(script.calls, ElementsAre("start", "timeout", "timeout", "frame yes\n"));
}

TEST(DeadlineTest, WithoutAHandlerADeadlineAborts) {
  Script script;
  script.start = [](Stream&, Scope& scope) {
    return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(1));
  };
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  world.Run(absl::Seconds(2));
  EXPECT_TRUE(client->ended());
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("the protocol's deadline has passed")));
}

TEST(DeadlineTest, UnchangedFromStartOrTimeoutIsAProgrammersError) {
  Script script;
  script.start = AlwaysStart(Intent::Unchanged());
  {
    StreamWorld world;
    const SocketAddress address = world.Mount(script);
    const auto client = world.world.Connect(address);
    EXPECT_DEATH(world.Run(), "Unchanged.. from Start or Timeout");
  }
  script.start = [](Stream&, Scope& scope) {
    return Expect::NothingButWakeup().Before(scope.now() + absl::Seconds(1));
  };
  script.timeout = AlwaysStart(Intent::Unchanged());
  StreamWorld world;
  const auto client = world.Serve(script);
  EXPECT_DEATH(world.Run(absl::Seconds(2)), "Unchanged.. from Start or Timeout");
}

// ---- Handlers that would be called again at once, forever ----

TEST(ProgressTest, AFrameNeitherConsumedNorOutgrownIsAProgrammersError) {
  const std::function<Intent()> answers[] = {
      [] { return Intent::Unchanged(); }, Lines,
      [] { return Expect::Delimiter("\n", 64).OrFlushedTo(0).Forever(); }};
  for (const auto& answer : answers) {
    Script script;
    script.frame = [&](std::string_view, Stream&, Scope&) { return answer(); };
    StreamWorld world;
    const auto client = world.Serve(script);
    EXPECT_DEATH(world.Exchange(*client, "a\n"),
                 "consumed nothing and expects the same frame again");
  }
}

TEST(ProgressTest, AFrameMayBeLookedAtAndALongerOneExpected) {
  Script script;
  script.start = AlwaysStart(Expect::Bytes(1).Forever());
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    if (frame.size() == 1) return Expect::Bytes(static_cast<uint32_t>(frame[0] - '0')).Forever();
    stream.Consume(frame.size());
    return Expect::Bytes(1).Forever();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "4abc2d");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame 4", "frame 4abc", "frame 2", "frame 2d"));
}

TEST(ProgressTest, AFlushedHandlerThatWritesNothingAndWaitsForTheSameIsAProgrammersError) {
  Script script;
  script.start = AlwaysStart(Expect::FlushedTo(0).Forever());
  script.flushed = AlwaysStart(Expect::Delimiter("\n", 64).OrFlushedTo(0).Forever());
  StreamWorld world;
  const SocketAddress address = world.Mount(script);
  const auto client = world.world.Connect(address);
  EXPECT_DEATH(world.Run(), "wrote nothing and waits for the same again");
}

// ---- Views, and what they lie in ----

TEST(InputTest, ViewsStayValidAfterConsumeUntilTheHandlerReturns) {
  for (const bool in_pieces : {false, true}) {
    std::string seen;
    Script script;
    script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
      const std::string_view input = stream.input();
      stream.Consume(input.size());
      EXPECT_EQ(stream.input(), "");
      // Takes the block of the input, if it were free already.
      stream.Write(std::string(3000, 'x'));
      Buffer buffer;
      buffer.Append(scope.buffer_pool(), std::string(3000, 'y'));
      seen = absl::StrCat(AsAbsl(frame), "|", AsAbsl(input));
      return Intent::Unchanged();
    };
    StreamWorld world;
    const auto client = world.Serve(script);
    if (in_pieces) world.Exchange(*client, "hel");
    world.Exchange(*client, in_pieces ? "lo\nrest" : "hello\nrest");
    EXPECT_EQ(seen, "hello\n|hello\nrest");
    EXPECT_EQ(client->received().size(), 3000u);
  }
}

TEST(InputTest, MoreThanTheFrameMayBeConsumedButNotMoreThanThereIs) {
  Script script;
  script.frame = [](std::string_view, Stream& stream, Scope&) {
    stream.Consume(3);
    return Intent::Unchanged();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\nb");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
  EXPECT_DEATH(world.Exchange(*client, "c\n"), "more bytes than input.. holds");
}

TEST(InputTest, PeerIsKnownWhileTheConnectionIsThere) {
  std::string peer;
  Script script;
  script.start = [&](Stream& stream, Scope&) {
    peer = stream.peer().ToString();
    return Expect::NothingButWakeup().Forever();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  EXPECT_EQ(peer, client->local_address().ToString());
}

// ---- Output ----

TEST(OutputTest, ReservedOutputIsSentAsFarAsItWasCommitted) {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write("<");
    const std::span<char> room = stream.ReserveOutput(100);
    EXPECT_GE(room.size(), 100u);
    room[0] = 'o';
    room[1] = 'k';
    stream.CommitOutput(2);
    EXPECT_EQ(stream.output_bytes(), 3u);
    stream.Write(">");
    return Intent::Unchanged();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "<ok>");
  EXPECT_EQ(world.Count("bytes_sent"), 4);
  EXPECT_EQ(world.Count("bytes_received"), 2);
}

TEST(OutputTest, AnswersToPipelinedFramesLeaveInOneWrite) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.Serve(script);
  std::string lines;
  for (int i = 0; i < 16; ++i) absl::StrAppend(&lines, "line ", i, "\n");
  const int64_t turns = world.turns();
  int segments = 0;
  client->on_event = [&] { ++segments; };
  client->Send(lines);
  while (client->received().empty()) ASSERT_TRUE(world.Turn(world.world.now() + absl::Seconds(1)));
  EXPECT_EQ(client->received(), lines);
  EXPECT_EQ(world.backend.transfers, "rw");
  EXPECT_EQ(segments, 1);
  EXPECT_LE(world.turns() - turns, 2);
}

TEST(OutputTest, AllAreReadBeforeAnyIsAnswered) {
  for (const bool closing : {false, true}) {
    Script script;
    script.frame = closing ? Answer : Echo;
    StreamWorld world;
    const SocketAddress address = world.Mount(script);
    const auto client = world.world.Connect(address);
    const auto other = world.world.Connect(address);
    world.Run();
    client->Send("a\n");
    other->Send("b\n");
    world.Run();
    EXPECT_EQ(world.backend.transfers, "rrww");
  }
}

TEST(OutputTest, InputIsReadWhileThePeerDoesNotRead) {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    if (frame == "write\n") stream.Write(std::string(1000, 'x'));
    stream.Consume(frame.size());
    return Expect::Delimiter("\n", 64).OrFlushedTo(0).Forever();
  };
  script.flushed = AlwaysStart(Lines());
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/100));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "write\n");
  world.Exchange(*client, "a\nb\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame write\n", "frame a\n", "frame b\n"));
  client->ResumeReading();
  world.Run(absl::Seconds(1));
  EXPECT_EQ(client->received().size(), 1000u);
  EXPECT_EQ(script.calls.back(), "flushed");
}

TEST(OutputTest, WaitingForOutputAloneHoldsThePeerBack) {
  size_t left = 0;
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write(std::string(1000, 'x'));
    return Expect::FlushedTo(500).Forever();
  };
  script.flushed = [&](Stream& stream, Scope&) {
    left = stream.output_bytes();
    return Lines();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/100));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "a\nb\n");
  world.Run(absl::Seconds(1));
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
  client->ResumeReading();
  while (script.calls.size() < 3) ASSERT_TRUE(world.Turn(world.world.now() + absl::Seconds(1)));
  EXPECT_EQ(left, 500u);
  EXPECT_EQ(script.calls[2], "flushed");
  world.Run(absl::Seconds(1));
  EXPECT_THAT(script.calls, Contains("frame b\n"));
}

TEST(OutputTest, FlushedComesAlsoWhenTheKernelTakesALargeOutputAtOnce) {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write(std::string(100'000, 'x'));
    return Expect::FlushedTo(0).Forever();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/size_t{1} << 20));
  const auto client = world.Serve(script, {.output_pause_bytes = 1000});
  world.Exchange(*client, "go\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame go\n", "flushed"));
}

TEST(OutputTest, UnchangedFromFlushedKeepsWhatElseWasExpected) {
  Script script;
  script.start = AlwaysStart(Expect::Delimiter("\n", 64).OrFlushedTo(0).Forever());
  script.flushed = AlwaysStart(Intent::Unchanged());
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "flushed", "frame a\n"));
}

TEST(OutputTest, WithoutAHandlerFlushedIsFollowedByAWaitForAWakeUpUntilTheSameDeadline) {
  Script script;
  script.start = [](Stream& stream, Scope& scope) {
    stream.Write("hello");
    return Expect::FlushedTo(0).Before(scope.now() + absl::Seconds(5));
  };
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  world.Exchange(*client, "a\n");
  EXPECT_THAT(script.calls, ElementsAre("start"));
  world.Run(absl::Seconds(6));
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("the protocol's deadline has passed")));
}

TEST(OutputTest, APeerThatDoesNotReadIsNotServedMeanwhileAndGoesOnLater) {
  constexpr int kRequests = 2000;
  const std::string answer(1000, 'x');
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write(answer);
    return Intent::Unchanged();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/2000));
  const auto client = world.Serve(script, {.output_pause_bytes = 4000});
  client->PauseReading();
  for (int i = 0; i < kRequests; ++i) client->Send("request..\n");
  world.Run(absl::Seconds(1));
  EXPECT_LE(script.calls.size(), 1u + 7);  // 2000 bytes were taken, less than 5000 are owed.
  EXPECT_LE(script.pool->bytes_used(), 8192u + 4096);
  client->ResumeReading();
  while (client->received().size() < kRequests * answer.size()) {
    ASSERT_TRUE(world.Turn(world.world.now() + absl::Seconds(1)));
    ASSERT_LE(script.pool->bytes_used(), 8192u + 4096);
    ASSERT_LT(world.world.now(), Time() + absl::Seconds(1100));
  }
  EXPECT_EQ(script.calls.size(), 1u + kRequests);
}

TEST(OutputTest, WhoOwesMoreThanTheMaximumFails) {
  for (const bool closing : {false, true}) {
    Script script;
    script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
      stream.Consume(frame.size());
      stream.Write(std::string(1001, 'x'));
      return closing ? Intent::CloseAfterFlush(scope.now() + absl::Seconds(1)) : Lines();
    };
    StreamWorld world;
    const auto client = world.Serve(script, {.output_bytes_max = 1000});
    world.Exchange(*client, "a\n");
    EXPECT_EQ(client->received(), "");
    EXPECT_TRUE(client->ended());
    EXPECT_EQ(world.Count("machines_failed"), 1);
    EXPECT_THAT(world.log.lines, Contains(HasSubstr("output_bytes_max is 1000")));
    // Failed() never follows CloseAfterFlush.
    EXPECT_EQ(script.calls.size(), closing ? 2u : 3u);
  }
}

TEST(OutputTest, WhatWasDroppedIsNotReportedAsFlushed) {
  Script script;
  script.start = [](Stream& stream, Scope&) {
    stream.Write(std::string(1000, 'x'));
    return Expect::FlushedTo(0).Forever();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/100));
  const auto client = world.world.Connect(world.Mount(script));
  client->PauseReading();
  world.Run();
  client->Reset();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", HasSubstr("failed: connection broke in write")));
}

TEST(OutputTest, InputThatCameBeforeAWriteErrorIsStillDelivered) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.Serve(script, {.frames_per_turn = 1});
  // No event tells of it: only the call does.
  world.backend.write_errors = {EPIPE};
  world.Exchange(*client, "a\nb\nc\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n", "frame b\n", "frame c\n",
                                        "failed: connection broke in write: Broken pipe"));
  EXPECT_EQ(world.backend.transfers, "rw");
}

TEST(OutputTest, AWriteErrorWhileClosingFailsTheConnection) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script);
  world.backend.write_errors = {ECONNRESET};
  world.Exchange(*client, "a\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("connection broke in write")));
}

// ---- Fairness ----

TEST(BudgetTest, ManyFramesOfOnePeerDoNotDelayAnother) {
  constexpr int kFramesPerTurn = 4;
  std::map<int64_t, int> frames_in_turn;
  int64_t other_served = 0;
  StreamWorld* current = nullptr;
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    if (frame == "other\n") other_served = current->turns();
    ++frames_in_turn[current->turns()];
    stream.Consume(frame.size());
    return Intent::Unchanged();
  };
  StreamWorld world;
  current = &world;
  ListenOptions options;
  options.stream.frames_per_turn = kFramesPerTurn;
  const SocketAddress address = world.Mount(script, options);
  const auto client = world.world.Connect(address);
  const auto other = world.world.Connect(address);
  world.Run();
  std::string lines;
  for (int i = 0; i < 400; ++i) lines += "x\n";
  client->Send(lines);
  other->Send("other\n");
  world.Run();
  // All of it arrived at once: no further packet brought it on.
  EXPECT_EQ(script.calls.size(), 2u + 400 + 1);
  EXPECT_LE(other_served - frames_in_turn.begin()->first, 1);
  for (const auto& [turn, frames] : frames_in_turn) EXPECT_LE(frames, kFramesPerTurn + 1);
}

TEST(BudgetTest, ManyBytesOfOnePeerDoNotDelayAnother) {
  constexpr int64_t kBytesPerTurn = 1000;
  int64_t other_served = 0;
  StreamWorld* current = nullptr;
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    const bool large = frame == "large\n";
    if (frame == "other\n") other_served = current->turns();
    stream.Consume(frame.size());
    return large ? Expect::Bytes(60'000).Forever() : Lines();
  };
  StreamWorld world;
  current = &world;
  ListenOptions options;
  options.stream.read_bytes_per_turn = kBytesPerTurn;
  const SocketAddress address = world.Mount(script, options);
  const auto client = world.world.Connect(address);
  const auto other = world.world.Connect(address);
  world.Run();
  world.Exchange(*client, "large\n");
  client->Send(std::string(60'000, 'x'));
  other->Send("other\n");
  const int64_t first = world.turns();
  for (int64_t received = world.Count("bytes_received"); script.calls.size() < 5;) {
    ASSERT_TRUE(world.Turn(world.world.now() + absl::Seconds(1)));
    const int64_t before = std::exchange(received, world.Count("bytes_received"));
    EXPECT_LE(received - before, kBytesPerTurn + 6);
  }
  EXPECT_LE(other_served - first, 2);
  EXPECT_EQ(script.calls.back().size(), 6u + 60'000);
}

TEST(BudgetTest, AnEndlessAnswerDoesNotDelayAnother) {
  int chunks = 0;
  Script script;
  const auto Chunk = [&](Stream& stream) {
    if (++chunks > 10'000) return Intent::Abort(absl::InternalError("owns the loop"));
    stream.Write(std::string(1000, 'x'));
    return Expect::FlushedTo(500).Forever();
  };
  script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
    if (frame != "endless\n") return Echo(frame, stream, scope);
    stream.Consume(frame.size());
    return Chunk(stream);
  };
  script.flushed = [&](Stream& stream, Scope&) { return Chunk(stream); };
  // Whatever is written is taken.
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/size_t{1} << 40));
  ListenOptions options;
  options.stream = {.output_pause_bytes = 1000, .frames_per_turn = 16};
  const SocketAddress address = world.Mount(script, options);
  const auto client = world.world.Connect(address);
  const auto other = world.world.Connect(address);
  world.Run();
  client->Send("endless\n");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.Turn(world.world.now() + absl::Milliseconds(1)));
  other->Send("other\n");
  world.world.AdvanceToNextEvent(world.world.now() + absl::Milliseconds(1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.TurnNow());
  EXPECT_THAT(script.calls, Contains("frame other\n"));
  EXPECT_GT(chunks, 100);
  EXPECT_LT(chunks, 14 * 3 * 16);
}

// ---- Registration ----

ListenOptions ReadFirst() {
  ListenOptions options;
  options.listener.defer_accept_seconds = 30;
  return options;
}

TEST(ReadFirstTest, AConnectionAnsweredAndClosedInItsFirstTurnIsNeverRegistered) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.world.Connect(world.Mount(script, ReadFirst()));
  client->Send("question\n");
  client->ShutdownWrite();
  world.Run();
  EXPECT_EQ(client->received(), "answer");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.Count("machines_finished"), 1);
  EXPECT_EQ(world.backend.watches[WatchKind::kStream], 0);
}

TEST(ReadFirstTest, AnAbortedConnectionIsNeverRegistered) {
  Script script;
  script.frame = [](std::string_view, Stream&, Scope&) { return Intent::Abort(absl::OkStatus()); };
  StreamWorld world;
  const auto client = world.world.Connect(world.Mount(script, ReadFirst()));
  world.Exchange(*client, "question\n");
  EXPECT_EQ(world.Count("machines_finished"), 1);
  EXPECT_EQ(world.backend.watches[WatchKind::kStream], 0);
}

TEST(ReadFirstTest, AConnectionThatGoesOnIsRegisteredOnce) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.world.Connect(world.Mount(script, ReadFirst()));
  world.Exchange(*client, "a\n");
  world.Exchange(*client, "b\n");
  EXPECT_EQ(client->received(), "a\nb\n");
  EXPECT_EQ(world.backend.watches[WatchKind::kStream], 1);
}

TEST(ReadFirstTest, ASilentClientAppearsAfterTheDeferralAndIsRegistered) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.world.Connect(world.Mount(script, ReadFirst()));
  world.Run(absl::Seconds(29));
  EXPECT_THAT(script.calls, IsEmpty());
  world.Run(absl::Seconds(2));
  EXPECT_THAT(script.calls, ElementsAre("start"));
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "a\n");
}

// A loop with room to spare, and one connection that was answered and waits for its peer's end.
class LaterLookTest : public testing::Test {
 protected:
  static constexpr LoopOptions kRoomy = {.machines_max = 1024};

  explicit LaterLookTest(LoopOptions loop = kRoomy) : world_(StreamWorld::Plain(), loop) {
    script_.frame = Answer;
  }
  void Serve(ListenOptions options = ReadFirst()) {
    client_ = world_.world.Connect(world_.Mount(script_, options));
    client_->PauseReading();
    client_->Send("question\n");
    world_.Run(absl::Milliseconds(1));
  }
  int registered() { return world_.backend.watches[WatchKind::kStream]; }

  Script script_;
  StreamWorld world_;
  std::unique_ptr<SimConnection> client_;
};

TEST_F(LaterLookTest, APeerThatEndsSoonIsNeverRegistered) {
  Serve();
  EXPECT_EQ(registered(), 0);
  EXPECT_EQ(world_.Machines()[1].description.state, "closing");
  const int64_t turns = world_.turns();
  client_->ResumeReading();
  client_->Close();
  world_.Run(absl::Milliseconds(11));
  EXPECT_EQ(client_->received(), "answer");
  EXPECT_EQ(world_.Count("machines_finished"), 1);
  EXPECT_EQ(registered(), 0);
  EXPECT_LE(world_.turns(), turns + 3);
}

TEST_F(LaterLookTest, APeerThatDoesNotIsRegisteredThenAndWaitedFor) {
  Serve();
  world_.Run(absl::Milliseconds(11));
  EXPECT_EQ(registered(), 1);
  world_.Run(absl::Seconds(8));
  EXPECT_EQ(world_.loop->machines(), 2u);
  client_->Close();
  world_.Run(absl::Milliseconds(1));
  EXPECT_EQ(world_.Count("machines_finished"), 1);
  EXPECT_EQ(registered(), 1);
}

TEST_F(LaterLookTest, InputThatComesMeanwhileDoesNotBecomeAReset) {
  Serve();
  client_->Send(std::string(20'000, 'x'));
  world_.Run(absl::Milliseconds(11));
  client_->Send(std::string(20'000, 'y'));
  world_.Run(absl::Milliseconds(1));
  client_->ResumeReading();
  world_.Run(absl::Milliseconds(1));
  EXPECT_EQ(client_->received(), "answer");
  EXPECT_TRUE(client_->ended());
  EXPECT_FALSE(client_->was_reset());
  EXPECT_EQ(world_.loop->machines(), 2u);
}

TEST_F(LaterLookTest, AWakeUpLooksAtOnce) {
  Serve();
  client_->Close();
  world_.Run(absl::Milliseconds(1));
  EXPECT_EQ(world_.loop->machines(), 2u);
  world_.loop->Drain(Deadline::Never());
  world_.TurnNow();
  EXPECT_EQ(world_.loop->machines(), 0u);
  EXPECT_EQ(registered(), 0);
}

TEST_F(LaterLookTest, ASoonerDeadlineStands) {
  script_.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
    stream.Consume(frame.size());
    stream.Write("answer");
    return Intent::CloseAfterFlush(scope.now() + absl::Milliseconds(3));
  };
  Serve();
  EXPECT_EQ(world_.loop->machines(), 2u);
  world_.Run(absl::Milliseconds(3));
  EXPECT_EQ(world_.Count("machines_finished"), 1);
}

TEST_F(LaterLookTest, WithoutALingerThereIsNone) {
  ListenOptions options = ReadFirst();
  options.stream.linger_bytes_max = 0;
  Serve(options);
  EXPECT_EQ(world_.Count("machines_finished"), 1);
}

TEST_F(LaterLookTest, NoneWhileAClientMayBeRefusedForIt) {
  ListenOptions options = ReadFirst();
  options.accept.connections_per_client_max = 100;
  Serve(options);
  EXPECT_EQ(registered(), 1);
}

TEST_F(LaterLookTest, NoneNearTheLimitOfTheListener) {
  ListenOptions options = ReadFirst();
  options.accept.connections_max = stream::Admission::kAmple;
  Serve(options);
  EXPECT_EQ(registered(), 1);
}

TEST_F(LaterLookTest, FarFromTheLimitOfTheListenerItMakesNoDifference) {
  ListenOptions options = ReadFirst();
  options.accept.connections_max = stream::Admission::kAmple + 1;
  Serve(options);
  EXPECT_EQ(registered(), 0);
}

class FullLaterLookTest : public LaterLookTest {
 protected:
  FullLaterLookTest() : LaterLookTest({.machines_max = stream::Admission::kAmple + 1}) {}
};

TEST_F(FullLaterLookTest, NoneNearTheLimitOfTheLoop) {
  Serve();
  EXPECT_EQ(registered(), 1);
}

TEST(RegistrationTest, WithoutDeferralAConnectionIsNotReadBeforeItIsRegistered) {
  Script script;
  script.start = [](Stream& stream, Scope&) {
    stream.Write("hello");
    return Lines();
  };
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.world.Connect(world.Mount(script));
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "helloa\n");
  EXPECT_EQ(world.backend.watches[WatchKind::kStream], 1);
}

TEST(RegistrationTest, AConnectionThatCannotBeWatchedFails) {
  Script script;
  StreamWorld world;
  world.backend.watch_errors[WatchKind::kStream] = absl::ResourceExhaustedError("too many watches");
  const auto client = world.Serve(script);
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.Count("machines_failed"), 1);
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("too many watches")));
  EXPECT_EQ(world.host.open_files(), 1u);
}

// ---- Memory ----

TEST(MemoryTest, WithoutMemoryReadingStopsAndGoesOnWhenSomeComesBack) {
  Buffer ballast;
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
    if (frame == "hold\n") ballast.Append(scope.buffer_pool(), std::string(100'000, 'x'));
    return Echo(frame, stream, scope);
  };
  StreamWorld world(StreamWorld::Plain(), {.machines_max = 8, .buffer_bytes_max = 65536});
  const SocketAddress address = world.Mount(script);
  const auto holder = world.world.Connect(address);
  const auto client = world.world.Connect(address);
  world.Run();
  world.Exchange(*holder, "hold\n");
  EXPECT_TRUE(script.pool->exhausted());
  client->Send("a\nb\n");
  world.Run(absl::Seconds(5));
  EXPECT_EQ(client->received(), "");
  EXPECT_EQ(world.Count("memory_pauses"), 1);
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(5));
  EXPECT_LE(world.turns() - turns, 2);  // It does not ask again and again.
  ballast.Clear();
  world.Run();
  EXPECT_EQ(client->received(), "a\nb\n");
}

TEST(MemoryTest, WhoBeginsToReadAtTheEndOfATurnWaitsForMemoryToo) {
  Buffer ballast;
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
    (void)Echo(frame, stream, scope);
    if (frame != "a\n") return Lines();
    ballast.Append(scope.buffer_pool(), std::string(100'000, 'x'));
    return Expect::FlushedTo(0).Forever();
  };
  script.flushed = AlwaysStart(Lines());
  // A receive that is filled leaves the rest in the kernel, of which no event will tell.
  StreamWorld world(StreamWorld::Plain(),
                    {.machines_max = 8, .receive_buffer_bytes = 2, .buffer_bytes_max = 65536});
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\nb\n");
  EXPECT_EQ(client->received(), "a\n");
  EXPECT_EQ(world.Count("memory_pauses"), 1);
  ballast.Clear();
  world.Run();
  EXPECT_EQ(client->received(), "a\nb\n");
}

TEST(MemoryTest, ClosingNeedsNoMemory) {
  Buffer ballast;
  Script script;
  script.frame = [&](std::string_view frame, Stream& stream, Scope& scope) {
    ballast.Append(scope.buffer_pool(), std::string(100'000, 'x'));
    return Answer(frame, stream, scope);
  };
  StreamWorld world(StreamWorld::Plain(),
                    {.machines_max = 8, .receive_buffer_bytes = 2, .buffer_bytes_max = 65536});
  const auto client = world.Serve(script);
  client->Send("a\nb\n");
  client->ShutdownWrite();
  world.Run();
  EXPECT_EQ(client->received(), "answer");
  EXPECT_EQ(world.Count("machines_finished"), 1);
  ballast.Clear();
}

TEST(MemoryTest, AnIdleConnectionHoldsNoBuffer) {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
    (void)stream.ReserveOutput(100);  // And then there is nothing to say.
    return frame == "nothing\n" ? (stream.Consume(frame.size()), Lines())
                                : Echo(frame, stream, scope);
  };
  StreamWorld world;
  const SocketAddress address = world.Mount(script);
  std::vector<std::unique_ptr<SimConnection>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(world.world.Connect(address));
  world.Run();
  world.Exchange(*clients[0], "whole\n");
  world.Exchange(*clients[1], "in pie");
  EXPECT_GT(script.pool->bytes_used(), 0u);
  world.Exchange(*clients[1], "ces\n");
  world.Exchange(*clients[2], "nothing\n");
  EXPECT_EQ(world.loop->machines(), 4u);
  EXPECT_EQ(script.pool->bytes_used(), 0u);
}

TEST(MemoryTest, AFewBytesOfALongFrameHoldLittleMemory) {
  for (const Expect& expect : {Expect::Bytes(1 << 20), Expect::Delimiter("\n", 1 << 20)}) {
    Script script;
    script.start = AlwaysStart(expect.Forever());
    StreamWorld world;
    const auto client = world.Serve(script);
    for (int i = 0; i < 10; ++i) world.Exchange(*client, "x");
    EXPECT_EQ(script.pool->bytes_used(), 4096u);
    world.Exchange(*client, std::string((1 << 20) - 10, 'x'));
    world.Run(absl::Seconds(1));
    EXPECT_EQ(world.Count("bytes_received"), 1 << 20);
    EXPECT_EQ(script.calls.size(), 2u);
  }
}

// ---- Wake-ups and drain ----

TEST(WakeupTest, ANotifierReachesTheProtocol) {
  Script script;
  script.wakeup = [](Stream& stream, Scope& scope) {
    EXPECT_FALSE(scope.draining());
    stream.Write("woken");
    return Intent::Unchanged();
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  script.notifier.Wake();
  world.Run();
  EXPECT_EQ(client->received(), "woken");
  world.Exchange(*client, "a\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "wakeup", "frame a\n"));
}

TEST(WakeupTest, WithoutAHandlerAWakeUpChangesNothing) {
  Script script;
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  script.notifier.Wake();
  world.Exchange(*client, "a\n");
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
}

TEST(WakeupTest, WhoClosesIsNotAskedAnyMore) {
  Script script;
  script.frame = Answer;
  StreamWorld world;
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\n");
  script.notifier.Wake();
  world.Run();
  EXPECT_THAT(script.calls, ElementsAre("start", "frame a\n"));
}

TEST(DrainTest, WithoutAHandlerOutputIsSentAndTheConnectionCloses) {
  Script script;
  script.frame = [](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write(std::string(5000, 'x'));
    return Intent::Unchanged();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
  const SocketAddress address = world.Mount<Minimal>(script);
  const auto client = world.world.Connect(address);
  const auto idle = world.world.Connect(address);
  client->PauseReading();
  world.Exchange(*client, "a\n");
  for (const auto& peer : {client.get(), idle.get()}) {
    peer->on_event = [peer] {
      if (peer->ended()) peer->Close();
    };
  }
  world.world.After(absl::Seconds(1), [&] { client->ResumeReading(); });
  const Time start = world.world.now();
  world.Drain(absl::Seconds(30));
  EXPECT_LT(world.world.now(), start + absl::Seconds(2));
  EXPECT_EQ(client->received().size(), 5000u);
  EXPECT_TRUE(idle->ended());
  EXPECT_EQ(world.Count("machines_cut"), 0);
  EXPECT_EQ(world.Count("machines_failed"), 0);
}

TEST(DrainTest, AnIdlePeerIsNotWaitedFor) {
  Script script;
  script.frame = Echo;
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  world.Exchange(*client, "a\n");
  const Time start = world.world.now();
  world.Drain(absl::Seconds(30));
  EXPECT_LT(world.world.now(), start + absl::Milliseconds(1));
  EXPECT_EQ(world.Count("machines_finished"), 2);
  world.world.AdvanceToNextEvent(start + absl::Milliseconds(1));
  EXPECT_TRUE(client->ended());
}

TEST(DrainTest, APeerInTheMiddleOfAFrameIsClosedSoThatItCanTell) {
  Script script;
  StreamWorld world;
  const auto client = world.Serve<Minimal>(script);
  world.Exchange(*client, "half a li");
  client->on_event = [&] {
    if (client->ended()) client->Close();
  };
  world.world.After(absl::Microseconds(50), [&] { client->Send("ne\n"); });
  world.Drain(absl::Seconds(30));
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->was_reset());
  EXPECT_EQ(world.Count("machines_finished"), 2);
}

TEST(DrainTest, WhoDoesNotReadEndsAtTheDrainDeadline) {
  Script script;
  script.start = [](Stream& stream, Scope&) {
    stream.Write(std::string(5000, 'x'));
    return Expect::NothingButWakeup().Forever();
  };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
  const auto client = world.world.Connect(world.Mount<Minimal>(script));
  client->PauseReading();
  world.Run();
  const Time start = world.world.now();
  world.Drain(absl::Seconds(30));
  EXPECT_GE(world.world.now(), start + absl::Seconds(30));
  EXPECT_LT(world.world.now(), start + absl::Seconds(31));
  EXPECT_EQ(world.Count("machines_failed") + world.Count("machines_cut"), 1);
}

TEST(DrainTest, AHandlerDecidesHowToFinish) {
  Script script;
  script.wakeup = [](Stream& stream, Scope& scope) {
    EXPECT_TRUE(scope.draining());
    stream.Write("one more\n");
    return Expect::Delimiter("\n", 64).Before(scope.drain_deadline());
  };
  script.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
    stream.Consume(frame.size());
    stream.Write("bye\n");
    return Intent::CloseAfterFlush(scope.drain_deadline());
  };
  StreamWorld world;
  const auto client = world.Serve(script);
  client->on_event = [&] {
    if (client->received() == "one more\n") client->Send("last\n");
    if (client->ended()) client->Close();
  };
  world.Drain(absl::Seconds(30));
  EXPECT_THAT(script.calls, ElementsAre("start", "wakeup", "frame last\n"));
  EXPECT_EQ(client->received(), "one more\nbye\n");
  EXPECT_EQ(world.Count("machines_finished"), 2);
}

// ---- Hand-over ----

// A connection of `first` that hands itself over to `second` at the line "upgrade\n".
class HandOverTest : public testing::Test {
 protected:
  explicit HandOverTest(const LoopOptions& options = {.machines_max = 8})
      : world(StreamWorld::Plain(), options) {
    address = world.Mount(first);
    upgrade.emplace(Prepare<Scripted>(*world.loop, world.group, "second", {}, &second));
    first.frame = [this](std::string_view frame, Stream& stream, Scope&) {
      const bool wanted = frame == "upgrade\n";
      stream.Consume(frame.size());
      stream.Write("first\n");
      return wanted ? upgrade->TakeOver(stream) : Lines();
    };
    second.frame = Echo;
  }

  Script first, second;
  StreamWorld world;
  SocketAddress address;
  std::optional<Upgrade<Scripted>> upgrade;
};

TEST_F(HandOverTest, UnreadInputAndUnsentOutputGoAlong) {
  for (const bool in_pieces : {false, true}) {
    first.calls.clear();
    second.calls.clear();
    const auto client = world.world.Connect(address);
    world.Run();
    if (in_pieces) world.Exchange(*client, "a\nupg");
    world.Exchange(*client, in_pieces ? "rade\nb\nc" : "a\nupgrade\nb\nc");
    EXPECT_THAT(first.calls, ElementsAre("start", "frame a\n", "frame upgrade\n"));
    EXPECT_THAT(second.calls, ElementsAre("start", "frame b\n"));
    world.Exchange(*client, "\n");
    EXPECT_EQ(client->received(), "first\nfirst\nb\nc\n");
    client->Close();
    world.Run();
    EXPECT_EQ(second.calls.back(), "finished");
    EXPECT_EQ(first.calls.size(), 3u);
  }
  EXPECT_EQ(world.loop->machines(), 1u);
}

TEST_F(HandOverTest, TheEndOfTheInputGoesAlong) {
  const auto client = world.world.Connect(address);
  world.Run();
  client->Send("upgrade\nb");
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(second.calls, ElementsAre("start", "finished"));
  EXPECT_EQ(client->received(), "first\n");
}

TEST_F(HandOverTest, FromTheEndOfTheInput) {
  first.ended = [this](InputEnd, Stream& stream, Scope&) { return upgrade->TakeOver(stream); };
  second.start = [](Stream& stream, Scope&) {
    EXPECT_TRUE(stream.input_ended());
    EXPECT_EQ(stream.input(), "rest");
    return Lines();
  };
  const auto client = world.world.Connect(address);
  world.Run();
  client->Send("rest");
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(first.calls, ElementsAre("start", "finished"));
  EXPECT_THAT(second.calls, ElementsAre("start", "finished"));
}

TEST_F(HandOverTest, FromTheEndOfATurnAndFromStart) {
  first.start = [](Stream& stream, Scope&) {
    stream.Write("hello\n");
    return Expect::FlushedTo(0).Forever();
  };
  first.flushed = [this](Stream& stream, Scope&) { return upgrade->TakeOver(stream); };
  const auto client = world.world.Connect(address);
  world.Run();
  world.Exchange(*client, "b\n");
  EXPECT_EQ(client->received(), "hello\nb\n");
  first.start = first.flushed;
  const auto other = world.world.Connect(address);
  world.Run();
  world.Exchange(*other, "c\n");
  EXPECT_EQ(other->received(), "c\n");
  EXPECT_EQ(world.loop->machines(), 3u);
}

TEST_F(HandOverTest, OutputThatThePeerDoesNotTakeGoesAlong) {
  first.frame = [this](std::string_view frame, Stream& stream, Scope&) {
    stream.Consume(frame.size());
    stream.Write(std::string(100'000, 'x'));
    return frame == "go\n" ? Lines() : upgrade->TakeOver(stream);
  };
  const auto client = world.world.Connect(address);
  client->PauseReading();
  world.Run();
  world.Exchange(*client, "upgrade\n");
  EXPECT_THAT(second.calls, ElementsAre("start"));
  client->ResumeReading();
  world.Exchange(*client, "b\n");
  EXPECT_EQ(client->received(), std::string(100'000, 'x') + "b\n");
}

class SmallReadHandOverTest : public HandOverTest {
 protected:
  SmallReadHandOverTest() : HandOverTest({.machines_max = 8, .receive_buffer_bytes = 8}) {}
};

TEST_F(SmallReadHandOverTest, TheNewOneReadsBeforeItRegisters) {
  second.frame = Answer;
  const auto client = world.world.Connect(address);
  world.Run();
  client->Send("upgrade\nask me.\n");
  client->ShutdownWrite();
  world.Run();
  EXPECT_EQ(client->received(), "first\nanswer");
  EXPECT_EQ(world.Count("machines_finished"), 2);
  EXPECT_EQ(world.backend.watches[WatchKind::kStream], 1);
  EXPECT_EQ(world.backend.unwatches, 1);
}

class FullHandOverTest : public HandOverTest {
 protected:
  FullHandOverTest() : HandOverTest({.machines_max = 2}) {}
};

TEST_F(FullHandOverTest, AbortsTheConnection) {
  const auto client = world.world.Connect(address);
  world.Run();
  world.Exchange(*client, "upgrade\nb\n");
  EXPECT_TRUE(client->ended() || client->was_reset());
  EXPECT_THAT(second.calls, IsEmpty());
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("no room to hand the connection over")));
  EXPECT_EQ(world.host.open_files(), 1u);
}

// ---- Contexts, what is shared, and arguments ----

struct Tally {
  std::vector<std::string> lines;
};

class WithContext {
 public:
  Intent Start(Stream&, ContextScope<Tally>&) { return Lines(); }
  Intent FrameReceived(std::string_view frame, Stream& stream, ContextScope<Tally>& scope) {
    scope.context().lines.emplace_back(frame);
    return Echo(frame, stream, scope);
  }
  Intent Wakeup(Stream&, ContextScope<Tally>& scope) {
    scope.context().lines.emplace_back("wakeup");
    return Intent::Abort(absl::OkStatus());
  }
};
static_assert(IsProtocol<WithContext, Tally>());

// Built with what its mount shares and with what the one who hands over gives.
class WithArguments {
 public:
  using Shared = const std::string;
  WithArguments(const std::string& greeting, std::string name, std::unique_ptr<int> age)
      : text_(absl::StrCat(greeting, " ", name, ", ", *age)) {}

  Intent Start(Stream& stream, Scope&) {
    stream.Write(text_);
    return Lines();
  }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    return Echo(frame, stream, scope);
  }

 private:
  std::string text_;
};
static_assert(IsProtocol<WithArguments>());

class WithoutShared {
 public:
  explicit WithoutShared(std::unique_ptr<int> age) : age_(*age) {}

  Intent Start(Stream& stream, Scope&) {
    stream.Write(absl::StrCat(age_));
    return Lines();
  }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    return Echo(frame, stream, scope);
  }

 private:
  int age_;
};

using ExtendedWorld = BasicStreamWorld<
    Compose<Server<Scripted>, Server<WithContext>, Machine<WithArguments>, Machine<WithoutShared>>,
    Tally>;

TEST(ContextTest, AProtocolReachesTheContextOfItsLoop) {
  ExtendedWorld world;
  ListenOptions options;
  options.addresses = {*SocketAddress::Ip("127.0.0.1", 0)};
  const auto mounted = stream::Mount<WithContext>(*world.loop, "context", options);
  ASSERT_TRUE(mounted.ok());
  const auto client = world.world.Connect(mounted->addresses[0]);
  world.Run();
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "a\n");
  world.Drain(absl::Seconds(1));
  EXPECT_THAT(world.loop->context().lines, ElementsAre("a\n", "wakeup"));
}

TEST(ArgumentsTest, AProtocolIsBuiltWithWhatIsSharedAndWhatTheCallerGives) {
  Script script;
  ExtendedWorld world;
  const SocketAddress address = world.Mount(script);
  const auto upgrade = Prepare<WithArguments>(*world.loop, world.group, "second", {}, "hello");
  script.frame = [&](std::string_view frame, Stream& stream, Scope&) {
    const std::string name(frame.substr(0, frame.size() - 1));
    stream.Consume(frame.size());
    return upgrade.TakeOver(stream, name, std::make_unique<int>(7));
  };
  const auto client = world.world.Connect(address);
  world.Run();
  world.Exchange(*client, "you\n");
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "hello you, 7a\n");
}

TEST(ArgumentsTest, AProtocolThatSharesNothingIsBuiltWithWhatTheCallerGives) {
  Script script;
  ExtendedWorld world;
  const SocketAddress address = world.Mount(script);
  const auto upgrade = Prepare<WithoutShared>(*world.loop, world.group, "second", {});
  script.start = [&](Stream& stream, Scope&) {
    return upgrade.TakeOver(stream, std::make_unique<int>(7));
  };
  const auto client = world.world.Connect(address);
  world.Run();
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), "7a\n");
}

// ---- What an inspector sees ----

TEST(DescribeTest, AConnectionSaysWhatItWaitsForAndWhatItHolds) {
  Script script;
  script.start = AlwaysStart(Expect::Bytes(9).Forever());
  script.frame = [](std::string_view frame, Stream& stream, Scope& scope) {
    stream.Consume(frame.size());
    stream.Write(std::string(1500, 'x'));
    if (frame[0] == 'c') return Intent::CloseAfterFlush(scope.now() + absl::Seconds(10));
    return Expect::Delimiter("\n", 77).OrFlushedTo(5).Forever();
  };
  script.ended = [](InputEnd, Stream&, Scope&) { return Expect::NothingButWakeup().Forever(); };
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1000));
  const SocketAddress address = world.Mount(script);
  const auto client = world.world.Connect(address);
  const auto other = world.world.Connect(address);
  client->PauseReading();
  other->PauseReading();
  world.Run();
  const auto Seen = [&] {
    const MachineReport report = world.Machines()[1];
    EXPECT_THAT(std::string(report.kind), HasSubstr("stream::Machine<"));
    EXPECT_EQ(report.path, "/test/1");
    EXPECT_EQ(report.description.peer, client->local_address().ToString());
    return absl::StrCat(report.description.state, "; ", report.description.waits_for, "; ",
                        report.description.bytes_held);
  };
  EXPECT_EQ(Seen(), "open; 9 bytes of input; 0");
  world.Exchange(*client, "a");
  EXPECT_THAT(Seen(), Not(HasSubstr("; 0")));
  world.Exchange(*client, "bcdefghi");
  EXPECT_THAT(Seen(), HasSubstr("open; a frame of at most 77 bytes or output to drain to 5 bytes"));
  client->ShutdownWrite();
  world.Run();
  EXPECT_THAT(Seen(), HasSubstr("half-closed; a wake-up; "));
  world.Exchange(*other, "cbcdefghi");
  const MachineReport closing = world.Machines()[2];
  EXPECT_EQ(closing.description.state, "closing");
  EXPECT_EQ(closing.description.waits_for, "output to drain and the peer to close");
}

}  // namespace
}  // namespace rotor::stream
