#include "protocols/dns/zone/zone_file_scanner.h"

#include <algorithm>

#include "core/base/strings.h"

namespace rotor::dns {
namespace {

// A word must begin and end somewhere: what separates words.
bool EndsWord(char c) { return std::string_view(" \t\r\n;()\"").find(c) != std::string_view::npos; }

bool IsControl(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r') ||
         c == '\x7f';
}

}  // namespace

bool ZoneFileScanner::Next(ZoneEntry* entry) {
  while (status_.ok() && !rest_.empty()) {
    if (line_feed_seen_) ++line_;
    line_feed_seen_ = false;
    entry->line = line_;
    entry->owner_given = rest_[0] != ' ' && rest_[0] != '\t';
    entry->words.clear();
    while (!rest_.empty() && Step(entry)) {
    }
    if (rest_.empty() && parentheses_ > 0 && status_.ok()) Break("parenthesis is not closed");
    if (!status_.ok()) return false;
    if (!entry->words.empty()) return true;
  }
  return false;
}

bool ZoneFileScanner::Step(ZoneEntry* entry) {
  const char c = rest_[0];
  switch (c) {
    case '\n':
      rest_.remove_prefix(1);
      line_feed_seen_ = parentheses_ == 0;
      if (parentheses_ > 0) ++line_;
      return parentheses_ > 0;
    case ' ':
    case '\t':
    case '\r':
      rest_.remove_prefix(1);
      return true;
    case ';':
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      return true;
    case '(':
      rest_.remove_prefix(1);
      ++parentheses_;
      return true;
    case ')':
      rest_.remove_prefix(1);
      if (parentheses_ == 0) return Break("parenthesis is not opened");
      --parentheses_;
      return true;
    case '"':
      return TakeQuoted(entry);
    default:
      return TakeWord(entry);
  }
}

bool ZoneFileScanner::TakeQuoted(ZoneEntry* entry) {
  for (size_t end = 1; end < rest_.size() && rest_[end] != '\n'; ++end) {
    if (rest_[end] == '"') {
      entry->words.push_back({rest_.substr(1, end - 1), true});
      rest_.remove_prefix(end + 1);
      return true;
    }
    if (IsControl(rest_[end])) return Break("control character");
    const bool escapes = rest_[end] == '\\' && end + 1 < rest_.size() && rest_[end + 1] != '\n';
    if (escapes) ++end;
  }
  return Break("quoted string is not closed");
}

bool ZoneFileScanner::TakeWord(ZoneEntry* entry) {
  size_t end = 0;
  for (; end < rest_.size() && !EndsWord(rest_[end]); ++end) {
    if (IsControl(rest_[end])) return Break("control character");
    if (rest_[end] != '\\') continue;
    if (end + 1 == rest_.size() || rest_[end + 1] == '\n') return Break("broken escape");
    ++end;
  }
  entry->words.push_back({rest_.substr(0, end), false});
  rest_.remove_prefix(end);
  return true;
}

bool ZoneFileScanner::Break(std::string_view what) {
  status_ = absl::InvalidArgumentError(AsAbsl(what));
  return false;
}

}  // namespace rotor::dns
