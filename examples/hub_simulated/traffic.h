// Simulated clients of the hub. Each talks to it as a real client would and knows what must come
// back.
#ifndef ROTOR_EXAMPLES_HUB_SIMULATED_TRAFFIC_H_
#define ROTOR_EXAMPLES_HUB_SIMULATED_TRAFFIC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/testing/sim_world.h"
#include "examples/hub/context.h"

namespace hub {

struct Tally {
  uint64_t clients = 0;
  uint64_t http_responses = 0;
  uint64_t echo_bytes = 0;
  uint64_t dns_answers = 0;
  uint64_t cut_short = 0;  // Clients that a fault of the network kept from finishing.
  // What a client saw and must not have seen, in words.
  std::vector<std::string> failures;
};

// One client at work. It judges what it saw when it finishes.
class Client {
 public:
  virtual ~Client() = default;
  bool finished() const { return finished_; }
  virtual std::string Describe() const = 0;

 protected:
  Client(rotor::SimWorld& world, Tally& tally) : world_(world), tally_(tally) {}
  void Finish() { finished_ = true; }
  void Fail(const std::string& what);

  rotor::SimWorld& world_;
  Tally& tally_;

 private:
  bool finished_ = false;
};

// A client of a kind chosen by `random`: HTTP (whole, in pieces, pipelined, broken, slow, silent),
// line echo, DNS over UDP or TCP.
std::unique_ptr<Client> MakeClient(rotor::SimWorld& world, const Context& addresses,
                                   rotor::Random& random, Tally& tally);

}  // namespace hub

#endif  // ROTOR_EXAMPLES_HUB_SIMULATED_TRAFFIC_H_
