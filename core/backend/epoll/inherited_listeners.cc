#include "core/backend/epoll/inherited_listeners.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace rotor {
namespace {

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START.
// More is a mistake, not a service.
constexpr int kDescriptorsMax = 1024;

std::string TakeVariable(const char* name) {
  const char* const value = std::getenv(name);
  const std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

}  // namespace

absl::StatusOr<std::vector<int>> InheritedListeners() {
  const std::string process = TakeVariable("LISTEN_PID");
  const std::string count_text = TakeVariable("LISTEN_FDS");
  TakeVariable("LISTEN_FDNAMES");
  std::vector<int> descriptors;
  // Meant for another process, such as the shell between.
  if (process.empty() || process != absl::StrCat(getpid())) return descriptors;
  int count = 0;
  if (!absl::SimpleAtoi(count_text, &count) || count < 0 || count > kDescriptorsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDS is no number of descriptors: \"", count_text, "\""));
  }
  for (int i = 0; i < count; ++i) {
    const int descriptor = kFirstDescriptor + i;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("LISTEN_FDS is ", count, ", but descriptor ", descriptor, " is not open"));
    }
    descriptors.push_back(descriptor);
  }
  return descriptors;
}

}  // namespace rotor
