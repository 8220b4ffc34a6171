#include "core/backend/contract.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <span>

#include "core/time/time.h"

namespace rotor {
namespace {

constexpr int kRoundsMax = 10'000;  // Of about a millisecond each, before a test gives up.
constexpr absl::Duration kRound = absl::Milliseconds(1);
constexpr absl::Duration kQuiet = absl::Milliseconds(5);

constexpr uint64_t kListenerKey = 7;
constexpr uint64_t kKey = 0x8000'0000'0000'0001;  // All 64 bits must survive.
constexpr uint64_t kOtherKey = 0x0123'4567'89ab'cdef;

SocketAddress AnyPort() { return *SocketAddress::Ip("127.0.0.1", 0); }

// Bytes that differ from their neighbours at every distance that a mistake could have.
std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 256 + i / 65'536);
  return bytes;
}

// Remembers that it was signalled.
class MarkingWaker : public Waker {
 public:
  explicit MarkingWaker(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}
  void Signal() override {
    signalled_ = true;
    waker_->Signal();
  }
  bool signalled() const { return signalled_; }

 private:
  const std::shared_ptr<Waker> waker_;
  std::atomic<bool> signalled_ = false;
};

IoResult WriteText(Io& io, const Fd& socket, std::string_view text) {
  return io.Write(socket, std::span<const std::string_view>(&text, 1));
}

}  // namespace

BackendContract::BackendContract() : host_(GetParam()()) {}

Fd BackendContract::Listen() {
  absl::StatusOr<Fd> listener = io().Listen(AnyPort(), ListenerOptions());
  EXPECT_TRUE(listener.ok()) << listener.status().ToString();
  return listener.ok() ? *std::move(listener) : Fd();
}

SocketAddress BackendContract::AddressOf(const Fd& socket) {
  const absl::StatusOr<SocketAddress> address = io().LocalAddress(socket);
  EXPECT_TRUE(address.ok()) << address.status().ToString();
  return address.ok() ? *address : SocketAddress();
}

Fd BackendContract::Accept(const Fd& listener) {
  for (int round = 0; round < kRoundsMax; ++round) {
    Accepted accepted = io().Accept(listener);
    if (accepted.error == 0) return std::move(accepted.socket);
    EXPECT_TRUE(accepted.would_block()) << accepted.error;
    host().Progress();
  }
  ADD_FAILURE() << "no connection came";
  return Fd();
}

BackendContract::Connection BackendContract::Connect(const Fd& listener) {
  Connection connection;
  connection.peer = host().Connect(AddressOf(listener));
  connection.socket = Accept(listener);
  return connection;
}

void BackendContract::Watch(const Fd& fd, WatchKind kind, uint64_t key) {
  const absl::Status status = backend().Watch(fd, kind, key);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

size_t BackendContract::WaitOnce(absl::Duration time_max) {
  std::array<Event, 16> events;
  const absl::StatusOr<size_t> count = backend().Wait(backend().Now() + time_max, events);
  EXPECT_TRUE(count.ok()) << count.status().ToString();
  if (!count.ok()) return 0;
  for (size_t i = 0; i < *count; ++i) {
    Readiness& seen = seen_[events[i].key];
    seen = seen | events[i].readiness;
  }
  return *count;
}

void BackendContract::WaitFor(uint64_t key, bool (Readiness::*wanted)() const) {
  for (int round = 0; round < kRoundsMax; ++round) {
    if ((seen_[key].*wanted)()) return;
    WaitOnce(kRound);
  }
  ADD_FAILURE() << "not reported for key " << key;
}

void BackendContract::WaitUntilQuiet() {
  int rounds = 0;
  while (WaitOnce(kQuiet) > 0 && ++rounds < kRoundsMax) {
  }
  EXPECT_LT(rounds, kRoundsMax) << "events without end";
  Forget();
}

IoResult BackendContract::ReadOnce(const Fd& socket, size_t bytes_max) {
  std::string bytes(bytes_max, '\0');
  for (int round = 0; round < kRoundsMax; ++round) {
    const IoResult result = io().Read(socket, bytes);
    if (!result.would_block()) return result;
    host().Progress();
  }
  ADD_FAILURE() << "nothing to read";
  return {.error = EAGAIN};
}

std::string BackendContract::Read(const Fd& socket, size_t count) {
  std::string bytes(count, '\0');
  size_t filled = 0;
  for (int round = 0; filled < count && round < kRoundsMax; ++round) {
    const IoResult result = io().Read(socket, std::span<char>(bytes).subspan(filled));
    filled += result.bytes;
    if (result.would_block()) {
      host().Progress();
    } else if (result.bytes == 0) {
      break;
    }
  }
  bytes.resize(filled);
  return bytes;
}

std::string BackendContract::ReceiveAtPeer(ContractPeer& peer, size_t count) {
  std::string bytes;
  for (int round = 0; bytes.size() < count && round < kRoundsMax; ++round) {
    const std::string more = peer.Receive(count - bytes.size());
    bytes += more;
    if (more.empty()) host().Progress();
  }
  return bytes;
}

void BackendContract::WaitForEndAtPeer(ContractPeer& peer) {
  for (int round = 0; !peer.at_end() && round < kRoundsMax; ++round) {
    EXPECT_EQ(peer.Receive(1), "");
    host().Progress();
  }
  EXPECT_TRUE(peer.at_end());
}

namespace {

// ---- Watching

TEST_P(BackendContract, DataThatArrivedBeforeTheWatchIsReported) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  connection.peer->Send("ab");
  ASSERT_EQ(ReadOnce(connection.socket, 1).bytes, 1u);  // So "b" has arrived too.
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(Read(connection.socket, 1), "b");
}

TEST_P(BackendContract, ConnectionsThatArrivedBeforeTheWatchAreReported) {
  const Fd listener = Listen();
  const auto first = host().Connect(AddressOf(listener));
  const auto second = host().Connect(AddressOf(listener));
  Accept(listener);
  Watch(listener, WatchKind::kListener, kListenerKey);
  WaitFor(kListenerKey, &Readiness::readable);
  Accept(listener);
}

TEST_P(BackendContract, EachArrivalAfterDrainingIsReported) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  char byte;
  for (int round = 0; round < 3; ++round) {
    connection.peer->Send("x");
    WaitFor(kKey, &Readiness::readable);
    EXPECT_EQ(Read(connection.socket, 1), "x");
    EXPECT_TRUE(io().Read(connection.socket, std::span(&byte, 1)).would_block());
    WaitUntilQuiet();
  }
}

TEST_P(BackendContract, UnreadDataIsNotReportedForever) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  connection.peer->Send("un");
  WaitFor(kKey, &Readiness::readable);
  WaitUntilQuiet();
  connection.peer->Send("read");  // An edge, although there was something to read already.
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(Read(connection.socket, 6), "unread");
}

TEST_P(BackendContract, OneWatchReportsBothDirections) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::writable);
  WaitUntilQuiet();
  connection.peer->Send("x");
  WaitFor(kKey, &Readiness::readable);
}

TEST_P(BackendContract, EventsCarryTheKeyOfTheirWatchAndNoOther) {
  const Fd listener = Listen();
  Connection first = Connect(listener), second = Connect(listener), third = Connect(listener);
  Watch(first.socket, WatchKind::kStream, 0);
  Watch(second.socket, WatchKind::kStream, kKey);
  Watch(third.socket, WatchKind::kStream, kReservedKey - 1);
  WaitUntilQuiet();
  second.peer->Send("x");
  WaitFor(kKey, &Readiness::readable);
  third.peer->Send("x");
  WaitFor(kReservedKey - 1, &Readiness::readable);
  EXPECT_FALSE(Saw(0));
}

TEST_P(BackendContract, EventsWithoutRoomComeInTheNextWait) {
  const Fd listener = Listen();
  std::array<Connection, 3> connections;
  for (size_t i = 0; i < connections.size(); ++i) {
    connections[i] = Connect(listener);
    Watch(connections[i].socket, WatchKind::kStream, i);
    connections[i].peer->Send("xy");
  }
  std::array<bool, 3> reported = {};
  for (int round = 0; round < kRoundsMax && reported != std::array{true, true, true}; ++round) {
    Event event;
    const auto count = backend().Wait(backend().Now() + kRound, std::span(&event, 1));
    ASSERT_TRUE(count.ok());
    if (*count == 1 && event.readiness.readable()) reported[event.key] = true;
  }
  EXPECT_EQ(reported, (std::array{true, true, true}));
}

// ---- Closing, and numbers used again

TEST_P(BackendContract, ClosedDescriptorIsNotReportedLater) {
  const Fd listener = Listen();
  Connection closed = Connect(listener), open = Connect(listener);
  Watch(closed.socket, WatchKind::kStream, kKey);
  Watch(open.socket, WatchKind::kStream, kOtherKey);
  WaitUntilQuiet();
  open.peer->Send("xy");
  closed.peer->Send("xy");
  ASSERT_EQ(ReadOnce(closed.socket, 1).bytes, 1u);  // So its edge waits to be collected.
  closed.socket.Close();
  WaitFor(kOtherKey, &Readiness::readable);
  EXPECT_FALSE(Saw(kKey));
}

TEST_P(BackendContract, ClosingInsideABatchEndsWhatIsYetToBeCollected) {
  const Fd listener = Listen();
  Connection first = Connect(listener), second = Connect(listener);
  Watch(first.socket, WatchKind::kStream, kKey);
  Watch(second.socket, WatchKind::kStream, kOtherKey);
  first.peer->Send("xy");
  second.peer->Send("xy");
  ASSERT_EQ(ReadOnce(first.socket, 1).bytes, 1u);
  ASSERT_EQ(ReadOnce(second.socket, 1).bytes, 1u);
  // Both are ready, one is collected, then both are closed.
  Event event;
  const auto count = backend().Wait(backend().Now(), std::span(&event, 1));
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 1u);
  first.socket.Close();
  second.socket.Close();
  EXPECT_EQ(WaitOnce(kQuiet), 0u);
}

TEST_P(BackendContract, NewDescriptorWithAnOldNumberHasItsOwnKey) {
  const Fd listener = Listen();
  Connection old = Connect(listener);
  Watch(old.socket, WatchKind::kStream, kKey);
  WaitUntilQuiet();
  old.peer->Send("xy");
  ASSERT_EQ(ReadOnce(old.socket, 1).bytes, 1u);
  // The new peer's own descriptor must not take the number first.
  auto new_peer = host().Connect(AddressOf(listener));
  const int number = old.socket.number();
  old.socket.Close();
  const Fd reused = Accept(listener);
  EXPECT_EQ(reused.number(), number);
  Watch(reused, WatchKind::kStream, kOtherKey);
  new_peer->Send("z");
  WaitFor(kOtherKey, &Readiness::readable);
  EXPECT_FALSE(Saw(kKey));
  EXPECT_EQ(Read(reused, 1), "z");
}

TEST_P(BackendContract, UnwatchedDescriptorIsNotReportedAndCanBeWatchedAgain) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitUntilQuiet();
  connection.peer->Send("xy");
  ASSERT_EQ(ReadOnce(connection.socket, 1).bytes, 1u);
  backend().Unwatch(connection.socket);
  connection.peer->Send("z");
  EXPECT_EQ(WaitOnce(kQuiet), 0u);
  Watch(connection.socket, WatchKind::kStream, kOtherKey);
  WaitFor(kOtherKey, &Readiness::readable);
  EXPECT_FALSE(Saw(kKey));
  EXPECT_EQ(Read(connection.socket, 2), "yz");
}

// ---- Streams and their ends

TEST_P(BackendContract, ReadingNothingWouldBlock) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  char byte;
  const IoResult result = io().Read(connection.socket, std::span(&byte, 1));
  EXPECT_TRUE(result.would_block());
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.bytes, 0u);
}

TEST_P(BackendContract, PiecesAreSentInOrder) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  const std::string bytes = Pattern(1'000);
  std::array<std::string_view, Io::kWritePiecesMax> pieces;
  size_t start = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {  // The first is empty.
    pieces[i] = std::string_view(bytes).substr(start, i * 3);
    start += pieces[i].size();
  }
  const IoResult result = io().Write(connection.socket, pieces);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.bytes, start);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, start), bytes.substr(0, start));
}

TEST_P(BackendContract, DataBeforeTheEndOfTheStreamIsReadFirst) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  connection.peer->Send("last words");
  connection.peer->Close();
  WaitFor(kKey, &Readiness::peer_closed);
  EXPECT_EQ(Read(connection.socket, 4), "last");
  EXPECT_EQ(Read(connection.socket, 100), " words");
  const IoResult end = ReadOnce(connection.socket, 100);
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0u);
}

TEST_P(BackendContract, EndOfAnIdleStreamIsReported) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitUntilQuiet();
  connection.peer->ShutdownWrite();
  WaitFor(kKey, &Readiness::peer_closed);
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(ReadOnce(connection.socket, 1).bytes, 0u);
}

TEST_P(BackendContract, EndOfStreamBeforeTheWatchIsReported) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  connection.peer->ShutdownWrite();
  const IoResult end = ReadOnce(connection.socket, 1);
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0u);
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::peer_closed);
}

TEST_P(BackendContract, ResetIsReportedAsAnError) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  WaitUntilQuiet();
  connection.peer->Reset();
  WaitFor(kKey, &Readiness::error);
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(ReadOnce(connection.socket, 1).error, ECONNRESET);
}

TEST_P(BackendContract, AnswerToAPeerThatHasFinishedSendingArrives) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  connection.peer->Send("question");
  connection.peer->ShutdownWrite();
  EXPECT_EQ(Read(connection.socket, 100), "question");
  EXPECT_EQ(WriteText(io(), connection.socket, "answer").bytes, 6u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 6), "answer");
}

TEST_P(BackendContract, ShutdownWriteEndsOnlyOurDirection) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  EXPECT_TRUE(io().ShutdownWrite(connection.socket).ok());
  WaitForEndAtPeer(*connection.peer);
  connection.peer->Send("still here");
  EXPECT_EQ(Read(connection.socket, 10), "still here");
  // And writing is an error, not a signal that would end this process.
  EXPECT_EQ(WriteText(io(), connection.socket, "x").error, EPIPE);
}

TEST_P(BackendContract, WriteLastSendsAndEndsOnlyOurDirection) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  EXPECT_EQ(io().WriteLast(connection.socket, "bye").bytes, 3u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 3), "bye");
  WaitForEndAtPeer(*connection.peer);
  connection.peer->Send("still here");
  EXPECT_EQ(Read(connection.socket, 10), "still here");
  EXPECT_EQ(io().WriteLast(connection.socket, "x").error, EPIPE);
}

TEST_P(BackendContract, WriteLastDoesNotEndWhatItCouldNotSend) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  const std::string bytes = Pattern(64 << 20);  // More than any buffers on the way.
  const size_t sent = io().WriteLast(connection.socket, bytes).bytes;
  ASSERT_GT(sent, 0u);
  ASSERT_LT(sent, bytes.size());
  // All that was taken arrives, although no end pushes it.
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, sent), bytes.substr(0, sent));
  EXPECT_FALSE(connection.peer->at_end());
  EXPECT_EQ(io().WriteLast(connection.socket, "rest").bytes, 4u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 4), "rest");
  WaitForEndAtPeer(*connection.peer);
}

TEST_P(BackendContract, ClosingEndsTheStreamAtThePeer) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  EXPECT_TRUE(WriteText(io(), connection.socket, "bye").ok());
  connection.socket.Close();
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 3), "bye");
  WaitForEndAtPeer(*connection.peer);
}

TEST_P(BackendContract, WritingToAClosedPeerIsAnErrorNotASignal) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  connection.peer->Close();
  int error = 0;
  for (int round = 0; error == 0 && round < kRoundsMax; ++round) {
    error = WriteText(io(), connection.socket, "x").error;
    host().Progress();
  }
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  EXPECT_EQ(WriteText(io(), connection.socket, "x").error, EPIPE);
  std::array<std::string_view, 2> pieces = {"x", "y"};
  EXPECT_EQ(io().Write(connection.socket, pieces).error, EPIPE);
}

TEST_P(BackendContract, FullPeerBlocksAndItsDrainingIsReported) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  const std::string bytes = Pattern(64 << 20);  // More than any buffers on the way.
  size_t sent = 0;
  const auto Fill = [&] {
    IoResult result;
    while (sent < bytes.size() && result.ok()) {
      result = WriteText(io(), connection.socket, std::string_view(bytes).substr(sent));
      sent += result.bytes;
    }
    EXPECT_TRUE(result.would_block()) << sent << " bytes, error " << result.error;
  };
  // As long as bytes move on their way, room and edges come by themselves.
  size_t sent_before;
  do {
    sent_before = sent;
    Fill();
    WaitUntilQuiet();
  } while (sent > sent_before && !HasFailure());
  const size_t untaken = io().BytesUntaken(connection.socket);
  EXPECT_GT(untaken, 0u);

  EXPECT_EQ(ReceiveAtPeer(*connection.peer, sent), bytes.substr(0, sent));
  WaitFor(kKey, &Readiness::writable);
  EXPECT_LT(io().BytesUntaken(connection.socket), untaken);
  EXPECT_EQ(WriteText(io(), connection.socket, "more").bytes, 4u);
  EXPECT_EQ(ReceiveAtPeer(*connection.peer, 4), "more");
}

// ---- Listening

TEST_P(BackendContract, AcceptingUntilItWouldBlockYieldsEveryConnection) {
  const Fd listener = Listen();
  Watch(listener, WatchKind::kListener, kListenerKey);
  EXPECT_TRUE(io().Accept(listener).would_block());
  std::array<std::unique_ptr<ContractPeer>, 3> peers;
  std::array<Fd, 3> sockets;
  for (auto& peer : peers) peer = host().Connect(AddressOf(listener));
  WaitFor(kListenerKey, &Readiness::readable);
  for (Fd& socket : sockets) socket = Accept(listener);
  EXPECT_TRUE(io().Accept(listener).would_block());
  for (size_t i = 0; i < peers.size(); ++i) {
    EXPECT_TRUE(WriteText(io(), sockets[i], "hello").ok());
  }
  for (auto& peer : peers) EXPECT_EQ(ReceiveAtPeer(*peer, 5), "hello");

  WaitUntilQuiet();
  const auto late = host().Connect(AddressOf(listener));
  WaitFor(kListenerKey, &Readiness::readable);
  EXPECT_TRUE(io().Accept(listener).socket.is_open());
}

TEST_P(BackendContract, ConnectionResetBeforeItIsAcceptedDoesNotHarmTheListener) {
  const Fd listener = Listen();
  Watch(listener, WatchKind::kListener, kListenerKey);
  const auto aborted = host().Connect(AddressOf(listener));
  aborted->Reset();
  const auto alive = host().Connect(AddressOf(listener));
  alive->Send("alive");
  WaitFor(kListenerKey, &Readiness::readable);
  // The first may be an error here, or a socket that has one, or nothing at all.
  std::string received;
  for (int round = 0; received.empty() && round < kRoundsMax; ++round) {
    const Accepted accepted = io().Accept(listener);
    if (accepted.would_block()) host().Progress();
    if (accepted.socket.is_open()) received = Read(accepted.socket, 5);
  }
  EXPECT_EQ(received, "alive");
}

TEST_P(BackendContract, ListenerTellsItsPortAndTheAcceptedSocketItsEnds) {
  const Fd listener = Listen();
  const SocketAddress address = AddressOf(listener);
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_NE(address.port(), 0);
  Connection connection = Connect(listener);
  EXPECT_EQ(AddressOf(connection.socket), address);
  const auto peer_address = io().PeerAddress(connection.socket);
  ASSERT_TRUE(peer_address.ok());
  EXPECT_EQ(*peer_address, connection.peer->LocalAddress());
}

TEST_P(BackendContract, ListeningOnATakenAddressFailsAndNamesIt) {
  const Fd listener = Listen();
  const SocketAddress address = AddressOf(listener);
  const absl::StatusOr<Fd> second = io().Listen(address, ListenerOptions());
  ASSERT_FALSE(second.ok());
  EXPECT_NE(std::string(second.status().message()).find(address.ToString()), std::string::npos)
      << second.status().ToString();
}

TEST_P(BackendContract, Ipv6Connection) {
  if (!host().has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  absl::StatusOr<Fd> listener = io().Listen(*SocketAddress::Ip("::1", 0), ListenerOptions());
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  EXPECT_EQ(AddressOf(*listener).host(), "::1");
  Connection connection = Connect(*listener);
  EXPECT_EQ(*io().PeerAddress(connection.socket), connection.peer->LocalAddress());
  connection.peer->Send("six");
  EXPECT_EQ(Read(connection.socket, 3), "six");
}

// ---- Datagrams

TEST_P(BackendContract, DatagramsGoBothWays) {
  absl::StatusOr<Fd> socket = io().BindDatagram(AnyPort());
  ASSERT_TRUE(socket.ok()) << socket.status().ToString();
  const auto peer = host().BindDatagram();
  Watch(*socket, WatchKind::kDatagram, kKey);
  peer->SendTo("question", AddressOf(*socket));
  WaitFor(kKey, &Readiness::readable);
  std::array<char, 100> buffer;
  SocketAddress from;
  const IoResult received = io().ReceiveFrom(*socket, buffer, from);
  EXPECT_EQ(std::string_view(buffer.data(), received.bytes), "question");
  EXPECT_EQ(from, peer->LocalAddress());
  EXPECT_TRUE(io().ReceiveFrom(*socket, buffer, from).would_block());

  EXPECT_EQ(io().SendTo(*socket, "answer", from).bytes, 6u);
  std::string answer;
  for (int round = 0; !peer->Receive(answer) && round < kRoundsMax; ++round) host().Progress();
  EXPECT_EQ(answer, "answer");
}

TEST_P(BackendContract, CutDatagramTellsItsFullSize) {
  absl::StatusOr<Fd> socket = io().BindDatagram(AnyPort());
  ASSERT_TRUE(socket.ok());
  const auto peer = host().BindDatagram();
  Watch(*socket, WatchKind::kDatagram, kKey);
  peer->SendTo(std::string(1'000, 'a'), AddressOf(*socket));
  peer->SendTo("next", AddressOf(*socket));
  WaitFor(kKey, &Readiness::readable);
  std::array<char, 10> buffer;
  SocketAddress from;
  EXPECT_EQ(io().ReceiveFrom(*socket, buffer, from).bytes, 1'000u);
  IoResult next;
  for (int round = 0; round < kRoundsMax; ++round) {
    next = io().ReceiveFrom(*socket, buffer, from);
    if (!next.would_block()) break;
    host().Progress();
  }
  // What did not fit is lost, not kept for the next call.
  EXPECT_EQ(std::string_view(buffer.data(), next.bytes), "next");
}

TEST_P(BackendContract, ShortOrEmptyDatagramDoesNotEndReadiness) {
  absl::StatusOr<Fd> socket = io().BindDatagram(AnyPort());
  ASSERT_TRUE(socket.ok());
  const auto peer = host().BindDatagram();
  Watch(*socket, WatchKind::kDatagram, kKey);
  std::array<char, 100> buffer;
  SocketAddress from;
  // The second round is an edge of its own.
  for (int round = 0; round < 2; ++round) {
    peer->SendTo("a", AddressOf(*socket));
    peer->SendTo("", AddressOf(*socket));
    peer->SendTo("c", AddressOf(*socket));
    WaitFor(kKey, &Readiness::readable);
    host().Progress();
    EXPECT_EQ(io().ReceiveFrom(*socket, buffer, from).bytes, 1u);
    const IoResult empty = io().ReceiveFrom(*socket, buffer, from);
    EXPECT_TRUE(empty.ok());
    EXPECT_EQ(empty.bytes, 0u);
    EXPECT_EQ(io().ReceiveFrom(*socket, buffer, from).bytes, 1u);
    EXPECT_TRUE(io().ReceiveFrom(*socket, buffer, from).would_block());
    WaitUntilQuiet();
  }
}

TEST_P(BackendContract, SendingADatagramIsNotReported) {
  absl::StatusOr<Fd> socket = io().BindDatagram(AnyPort());
  ASSERT_TRUE(socket.ok());
  const auto peer = host().BindDatagram();
  Watch(*socket, WatchKind::kDatagram, kKey);
  WaitUntilQuiet();
  EXPECT_TRUE(io().SendTo(*socket, "x", peer->LocalAddress()).ok());
  EXPECT_EQ(WaitOnce(kQuiet), 0u);
}

TEST_P(BackendContract, DatagramsNeedAnIpAddress) {
  EXPECT_FALSE(io().BindDatagram(*SocketAddress::Unix("@rotor-contract")).ok());
}

// ---- Time

TEST_P(BackendContract, SleepIsNeverShort) {
  Event event;
  for (const int64_t nanoseconds : {1, 999, 20'000, 999'999, 1'000'001, 2'500'000}) {
    const Time latest = backend().Now() + absl::Nanoseconds(nanoseconds);
    const auto count = backend().Wait(latest, std::span(&event, 1));
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 0u);
    EXPECT_GE(backend().Now(), latest) << nanoseconds;
  }
}

TEST_P(BackendContract, DeadlineInThePastPolls) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  connection.peer->Send("xy");
  ASSERT_EQ(ReadOnce(connection.socket, 1).bytes, 1u);
  std::array<Event, 4> events;
  for (const Time past : {backend().Now() - absl::Seconds(1), Time::FromNanoseconds(INT64_MIN)}) {
    backend().Unwatch(connection.socket);
    Watch(connection.socket, WatchKind::kStream, kKey);
    auto count = backend().Wait(past, events);
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 1u);
    EXPECT_TRUE(events[0].readiness.readable());
    count = backend().Wait(past, events);
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 0u);
  }
}

TEST_P(BackendContract, ClockDoesNotRunBackwards) {
  Time last = backend().Now();
  for (int round = 0; round < 100; ++round) {
    const Time now = backend().Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST_P(BackendContract, EntropyDoesNotRepeatItself) {
  const uint64_t first = backend().Entropy();
  EXPECT_NE(first, backend().Entropy());
}

// ---- Waking

TEST_P(BackendContract, SignalEndsTheSleepGoingOn) {
  Event event;
  const auto waker = std::make_shared<MarkingWaker>(backend().waker());
  host().SignalSoon(waker);
  const auto count = backend().Wait(Deadline::Never(), std::span(&event, 1));
  EXPECT_TRUE(waker->signalled()) << "returned for no reason";
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 0u);
}

TEST_P(BackendContract, SignalBeforeTheSleepEndsItAtOnce) {
  Event event;
  for (int round = 0; round < 3; ++round) {
    backend().waker()->Signal();
    const auto count = backend().Wait(Deadline::Never(), std::span(&event, 1));
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 0u);
  }
}

TEST_P(BackendContract, SignalsBeforeTheSleepAreMerged) {
  Event event;
  for (int i = 0; i < 3; ++i) backend().waker()->Signal();
  ASSERT_TRUE(backend().Wait(Deadline::Never(), std::span(&event, 1)).ok());
  const Time latest = backend().Now() + kQuiet;
  ASSERT_TRUE(backend().Wait(latest, std::span(&event, 1)).ok());
  EXPECT_GE(backend().Now(), latest);
}

TEST_P(BackendContract, SignalHidesNoEvents) {
  const Fd listener = Listen();
  Connection connection = Connect(listener);
  Watch(connection.socket, WatchKind::kStream, kKey);
  connection.peer->Send("x");
  backend().waker()->Signal();
  WaitFor(kKey, &Readiness::readable);
}

TEST_P(BackendContract, SignalAfterTheBackendIsGoneIsHarmless) {
  const std::shared_ptr<Waker> waker = backend().waker();
  DestroyHost();
  waker->Signal();
}

// ---- Signals of the process

TEST_P(BackendContract, SignalIsReportedAndRead) {
  const std::array<int, 2> numbers = {SIGUSR1, SIGUSR2};
  absl::StatusOr<Fd> signals = io().OpenSignals(numbers);
  ASSERT_TRUE(signals.ok()) << signals.status().ToString();
  Watch(*signals, WatchKind::kOther, kKey);
  WaitUntilQuiet();
  int signal = 0;
  EXPECT_TRUE(io().ReadSignal(*signals, signal).would_block());
  for (const int raised : numbers) {
    host().RaiseSignal(raised);
    WaitFor(kKey, &Readiness::readable);
    EXPECT_TRUE(io().ReadSignal(*signals, signal).ok());
    EXPECT_EQ(signal, raised);
    EXPECT_TRUE(io().ReadSignal(*signals, signal).would_block());
    WaitUntilQuiet();
  }
}

TEST_P(BackendContract, SignalBeforeTheWatchIsReported) {
  const int number = SIGUSR1;
  absl::StatusOr<Fd> signals = io().OpenSignals(std::span(&number, 1));
  ASSERT_TRUE(signals.ok()) << signals.status().ToString();
  host().RaiseSignal(number);
  Watch(*signals, WatchKind::kOther, kKey);
  WaitFor(kKey, &Readiness::readable);
  int signal = 0;
  EXPECT_TRUE(io().ReadSignal(*signals, signal).ok());
  EXPECT_EQ(signal, number);
}

}  // namespace
}  // namespace rotor
