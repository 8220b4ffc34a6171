// Responses into a string, for tests and benchmarks.
#ifndef ROTOR_PROTOCOLS_HTTP_CODEC_STRING_OUTPUT_H_
#define ROTOR_PROTOCOLS_HTTP_CODEC_STRING_OUTPUT_H_

#include <cstddef>
#include <string>

#include "core/base/check.h"
#include "protocols/http/codec/response_writer.h"

namespace rotor::http {

// An Output that appends to its own string, and notices a writer that commits more than it
// reserved.
class StringOutput final : public Output {
 public:
  char* Reserve(size_t bytes) override {
    text_.resize(size_ + bytes);
    return text_.data() + size_;
  }
  void Commit(size_t bytes) override {
    ROTOR_CHECK(size_ + bytes <= text_.size(), "more committed than reserved");
    size_ += bytes;
    text_.resize(size_);
  }

  const std::string& text() const { return text_; }
  void Clear() {
    text_.clear();
    size_ = 0;
  }

 private:
  std::string text_;
  size_t size_ = 0;
};

}  // namespace rotor::http

#endif  // ROTOR_PROTOCOLS_HTTP_CODEC_STRING_OUTPUT_H_
