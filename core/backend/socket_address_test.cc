#include "core/backend/socket_address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using namespace std::string_view_literals;

TEST(SocketAddressTest, NumericAddressesOfBothFamiliesAreShownAsWritten) {
  EXPECT_EQ(SocketAddress::Ip("127.0.0.1", 80)->ToString(), "127.0.0.1:80");
  EXPECT_EQ(SocketAddress::Ip("::1", 8080)->ToString(), "[::1]:8080");
  EXPECT_EQ(SocketAddress::Ip("2001:DB8:0:0::7", 0)->ToString(), "[2001:db8::7]:0");
  EXPECT_EQ(SocketAddress::Ip("::1", 8080)->host(), "::1");
  EXPECT_EQ(SocketAddress::Ip("::1", 8080)->port(), 8080);
}

TEST(SocketAddressTest, WhatIsNotANumericAddressIsNamedInTheError) {
  for (std::string_view text :
       {""sv, "localhost"sv, "127.0.0.1:80"sv, "[::1]"sv, "127.0.0.1\0"sv, "256.0.0.1"sv, "1"sv,
        "::ffff:255.255.255.255::::::::::::::::::::::::::::::::"sv}) {
    EXPECT_TRUE(absl::IsInvalidArgument(SocketAddress::Ip(text, 1).status())) << text;
  }
  const absl::Status status = SocketAddress::Ip("www.\n.example", 80).status();
  EXPECT_EQ(status.message(), "not a numeric IP address: \"www.\\n.example\"");
}

TEST(SocketAddressTest, TheKernelGetsAnAddressOfTheRightSize) {
  const SocketAddress v4 = *SocketAddress::Ip("127.0.0.1", 80);
  EXPECT_EQ(v4.kernel_size(), sizeof(sockaddr_in));
  EXPECT_EQ(v4.kernel_address()->sa_family, AF_INET);
  const SocketAddress v6 = *SocketAddress::Ip("::1", 80);
  EXPECT_EQ(v6.kernel_size(), sizeof(sockaddr_in6));
  EXPECT_EQ(SocketAddress::FromKernel(v6.kernel_address(), v6.kernel_size()), v6);
  // An address cut short is none.
  EXPECT_EQ(SocketAddress::FromKernel(v6.kernel_address(), sizeof(sockaddr_in)), SocketAddress());
}

TEST(SocketAddressTest, PortCanBeReplaced) {
  const SocketAddress v6 = *SocketAddress::Ip("::1", 80);
  EXPECT_EQ(v6.WithPort(443), *SocketAddress::Ip("::1", 443));
  const SocketAddress v4 = *SocketAddress::Ip("10.0.0.1", 0);
  EXPECT_EQ(v4.WithPort(65535), *SocketAddress::Ip("10.0.0.1", 65535));
  const SocketAddress path = *SocketAddress::Unix("/run/x");
  EXPECT_EQ(path.WithPort(1), path);
}

TEST(SocketAddressTest, AddressesDifferByFamilyHostAndPort) {
  const SocketAddress address = *SocketAddress::Ip("127.0.0.1", 80);
  EXPECT_EQ(address, *SocketAddress::Ip("127.0.0.1", 80));
  EXPECT_NE(address, *SocketAddress::Ip("127.0.0.2", 80));
  EXPECT_NE(address, *SocketAddress::Ip("127.0.0.1", 81));
  EXPECT_NE(address, *SocketAddress::Ip("::ffff:127.0.0.1", 80));
  EXPECT_NE(address, SocketAddress());
  EXPECT_NE(*SocketAddress::Ip("::1", 80), *SocketAddress::Ip("::2", 80));
}

TEST(SocketAddressTest, ZoneOfALinkLocalAddressIsKept) {
  sockaddr_in6 kernel = {};
  kernel.sin6_family = AF_INET6;
  kernel.sin6_addr.s6_addr[0] = 0xfe;
  kernel.sin6_addr.s6_addr[1] = 0x80;
  kernel.sin6_scope_id = 2;
  const auto address =
      SocketAddress::FromKernel(reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
  EXPECT_EQ(address.ToString(), "[fe80::%2]:0");
  EXPECT_NE(address, *SocketAddress::Ip("fe80::", 0));
}

TEST(SocketAddressTest, NoAddress) {
  const SocketAddress none;
  EXPECT_EQ(none.ToString(), "(none)");
  EXPECT_EQ(none.host(), "");
  EXPECT_FALSE(none.is_ip());
  EXPECT_FALSE(none.is_unix());
  EXPECT_EQ(none, SocketAddress::FromKernel(nullptr, 0));
}

TEST(SocketAddressTest, UnixPath) {
  const SocketAddress address = *SocketAddress::Unix("/run/rotor.sock");
  EXPECT_TRUE(address.is_unix());
  EXPECT_FALSE(address.is_ip());
  EXPECT_EQ(address.ToString(), "unix:/run/rotor.sock");
  EXPECT_EQ(address.host(), "/run/rotor.sock");
  EXPECT_EQ(address.port(), 0);
  EXPECT_NE(address, *SocketAddress::Unix("/run/rotor.soc"));
  EXPECT_NE(address, *SocketAddress::Unix("@/run/rotor.sock"));
}

TEST(SocketAddressTest, UnixPathIsTheSameWithOrWithoutItsFinalNul) {
  const SocketAddress address = *SocketAddress::Unix("/x");
  EXPECT_EQ(SocketAddress::FromKernel(address.kernel_address(), address.kernel_size() - 1),
            address);
}

TEST(SocketAddressTest, AbstractUnixNameHasNoNulAtItsEnd) {
  const SocketAddress address = *SocketAddress::Unix("@name");
  EXPECT_EQ(address.kernel_size(), offsetof(sockaddr_un, sun_path) + 5);
  EXPECT_EQ(address.kernel_address()->sa_data[0], '\0');
  EXPECT_EQ(address.ToString(), "unix:@name");
}

TEST(SocketAddressTest, NameChosenByAPeerCannotBreakALogLine) {
  sockaddr_un kernel = {};
  kernel.sun_family = AF_UNIX;
  std::memcpy(kernel.sun_path, "\0a\nb", 4);
  const auto address = SocketAddress::FromKernel(reinterpret_cast<sockaddr*>(&kernel),
                                                 offsetof(sockaddr_un, sun_path) + 4);
  EXPECT_EQ(address.ToString(), "unix:@a\\nb");
}

TEST(SocketAddressTest, UnnamedUnixPeer) {
  sockaddr_un kernel = {};
  kernel.sun_family = AF_UNIX;
  const auto address =
      SocketAddress::FromKernel(reinterpret_cast<sockaddr*>(&kernel), sizeof(sa_family_t));
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(address.ToString(), "unix:");
}

TEST(SocketAddressTest, UnixPathHasALimit) {
  EXPECT_EQ(SocketAddress::Unix(std::string(107, 'a'))->host(), std::string(107, 'a'));
  EXPECT_TRUE(absl::IsInvalidArgument(SocketAddress::Unix(std::string(108, 'a')).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SocketAddress::Unix("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SocketAddress::Unix("/run/\0x"sv).status()));
}

TEST(SocketAddressTest, AnyIsTheWildcardOfEachFamily) {
  for (const char* ip : {"0.0.0.0", "::"}) EXPECT_TRUE(SocketAddress::Ip(ip, 53)->is_any()) << ip;
  for (const char* ip : {"127.0.0.1", "0.0.0.1", "::1"}) {
    EXPECT_FALSE(SocketAddress::Ip(ip, 0)->is_any()) << ip;
  }
  EXPECT_FALSE(SocketAddress().is_any());
  EXPECT_FALSE(SocketAddress::Unix("@x")->is_any());
}

}  // namespace
}  // namespace rotor
