#include "protocols/dns/resolver/resolver_test_util.h"

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "protocols/dns/codec/text.h"

namespace rotor::dns {
namespace {

Name MakeName(std::string_view text) { return Name::FromText(text).value(); }

}  // namespace

SomeRecord Address(std::string_view owner, uint32_t ttl, std::string_view address) {
  return {std::string(owner), ttl, RecordData::Address(address).value()};
}
SomeRecord Alias(std::string_view owner, uint32_t ttl, std::string_view target) {
  return {std::string(owner), ttl, RecordData::Cname(MakeName(target))};
}
SomeRecord Soa(std::string_view zone, uint32_t ttl, uint32_t minimum) {
  StartOfAuthority soa;
  soa.minimum = minimum;
  return {std::string(zone), ttl, RecordData::Soa(soa)};
}
SomeRecord NameServer(std::string_view zone, std::string_view server) {
  return {std::string(zone), 60, RecordData::Ns(MakeName(server))};
}

std::string MakeReply(std::string_view query, const Reply& reply) {
  MessageView view;
  EXPECT_EQ(view.Parse(query), ParseResult::kComplete);
  std::string bytes(kMessageBytesMax, '\0');
  MessageBuilder builder(bytes);
  EXPECT_TRUE(builder.AddQuestion(*view.question()));
  for (const auto& [section, records] : {std::pair(Section::kAnswer, &reply.answer),
                                         std::pair(Section::kAuthority, &reply.authority)}) {
    for (const SomeRecord& record : *records) {
      EXPECT_TRUE(builder.AddRecord(section, MakeName(record.owner), RecordClass::kIn, record.ttl,
                                    record.data));
    }
  }
  const uint16_t code = static_cast<uint16_t>(reply.code);
  if (reply.edns) {
    EXPECT_TRUE(builder.AddEdns(
        {.payload_bytes = 1232, .extended_response_code = static_cast<uint8_t>(code >> 4)}));
  }
  Header header = view.header();
  header.response = true;
  header.recursion_available = true;
  header.truncated = reply.truncated;
  header.response_code = code & 0xf;
  bytes.resize(builder.Finish(header));
  return bytes;
}

std::string QuestionOf(std::string_view query) {
  MessageView view;
  if (view.Parse(query) != ParseResult::kComplete || view.question() == nullptr) return "?";
  std::string name = view.question()->name.ToText();
  for (char& c : name) c = FoldCase(c);
  return absl::StrCat(name, " ", ToText(view.question()->type));
}

bool HasEdns(std::string_view query) {
  MessageView view;
  return view.Parse(query) == ParseResult::kComplete && view.edns().has_value();
}

std::string Framed(std::string_view message) {
  std::string framed = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  return framed.append(message);
}

Intent ScriptedTcp::FrameReceived(std::string_view frame, Stream& stream, Scope&) {
  const size_t size =
      static_cast<size_t>(static_cast<uint8_t>(frame[0])) << 8 | static_cast<uint8_t>(frame[1]);
  if (frame.size() < 2 + size) return Expect::Bytes(static_cast<uint32_t>(2 + size)).Forever();
  const TcpAction action = shared_.script(frame.substr(2, size));
  stream.Consume(2 + size);
  if (!action.bytes.empty()) stream.Write(action.bytes);
  if (action.close && action.bytes.empty()) return Intent::Abort(absl::OkStatus());
  if (action.close) return Intent::CloseAfterFlush(Deadline::Never());
  return Expect::Bytes(2).Forever();
}

std::string FakeFiles::Stamp(const std::string& path) {
  const auto found = files_.find(path);
  return found == files_.end() ? "" : absl::StrCat(found->second.second);
}

absl::StatusOr<std::string> FakeFiles::Read(const std::string& path, size_t bytes_max) {
  ++reads_;
  const auto found = files_.find(path);
  if (found == files_.end()) return absl::NotFoundError(path);
  if (found->second.first.size() > bytes_max) return absl::ResourceExhaustedError(path);
  return found->second.first;
}

ResolverWorld::ResolverWorld(WorldOptions options)
    : world(options.sim), host(world.AddHost("client")) {
  LoopBuilder<ServerApp> server_builder({.machines_max = 256}, world.AddHost("server"));
  server_loop_.emplace(std::move(server_builder).Build());
  std::string conf;
  for (int i = 0; i < options.servers; ++i) {
    AddServer(options.tcp);
    absl::StrAppend(&conf, "nameserver ", servers_.back()->address.ToString(), "\n");
  }
  files->Set("/etc/resolv.conf", absl::StrCat(conf, options.resolv_conf_extra));
  options.resolver.files = files;
  LoopBuilder<App> builder({.machines_max = 256}, host);
  absl::StatusOr<Resolver*> mounted = Mount(builder, "resolver", options.resolver);
  EXPECT_TRUE(mounted.ok()) << mounted.status();
  resolver = *mounted;
  core = &resolver->core();
  const GroupId group = builder.AddGroup("asker").value();
  asker_ = builder.Add<Asker>(group, jobs_, wakeups).value();
  loop_.emplace(std::move(builder).Build());
  Run();
}

ResolverWorld::~ResolverWorld() {
  loop_.reset();
  server_loop_.reset();
  world.ExpectNothingOpen();
  for (const std::string& violation : world.violations()) ADD_FAILURE() << violation;
}

void ResolverWorld::AddServer(bool tcp) {
  servers_.push_back(std::make_unique<ScriptedServer>());
  ScriptedServer& server = *servers_.back();
  server.address =
      SocketAddress::Ip("127.0.0.1", static_cast<uint16_t>(5300 + servers_.size())).value();
  server.socket = world.BindDatagram(server.address);
  server.socket->on_event = [&server] {
    for (const SimDatagram& query : server.socket->TakeReceived()) {
      server.questions.push_back(QuestionOf(query.bytes));
      server.queries.push_back(query.bytes);
      server.sources.push_back(query.from);
      if (server.udp) server.udp(query);
    }
  };
  if (!tcp) return;
  stream::ListenOptions options;
  options.addresses = {server.address};
  // What a script does not say is silence.
  static TcpScript silence = [](std::string_view) { return TcpAction(); };
  server.tcp = silence;
  const auto mounted = stream::Mount<ScriptedTcp>(
      *server_loop_, absl::StrCat("tcp", servers_.size()), options, server.tcp, server.connections);
  EXPECT_TRUE(mounted.ok()) << mounted.status();
}

bool ResolverWorld::Advance(Time until, const std::function<bool()>& done) {
  // Each loop goes on until it has nothing to do at this moment.
  for (int i = 0; i < 4; ++i) {
    if (!loop_->RunOnce(world.now()).ok() || !server_loop_->RunOnce(world.now()).ok()) return false;
  }
  if (done()) return true;
  const Deadline next = Sooner(Sooner(loop_->NextWake(), server_loop_->NextWake()), until);
  world.AdvanceToNextEvent(next);
  return world.violations().size() < 10;
}

void ResolverWorld::Run(absl::Duration span) {
  const Time until = world.now() + span;
  while (world.now() < until && Advance(until, [] { return false; })) {
  }
  loop_->RunOnce(world.now()).IgnoreError();
}

bool ResolverWorld::RunUntil(const std::function<bool()>& done, absl::Duration span_max) {
  const Time until = world.now() + span_max;
  while (!done() && world.now() < until && Advance(until, done)) {
  }
  return done();
}

void ResolverWorld::Do(std::function<void(Scope&)> job) {
  jobs_.push_back(std::move(job));
  asker_.Wake();
  const int before = wakeups;
  EXPECT_TRUE(RunUntil([&] { return wakeups > before; }, absl::Seconds(1)));
}

absl::StatusOr<resolve::Addresses> ResolverWorld::Find(std::string_view host_name,
                                                       const resolve::FindOptions& options) {
  resolve::Lookup lookup;
  Do([&](Scope& scope) { lookup = resolver->Find(host_name, options, scope); });
  if (!RunUntil([&] { return lookup.done(); })) return absl::InternalError("never done");
  return lookup.Take();
}

absl::StatusOr<std::shared_ptr<const Answer>> ResolverWorld::Ask(std::string_view name,
                                                                 RecordType type,
                                                                 const AskOptions& options) {
  RecordLookup lookup;
  Do([&](Scope& scope) { lookup = resolver->Ask(name, type, options, scope); });
  if (!RunUntil([&] { return lookup.done(); })) return absl::InternalError("never done");
  return lookup.Take();
}

std::string ResolverWorld::FindText(std::string_view host_name,
                                    const resolve::FindOptions& options) {
  const absl::StatusOr<resolve::Addresses> addresses = Find(host_name, options);
  if (!addresses.ok()) return addresses.status().ToString();
  std::string text;
  for (const SocketAddress& address : *addresses) {
    absl::StrAppend(&text, text.empty() ? "" : " ", address.ToString());
  }
  return text;
}

std::string ResolverWorld::Leftovers() {
  std::string text;
  if (host.open_files() > 0) absl::StrAppend(&text, host.open_files(), " descriptors ");
  if (core->lookups() > 0) absl::StrAppend(&text, core->lookups(), " lookups ");
  if (core->fetches() > 0) absl::StrAppend(&text, core->fetches(), " fetches ");
  if (core->timers() > 0) absl::StrAppend(&text, core->timers(), " timers ");
  // The resolver and the asker.
  if (loop_->machines() != 2) absl::StrAppend(&text, loop_->machines(), " machines ");
  loop_->VisitMachines(0, 100, [&](const MachineReport& report) {
    if (!report.deadline.is_never()) absl::StrAppend(&text, "a deadline of ", report.path);
  });
  return text;
}

}  // namespace rotor::dns
