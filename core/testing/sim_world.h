// A whole world in one thread: a virtual clock, a network in memory, faults, all from one seed.
//
//   SimWorld world({.seed = 7});
//   SimBackend& host = world.AddHost("server");  // A Backend: build a loop on it, mount, then:
//   std::unique_ptr<SimConnection> client = world.Connect(address);
//   client->Send("hello\r\n");
//   ... run turns of the loop until client->received() has the answer ...
//   EXPECT_THAT(world.violations(), testing::IsEmpty());
//
// Same seed, same calls: the same run, byte for byte. Nothing sleeps: time moves only when a host
// waits and nothing is ready. Everything belongs to one thread.
#ifndef ROTOR_CORE_TESTING_SIM_WORLD_H_
#define ROTOR_CORE_TESTING_SIM_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "core/backend/socket_address.h"
#include "core/testing/sim_client.h"
#include "core/time/time.h"

namespace rotor {

class SimBackend;
class SimCore;
class SimNetwork;

// How likely each fault is, from 0 (never) to 1 (always), each time its occasion comes. Every fault
// is one that a real kernel or network produces, and leaves a correct program a way on.
struct SimFaultProbabilities {
  // A Read() gets a part of what is there. As epoll(7) allows a program to take a short read for
  // the end of readiness, a fresh edge follows.
  double short_read = 0;
  double short_write = 0;  // A Write() takes a part of what would fit. A fresh edge follows.
  // A call that would have succeeded says EAGAIN. A fresh edge follows.
  double would_block = 0;
  double spurious_event = 0;  // A Wait() with nothing ready reports an event that did not happen.
  double spurious_wake = 0;   // A Wait() with nothing ready returns early, without any event.
  double delayed_event = 0;   // An edge is reported one latency late.
  double reset_by_peer = 0;   // An arriving segment is a reset instead.
  double half_close = 0;      // After a segment from the client, the client sends no more.
  double write_error = 0;     // A Write() is EPIPE; the connection is gone.
  double aborted_accept = 0;  // An Accept() is ECONNABORTED; the connection is gone.
  double out_of_files = 0;    // An Accept() is EMFILE; the connection stays, and no edge follows.
  double datagram_loss = 0;
  double datagram_duplication = 0;
  double datagram_reordering = 0;  // A datagram is overtaken by later ones.
  // The process was stopped: a sleep takes 1 to 10 seconds longer than asked.
  double clock_jump = 0;
};

struct SimOptions {
  uint64_t seed = 1;
  SimFaultProbabilities faults = {};

  // Time on the way of a segment, a datagram or a request to connect: uniform between the two.
  absl::Duration latency_min = absl::Microseconds(50);
  absl::Duration latency_max = absl::Microseconds(200);
  // Bytes a connection holds in each direction, sent but not yet read, before the writer must wait.
  size_t window_bytes = 65536;
  size_t segment_bytes_max = 1460;     // Streams are cut at random into segments of at most this.
  size_t datagrams_waiting_max = 256;  // Of one socket; what comes beyond is lost.
  int open_files_max = 1024;           // Of one host.
  // More Wait() calls in a row in which nothing at all happens are a busy loop.
  uint64_t idle_waits_max = 10'000;

  // Gets every line of the log; for debugging. Costs nothing if empty.
  std::function<void(std::string_view line)> log_sink = nullptr;

  // Every fault now and then, and latencies, windows and segments of a kind chosen by the seed.
  static SimOptions Hostile(uint64_t seed);
};

struct SimFaultCount {
  std::string_view name;  // Of the field in SimFaultProbabilities.
  uint64_t count = 0;     // How often it struck.
};

// Owns its hosts. Must outlive loops, connections and sockets made in it.
class SimWorld {
 public:
  explicit SimWorld(SimOptions options = {});
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  // A host runs one loop; it lives as long as the world. All hosts share one address space, as
  // processes of one machine do.
  SimBackend& AddHost(std::string_view name);

  // Starts at 1000 s, so that nobody takes zero for a time.
  Time now() const;

  // For several hosts: give each loop a turn that does not sleep until none makes progress, then
  // call this. Goes to the next scheduled event, if it comes before `latest`, lets it happen, and
  // returns true; otherwise goes to `latest`, unless that is never, and returns false.
  bool AdvanceToNextEvent(Deadline latest);

  // Runs `action` while some host waits, never inside a handler of a machine.
  void At(Time when, std::function<void()> action);
  void After(absl::Duration delay, std::function<void()> action);

  // The peer of a stream: not a machine, but the test. `from` none: a loopback address with a port
  // of its own. See SimConnection for refusal and backlog.
  std::unique_ptr<SimConnection> Connect(const SocketAddress& to, const SocketAddress& from = {});
  // The peer of a datagram socket. Port 0 gets one of its own. The address must be free.
  std::unique_ptr<SimDatagramSocket> BindDatagram(const SocketAddress& address);

  // The process of `host` gets `signal`. A violation if it has not opened that signal: the real
  // process would have died.
  void RaiseSignal(SimBackend& host, int signal);

  // Records a violation for every descriptor that is open on any host. Runs by itself at the end of
  // the world, when only the log can tell.
  void ExpectNothingOpen();

  // What the program under test did wrong, in words; expect it to be empty. A use of a descriptor
  // that is not open, a second close, a busy loop, and the like.
  const std::vector<std::string>& violations() const;
  // Every kind of fault and how often it struck, always in the same order.
  std::span<const SimFaultCount> faults() const;
  uint64_t events_delivered() const;  // By Wait(), over all hosts.
  // A rolling hash over every event, call and result so far: equal if and only if the runs are.
  uint64_t log_hash() const;

 private:
  std::unique_ptr<SimCore> core_;
  std::unique_ptr<SimNetwork> network_;
  std::vector<std::unique_ptr<SimBackend>> hosts_;
};

}  // namespace rotor

#endif  // ROTOR_CORE_TESTING_SIM_WORLD_H_
