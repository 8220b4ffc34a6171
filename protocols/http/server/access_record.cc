#include "protocols/http/server/access_record.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rotor::http {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void PutNumber(uint64_t number, std::string& line, size_t digits_min = 1) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  const size_t count = static_cast<size_t>(end - digits);
  if (count < digits_min) line.append(digits_min - count, '0');
  line.append(digits, count);
}

void PutNumberOr(std::string_view none, uint64_t number, std::string& line) {
  number == 0 ? void(line += none) : PutNumber(number, line);
}

// Anything but printable ASCII, quotes and backslashes is escaped behind `escape`.
void PutEscaped(std::string_view text, std::string_view escape, std::string& line) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      line += c;
      continue;
    }
    line += escape;
    line += kHexDigits[byte >> 4];
    line += kHexDigits[byte & 15];
  }
}

std::string_view VersionOf(const RequestHead& head) {
  return head.version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

// "06/Nov/1994:08:49:37 +0000".
void PutCommonTime(absl::Time time, std::string& line) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  PutNumber(static_cast<uint64_t>(civil.day()), line, 2);
  line += '/';
  line += kMonths[civil.month() - 1];
  line += '/';
  PutNumber(static_cast<uint64_t>(civil.year()), line, 4);
  for (const int part : {civil.hour(), civil.minute(), civil.second()}) {
    line += ':';
    PutNumber(static_cast<uint64_t>(part), line, 2);
  }
  line += " +0000";
}

// "1994-11-06T08:49:37.123Z".
void PutJsonTime(absl::Time time, std::string& line) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  PutNumber(static_cast<uint64_t>(civil.year()), line, 4);
  const std::pair<char, int> parts[] = {{'-', civil.month()},
                                        {'-', civil.day()},
                                        {'T', civil.hour()},
                                        {':', civil.minute()},
                                        {':', civil.second()}};
  for (const auto& [separator, part] : parts) {
    line += separator;
    PutNumber(static_cast<uint64_t>(part), line, 2);
  }
  line += '.';
  PutNumber(static_cast<uint64_t>(absl::ToUnixMillis(time) - absl::ToUnixSeconds(time) * 1000),
            line, 3);
  line += 'Z';
}

void BeginCommon(const RequestHead* head, const std::string& peer, absl::Time time,
                 std::string& line) {
  line += peer.empty() ? "-" : peer;
  line += " - - [";
  PutCommonTime(time, line);
  line += "] \"";
  if (head == nullptr) {
    line += '-';
  } else {
    PutEscaped(head->method_text, "\\x", line);
    line += ' ';
    PutEscaped(head->target, "\\x", line);
    line += ' ';
    line += VersionOf(*head);
  }
  line += '"';
}

void PutJson(std::string_view name, std::optional<std::string_view> value, std::string& line) {
  line += ",\"";
  line += name;
  line += "\":";
  if (!value.has_value()) {
    line += "null";
    return;
  }
  line += '"';
  PutEscaped(*value, "\\u00", line);
  line += '"';
}

void BeginJson(const RequestHead* head, const std::string& peer, absl::Time time,
               std::string& line) {
  using Value = std::optional<std::string_view>;
  line += "{\"time\":\"";
  PutJsonTime(time, line);
  line += '"';
  PutJson("peer", peer.empty() ? Value() : Value(peer), line);
  const bool known = head != nullptr;
  PutJson("method", known ? Value(head->method_text) : Value(), line);
  PutJson("target", known ? Value(head->target) : Value(), line);
  PutJson("version", known ? Value(VersionOf(*head)) : Value(), line);
  PutJson("host", known ? Value(head->host) : Value(), line);
  PutJson("referer", known ? Value(head->Find("referer").value_or("")) : Value(), line);
  PutJson("user_agent", known ? Value(head->Find("user-agent").value_or("")) : Value(), line);
}

void EndCommon(const ResponseWriter& writer, std::string& line) {
  line += ' ';
  PutNumberOr("-", static_cast<uint64_t>(writer.status()), line);
  line += ' ';
  PutNumberOr("-", writer.body_bytes(), line);
  line += '\n';
}

void EndJson(const ResponseWriter& writer, std::optional<absl::Duration> duration,
             std::string& line) {
  line += ",\"status\":";
  PutNumberOr("null", static_cast<uint64_t>(writer.status()), line);
  line += ",\"body_bytes\":";
  PutNumber(writer.body_bytes(), line);
  line += ",\"duration_us\":";
  if (duration.has_value()) {
    PutNumber(static_cast<uint64_t>(absl::ToInt64Microseconds(*duration)), line);
  } else {
    line += "null";
  }
  line += ",\"complete\":";
  line += writer.in_progress() ? "false}\n" : "true}\n";
}

}  // namespace

AccessRecordHolder::~AccessRecordHolder() {
  if (record_ != nullptr) record_->records.End(std::nullopt, *this);
}

void AccessRecords::Begin(const RequestHead* head, const SocketAddress& peer, absl::Time wall_time,
                          Time now, AccessRecordHolder& holder) {
  if (kept_.empty()) {
    holder.record_ = std::make_unique<AccessRecord>(AccessRecord{*this, "", now});
  } else {
    holder.record_ = std::move(kept_.back());
    kept_.pop_back();
  }
  AccessRecord& record = *holder.record_;
  record.begin = now;
  // Without port: the field is that of a host. The name of a Unix socket is the client's to choose.
  const std::string host = peer.is_ip() ? peer.host() : "";
  if (format_ == AccessLogFormat::kCommon) {
    BeginCommon(head, host, wall_time, record.line);
  } else {
    BeginJson(head, host, wall_time, record.line);
  }
}

void AccessRecords::End(std::optional<Time> now, AccessRecordHolder& holder) {
  if (holder.record_ == nullptr) return;
  std::unique_ptr<AccessRecord> record = std::move(holder.record_);
  std::string& line = record->line;
  if (format_ == AccessLogFormat::kCommon) {
    EndCommon(holder.writer_, line);
  } else {
    std::optional<absl::Duration> duration;
    if (now.has_value()) duration = *now - record->begin;
    EndJson(holder.writer_, duration, line);
  }
  sink_->Write(line);
  if (kept_.size() >= kKeptMax || line.capacity() > kKeptLineBytesMax) return;
  line.clear();
  kept_.push_back(std::move(record));
}

}  // namespace rotor::http
