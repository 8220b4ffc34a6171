#include "protocols/http/codec/http_date.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <tuple>

namespace rotor::http {
namespace {

constexpr int64_t kFirstSecond = -62167219200;  // Year 0 begins.
constexpr int64_t kLastSecond = 253402300799;   // Year 9999 ends.

constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

void PutDigits(char* out, int64_t number, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

// Takes a date apart from the front; every step says whether it was there.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) : text_(text) {}

  bool Skip(std::string_view expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  bool Digits(size_t count, int& number) {
    if (text_.size() < count) return false;
    number = 0;
    for (const char c : text_.substr(0, count)) {
      if (c < '0' || c > '9') return false;
      number = number * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return true;
  }
  // The whole name of a day, or its first three letters.
  bool Day(bool whole) {
    return std::any_of(std::begin(kDays), std::end(kDays),
                       [&](std::string_view day) { return Skip(whole ? day : day.substr(0, 3)); });
  }
  bool Month(int& month) {
    for (month = 1; month <= 12; ++month) {
      if (Skip(kMonths.substr(3 * static_cast<size_t>(month - 1), 3))) return true;
    }
    return false;
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

struct DateParts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

  bool TakeTime(DateScanner& scanner) {
    return scanner.Digits(2, hour) && scanner.Skip(":") && scanner.Digits(2, minute) &&
           scanner.Skip(":") && scanner.Digits(2, second);
  }
  // Sun, 06 Nov 1994 08:49:37 GMT
  bool TakeFixdate(DateScanner scanner) {
    return scanner.Day(false) && scanner.Skip(", ") && scanner.Digits(2, day) &&
           scanner.Skip(" ") && scanner.Month(month) && scanner.Skip(" ") &&
           scanner.Digits(4, year) && scanner.Skip(" ") && TakeTime(scanner) &&
           scanner.Skip(" GMT") && scanner.at_end();
  }
  // Sunday, 06-Nov-94 08:49:37 GMT; the year is not complete yet.
  bool TakeRfc850(DateScanner scanner) {
    return scanner.Day(true) && scanner.Skip(", ") && scanner.Digits(2, day) && scanner.Skip("-") &&
           scanner.Month(month) && scanner.Skip("-") && scanner.Digits(2, year) &&
           scanner.Skip(" ") && TakeTime(scanner) && scanner.Skip(" GMT") && scanner.at_end();
  }
  // Sun Nov  6 08:49:37 1994
  bool TakeAsctime(DateScanner scanner) {
    return scanner.Day(false) && scanner.Skip(" ") && scanner.Month(month) && scanner.Skip(" ") &&
           (scanner.Skip(" ") ? scanner.Digits(1, day) : scanner.Digits(2, day)) &&
           scanner.Skip(" ") && TakeTime(scanner) && scanner.Skip(" ") && scanner.Digits(4, year) &&
           scanner.at_end();
  }

  // A leap second is the first of the next minute.
  std::optional<int64_t> UnixSeconds() const {
    const std::chrono::year_month_day date(std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
  }
};

void CompleteYear(DateParts& parts, int64_t now_unix_seconds) {
  const std::chrono::sys_seconds now{
      std::chrono::seconds(std::clamp(now_unix_seconds, kFirstSecond, kLastSecond))};
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day today(midnight);
  const int latest = static_cast<int>(today.year()) + 50;
  parts.year += latest - latest % 100;
  const auto limit = std::make_tuple(latest, static_cast<int>(static_cast<unsigned>(today.month())),
                                     static_cast<int>(static_cast<unsigned>(today.day())),
                                     (now - midnight).count());
  const auto given = std::make_tuple(parts.year, parts.month, parts.day,
                                     int64_t{parts.hour} * 3600 + parts.minute * 60 + parts.second);
  if (given > limit) parts.year -= 100;
}

}  // namespace

std::optional<int64_t> ParseHttpDate(std::string_view text, int64_t now_unix_seconds) {
  DateParts parts;
  if (parts.TakeFixdate(DateScanner(text)) || parts.TakeAsctime(DateScanner(text))) {
    return parts.UnixSeconds();
  }
  if (!parts.TakeRfc850(DateScanner(text))) return std::nullopt;
  CompleteYear(parts, now_unix_seconds);
  return parts.UnixSeconds();
}

void FormatHttpDate(int64_t unix_seconds, char (&out)[kHttpDateBytes]) {
  static constexpr std::string_view kForm = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  static_assert(kForm.size() == kHttpDateBytes);

  const std::chrono::sys_seconds time{
      std::chrono::seconds(std::clamp(unix_seconds, kFirstSecond, kLastSecond))};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::weekday weekday(midnight);
  const int64_t second = (time - midnight).count();

  std::memcpy(out, kForm.data(), kForm.size());
  std::memcpy(out, kDays[weekday.c_encoding()].data(), 3);
  PutDigits(out + 5, static_cast<unsigned>(date.day()), 2);
  std::memcpy(out + 8, kMonths.data() + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  PutDigits(out + 12, static_cast<int>(date.year()), 4);
  PutDigits(out + 17, second / 3600, 2);
  PutDigits(out + 20, second / 60 % 60, 2);
  PutDigits(out + 23, second % 60, 2);
}

}  // namespace rotor::http
