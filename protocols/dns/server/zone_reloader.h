// Reads zone files again while the server goes on answering.
#ifndef ROTOR_PROTOCOLS_DNS_SERVER_ZONE_RELOADER_H_
#define ROTOR_PROTOCOLS_DNS_SERVER_ZONE_RELOADER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/composer/composer.h"
#include "protocols/dns/zone/zone_file.h"
#include "protocols/dns/zone/zone_set.h"

namespace rotor::dns {

struct ReloadOptions {
  std::vector<std::string> paths;  // those the store's zones came from, in the same order
  ZoneFileOptions file;
  // On a thread of its own, so that a large zone stops no query. Otherwise between two of them: in
  // a simulator, whose time a thread does not know.
  bool in_background = true;
};

// Asks for reloads.
class ZoneReload {
 public:
  ZoneReload() = default;
  ZoneReload(std::shared_ptr<std::atomic<bool>> requested, Notifier notifier)
      : requested_(std::move(requested)), notifier_(std::move(notifier)) {}

  // Reads all files, after the reload that is running if there is one, and replaces the zones of
  // the store; the zone of a faulty file stays as it is, and the fault goes to the log and is
  // counted as reload_faults. Requests that come before one has begun are one. Any thread.
  void Request() const {
    if (requested_ != nullptr) requested_->store(true, std::memory_order_release);
    notifier_.Wake();
  }

 private:
  std::shared_ptr<std::atomic<bool>> requested_;
  Notifier notifier_;
};

// Runs in the background of the loop; its destructor waits for the file that is being read.
class ZoneReloader {
 public:
  struct Shared {
    ReloadOptions options;
    std::shared_ptr<ZoneStore> store;
    std::shared_ptr<std::atomic<bool>> requested;
    Counter& reloads;
    Counter& faults;
  };
  explicit ZoneReloader(Shared& shared) : shared_(shared) {}
  ~ZoneReloader();

  Step Start(Scope& scope);
  Step Wakeup(Scope& scope);
  void Describe(Description& description) const;

 private:
  // What the thread and the machine share.
  struct Task {
    LoadedZones loaded;
    std::atomic<bool> finished = false;
  };

  void Run(std::function<void(Task&)> work, Scope& scope);
  void Load(Scope& scope);
  void Apply(Scope& scope);

  Shared& shared_;
  std::shared_ptr<Task> task_;  // nullptr: nothing is running
  std::thread thread_;
};
static_assert(IsMachine<ZoneReloader>());

// Adds it under the group `name`.
template <Composer C>
absl::StatusOr<ZoneReload> MountZoneReloader(C& composer, std::string_view name,
                                             const ReloadOptions& options,
                                             std::shared_ptr<ZoneStore> store) {
  absl::StatusOr<GroupId> group = composer.AddGroup(name);
  if (!group.ok()) return group.status();
  auto requested = std::make_shared<std::atomic<bool>>(false);
  auto& shared = composer.template Keep<ZoneReloader::Shared>(ZoneReloader::Shared{
      options, std::move(store), requested, composer.counters().Get(name, "reloads"),
      composer.counters().Get(name, "reload_faults")});
  absl::StatusOr<Notifier> added = composer.template Add<ZoneReloader>(*group, shared);
  if (!added.ok()) return added.status();
  return ZoneReload(std::move(requested), *std::move(added));
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_SERVER_ZONE_RELOADER_H_
