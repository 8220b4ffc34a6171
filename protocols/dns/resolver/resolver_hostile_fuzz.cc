// A resolver, in a simulated world, whose servers answer with whatever the input says.
//
// The input is a list of actions, two bytes each: what the server does with the next query, and a
// number for it. Bytes that an action needs are taken from what follows.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/loop/loop.h"
#include "core/testing/sim_backend.h"
#include "core/testing/sim_world.h"
#include "protocols/dns/resolver/resolver.h"

namespace rotor::dns {
namespace {

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view Take(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// What comes back for `query`: its header as an answer's, its question, and bytes of the input.
std::string Answer(std::string_view query, Input& input) {
  const uint8_t action = input.Byte();
  const uint8_t number = input.Byte();
  if (action % 8 == 7) return std::string(input.Take(number));
  std::string answer(query);
  if (answer.size() < 12) return answer;
  answer[2] = static_cast<char>(0x80 | (action & 0x02 ? 0x02 : 0));
  answer[3] = static_cast<char>(action & 0x04 ? number & 0x0f : 0);
  answer[7] = static_cast<char>(number & 0x07);       // Answers.
  answer[9] = static_cast<char>(number >> 3 & 0x03);  // Authorities.
  if (action & 0x08) answer[11] = static_cast<char>(number >> 5);
  if (action & 0x10) answer[13] = static_cast<char>(answer[13] ^ 0x20);
  if (action & 0x20) answer[1] = static_cast<char>(answer[1] ^ 1);
  answer.append(input.Take(input.Byte()));
  return answer;
}

class TcpServer {
 public:
  struct Shared {
    Input& input;
  };
  explicit TcpServer(const Shared& shared) : shared_(shared) {}
  Intent Start(Stream&, Scope& scope) { return Next(scope); }
  Intent FrameReceived(std::string_view frame, Stream& stream, Scope& scope) {
    const size_t size = 2 + (static_cast<size_t>(static_cast<uint8_t>(frame[0])) << 8 |
                             static_cast<uint8_t>(frame[1]));
    if (stream.input().size() < size) {
      return Expect::Bytes(static_cast<uint32_t>(size)).Before(scope.now() + absl::Minutes(1));
    }
    const std::string answer = Answer(stream.input().substr(2, size - 2), shared_.input);
    const uint8_t how = shared_.input.Byte();
    if ((how & 1) == 0) {
      const char length[] = {static_cast<char>(answer.size() >> 8),
                             static_cast<char>(answer.size())};
      stream.Write({length, 2});
    }
    stream.Write(answer);
    stream.Consume(size);
    if (how & 2) return Intent::CloseAfterFlush(scope.now() + absl::Seconds(1));
    if (how & 4) return Intent::Abort(absl::OkStatus());
    return Next(scope);
  }

 private:
  static Intent Next(Scope& scope) {
    return Expect::Bytes(2).Before(scope.now() + absl::Minutes(1));
  }
  const Shared& shared_;
};

class Client {
 public:
  Client(Resolver*& resolver, Input& input, int& done)
      : resolver_(resolver), input_(input), done_(done) {}
  Step Start(Scope& scope) {
    static constexpr std::string_view kNames[] = {"a.test", "b", "c.test.", "d.e.test"};
    const uint8_t choice = input_.Byte();
    for (int i = 0; i < 4; ++i) {
      if (choice & (1 << i)) lookups_.push_back(resolver_->Find(kNames[i], {}, scope));
    }
    static constexpr RecordType kTypes[] = {RecordType::kMx, RecordType::kSrv, RecordType::kTxt,
                                            RecordType::kAny};
    records_ = resolver_->Ask("r.test", kTypes[choice >> 4 & 3], {}, scope);
    return Check(scope);
  }
  Step Wakeup(Scope& scope) { return Check(scope); }

 private:
  Step Check(Scope& scope) {
    for (resolve::Lookup& lookup : lookups_) {
      if (lookup.done()) lookup.Take().IgnoreError();
    }
    std::erase_if(lookups_, [](const auto& lookup) { return !lookup.is_set(); });
    if (records_.done()) records_.Take().IgnoreError();
    if (!lookups_.empty() || records_.is_set()) {
      // Every lookup has a deadline of ten seconds.
      return Step::WaitUntil(scope.now() + absl::Seconds(11));
    }
    ++done_;
    return Step::Done();
  }

  Resolver*& resolver_;
  Input& input_;
  int& done_;
  std::vector<resolve::Lookup> lookups_;
  RecordLookup records_;
};

class NoFiles final : public FileReader {
 public:
  std::string Stamp(const std::string&) override { return ""; }
  absl::StatusOr<std::string> Read(const std::string& path, size_t) override {
    return absl::NotFoundError(path);
  }
};

using App = Compose<ResolverMachines, Client, stream::Server<TcpServer>>;

void Run(std::string_view bytes) {
  Input input(bytes);
  SimWorld world;
  const SocketAddress address = SocketAddress::Ip("127.0.0.1", 53).value();
  const auto socket = world.BindDatagram(address);
  socket->on_event = [&] {
    for (const SimDatagram& query : socket->TakeReceived()) {
      do {
        if (input.empty()) return;  // Silence.
        socket->SendTo(Answer(query.bytes, input), query.from);
      } while (input.Byte() & 1);
    }
  };
  LoopBuilder<App> builder({.machines_max = 64}, world.AddHost("host"));
  ResolverOptions options;
  options.config = ResolvConf{};
  options.config->servers = {address};
  options.config->timeout = absl::Seconds(1);
  options.config->search = {Name::FromText("test").value()};
  options.config->edns0 = (input.Byte() & 1) != 0;
  options.files = std::make_shared<NoFiles>();
  options.answer_bytes_max = 2048;
  stream::ListenOptions listen;
  listen.addresses = {address};
  ROTOR_CHECK(stream::Mount<TcpServer>(builder, "tcp", listen, input).ok(), "the server listens");
  Resolver* resolver = nullptr;
  int done = 0;
  const GroupId group = builder.AddGroup("client").value();
  ROTOR_CHECK(builder.Add<Client>(group, resolver, input, done).ok(), "there is room");
  const absl::StatusOr<Resolver*> mounted = Mount(builder, "resolver", options);
  ROTOR_CHECK(mounted.ok(), "the resolver is mounted");
  resolver = *mounted;
  {
    auto loop = std::move(builder).Build();
    const Time give_up = world.now() + absl::Seconds(30);
    while (done == 0 && world.now() < give_up) {
      ROTOR_CHECK(loop.RunOnce(give_up).ok(), "the loop goes on");
    }
    ROTOR_CHECK(done == 1, "every lookup comes to an end");
    ROTOR_CHECK(resolver->core().lookups() == 0 && resolver->core().fetches() == 0,
                "nothing is under way when nobody waits");
  }
  world.ExpectNothingOpen();
  ROTOR_CHECK(world.violations().empty(), "no rule of the system is broken");
}

}  // namespace
}  // namespace rotor::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotor::dns::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
