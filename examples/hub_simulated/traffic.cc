#include "examples/hub_simulated/traffic.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "protocols/http/server/server.h"

namespace hub {

namespace {

using rotor::Random;
using rotor::SimConnection;
using rotor::SimWorld;

bool ClockHasJumped(const SimWorld& world) {
  for (const rotor::SimFaultCount& fault : world.faults()) {
    if (fault.name == "clock_jump" && fault.count > 0) return true;
  }
  return false;
}

// A client on a stream: sends its bytes, perhaps in pieces with pauses, and looks at what comes.
class StreamClient : public Client {
 public:
  StreamClient(SimWorld& world, const rotor::SocketAddress& address, Random& random, Tally& tally)
      : Client(world, tally),
        random_(random()),
        alive_(std::make_shared<StreamClient*>(this)),
        connection_(world.Connect(address)) {
    connection_->on_event = [this] { Look(); };
  }
  ~StreamClient() override { *alive_ = nullptr; }

 protected:
  // Sends `bytes` whole or in pieces; then calls Sent().
  void SendInPieces(std::string bytes) {
    rest_ = std::move(bytes);
    in_pieces_ = random_.Chance(0.5);
    SendPiece();
  }
  virtual void Sent() {}
  // True when everything expected has come, right or wrong.
  virtual bool Complete() = 0;
  // Judges a connection that ended before that. True if that is as it should be.
  virtual bool EndIsRight() { return false; }

  // Runs `action` later unless the client is gone by then.
  template <typename Action>
  void After(absl::Duration delay, Action action) {
    world_.After(delay, [alive = alive_, action] {
      if (*alive != nullptr && !(*alive)->finished()) action();
    });
  }

  Random random_;
  std::shared_ptr<StreamClient*> alive_;
  std::unique_ptr<SimConnection> connection_;

 private:
  void SendPiece() {
    const size_t size =
        in_pieces_ ? std::min<size_t>(rest_.size(), 1 + random_.Below(40)) : rest_.size();
    connection_->Send(rest_.substr(0, size));
    rest_.erase(0, size);
    if (rest_.empty()) return Sent();
    After(absl::Microseconds(random_.Below(3000)), [this] { SendPiece(); });
  }

  void Look() {
    if (finished()) return;
    if (Complete()) {
      connection_->Close();
      return Finish();
    }
    if (!connection_->ended() && !connection_->was_reset() && !connection_->refused()) return;
    if (connection_->cut_short() || connection_->refused()) {
      ++tally_.cut_short;
    } else if (!EndIsRight()) {
      Fail(connection_->was_reset() ? "reset too early" : "ended too early");
    }
    Finish();
  }

  std::string rest_;
  bool in_pieces_ = false;
};

struct Exchange {
  std::string request;
  int status;
  std::optional<std::string> body;  // Any if not set.
  bool head_only = false;
};

Exchange MakeExchange(Random& random) {
  const std::string host = "Host: hub.test\r\n";
  const std::string body(random.Below(3000), static_cast<char>('a' + random.Below(26)));
  switch (random.Below(7)) {
    case 0:
      return {absl::StrCat("GET /plaintext HTTP/1.1\r\n", host, "\r\n"), 200, "Hello, World!"};
    case 1:
      return {absl::StrCat("HEAD /plaintext HTTP/1.1\r\n", host, "\r\n"), 200, "", true};
    case 2:
      return {absl::StrCat("POST /echo HTTP/1.1\r\n", host, "Content-Length: ", body.size(),
                           "\r\n\r\n", body),
              200, body};
    case 3:
      return {absl::StrCat("PUT /echo HTTP/1.1\r\n", host,
                           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                           absl::StrFormat("%x\r\n", body.size() + 1), body, "!\r\n0\r\n\r\n"),
              200, absl::StrCat("abc", body, "!")};
    case 4:
      return {absl::StrCat("GET /nowhere HTTP/1.1\r\n", host, "\r\n"), 404, std::nullopt};
    case 5:
      return {absl::StrCat("GET /tree?count=20 HTTP/1.1\r\n", host, "\r\n"), 200, std::nullopt};
    default:
      return {absl::StrCat("GET /stats HTTP/1.1\r\n", host, "\r\n"), 200, std::nullopt};
  }
}

// Several requests on one connection, one after the other or all at once.
class HttpClient final : public StreamClient {
 public:
  HttpClient(SimWorld& world, const Context& addresses, Random& random, Tally& tally)
      : StreamClient(world, addresses.http, random, tally) {
    const uint64_t count = 1 + random_.Below(6);
    for (uint64_t i = 0; i < count; ++i) exchanges_.push_back(MakeExchange(random_));
    if (random_.Chance(0.15)) exchanges_.push_back({"GET  / HTTP/1.1\r\n\r\n", 400, std::nullopt});
    pipelined_ = random_.Chance(0.4);
    SendNext();
  }
  std::string Describe() const override {
    return absl::StrCat("HTTP client, ", answered_, " of ", exchanges_.size(), " answered");
  }

 private:
  void SendNext() {
    std::string bytes = exchanges_[answered_].request;
    if (pipelined_) {
      for (size_t i = 1; i < exchanges_.size(); ++i) bytes += exchanges_[i].request;
    }
    SendInPieces(std::move(bytes));
  }

  bool Complete() override {
    while (answered_ < exchanges_.size()) {
      if (!TakeResponse()) return false;
      ++tally_.http_responses;
      if (++answered_ < exchanges_.size() && !pipelined_) {
        // Now and then a pause, shorter than the server's patience.
        const double seconds = random_.Chance(0.1) ? static_cast<double>(random_.Below(40)) : 0.001;
        After(absl::Seconds(seconds), [this] { SendNext(); });
      }
    }
    return true;
  }

  // The server may give up when the process was stopped for long.
  bool EndIsRight() override { return ClockHasJumped(world_); }

  bool TakeResponse() {
    const std::string& received = connection_->received();
    const size_t head_end = received.find("\r\n\r\n", taken_);
    if (head_end == std::string::npos) return false;
    const std::string head = received.substr(taken_, head_end + 2 - taken_);
    const Exchange& expected = exchanges_[answered_];
    size_t length = 0;
    const size_t field = head.find("Content-Length: ");
    if (field == std::string::npos ||
        !absl::SimpleAtoi(head.substr(field + 16, head.find('\r', field) - field - 16), &length)) {
      Fail(absl::StrCat("no Content-Length in: ", head));
      return true;
    }
    if (expected.head_only) length = 0;
    if (received.size() < head_end + 4 + length) return false;
    const std::string body = received.substr(head_end + 4, length);
    taken_ = head_end + 4 + length;
    // Right if the process was stopped for long, or if the network ended the request early.
    const bool gave_up = (absl::StartsWith(head, "HTTP/1.1 408 ") && ClockHasJumped(world_)) ||
                         (absl::StartsWith(head, "HTTP/1.1 400 ") && connection_->cut_short());
    if (!absl::StartsWith(head, absl::StrCat("HTTP/1.1 ", expected.status, " ")) && !gave_up) {
      Fail(absl::StrCat("expected ", expected.status, " to ", expected.request.substr(0, 120),
                        ", got: ", head));
    } else if (expected.body.has_value() && body != *expected.body && !gave_up) {
      Fail(absl::StrCat("wrong body for ", expected.request.substr(0, 120)));
    }
    if (gave_up) answered_ = exchanges_.size() - 1;
    return true;
  }

  std::vector<Exchange> exchanges_;
  size_t answered_ = 0;
  size_t taken_ = 0;  // Bytes of the responses so far.
  bool pipelined_ = false;
};

// Connects, sends nothing or half a head, and must be put off neither early nor very late.
class LazyHttpClient final : public StreamClient {
 public:
  LazyHttpClient(SimWorld& world, const Context& addresses, Random& random, Tally& tally)
      : StreamClient(world, addresses.http, random, tally), began_(world.now()) {
    half_ = random_.Chance(0.5);
    if (half_) connection_->Send("GET / HTTP/1.1\r\nHost: h");
  }
  std::string Describe() const override { return half_ ? "half a request" : "silent client"; }

 private:
  bool Complete() override { return false; }
  bool EndIsRight() override {
    // The hub leaves these at their defaults.
    const rotor::http::ServerOptions options;
    const absl::Duration patience = half_ ? options.head_timeout : options.idle_timeout;
    if (world_.now() - began_ < patience) Fail("put off before the deadline");
    const bool told = absl::StartsWith(connection_->received(), "HTTP/1.1 408 ");
    if (half_ && !told && !ClockHasJumped(world_)) {
      Fail(absl::StrCat("half a request was answered: ", connection_->received()));
    }
    return true;
  }

  const rotor::Time began_;
  bool half_;
};

// Sends lines, ends its side, and must get all of it back.
class EchoClient final : public StreamClient {
 public:
  EchoClient(SimWorld& world, const Context& addresses, Random& random, Tally& tally)
      : StreamClient(world, addresses.echo, random, tally) {
    const uint64_t lines = 1 + random_.Below(30);
    for (uint64_t i = 0; i < lines; ++i) {
      sent_.append(random_.Below(random_.Chance(0.1) ? 5000 : 60), static_cast<char>('a' + i % 26));
      if (i + 1 < lines || random_.Chance(0.8)) sent_.push_back('\n');
    }
    if (random_.Chance(0.2)) {
      connection_->PauseReading();
      After(absl::Milliseconds(random_.Below(5000)), [this] { connection_->ResumeReading(); });
    }
    SendInPieces(sent_);
  }
  std::string Describe() const override {
    return absl::StrCat("echo client, ", connection_->received().size(), " of ", sent_.size());
  }

 private:
  void Sent() override { connection_->ShutdownWrite(); }
  bool Complete() override {
    if (!connection_->ended() || connection_->received().size() < sent_.size()) return false;
    if (connection_->received() != sent_) Fail("the echo differs from what was sent");
    tally_.echo_bytes += sent_.size();
    return true;
  }
  bool EndIsRight() override { return ClockHasJumped(world_); }

  std::string sent_;
};

std::string DnsQuery(uint16_t id, std::string_view name, uint8_t type) {
  std::string query = {
      static_cast<char>(id >> 8), static_cast<char>(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  query.append(name);
  query.append({0, 0, static_cast<char>(type), 0, 1});
  return query;
}

struct Question {
  std::string_view name;  // Wire form, without the root.
  uint8_t type;
  int rcode;
  bool has_answer;
};
constexpr Question kQuestions[] = {
    {"\3hub\4test", 1, 0, true},        {"\3HUB\4tEst", 28, 0, true},
    {"\3hub\4test", 16, 0, true},       {"\5stats\3hub\4test", 16, 0, true},
    {"\4none\3hub\4test", 1, 3, false}, {"\7example\3com", 1, 5, false}};

// Empty if `answer` is right.
std::string WrongWithAnswer(std::string_view answer, std::string_view query,
                            const Question& asked) {
  if (answer.size() < 12 || answer.substr(0, 2) != query.substr(0, 2))
    return "no answer to this id";
  if ((static_cast<uint8_t>(answer[2]) & 0x80) == 0) return "the answer is a query";
  const bool truncated = static_cast<uint8_t>(answer[2]) & 0x02;
  if ((answer[3] & 0x0f) != asked.rcode) return absl::StrCat("rcode ", answer[3] & 0x0f);
  if (!truncated && (answer[7] != 0) != asked.has_answer) return "wrong number of answers";
  return "";
}

class DnsTcpClient final : public StreamClient {
 public:
  DnsTcpClient(SimWorld& world, const Context& addresses, Random& random, Tally& tally)
      : StreamClient(world, addresses.dns, random, tally) {
    const uint64_t count = 1 + random_.Below(5);
    std::string bytes;
    for (uint64_t i = 0; i < count; ++i) {
      const Question& question = kQuestions[random_.Below(std::size(kQuestions))];
      const std::string query =
          DnsQuery(static_cast<uint16_t>(random_()), question.name, question.type);
      asked_.emplace_back(&question, query);
      bytes.append({static_cast<char>(query.size() >> 8), static_cast<char>(query.size())});
      bytes.append(query);
    }
    SendInPieces(std::move(bytes));
  }
  std::string Describe() const override { return "DNS client on TCP"; }

 private:
  bool Complete() override {
    const std::string& received = connection_->received();
    while (answered_ < asked_.size()) {
      if (received.size() < taken_ + 2) return false;
      const size_t size = size_t{static_cast<uint8_t>(received[taken_])} << 8 |
                          static_cast<uint8_t>(received[taken_ + 1]);
      if (received.size() < taken_ + 2 + size) return false;
      const auto& [question, query] = asked_[answered_++];
      const std::string wrong =
          WrongWithAnswer(std::string_view(received).substr(taken_ + 2, size), query, *question);
      if (!wrong.empty()) Fail(wrong);
      taken_ += 2 + size;
      ++tally_.dns_answers;
    }
    return true;
  }
  bool EndIsRight() override { return ClockHasJumped(world_); }

  std::vector<std::pair<const Question*, std::string>> asked_;
  size_t answered_ = 0;
  size_t taken_ = 0;
};

// Asks over UDP, again every second, since datagrams may be lost.
class DnsUdpClient final : public Client {
 public:
  DnsUdpClient(SimWorld& world, const Context& addresses, Random& random, Tally& tally)
      : Client(world, tally),
        server_(addresses.dns),
        question_(kQuestions[random.Below(std::size(kQuestions))]),
        query_(DnsQuery(static_cast<uint16_t>(random()), question_.name, question_.type)),
        alive_(std::make_shared<DnsUdpClient*>(this)),
        socket_(world.BindDatagram(rotor::SocketAddress::Ip("127.0.0.1", 0).value())) {
    socket_->on_event = [this] { Look(); };
    Ask();
  }
  ~DnsUdpClient() override { *alive_ = nullptr; }
  std::string Describe() const override { return "DNS client on UDP"; }

 private:
  static constexpr int kAttemptsMax = 60;

  void Ask() {
    if (finished()) return;
    if (++attempts_ > kAttemptsMax) {
      Fail(absl::StrCat("no answer to ", kAttemptsMax, " datagrams"));
      return Finish();
    }
    socket_->SendTo(query_, server_);
    world_.After(absl::Seconds(1), [alive = alive_] {
      if (*alive != nullptr) (*alive)->Ask();
    });
  }
  void Look() {
    if (finished() || socket_->received().empty()) return;
    const std::string wrong = WrongWithAnswer(socket_->received()[0].bytes, query_, question_);
    if (!wrong.empty()) Fail(wrong);
    ++tally_.dns_answers;
    Finish();
  }

  const rotor::SocketAddress server_;
  const Question& question_;
  const std::string query_;
  std::shared_ptr<DnsUdpClient*> alive_;
  std::unique_ptr<rotor::SimDatagramSocket> socket_;
  int attempts_ = 0;
};

}  // namespace

void Client::Fail(const std::string& what) {
  tally_.failures.push_back(absl::StrCat(Describe(), ": ", what));
}

std::unique_ptr<Client> MakeClient(SimWorld& world, const Context& addresses, Random& random,
                                   Tally& tally) {
  ++tally.clients;
  switch (random.Below(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return std::make_unique<HttpClient>(world, addresses, random, tally);
    case 4:
      return std::make_unique<LazyHttpClient>(world, addresses, random, tally);
    case 5:
    case 6:
      return std::make_unique<EchoClient>(world, addresses, random, tally);
    case 7:
      return std::make_unique<DnsTcpClient>(world, addresses, random, tally);
    default:
      return std::make_unique<DnsUdpClient>(world, addresses, random, tally);
  }
}

}  // namespace hub
