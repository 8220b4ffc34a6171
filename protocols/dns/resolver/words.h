// Words of a line, for the files of a resolver: /etc/hosts, /etc/resolv.conf.
#ifndef ROTOR_PROTOCOLS_DNS_RESOLVER_WORDS_H_
#define ROTOR_PROTOCOLS_DNS_RESOLVER_WORDS_H_

#include <cstddef>
#include <string_view>

namespace rotor::dns {

inline bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes the next word off the front of `line`; empty at its end.
inline std::string_view TakeWord(std::string_view& line) {
  while (!line.empty() && IsBlank(line.front())) line.remove_prefix(1);
  size_t size = 0;
  while (size < line.size() && !IsBlank(line[size])) ++size;
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(size);
  return word;
}

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_RESOLVER_WORDS_H_
