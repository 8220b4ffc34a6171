#include "protocols/http/codec/http_date.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

namespace rotor::http {
namespace {

constexpr int64_t kFirstSecond = -62167219200;  // Year 0 begins.
constexpr int64_t kLastSecond = 253402300799;   // Year 9999 ends.

void PutDigits(char* out, int64_t number, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace

void FormatHttpDate(int64_t unix_seconds, char (&out)[kHttpDateBytes]) {
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static constexpr std::string_view kForm = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  static_assert(kForm.size() == kHttpDateBytes);

  const std::chrono::sys_seconds time{
      std::chrono::seconds(std::clamp(unix_seconds, kFirstSecond, kLastSecond))};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::weekday weekday(midnight);
  const int64_t second = (time - midnight).count();

  std::memcpy(out, kForm.data(), kForm.size());
  std::memcpy(out, kDays + 3 * weekday.c_encoding(), 3);
  PutDigits(out + 5, static_cast<unsigned>(date.day()), 2);
  std::memcpy(out + 8, kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  PutDigits(out + 12, static_cast<int>(date.year()), 4);
  PutDigits(out + 17, second / 3600, 2);
  PutDigits(out + 20, second / 60 % 60, 2);
  PutDigits(out + 23, second % 60, 2);
}

}  // namespace rotor::http
