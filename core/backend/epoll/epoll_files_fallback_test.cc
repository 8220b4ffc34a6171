// Files where neither openat2(2) nor sendfile(2) is to be had, as on old kernels, in containers and
// on some file systems.
#include <sys/syscall.h>

#include <cerrno>
#include <memory>

#include "core/backend/contract.h"
#include "core/backend/epoll/epoll_test_host.h"
#include "gtest/gtest.h"

namespace rotor {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BackendContract);

namespace {

class OldKernel : public EpollHost {
 public:
  OldKernel() {
    // For the rest of the process, and once.
    static const bool is_filtered =
        FailSystemCall(SYS_openat2, ENOSYS) && FailSystemCall(SYS_sendfile, EINVAL);
    EXPECT_TRUE(is_filtered) << "no seccomp(2) here";
  }
};

INSTANTIATE_TEST_SUITE_P(OldKernel, FileContract, testing::Values(ContractHostFactory([] {
                           return std::make_unique<OldKernel>();
                         })));

}  // namespace
}  // namespace rotor
