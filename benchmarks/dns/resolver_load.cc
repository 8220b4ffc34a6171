// Resolves the names of a file, one a line, with at most so many under way, through the address
// interface, and prints what it cost this process:
//
//   resolver_load --port=5300 --names=FILE --concurrency=100
//   lookups 100000 fail 0 secs 0.33 user_us 0.61 sys_us 1.10      (the last two per lookup)
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "core/backend/epoll/epoll_backend.h"
#include "core/loop/loop.h"
#include "protocols/dns/resolver/resolver.h"

ABSL_FLAG(uint16_t, port, 5300, "of the server on 127.0.0.1");
ABSL_FLAG(std::string, names, "", "file of names");
ABSL_FLAG(uint32_t, concurrency, 100, "lookups under way");
ABSL_FLAG(uint32_t, queries_per_socket, 100, "1: a port for each query");

namespace {

// Lookups begun in one turn, before answers are looked at again.
constexpr size_t kStartsPerTurn = 256;

struct Work {
  std::vector<std::string> names;
  size_t next = 0;
  size_t finished = 0;
  size_t failed = 0;
};

class Load {
 public:
  Load(Work& work, rotor::resolve::Resolver*& resolver, uint32_t concurrency)
      : work_(work), resolver_(resolver), lookups_(concurrency) {}

  rotor::Step Start(rotor::Scope& scope) { return Go(scope); }
  rotor::Step Wakeup(rotor::Scope& scope) { return Go(scope); }

 private:
  rotor::Step Go(rotor::Scope& scope) {
    size_t starts = 0;
    for (rotor::resolve::Lookup& lookup : lookups_) {
      while (starts < kStartsPerTurn) {
        if (lookup.is_set()) {
          if (!lookup.done()) break;
          ++work_.finished;
          if (!lookup.Take().ok()) ++work_.failed;
        }
        if (work_.next == work_.names.size()) break;
        ++starts;
        lookup = resolver_->Find(work_.names[work_.next++],
                                 {.family = rotor::resolve::Family::kIpv4}, scope);
      }
    }
    return work_.finished == work_.names.size() ? rotor::Step::Done() : rotor::Step::WaitForever();
  }

  Work& work_;
  rotor::resolve::Resolver*& resolver_;
  std::vector<rotor::resolve::Lookup> lookups_;
};
static_assert(rotor::IsMachine<Load>());

using App = rotor::Compose<rotor::dns::ResolverMachines, Load>;

double Microseconds(const timeval& from, const timeval& to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) * 1e6 +
         static_cast<double>(to.tv_usec - from.tv_usec);
}

absl::Status Run(Work& work) {
  auto backend = rotor::EpollBackend::Create();
  if (!backend.ok()) return backend.status();
  rotor::LoopBuilder<App> builder({.machines_max = 64}, **backend);
  rotor::dns::ResolverOptions options;
  options.config.emplace();
  options.config->servers = {
      rotor::SocketAddress::Ip("127.0.0.1", absl::GetFlag(FLAGS_port)).value()};
  options.hosts = "";
  options.queries_per_socket = absl::GetFlag(FLAGS_queries_per_socket);
  options.sockets_max = 200;
  auto resolver = rotor::dns::Mount(builder, "resolver", options);
  if (!resolver.ok()) return resolver.status();
  rotor::resolve::Resolver* interface = *resolver;
  auto group = builder.AddGroup("load");
  if (!group.ok()) return group.status();
  auto added = builder.Add<Load>(*group, work, interface, absl::GetFlag(FLAGS_concurrency));
  if (!added.ok()) return added.status();

  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  const rotor::Time start = (*backend)->Now();
  auto loop = std::move(builder).Build();
  const absl::Status status = loop.Run();
  const double seconds = absl::ToDoubleSeconds((*backend)->Now() - start);
  getrusage(RUSAGE_SELF, &after);
  const auto count = static_cast<double>(work.names.size());
  std::printf("lookups %zu fail %zu secs %.4f user_us %.3f sys_us %.3f\n", work.names.size(),
              work.failed, seconds, Microseconds(before.ru_utime, after.ru_utime) / count,
              Microseconds(before.ru_stime, after.ru_stime) / count);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  Work work;
  std::ifstream file(absl::GetFlag(FLAGS_names));
  for (std::string name; std::getline(file, name);) work.names.push_back(name);
  const absl::Status status =
      work.names.empty() ? absl::InvalidArgumentError("--names has no names") : Run(work);
  if (!status.ok()) std::fprintf(stderr, "resolver_load: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
