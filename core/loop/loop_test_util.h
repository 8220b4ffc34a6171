// What the tests of the loop share: machines whose handlers stand in the test, and a world.
#ifndef ROTOR_CORE_LOOP_LOOP_TEST_UTIL_H_
#define ROTOR_CORE_LOOP_LOOP_TEST_UTIL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/loop/loop.h"
#include "core/machine/machine.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "gtest/gtest.h"

namespace rotor {

// The handlers of one machine; those that are null answer as given.
struct Script {
  std::function<Step(Scope&)> start = nullptr;             // WaitForever.
  std::function<Step(Readiness, Scope&)> ready = nullptr;  // KeepWaiting.
  std::function<Step(Scope&)> timeout = nullptr;           // Done.
  std::function<Step(Scope&)> wakeup = nullptr;            // Done when draining, else KeepWaiting.
  std::function<Step(Scope&)> flush = nullptr;             // KeepWaiting.
  std::function<void()> destroyed = nullptr;
  std::string state = {};
};

class Scripted {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;
  ~Scripted() {
    if (script_.destroyed) script_.destroyed();
  }

  Step Start(Scope& scope) { return script_.start ? script_.start(scope) : Step::WaitForever(); }
  Step Ready(Readiness readiness, Scope& scope) {
    return script_.ready ? script_.ready(readiness, scope) : Step::KeepWaiting();
  }
  Step Timeout(Scope& scope) { return script_.timeout ? script_.timeout(scope) : Step::Done(); }
  Step Wakeup(Scope& scope) {
    if (script_.wakeup) return script_.wakeup(scope);
    return scope.draining() ? Step::Done() : Step::KeepWaiting();
  }
  Step Flush(Scope& scope) { return script_.flush ? script_.flush(scope) : Step::KeepWaiting(); }
  void Describe(Description& description) const { description.state = script_.state; }

 private:
  Script script_;
};
static_assert(IsMachine<Scripted>());

// Keeps every message.
class RecordingLog final : public LogSink {
 public:
  bool Enabled(LogLevel level) const override { return level >= level_min; }
  void Write(LogLevel, std::string_view message) override { lines.emplace_back(message); }

  LogLevel level_min = LogLevel::kWarning;
  std::vector<std::string> lines;
};

// One loop of scripted machines on one simulated host.
class ScriptedLoop {
 public:
  explicit ScriptedLoop(LoopOptions options = {}, SimOptions sim = {})
      : world(std::move(sim)), host(world.AddHost("host")), loop(Build(options)) {
    group = AddGroup("test");
  }

  Notifier Add(Script script) { return AddTo(group, std::move(script)); }
  Notifier AddTo(GroupId to, Script script) {
    absl::StatusOr<Notifier> added = loop.Add(to, std::move(script));
    EXPECT_TRUE(added.ok()) << added.status();
    return added.ok() ? *std::move(added) : Notifier();
  }
  GroupId AddGroup(std::string_view name) {
    absl::StatusOr<GroupId> added = loop.AddGroup(name);
    EXPECT_TRUE(added.ok()) << added.status();
    return added.value_or(GroupId{0});
  }
  Spawner<Scripted> spawner() { return loop.SpawnerFor(group); }

  // One turn that sleeps as long as it has to. True while machines keep the loop running.
  bool Turn(Deadline latest = Deadline::Never()) {
    absl::StatusOr<bool> more = loop.RunOnce(latest);
    EXPECT_TRUE(more.ok()) << more.status();
    return more.value_or(false);
  }
  // A turn that does not sleep.
  bool TurnNow() { return Turn(host.Now()); }
  void Run() {
    const absl::Status status = loop.Run();
    EXPECT_TRUE(status.ok()) << status;
  }
  int64_t Count(std::string_view of, std::string_view name) {
    return loop.counters().Get(of, name).value();
  }
  // Lets `span` pass in the world while the loop does not run.
  void Pass(absl::Duration span) {
    const Time until = world.now() + span;
    while (world.AdvanceToNextEvent(until)) {
    }
  }

  RecordingLog log;
  SimWorld world;
  SimBackend& host;
  Loop<Scripted> loop;
  GroupId group{};

 private:
  Loop<Scripted> Build(LoopOptions options) {
    if (options.log == nullptr) options.log = &log;
    return LoopBuilder<Scripted>(options, host).Build();
  }
};

}  // namespace rotor

#endif  // ROTOR_CORE_LOOP_LOOP_TEST_UTIL_H_
