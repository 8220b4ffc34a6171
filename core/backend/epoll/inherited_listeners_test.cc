#include "core/backend/epoll/inherited_listeners.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rotor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class InheritedListenersTest : public testing::Test {
 protected:
  InheritedListenersTest() {
    // So that descriptors 3 and 4 are open.
    while (open("/dev/null", O_RDONLY) < 4) {
    }
  }

  static void Pass(const std::string& process, const char* count) {
    setenv("LISTEN_PID", process.c_str(), 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", "http:admin", 1);
  }
  static std::string Us() { return std::to_string(getpid()); }
};

TEST_F(InheritedListenersTest, AreCountedFromThree) {
  Pass(Us(), "2");
  EXPECT_THAT(*InheritedListeners(), ElementsAre(3, 4));
  EXPECT_EQ(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(InheritedListenersTest, AreTakenOnce) {
  Pass(Us(), "1");
  EXPECT_THAT(*InheritedListeners(), ElementsAre(3));
  EXPECT_THAT(*InheritedListeners(), IsEmpty());
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
}

TEST_F(InheritedListenersTest, ForAnotherProcessAreNotOurs) {
  Pass(std::to_string(getppid()), "1");
  EXPECT_THAT(*InheritedListeners(), IsEmpty());
}

TEST_F(InheritedListenersTest, ANumberThatIsNoneIsNamed) {
  for (const char* count : {"", "x", "-1", "1000000"}) {
    Pass(Us(), count);
    const absl::Status status = InheritedListeners().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << count;
    EXPECT_THAT(std::string(status.message()), HasSubstr("LISTEN_FDS"));
  }
}

TEST_F(InheritedListenersTest, ADescriptorThatIsNotOpenIsNamed) {
  close(4);
  Pass(Us(), "2");
  EXPECT_THAT(InheritedListeners().status().ToString(), HasSubstr("descriptor 4 is not open"));
}

}  // namespace
}  // namespace rotor
