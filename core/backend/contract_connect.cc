// The contract of outgoing connections, of connected datagram sockets, and of local addresses.
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/backend/contract.h"

namespace rotor {
namespace {

constexpr int kRoundsMax = 10'000;
constexpr uint64_t kKey = 0x8000'0000'0000'0003;

SocketAddress AnyPort() { return *SocketAddress::Ip("127.0.0.1", 0); }

IoResult WriteText(Io& io, const Fd& socket, std::string_view text) {
  return io.Write(socket, std::span<const std::string_view>(&text, 1));
}

// What arrives next, as text; "nothing" if nothing does, "error N" for an error.
std::string ReceiveNext(Io& io, ContractHost& host, const Fd& socket) {
  std::array<char, 100> buffer;
  for (int round = 0; round < kRoundsMax; ++round) {
    const IoResult result = io.Receive(socket, buffer);
    if (result.ok()) return std::string(buffer.data(), result.bytes);
    if (!result.would_block()) return "error " + std::to_string(result.error);
    host.Progress();
  }
  return "nothing";
}

TEST_P(BackendContract, ConnectionIsReportedAsWritableAndCarriesBytesBothWays) {
  const Fd listener = Listen();
  absl::StatusOr<Fd> connecting = io().Connect(AddressOf(listener));
  ASSERT_TRUE(connecting.ok()) << connecting.status().ToString();
  Watch(*connecting, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::writable);
  EXPECT_EQ(WriteText(io(), *connecting, "question").bytes, 8u);
  const Fd accepted = Accept(listener);
  EXPECT_EQ(Read(accepted, 8), "question");
  Forget();
  EXPECT_EQ(WriteText(io(), accepted, "answer").bytes, 6u);
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(Read(*connecting, 6), "answer");
  EXPECT_EQ(*io().PeerAddress(*connecting), AddressOf(listener));
  EXPECT_EQ(*io().PeerAddress(accepted), AddressOf(*connecting));
}

TEST_P(BackendContract, ConnectedStreamSeesTheEndAndTellsOfItsOwn) {
  const Fd listener = Listen();
  absl::StatusOr<Fd> connecting = io().Connect(AddressOf(listener));
  ASSERT_TRUE(connecting.ok()) << connecting.status().ToString();
  Watch(*connecting, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::writable);
  Fd accepted = Accept(listener);
  EXPECT_TRUE(io().ShutdownWrite(*connecting).ok());
  EXPECT_EQ(ReadOnce(accepted, 10).bytes, 0u);
  accepted.Close();
  WaitFor(kKey, &Readiness::peer_closed);
  const IoResult end = ReadOnce(*connecting, 10);
  EXPECT_TRUE(end.ok());
  EXPECT_EQ(end.bytes, 0u);
}

TEST_P(BackendContract, RefusedConnectionIsReportedAndTheReadSaysWhy) {
  Fd listener = Listen();
  const SocketAddress nobody = AddressOf(listener);
  listener.Close();
  absl::StatusOr<Fd> connecting = io().Connect(nobody);
  ASSERT_TRUE(connecting.ok()) << connecting.status().ToString();
  Watch(*connecting, WatchKind::kStream, kKey);
  WaitFor(kKey, &Readiness::error);
  EXPECT_EQ(ReadOnce(*connecting, 10).error, ECONNREFUSED);
}

TEST_P(BackendContract, ConnectionGivenUpEarlyDoesNotHarmTheListener) {
  const Fd listener = Listen();
  (void)io().Connect(AddressOf(listener));  // Closed before it is established.
  Connection connection = Connect(listener);
  EXPECT_TRUE(connection.socket.is_open());
}

TEST_P(BackendContract, ConnectedDatagramSocketHearsItsPeerOnly) {
  const auto peer = host().BindDatagram(), stranger = host().BindDatagram();
  absl::StatusOr<Fd> socket = io().ConnectDatagram(peer->LocalAddress(), 0);
  ASSERT_TRUE(socket.ok()) << socket.status().ToString();
  Watch(*socket, WatchKind::kDatagram, kKey);
  EXPECT_EQ(io().Send(*socket, "question").bytes, 8u);
  std::string question;
  for (int round = 0; !peer->Receive(question) && round < kRoundsMax; ++round) host().Progress();
  EXPECT_EQ(question, "question");
  const SocketAddress local = *SocketAddress::Ip("127.0.0.1", AddressOf(*socket).port());
  stranger->SendTo("forged", local);
  peer->SendTo("answer", local);
  WaitFor(kKey, &Readiness::readable);
  EXPECT_EQ(ReceiveNext(io(), host(), *socket), "answer");
  std::array<char, 100> buffer;
  EXPECT_TRUE(io().Receive(*socket, buffer).would_block());
  peer->SendTo(std::string(1'000, 'a'), local);
  WaitUntilQuiet();
  EXPECT_EQ(io().Receive(*socket, buffer).bytes, 1'000u);  // The full size of what was cut.
}

TEST_P(BackendContract, ConnectedDatagramSocketTakesThePortItIsGivenIfItIsFree) {
  const auto peer = host().BindDatagram();
  Fd probe = *io().BindDatagram(AnyPort());
  const uint16_t port = AddressOf(probe).port();
  EXPECT_EQ(io().ConnectDatagram(peer->LocalAddress(), port).status().code(),
            absl::StatusCode::kFailedPrecondition);
  probe.Close();
  absl::StatusOr<Fd> socket = io().ConnectDatagram(peer->LocalAddress(), port);
  ASSERT_TRUE(socket.ok()) << socket.status().ToString();
  EXPECT_EQ(AddressOf(*socket).port(), port);
}

TEST_P(BackendContract, DatagramThatNobodyReceivesIsReportedAsRefused) {
  Fd probe = *io().BindDatagram(AnyPort());
  const SocketAddress nobody = AddressOf(probe);
  probe.Close();
  absl::StatusOr<Fd> socket = io().ConnectDatagram(nobody, 0);
  ASSERT_TRUE(socket.ok()) << socket.status().ToString();
  Watch(*socket, WatchKind::kDatagram, kKey);
  EXPECT_TRUE(io().Send(*socket, "hello").ok());
  WaitFor(kKey, &Readiness::error);
  EXPECT_EQ(ReceiveNext(io(), host(), *socket), "error " + std::to_string(ECONNREFUSED));
  std::array<char, 100> buffer;
  EXPECT_TRUE(io().Receive(*socket, buffer).would_block());  // Told once.
}

TEST_P(BackendContract, ConnectedDatagramsNeedAnIpAddress) {
  EXPECT_FALSE(io().ConnectDatagram(*SocketAddress::Unix("@rotor-contract"), 0).ok());
}

TEST_P(BackendContract, AnswerLeavesFromTheAddressThatWasAsked) {
  absl::StatusOr<Fd> socket = io().BindDatagram(*SocketAddress::Ip("0.0.0.0", 0));
  ASSERT_TRUE(socket.ok()) << socket.status().ToString();
  const uint16_t port = io().LocalAddress(*socket)->port();
  const auto peer = host().BindDatagram();
  for (const char* ip : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    peer->SendTo("question", *SocketAddress::Ip(ip, port));
    std::array<char, 100> buffer;
    DatagramEnds ends;
    IoResult received = {.error = EAGAIN};
    for (int round = 0; received.would_block() && round < kRoundsMax; ++round) {
      host().Progress();
      received = io().ReceiveAt(*socket, buffer, ends);
    }
    EXPECT_EQ(std::string_view(buffer.data(), received.bytes), "question");
    EXPECT_EQ(ends.peer, peer->LocalAddress());
    EXPECT_EQ(ends.local, *SocketAddress::Ip(ip, 0));
    EXPECT_EQ(io().SendFrom(*socket, "answer", ends).bytes, 6u);
    std::string answer;
    for (int round = 0; !peer->Receive(answer) && round < kRoundsMax; ++round) host().Progress();
    EXPECT_EQ(answer, "answer");
    EXPECT_EQ(peer->sender(), *SocketAddress::Ip(ip, port));
  }
}

TEST_P(BackendContract, SocketOfOneAddressNeedsNoLocalAddress) {
  absl::StatusOr<Fd> socket = io().BindDatagram(AnyPort());
  ASSERT_TRUE(socket.ok());
  const auto peer = host().BindDatagram();
  DatagramEnds ends;
  std::array<char, 100> buffer;
  EXPECT_TRUE(io().ReceiveAt(*socket, buffer, ends).would_block());
  ends.peer = peer->LocalAddress();
  EXPECT_EQ(io().SendFrom(*socket, "x", ends).bytes, 1u);
  std::string datagram;
  for (int round = 0; !peer->Receive(datagram) && round < kRoundsMax; ++round) host().Progress();
  EXPECT_EQ(peer->sender(), AddressOf(*socket));
}

}  // namespace
}  // namespace rotor
