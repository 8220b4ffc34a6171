// Stream::SendFile in a simulated world.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/backend/file_io.h"
#include "core/testing/sim_file_system.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/stream_test_util.h"

namespace rotor::stream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string Numbers(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, ",");
  text.resize(bytes);
  return text;
}

// Answers each line with "head", the file and, when it was sent whole, "tail".
struct FileScript : Script {
  explicit FileScript(SimBackend& host, std::string_view contents) : size(contents.size()) {
    host.file_system().Write("/srv/file", contents);
    root = *host.io().files().OpenDirectory("/srv");
    frame = [this](std::string_view line, Stream& stream, Scope& scope) {
      stream.Consume(line.size());
      stream.Write("head");
      file = std::move(scope.io().files().OpenBeneath(root, "file", SymlinkPolicy::kNever).file);
      sent = 0;
      return Wait(scope);
    };
    flushed = [this](Stream& stream, Scope& scope) {
      const IoResult result = stream.SendFile(file, sent, std::max<size_t>(size - sent, 1));
      results.push_back(result);
      sent += result.bytes;
      if (result.ok() && result.bytes == 0) return Intent::Abort(absl::DataLossError("it shrank"));
      if (sent < size) return Wait(scope);
      file.Close();
      stream.Write("tail");
      return Expect::Delimiter("\n", 64).Before(scope.now() + absl::Seconds(9));
    };
  }
  static Intent Wait(Scope& scope) {
    return Expect::FlushedTo(0).Before(scope.now() + absl::Seconds(9));
  }

  const size_t size;
  Fd root;
  Fd file;
  size_t sent = 0;
  std::vector<IoResult> results;
};

TEST(SendFileTest, TheFileComesBehindTheOutputAndBeforeWhatIsWrittenLater) {
  StreamWorld world;
  const std::string contents = Numbers(1000);
  FileScript script(world.host, contents);
  const auto client = world.Serve(script);
  world.Exchange(*client, "a\nb\n");
  EXPECT_EQ(client->received(), absl::StrCat("head", contents, "tail", "head", contents, "tail"));
  EXPECT_EQ(world.Count("bytes_sent"), 2016);
}

TEST(SendFileTest, APeerThatDoesNotReadIsWaitedForWithoutACopy) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/5000));
  const std::string contents = Numbers(300'000);
  FileScript script(world.host, contents);
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "a\n");
  EXPECT_TRUE(script.results.back().would_block());
  const size_t calls = script.calls.size();
  const int64_t turns = world.turns();
  world.Run(absl::Seconds(2));
  // Nothing is tried, held or looked at while it blocks.
  EXPECT_THAT(script.calls, SizeIs(calls));
  EXPECT_LE(world.turns() - turns, 3);
  EXPECT_EQ(script.pool->bytes_used(), 0u);
  client->ResumeReading();
  world.Run(absl::Seconds(1));
  EXPECT_EQ(client->received(), absl::StrCat("head", contents, "tail"));
}

TEST(SendFileTest, APeerThatStaysAwayMeetsTheDeadline) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/5000));
  FileScript script(world.host, Numbers(300'000));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "a\n");
  world.Run(absl::Seconds(8));
  EXPECT_NE(script.calls.back(), "timeout");
  world.Run(absl::Seconds(2));
  EXPECT_EQ(script.calls.back(), "timeout");
  EXPECT_THAT(world.Machines(), SizeIs(1));
}

TEST(SendFileTest, OneConnectionHasItsShareOfATurn) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1 << 20));
  const std::string contents = Numbers(10'500);
  FileScript script(world.host, contents);
  const auto client = world.Serve(script, {.file_bytes_per_turn = 1000});
  client->Send("a\n");
  const int64_t turns = world.turns();
  world.Run(absl::Milliseconds(50));
  EXPECT_EQ(client->received(), absl::StrCat("head", contents, "tail"));
  EXPECT_GE(world.turns() - turns, 10);
  for (const IoResult& result : script.results) EXPECT_LE(result.bytes, 1000u);
}

TEST(SendFileTest, AShareThatIsSpentWithinOneHandlerIsWouldBlock) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/1 << 20));
  const std::string contents = Numbers(5'500);
  FileScript script(world.host, contents);
  script.flushed = [&, once = script.flushed](Stream& stream, Scope& scope) {
    // As if the rest were all that is left, over and over.
    for (;;) {
      const IoResult result = stream.SendFile(script.file, script.sent, script.size - script.sent);
      EXPECT_EQ(result.error, result.bytes > 0 ? 0 : EAGAIN);
      script.sent += result.bytes;
      if (script.sent == script.size) break;
      if (result.would_block()) return FileScript::Wait(scope);
    }
    script.file.Close();
    return Expect::NothingButWakeup().Forever();
  };
  const auto client = world.Serve(script, {.file_bytes_per_turn = 1000});
  world.Exchange(*client, "a\n");
  EXPECT_EQ(client->received(), absl::StrCat("head", contents));
  EXPECT_EQ(std::count(script.calls.begin(), script.calls.end(), "flushed"), 6);
}

TEST(SendFileTest, TheEndOfAFileThatShrankIsSeen) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/5000));
  FileScript script(world.host, Numbers(100'000));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "a\n");
  world.host.file_system().Truncate("/srv/file", 10'000);
  client->ResumeReading();
  world.Run(absl::Milliseconds(50));
  EXPECT_EQ(client->received(), "head" + Numbers(10'000));
  EXPECT_THAT(world.log.lines, ElementsAre(HasSubstr("it shrank")));
}

TEST(SendFileTest, AConnectionThatBreaksEndsIt) {
  StreamWorld world(StreamWorld::Plain(/*window_bytes=*/5000));
  FileScript script(world.host, Numbers(100'000));
  const auto client = world.Serve(script);
  client->PauseReading();
  world.Exchange(*client, "a\n");
  client->Reset();
  world.Run();
  EXPECT_THAT(script.calls.back(), StartsWith("failed: connection broke in"));
  EXPECT_THAT(world.Machines(), SizeIs(1));
}

TEST(SendFileDeathTest, WaitingAgainAfterTheEndOfTheFileIsAProgrammersError) {
  StreamWorld world;
  FileScript script(world.host, "abc");
  script.flushed = [&](Stream& stream, Scope& scope) {
    EXPECT_EQ(stream.SendFile(script.file, 3, 1).bytes, 0u);
    return FileScript::Wait(scope);
  };
  const auto client = world.Serve(script);
  EXPECT_DEATH(world.Exchange(*client, "a\n"), "wrote nothing and waits for the same again");
}

TEST(SendFileTest, AHostileNetworkLosesNothingOfIt) {
  const std::string contents = Numbers(20'000);
  int complete = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    StreamWorld world(SimOptions::Hostile(seed));
    FileScript script(world.host, contents);
    ListenOptions options;
    options.stream.file_bytes_per_turn = 3000;
    const SocketAddress address = world.Mount(script, options);
    const auto client = world.world.Connect(address);
    client->Send("a\n");
    const Time give_up = world.world.now() + absl::Minutes(5);
    const std::string expected = absl::StrCat("head", contents, "tail");
    while (world.world.now() < give_up && !client->ended() && !client->was_reset() &&
           client->received().size() < expected.size()) {
      if (!world.Turn(give_up)) world.world.AdvanceToNextEvent(give_up);
    }
    EXPECT_TRUE(expected.starts_with(client->received())) << "seed " << seed;
    if (!client->cut_short()) {
      EXPECT_EQ(client->received().size(), expected.size()) << "seed " << seed;
      ++complete;
    }
  }
  EXPECT_GT(complete, 50);
}

}  // namespace
}  // namespace rotor::stream
