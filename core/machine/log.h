// Where a loop reports what a person should know.
#ifndef ROTOR_CORE_MACHINE_LOG_H_
#define ROTOR_CORE_MACHINE_LOG_H_

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace rotor {

// kInfo: each machine that failed, and why (off by default: a hostile peer can cause many).
// kWarning: what an operator should look at, such as machines cut at the end of a drain.
enum class LogLevel : uint8_t { kInfo, kWarning };

// Override to send messages elsewhere; called on the loop's thread, must not block.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual bool Enabled(LogLevel level) const { return level >= LogLevel::kWarning; }
  // One line without a line end.
  virtual void Write(LogLevel, std::string_view message) {
    std::fprintf(stderr, "rotor: %.*s\n", static_cast<int>(message.size()), message.data());
  }
};

}  // namespace rotor

#endif  // ROTOR_CORE_MACHINE_LOG_H_
