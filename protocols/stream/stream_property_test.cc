// Frames, answers and closing under random cuts of the input and a hostile network, for many seeds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "core/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/stream/machine.h"

namespace rotor::stream {
namespace {

constexpr uint32_t kHeadBytesMax = 16;

// What one connection met.
struct Record {
  std::string peer;
  std::vector<std::string> bodies;
  int ends = 0;
  std::string rest;
  int failures = 0;
};

// A line with a number, then as many bytes; sends every body back. Now and then it makes a pause of
// each kind, which must change nothing.
class Framed {
 public:
  using Shared = std::vector<std::unique_ptr<Record>>* const;
  explicit Framed(Shared& records) {
    records->push_back(std::make_unique<Record>());
    record_ = records->back().get();
  }

  Intent Start(Stream& stream, Scope& scope) {
    record_->peer = stream.peer().ToString();
    return Next(scope);
  }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    EXPECT_EQ(record_->ends + record_->failures, 0);
    if (!in_body_) {
      EXPECT_TRUE(absl::SimpleAtoi(AsAbsl(frame.substr(0, frame.size() - 1)), &body_bytes_));
      in_body_ = body_bytes_ > 0;
      if (!in_body_) record_->bodies.emplace_back();
    } else {
      EXPECT_EQ(frame.size(), body_bytes_);
      record_->bodies.emplace_back(frame);
      stream.Write(frame);
      in_body_ = false;
    }
    stream.Consume(frame.size());
    return Next(scope);
  }
  Intent Flushed(Stream&, Scope& scope) { return Wanted().Before(Far(scope)); }
  Intent InputEnded(InputEnd why, Stream& stream, Scope& scope) {
    EXPECT_EQ(why, InputEnd::kPeerFinished);
    ++record_->ends;
    record_->rest = stream.input();
    return Intent::CloseAfterFlush(Far(scope));
  }
  Intent Timeout(Stream&, Scope& scope) {
    EXPECT_TRUE(std::exchange(napping_, false)) << "something was forgotten";
    return Wanted().Before(Far(scope));
  }
  Intent Wakeup(Stream&, Scope& scope) {
    if (scope.draining()) return Intent::CloseAfterFlush(scope.drain_deadline());
    napping_ = false;
    return Wanted().Before(Far(scope));
  }
  void Failed(const absl::Status&, Scope&) { EXPECT_EQ(++record_->failures, 1); }

 private:
  // A clock that jumps 10 s now and then must not reach it.
  static Time Far(Scope& scope) { return scope.now() + absl::Hours(1); }

  Expect Wanted() const {
    return in_body_ ? Expect::Bytes(body_bytes_) : Expect::Delimiter("\n", kHeadBytesMax);
  }
  Intent Next(Scope& scope) {
    switch (scope.random().Below(5)) {
      case 0:
        napping_ = true;
        return Expect::NothingButWakeup().Before(scope.now() + absl::Milliseconds(1));
      case 1:
        napping_ = true;
        scope.notifier().Wake();
        return Expect::NothingButWakeup().Before(scope.now() + absl::Milliseconds(1));
      case 2:
        return Wanted().OrFlushedTo(10).Before(Far(scope));
      case 3:
        return Expect::FlushedTo(10).Before(Far(scope));
      default:
        return Wanted().Before(Far(scope));
    }
  }

  Record* record_;
  bool in_body_ = false;
  bool napping_ = false;
  uint32_t body_bytes_ = 0;
};
static_assert(IsProtocol<Framed>());

// What a client sends, and what it means.
struct Conversation {
  explicit Conversation(Random& random) {
    for (uint64_t frames = random.Below(12); frames > 0; --frames) {
      std::string body(random.Below(random.Below(4) == 0 ? 20'000 : 20), '\0');
      for (char& byte : body) byte = "\nab1"[random.Below(4)];
      absl::StrAppend(&sent, body.size(), "\n", body);
      absl::StrAppend(&echoed, body);
      bodies.push_back(std::move(body));
    }
    if (random.Below(2) == 0) rest = "123";
    sent += rest;
  }

  std::string sent;
  std::vector<std::string> bodies;
  std::string echoed;
  std::string rest;
};

class HostileRun {
 public:
  explicit HostileRun(uint64_t seed)
      : random_(seed ^ 0xabcdef), world_(SimOptions::Hostile(seed)) {}

  // Adds to the numbers of conversations that went through and that the network cut.
  void Run(int& whole, int& cut) {
    Mount();
    for (int i = 0; i < 3; ++i) ++(Converse() ? whole : cut);
    loop_->Drain(world_.now() + absl::Hours(2));
    EXPECT_TRUE(loop_->Run().ok());
    loop_.reset();
    world_.ExpectNothingOpen();
    EXPECT_THAT(world_.violations(), testing::IsEmpty());
  }

 private:
  void Mount() {
    ListenOptions options;
    options.addresses = {*SocketAddress::Ip("127.0.0.1", 7)};
    options.listener.defer_accept_seconds = random_.Below(2) == 0 ? 1 : 0;
    options.accept.per_turn = 1 + static_cast<uint32_t>(random_.Below(2));
    options.stream = {.output_pause_bytes = 1 + static_cast<uint32_t>(random_.Below(30'000)),
                      .read_bytes_per_turn = 100 + static_cast<uint32_t>(random_.Below(10'000)),
                      .frames_per_turn = 1 + static_cast<uint32_t>(random_.Below(4))};
    LoopBuilder<Compose<Server<Framed>>> builder(
        {.machines_max = 8, .receive_buffer_bytes = 1 + random_.Below(10'000)},
        world_.AddHost("server"));
    ASSERT_TRUE(stream::Mount<Framed>(builder, "framed", options, &records_).ok());
    loop_.emplace(std::move(builder).Build());
  }

  // Sends pieces at random times, at times without reading; ends when everything came back.
  bool Converse() {
    const Conversation conversation(random_);
    const auto client = world_.Connect(*SocketAddress::Ip("127.0.0.1", 7));
    std::string_view left = conversation.sent;
    const Time give_up = world_.now() + absl::Minutes(30);
    const auto Over = [&] {
      return client->ended() || client->was_reset() || client->refused() ||
             world_.now() >= give_up || testing::Test::HasFailure();
    };
    bool ended = false;
    while (!Over()) {
      const size_t size =
          std::min(left.size(), size_t{1} + random_.Below(random_.Below(2) == 0 ? 3 : 5000));
      client->Send(left.substr(0, size));
      left.remove_prefix(size);
      if (left.empty() && !std::exchange(ended, true)) client->ShutdownWrite();
      random_.Below(4) == 0 ? client->PauseReading() : client->ResumeReading();
      const Time until = world_.now() + absl::Microseconds(random_.Below(2000));
      while (world_.now() < until && !testing::Test::HasFailure()) {
        EXPECT_TRUE(loop_->RunOnce(until).ok());
      }
    }
    EXPECT_LT(world_.now(), give_up) << "it hangs";
    client->Close();
    Check(conversation, *client);
    return !client->cut_short();
  }

  void Check(const Conversation& conversation, const SimConnection& client) {
    const bool whole = !client.cut_short();
    if (whole) {
      EXPECT_EQ(client.received(), conversation.echoed);
      EXPECT_TRUE(client.ended());
      EXPECT_FALSE(client.was_reset());
    } else {
      EXPECT_TRUE(std::string_view(conversation.echoed).starts_with(client.received()));
    }
    const auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& record) {
      return record->peer == client.local_address().ToString();
    });
    if (found == records_.end()) {
      EXPECT_FALSE(whole);
      return;  // It was cut before it was accepted.
    }
    const Record& record = **found;
    ASSERT_LE(record.bodies.size(), conversation.bodies.size());
    for (size_t i = 0; i < record.bodies.size(); ++i) {
      ASSERT_EQ(record.bodies[i], conversation.bodies[i]);
    }
    EXPECT_LE(record.ends, 1);
    if (!whole) return;
    EXPECT_EQ(record.bodies.size(), conversation.bodies.size());
    EXPECT_EQ(record.ends, 1);
    EXPECT_EQ(record.rest, conversation.rest);
    EXPECT_EQ(record.failures, 0);
  }

  Random random_;
  std::vector<std::unique_ptr<Record>> records_;
  SimWorld world_;
  std::optional<Loop<Compose<Server<Framed>>>> loop_;
};

TEST(StreamPropertyTest, FramesAndAnswersAreThoseOfTheUnsplitInputUnlessTheNetworkCutIt) {
  int whole = 0, cut = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    HostileRun(seed).Run(whole, cut);
    if (HasFailure()) return;
  }
  EXPECT_GT(whole, 200);
  EXPECT_GT(cut, 30);
}

}  // namespace
}  // namespace rotor::stream
