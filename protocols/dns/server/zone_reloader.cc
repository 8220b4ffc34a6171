#include "protocols/dns/server/zone_reloader.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rotor::dns {

ZoneReloader::~ZoneReloader() {
  if (thread_.joinable()) thread_.join();
}

Step ZoneReloader::Start(Scope& scope) {
  scope.RunInBackground();
  return Step::WaitForever();
}

Step ZoneReloader::Wakeup(Scope& scope) {
  while (true) {
    if (task_ != nullptr) {
      if (!task_->finished.load(std::memory_order_acquire)) return Step::WaitForever();
      if (thread_.joinable()) thread_.join();
      Apply(scope);
    } else if (shared_.requested->exchange(false, std::memory_order_acquire)) {
      Load(scope);
    } else {
      return Step::WaitForever();
    }
  }
}

void ZoneReloader::Describe(Description& description) const {
  description.state = task_ == nullptr ? "idle" : "reading";
  description.waits_for = task_ == nullptr ? "a request to reload" : "the zone files";
}

void ZoneReloader::Run(std::function<void(Task&)> work, Scope& scope) {
  task_ = std::make_shared<Task>();
  if (!shared_.options.in_background) {
    work(*task_);
    task_->finished.store(true);
    return;
  }
  thread_ = std::thread([task = task_, work = std::move(work), notifier = scope.notifier()] {
    work(*task);
    task->finished.store(true, std::memory_order_release);
    notifier.Wake();
  });
}

void ZoneReloader::Load(Scope& scope) {
  Run([&options = shared_.options, previous = shared_.store->zones()](
          Task& task) { task.loaded = LoadZoneFiles(options.paths, previous.get(), options.file); },
      scope);
}

void ZoneReloader::Apply(Scope& scope) {
  const LoadedZones loaded = std::move(task_->loaded);
  task_ = nullptr;
  for (const absl::Status& fault : loaded.faults) {
    shared_.faults.Add();
    scope.log().Write(LogLevel::kWarning,
                      absl::StrCat("the zone stays as it was: ", fault.message()));
  }
  if (loaded.zones == nullptr) return;
  shared_.reloads.Add();
  std::shared_ptr<const ZoneSet> old = shared_.store->zones();
  shared_.store->Replace(loaded.zones);
  // To free a large zone takes as long as to read it.
  Run([old = std::move(old)](Task&) mutable { old.reset(); }, scope);
}

}  // namespace rotor::dns
