// The channels of a resolver: what goes out and what is believed of what comes in.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/strings.h"
#include "protocols/dns/codec/message_view.h"
#include "protocols/dns/resolver/resolver_core.h"
#include "protocols/dns/resolver/tcp_protocol.h"

namespace rotor::dns {
namespace {

constexpr uint32_t kSocketNumbers = 256;  // Numbers of channels below are sockets.
// How soon a datagram is sent again that a full socket buffer did not take.
constexpr absl::Duration kResendAfter = absl::Milliseconds(10);
// A connection has to be made first.
constexpr absl::Duration kTcpTimeoutMin = absl::Seconds(2);
constexpr int kAttemptsToBind = 8;
constexpr int kAttemptsForAnId = 64;
constexpr uint32_t kFirstPort = 1024;

uint16_t Read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

void Append16(char*& to, std::initializer_list<uint16_t> values) {
  for (const uint16_t value : values) {
    *to++ = static_cast<char>(value >> 8);
    *to++ = static_cast<char>(value);
  }
}

// Eight bytes at a time, as FoldCase(uint64_t); lengths of labels are below the letters. Each
// letter has a random bit of its own.
void CopyInRandomCase(std::string_view name, SecretRandom& random, char* to) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr size_t kBytes = sizeof(uint64_t);
  uint64_t bits = 0;
  for (size_t i = 0; i < name.size(); i += kBytes) {
    if (i % (8 * kBytes) == 0) bits = random.Next64();
    const size_t count = std::min(kBytes, name.size() - i);
    uint64_t bytes = 0;
    std::memcpy(&bytes, name.data() + i, count);
    const uint64_t low7 = (bytes | 0x20 * kOnes) & (0x7f * kOnes);
    const uint64_t from_a = low7 + (0x80 - 'a') * kOnes;
    const uint64_t above_z = low7 + (0x7f - 'z') * kOnes;
    const uint64_t letters = (from_a ^ above_z) & ~bytes & (0x80 * kOnes);
    bytes ^= letters >> 2 & bits;
    bits = std::rotr(bits, 1);
    std::memcpy(to + i, &bytes, count);
  }
}

uint64_t QueryKey(const Channel& channel, uint16_t id) {
  return uint64_t{channel.number} << 16 | id;
}

// QR set, opcode QUERY.
bool IsResponse(std::string_view message) {
  return (static_cast<uint8_t>(message[2]) & 0xf8) == 0x80;
}

// A server that does not understand a query may repeat nothing of it (RFC 6891 section 7).
bool IsBareFormatError(std::string_view message) {
  const int code = message[3] & 0xf;
  return message.size() == kHeaderBytes && Read16(message, 4) == 0 && (code == 1 || code == 4);
}

bool UnderstoodNoEdns(const MessageView& view) {
  const uint16_t code = view.header().response_code;
  if (view.edns().has_value()) {
    const uint32_t extended = code | view.edns()->extended_response_code << 4;
    return extended == static_cast<uint32_t>(ResponseCode::kBadVersion);
  }
  return code == static_cast<uint16_t>(ResponseCode::kFormatError) ||
         code == static_cast<uint16_t>(ResponseCode::kNotImplemented);
}

}  // namespace

// ---- Sending

void ResolverCore::SendQueued(Scope& scope) {
  while (queue_first_ != nullptr && in_flight_ < options_.queries_max) {
    Fetch& fetch = *queue_first_;
    Dequeue(fetch);
    fetch.sent_at = scope.now();
    if (fetch.over_tcp) {
      SendOverTcp(fetch, scope);
    } else {
      SendOverUdp(fetch, scope);
    }
  }
}

// RFC 1035 section 4.1 by hand: of all that a query could be, this is one form.
void ResolverCore::BuildQuery(Fetch& fetch, bool over_tcp) {
  constexpr uint16_t kRecursionDesired = 0x0100;
  fetch.has_edns = config_.conf().edns0 && !fetch.without_edns &&
                   policy_->UnderstandsEdns(fetch.server(), fetch.sent_at);
  const std::string_view name = fetch.name.wire();
  char* to = fetch.query.data();
  // One question, and perhaps an OPT record.
  Append16(to, {fetch.id, kRecursionDesired, 1, 0, 0, uint16_t{fetch.has_edns}});
  if (over_tcp || !options_.random_case) {
    name.copy(to, name.size());
  } else {
    CopyInRandomCase(name, *random_, to);
  }
  to += name.size();
  Append16(to, {static_cast<uint16_t>(fetch.type), static_cast<uint16_t>(RecordClass::kIn)});
  fetch.question_bytes = static_cast<uint16_t>(to - fetch.query.data());
  if (fetch.has_edns) {
    *to++ = 0;
    Append16(to,
             {static_cast<uint16_t>(RecordType::kOpt), options_.udp_payload_bytes_max, 0, 0, 0});
  }
  fetch.query_bytes = static_cast<uint16_t>(to - fetch.query.data());
}

// Gives the query an id that is unique on its channel. False if there is hardly one left.
bool ResolverCore::Attach(Fetch& fetch, Channel& channel) {
  for (int i = 0; i < kAttemptsForAnId; ++i) {
    fetch.id = random_->Next16();
    if (!queries_.emplace(QueryKey(channel, fetch.id), &fetch).second) continue;
    fetch.channel = &channel;
    fetch.state = Fetch::State::kSent;
    PushFront<Fetch, &Fetch::channel_link>(channel.sent, fetch);
    ++channel.in_flight;
    ++in_flight_;
    return true;
  }
  return false;
}

void ResolverCore::Detach(Fetch& fetch) {
  wheel_->Cancel(fetch.timer);
  if (fetch.channel == nullptr) return;
  Channel& channel = *std::exchange(fetch.channel, nullptr);
  queries_.erase(QueryKey(channel, fetch.id));
  Remove<Fetch, &Fetch::channel_link>(fetch);
  --in_flight_;
  if (--channel.in_flight > 0) return;
  if (channel.number < kSocketNumbers) {
    auto& socket = static_cast<UdpSocket&>(channel);
    if (!socket.current) CloseSocket(socket);
  } else {
    // It ends when it has been idle; or now, if its last query was given up.
    static_cast<TcpLink&>(channel).machine.Wake();
  }
}

Fetch* ResolverCore::FindQuery(const Channel& channel, uint16_t id) {
  const auto found = queries_.find(QueryKey(channel, id));
  return found == queries_.end() ? nullptr : found->second;
}

void ResolverCore::SendOverUdp(Fetch& fetch, Scope& scope) {
  absl::Status why = absl::ResourceExhaustedError("no free query id");
  const size_t server = fetch.server();
  UdpSocket* socket = SocketFor(server, scope, why);
  if (socket == nullptr || !Attach(fetch, *socket)) {
    return TryFailed(fetch, std::move(why), /*in_time=*/true, scope.now());
  }
  BuildQuery(fetch, /*over_tcp=*/false);
  const IoResult result = scope.io().Send(socket->fd, {fetch.query.data(), fetch.query_bytes});
  counters_.queries.Add();
  if (result.ok()) {
    wheel_->Set(fetch.timer, scope.now() + policy_->TimeoutFor(server, fetch.round()));
  } else if (result.would_block()) {
    fetch.resend = true;
    wheel_->Set(fetch.timer, scope.now() + kResendAfter);
  } else {
    // This query, or an earlier one on the socket, reached nobody.
    Refused(*socket, result.error, scope.now());
  }
}

// Every query on the socket failed.
void ResolverCore::Refused(UdpSocket& socket, int error, Time now) {
  policy_->Unanswered(socket.server, now);
  const absl::Status why = absl::ErrnoToStatus(error, "UDP");
  while (socket.sent != nullptr) TryFailed(*socket.sent, why, /*in_time=*/true, now);
}

UdpSocket* ResolverCore::SocketFor(size_t server, Scope& scope, absl::Status& why) {
  UdpSocket* chosen = nullptr;
  if (current_[server] >= 0) {
    chosen = &sockets_[static_cast<size_t>(current_[server])];
  } else {
    UdpSocket* shared = nullptr;
    for (UdpSocket& socket : sockets_) {
      if (!socket.fd.is_open() && chosen == nullptr) chosen = &socket;
      if (!socket.fd.is_open() || socket.server != server) continue;
      if (shared == nullptr || socket.in_flight < shared->in_flight) shared = &socket;
    }
    absl::Status opened = absl::ResourceExhaustedError(
        absl::StrCat("all ", sockets_.size(), " sockets are used for other servers"));
    if (chosen != nullptr) opened = OpenSocket(*chosen, server, scope);
    if (!opened.ok()) {
      why = std::move(opened);
      return shared;
    }
    chosen->current = true;
    current_[server] = static_cast<int16_t>(chosen->number);
  }
  if (++chosen->queries >= options_.queries_per_socket) {
    chosen->current = false;
    current_[server] = -1;
  }
  return chosen;
}

// With a port chosen at random (RFC 5452 section 9.2).
absl::Status ResolverCore::OpenSocket(UdpSocket& socket, size_t server, Scope& scope) {
  absl::StatusOr<Fd> fd = absl::UnknownError("");
  for (int i = 0; i < kAttemptsToBind && !fd.ok(); ++i) {
    const uint16_t port = static_cast<uint16_t>(kFirstPort + random_->Below(65536 - kFirstPort));
    fd = scope.io().ConnectDatagram(policy_->address(server), port);
  }
  if (!fd.ok()) return absl::ResourceExhaustedError(fd.status().message());
  absl::Status watched =
      scope.Watch(*fd, WatchKind::kDatagram, static_cast<uint8_t>(socket.number));
  if (!watched.ok()) return absl::ResourceExhaustedError(watched.message());
  socket.fd = *std::move(fd);
  socket.server = server;
  socket.queries = socket.mismatches = 0;
  return absl::OkStatus();
}

void ResolverCore::CloseSocket(UdpSocket& socket) {
  socket.fd.Close();
  if (std::exchange(socket.current, false)) current_[socket.server] = -1;
}

void ResolverCore::CloseIdle() {
  for (const int16_t index : current_) {
    if (index < 0) continue;
    UdpSocket& socket = sockets_[static_cast<size_t>(index)];
    if (socket.in_flight == 0) CloseSocket(socket);
  }
}

void ResolverCore::SendOverTcp(Fetch& fetch, Scope& scope) {
  absl::Status why = absl::ResourceExhaustedError("no free query id");
  TcpLink* link = LinkFor(fetch.server(), scope, why);
  if (link == nullptr || !Attach(fetch, *link)) {
    if (!absl::IsResourceExhausted(why)) policy_->Unanswered(fetch.server(), scope.now());
    return TryFailed(fetch, std::move(why), /*in_time=*/true, scope.now());
  }
  BuildQuery(fetch, /*over_tcp=*/true);
  counters_.queries.Add();
  // Length and message leave in one write (RFC 7766 section 8).
  link->unsent.push_back(static_cast<char>(fetch.query_bytes >> 8));
  link->unsent.push_back(static_cast<char>(fetch.query_bytes));
  link->unsent.append(fetch.query.data(), fetch.query_bytes);
  link->machine.Wake();
  wheel_->Set(
      fetch.timer,
      scope.now() + std::max(kTcpTimeoutMin, policy_->TimeoutFor(fetch.server(), fetch.round())));
}

TcpLink* ResolverCore::LinkFor(size_t server, Scope& scope, absl::Status& why) {
  for (const std::unique_ptr<TcpLink>& link : links_) {
    if (!link->close_wanted && link->server == server) return link.get();
  }
  auto link = std::make_unique<TcpLink>();
  link->number = next_link_++;
  link->server = server;
  absl::StatusOr<Notifier> machine =
      stream::Connect(scope.io(), policy_->address(server), *connector_, *link);
  if (!machine.ok()) {
    why = machine.status();
    return nullptr;
  }
  counters_.tcp_connections.Add();
  link->machine = *machine;
  links_.push_back(std::move(link));
  return links_.back().get();
}

// ---- Receiving

void ResolverCore::SocketReady(Readiness readiness) {
  if (readiness.resumed() || readiness.tag() >= sockets_.size()) return;
  UdpSocket& socket = sockets_[readiness.tag()];
  if (std::exchange(socket.readable, true)) return;
  readable_.push_back(readiness.tag());
}

bool ResolverCore::Receive(Scope& scope) {
  uint32_t budget = options_.datagrams_per_turn;
  while (!readable_.empty()) {
    UdpSocket& socket = sockets_[readable_.back()];
    if (ReceiveFrom(socket, scope, budget)) return true;
    socket.readable = false;
    readable_.pop_back();
  }
  return false;
}

bool ResolverCore::ReceiveFrom(UdpSocket& socket, Scope& scope, uint32_t& budget) {
  const std::span<char> into = scope.receive_buffer();
  while (socket.fd.is_open()) {
    if (budget == 0) return true;
    --budget;
    const IoResult received = scope.io().Receive(socket.fd, into);
    if (received.would_block()) return false;
    if (!received.ok()) {
      Refused(socket, received.error, scope.now());
    } else if (received.bytes <= into.size()) {
      DatagramReceived(socket, into.first(received.bytes), scope.now());
    }
  }
  return false;
}

// Believed only if id, peer, port, and every byte of the question are as they were sent (RFC 5452
// section 9.1). Anything else is ignored, and the query lives on.
void ResolverCore::DatagramReceived(UdpSocket& socket, std::span<char> bytes, Time now) {
  const std::string_view datagram(bytes.data(), bytes.size());
  if (datagram.size() < kHeaderBytes || !IsResponse(datagram)) return Mismatch(socket);
  Fetch* fetch = FindQuery(socket, Read16(datagram, 0));
  if (fetch == nullptr) return Mismatch(socket);
  const std::string_view question =
      std::string_view(fetch->query.data(), fetch->question_bytes).substr(kHeaderBytes);
  const std::string_view repeated = datagram.substr(kHeaderBytes, question.size());
  if (Read16(datagram, 4) == 1 && repeated == question) {
    // Names in the answer refer to the question's: as it was meant, not in random case.
    const std::string_view name = fetch->name.wire();
    name.copy(bytes.data() + kHeaderBytes, name.size());
    return Process(*fetch, datagram, /*over_tcp=*/false, now);
  }
  if (fetch->has_edns && IsBareFormatError(datagram)) {
    return Process(*fetch, datagram, /*over_tcp=*/false, now);
  }
  if (EqualFolded(repeated, question)) fetch->case_changed = true;
  Mismatch(socket);
}

// Many of them are somebody who guesses: what the socket has asked goes over TCP (RFC 5452 section
// 9.3).
void ResolverCore::Mismatch(UdpSocket& socket) {
  counters_.mismatches.Add();
  if (++socket.mismatches < options_.mismatches_max) return;
  while (socket.sent != nullptr) {
    Fetch& fetch = *socket.sent;
    Detach(fetch);
    fetch.over_tcp = true;
    Enqueue(fetch);
  }
  CloseSocket(socket);
}

void ResolverCore::MessageReceived(TcpLink& link, std::string_view message, Time now) {
  now_ = now;
  Fetch* fetch = nullptr;
  if (message.size() >= kHeaderBytes && IsResponse(message)) {
    fetch = FindQuery(link, Read16(message, 0));
  }
  if (fetch != nullptr) {
    const std::string_view question =
        std::string_view(fetch->query.data(), fetch->question_bytes).substr(kHeaderBytes);
    const bool repeats = Read16(message, 4) == 1 &&
                         EqualFolded(message.substr(kHeaderBytes, question.size()), question);
    if (!repeats && !(fetch->has_edns && IsBareFormatError(message))) fetch = nullptr;
  }
  if (fetch == nullptr) {
    counters_.mismatches.Add();
    return;
  }
  link.answered = true;
  Process(*fetch, message, /*over_tcp=*/true, now);
  machine_.Wake();
}

void ResolverCore::MessageTooLong(TcpLink& link, uint16_t id, size_t bytes, Time now) {
  Fetch* fetch = FindQuery(link, id);
  if (fetch == nullptr) return;
  TooLong(*fetch, bytes, now);
  machine_.Wake();
}

void ResolverCore::TooLong(Fetch& fetch, size_t bytes, Time now) {
  Failed(fetch,
         absl::ResourceExhaustedError(absl::StrCat(
             "an answer of ", bytes, " bytes; answer_bytes_max is ", options_.answer_bytes_max)),
         /*keep=*/true, now);
}

void ResolverCore::LinkEnded(TcpLink& link, const absl::Status& why) {
  link.close_wanted = true;
  while (link.sent != nullptr) {
    Fetch& fetch = *link.sent;
    // A server may close a connection it has served whenever it likes (RFC 7766 section 6.2.4).
    if (link.answered && !fetch.moved) {
      Detach(fetch);
      fetch.moved = true;
      Enqueue(fetch);
    } else {
      policy_->Unanswered(link.server, now_);
      TryFailed(fetch, absl::UnavailableError(absl::StrCat("TCP: ", why.message())),
                /*in_time=*/true, now_);
    }
  }
  std::erase_if(links_, [&link](const auto& each) { return each.get() == &link; });
  machine_.Wake();
}

void ResolverCore::Process(Fetch& fetch, std::string_view message, bool over_tcp, Time now) {
  counters_.answers.Add();
  if (message.size() > options_.answer_bytes_max) return TooLong(fetch, message.size(), now);
  const size_t server = fetch.server();
  MessageView view;
  if (view.Parse(message) != ParseResult::kComplete) {
    const std::string_view what = VerdictName(Verdict::kMalformed);
    return TryFailed(fetch, absl::UnavailableError(AsAbsl(what)), /*in_time=*/true, now);
  }
  policy_->Answered(server, fetch.sent_at, now);
  if (view.header().truncated && !over_tcp) {
    counters_.truncated.Add();
    Detach(fetch);
    fetch.over_tcp = true;
    return Enqueue(fetch);
  }
  if (fetch.has_edns && UnderstoodNoEdns(view)) {
    policy_->DoesNotUnderstandEdns(server, now);
    Detach(fetch);
    fetch.without_edns = true;
    return Enqueue(fetch);
  }
  Reading reading = ReadAnswer(view, fetch.name, fetch.type, fetch.aliases);
  switch (reading.verdict) {
    case Verdict::kRecords:
    case Verdict::kNoData:
    case Verdict::kNoSuchName:
      return Answered(fetch, reading, now);
    case Verdict::kAlias:
      return FollowAlias(fetch, reading);
    case Verdict::kAliasLoop:
      return Failed(fetch, absl::UnavailableError(AsAbsl(VerdictName(reading.verdict))),
                    /*keep=*/true, now);
    default:
      return TryFailed(fetch, absl::UnavailableError(AsAbsl(VerdictName(reading.verdict))),
                       /*in_time=*/true, now);
  }
}

}  // namespace rotor::dns
