// Runs a fuzz entry without a fuzzer: replays files, then inputs made from them with fixed seeds.
//
//   program [--mutations=COUNT] [FILE...]
//
// When the entry fails, the input is printed as a C string: put it into a test or into the corpus.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace rotor {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kInputBytesMax = 4096;

// What runs now, for the signal handler, which has no other way to reach it.
const std::string* current_input = nullptr;

void PrintCurrentInput(int signal_number) {
  std::fprintf(stderr, "failed on the input of %zu bytes: \"", current_input->size());
  for (const unsigned char byte : *current_input) std::fprintf(stderr, "\\x%02x", byte);
  std::fprintf(stderr, "\"\n");
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void RunOne(const std::string& input) {
  current_input = &input;
  // An exact copy on the heap, so that the address sanitizer sees a read past the end.
  const std::vector<uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

// One small change: of a byte, a bit, a range, or a splice with another input.
void MutateOnce(Random& random, const std::vector<std::string>& corpus, std::string& input) {
  // Bytes which often carry meaning in protocols.
  static constexpr std::string_view kTelling = "\r\n\0 \t:;,/%\"0123456789\xff\x80\x7f\xc0"sv;
  const size_t at = random.Below(input.size() + 1);
  const size_t length = std::min<size_t>(1 + random.Below(8), input.size() - at);
  switch (random.Below(6)) {
    case 0:
      input.insert(at, 1, kTelling[random.Below(kTelling.size())]);
      break;
    case 1:
      if (length > 0) input[at] = kTelling[random.Below(kTelling.size())];
      break;
    case 2:
      if (length > 0) input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
      break;
    case 3:
      input.erase(at, length);
      break;
    case 4:
      input.insert(at, input.substr(at, length));
      break;
    case 5: {
      const std::string& other = corpus[random.Below(corpus.size())];
      input = input.substr(0, at) + other.substr(random.Below(other.size() + 1));
      break;
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
}

int Main(int argument_count, char** arguments) {
  uint64_t mutations = 0;
  std::vector<std::string> corpus = {""};
  for (int i = 1; i < argument_count; ++i) {
    static constexpr std::string_view kMutations = "--mutations=";
    const std::string_view argument = arguments[i];
    if (argument.starts_with(kMutations)) {
      mutations = std::strtoull(arguments[i] + kMutations.size(), nullptr, 10);
      continue;
    }
    std::ifstream file(arguments[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "%s: cannot be read\n", arguments[i]);
      return 1;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }

  std::signal(SIGABRT, PrintCurrentInput);
  std::signal(SIGSEGV, PrintCurrentInput);
  for (const std::string& input : corpus) RunOne(input);
  for (uint64_t seed = 0; seed < mutations; ++seed) {
    Random random(seed);
    std::string input = corpus[random.Below(corpus.size())];
    for (uint64_t changes = 1 + random.Below(8); changes > 0; --changes) {
      MutateOnce(random, corpus, input);
    }
    RunOne(input);
  }
  std::printf("%zu files and %llu mutations passed\n", corpus.size() - 1,
              static_cast<unsigned long long>(mutations));
  return 0;
}

}  // namespace
}  // namespace rotor

int main(int argument_count, char** arguments) { return rotor::Main(argument_count, arguments); }
