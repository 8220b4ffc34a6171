// Zone files that change while their zones are served.
#include "protocols/dns/server/zone_reloader.h"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "gtest/gtest.h"

namespace rotor::dns {
namespace {

class Log final : public LogSink {
 public:
  void Write(LogLevel, std::string_view message) override { lines.emplace_back(message); }
  std::vector<std::string> lines;
};

// Keeps the loop running, as a server does.
struct Keeper {
  Step Start(Scope&) { return Step::WaitForever(); }
};
using App = Compose<ZoneReloader, Keeper>;

template <typename Builder>
void Keep(Builder& builder) {
  ASSERT_TRUE(builder.template Add<Keeper>(*builder.AddGroup("keeper")).ok());
}

class ZoneReloaderTest : public ::testing::Test {
 protected:
  ZoneReloaderTest() {
    Write(ZoneText(1));
    store_ = std::make_shared<ZoneStore>(LoadZoneFiles(paths_, nullptr).zones);
  }

  static std::string ZoneText(int serial) {
    return absl::StrCat("t. 5 SOA a. a. ", serial, " 2 3 4 5\nt. NS a.\n");
  }
  void Write(const std::string& text) {
    FILE* const file = std::fopen(paths_[0].c_str(), "w");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
  }
  uint32_t Serial() const {
    StartOfAuthority soa;
    return Read(store_->zones()->zones()[0]->soa().records[0].encoded(), &soa) ? soa.serial : 0;
  }

  const std::vector<std::string> paths_ = {::testing::TempDir() + "/reloaded.zone"};
  std::shared_ptr<ZoneStore> store_;
};

TEST_F(ZoneReloaderTest, AskingReplacesTheZonesAndAFaultKeepsThem) {
  SimWorld world;
  Log log;
  LoopBuilder<App> builder({.log = &log}, world.AddHost("server"));
  Keep(builder);
  const absl::StatusOr<ZoneReload> reload = MountZoneReloader(
      builder, "zones", {.paths = paths_, .file = {}, .in_background = false}, store_);
  ASSERT_TRUE(reload.ok());
  auto loop = std::move(builder).Build();
  const auto turn = [&] { ASSERT_TRUE(loop.RunOnce(world.now()).ok()); };
  turn();
  Write(ZoneText(2));
  turn();
  EXPECT_EQ(Serial(), 1u);  // Nobody asked.
  reload->Request();
  reload->Request();
  turn();
  EXPECT_EQ(Serial(), 2u);
  EXPECT_EQ(loop.counters().Get("zones", "reloads").value(), 1);
  Write(ZoneText(3) + "t. A x\n");
  reload->Request();
  turn();
  EXPECT_EQ(Serial(), 2u);
  EXPECT_EQ(loop.counters().Get("zones", "reload_faults").value(), 1);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0], absl::StrCat("the zone stays as it was: ", paths_[0],
                                       ":3: t. A: \"x\" is not an IPv4 address"));
  Write(ZoneText(4));
  reload->Request();
  turn();
  EXPECT_EQ(Serial(), 4u);
}

// Against a real loop, because the thread takes real time.
TEST_F(ZoneReloaderTest, AThreadReadsAndTheLoopTakesOver) {
  auto backend = EpollBackend::Create();
  ASSERT_TRUE(backend.ok());
  LoopBuilder<App> builder({}, **backend);
  Keep(builder);
  const absl::StatusOr<ZoneReload> reload =
      MountZoneReloader(builder, "zones", {.paths = paths_, .file = {}}, store_);
  ASSERT_TRUE(reload.ok());
  auto loop = std::move(builder).Build();
  for (int serial = 2; serial < 20; ++serial) {
    Write(ZoneText(serial));
    reload->Request();
    const Time give_up = (*backend)->Now() + absl::Seconds(30);
    while (Serial() != static_cast<uint32_t>(serial) && (*backend)->Now() < give_up) {
      ASSERT_TRUE(loop.RunOnce(give_up).ok());
    }
    ASSERT_EQ(Serial(), static_cast<uint32_t>(serial));
  }
  // The end waits for the thread.
  reload->Request();
  ASSERT_TRUE(loop.RunOnce((*backend)->Now()).ok());
}

TEST(ZoneReloadTest, AHandleOfNothingAsksNobody) { ZoneReload().Request(); }

}  // namespace
}  // namespace rotor::dns
