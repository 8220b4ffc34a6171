// The rows of request_cases.h against the whole server in a simulated world, with a network that
// loses nothing: whole, byte by byte, and at every two-way split.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_client.h"
#include "core/testing/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocols/http/codec/request_cases.h"
#include "protocols/http/server/case_server.h"

namespace rotor::http {
namespace {

constexpr absl::Duration kLatency = absl::Microseconds(100);

class CaseWorld {
 public:
  explicit CaseWorld(const RequestCase& row)
      : row_(row),
        world_({.latency_min = kLatency,
                .latency_max = kLatency,
                .segment_bytes_max = size_t{1} << 20}),
        loop_(LoopBuilder<CaseApp>({.machines_max = 1024}, world_.AddHost("server")).Build()) {
    const ServerOptions options = CaseOptions(row, *SocketAddress::Ip("127.0.0.1", 80));
    const absl::StatusOr<Mounted> mounted =
        http::Mount(*loop_, "http", options, CaseSite(bytes_seen_));
    EXPECT_TRUE(mounted.ok()) << mounted.status();
  }
  ~CaseWorld() {
    loop_.reset();
    world_.ExpectNothingOpen();
    EXPECT_THAT(world_.violations(), testing::IsEmpty());
  }

  // A connection for each element of `splits`, on which the row's bytes come in pieces that end at
  // its offsets and at the end. All see the same answers.
  void Exchange(const std::vector<std::vector<size_t>>& splits) {
    size_t pieces = 1;
    for (const auto& split : splits) {
      clients_.push_back(world_.Connect(*SocketAddress::Ip("127.0.0.1", 80)));
      pieces = std::max(pieces, split.size() + 1);
    }
    Run(4 * kLatency);
    for (size_t piece = 0; piece < pieces; ++piece) {
      for (size_t i = 0; i < splits.size(); ++i) SendPiece(*clients_[i], splits[i], piece);
      Run(2 * kLatency);
    }
    Run(4 * kLatency);
    std::vector<CaseResult> results(splits.size());
    std::vector<std::string> settled;
    for (const auto& client : clients_) settled.push_back(client->received());
    for (size_t i = 0; i < splits.size(); ++i) {
      results[i].settled = settled[i];
      results[i].settled_ended = clients_[i]->ended();
      clients_[i]->ShutdownWrite();
    }
    Run(8 * kLatency);
    for (size_t i = 0; i < splits.size(); ++i) {
      results[i].all = clients_[i]->received();
      results[i].all_ended = clients_[i]->ended();
      const std::string differences = Differences(row_, results[i]);
      ASSERT_EQ(differences, "") << "split at " << testing::PrintToString(splits[i]) << ", sent:\n"
                                 << results[i].all;
      EXPECT_FALSE(clients_[i]->was_reset()) << testing::PrintToString(splits[i]);
    }
    EXPECT_EQ(bytes_seen_, row_.served.view.size() * splits.size());
    EXPECT_EQ(loop_->machines(), 1u) << "connections outlive their clients";
  }

 private:
  void SendPiece(SimConnection& client, const std::vector<size_t>& split, size_t piece) {
    if (piece > split.size()) return;
    const size_t begin = piece == 0 ? 0 : split[piece - 1];
    const size_t end = piece == split.size() ? row_.bytes.view.size() : split[piece];
    client.Send(row_.bytes.view.substr(begin, end - begin));
  }
  void Run(absl::Duration span) {
    const Time until = world_.now() + span;
    while (world_.now() < until) {
      const absl::StatusOr<bool> more = loop_->RunOnce(until);
      ASSERT_TRUE(more.ok()) << more.status();
    }
  }

  const RequestCase& row_;
  size_t bytes_seen_ = 0;
  SimWorld world_;
  std::optional<Loop<CaseApp>> loop_;
  std::vector<std::unique_ptr<SimConnection>> clients_;
};

class ServerCaseTest : public testing::TestWithParam<RequestCase> {};

TEST_P(ServerCaseTest, InOnePiece) { CaseWorld(GetParam()).Exchange({{}}); }

TEST_P(ServerCaseTest, ByteByByte) {
  std::vector<size_t> ends;
  for (size_t at = 1; at < GetParam().bytes.view.size(); ++at) ends.push_back(at);
  CaseWorld(GetParam()).Exchange({ends});
}

TEST_P(ServerCaseTest, AtEveryTwoWaySplit) {
  std::vector<std::vector<size_t>> splits;
  for (size_t at = 1; at < GetParam().bytes.view.size(); ++at) splits.push_back({at});
  CaseWorld(GetParam()).Exchange(splits);
}

INSTANTIATE_TEST_SUITE_P(All, ServerCaseTest, testing::ValuesIn(RequestCases()), kNameOfCase);

}  // namespace
}  // namespace rotor::http
