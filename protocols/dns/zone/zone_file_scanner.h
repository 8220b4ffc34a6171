// Cuts a zone file into entries and words (RFC 1035 section 5.1). Private to this package.
#ifndef ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_SCANNER_H_
#define ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_SCANNER_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace rotor::dns {

// Escapes are still in it; quotes are not.
struct ZoneWord {
  std::string_view text;
  bool quoted = false;
};

// What ends with a line feed outside parentheses: a directive or a record.
struct ZoneEntry {
  size_t line = 0;           // where it begins, from 1
  bool owner_given = false;  // it begins with a word, not with a blank
  std::vector<ZoneWord> words;
};

// Yields the entries that have words, in order; linear in the text, which outlives the scanner.
class ZoneFileScanner {
 public:
  explicit ZoneFileScanner(std::string_view text) : rest_(text) {}

  // False at the end of the text, and after a fault: then status() is not OK, and line() is where.
  bool Next(ZoneEntry* entry);
  const absl::Status& status() const { return status_; }
  size_t line() const { return line_; }

 private:
  // Steps over one byte or word; false when the entry ends with it or is broken.
  bool Step(ZoneEntry* entry);
  bool TakeQuoted(ZoneEntry* entry);
  bool TakeWord(ZoneEntry* entry);
  bool Break(std::string_view what);

  std::string_view rest_;
  size_t line_ = 1;
  size_t parentheses_ = 0;
  bool line_feed_seen_ = false;  // The entry ended with one, which is not counted yet.
  absl::Status status_;
};

}  // namespace rotor::dns

#endif  // ROTOR_PROTOCOLS_DNS_ZONE_ZONE_FILE_SCANNER_H_
