#include "protocols/http/server/sent_responses.h"

#include <charconv>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/strings.h"

namespace rotor::http {
namespace {

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

class Reader {
 public:
  Reader(std::string_view bytes, bool ended) : rest_(bytes), ended_(ended) {}

  SentResponses ReadAll() && {
    while (!rest_.empty() && result_.error.empty()) {
      if (!result_.responses.empty() && result_.responses.back().closes) {
        Fail("bytes after a response that closes");
        break;
      }
      if (!ReadOne()) break;
    }
    return std::move(result_);
  }

 private:
  bool Fail(std::string_view what) {
    result_.error =
        absl::StrCat(AsAbsl(what), " at \"", absl::CHexEscape(AsAbsl(rest_.substr(0, 60))), "\"");
    return false;
  }

  // The next line without its end; nullopt if it is not all there.
  std::optional<std::string_view> TakeLine() {
    const size_t end = rest_.find("\r\n");
    if (end == rest_.npos) return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return line;
  }

  // False when there is no more to read.
  bool ReadOne() {
    if (rest_.find("\r\n\r\n") == rest_.npos) return false;
    SentResponse response;
    if (!ReadStatusLine(response) || !ReadFields(response) || !CheckFields(response)) return false;
    const bool complete = ReadBody(response);
    response.complete = complete;
    result_.responses.push_back(std::move(response));
    return complete;
  }

  bool ReadStatusLine(SentResponse& response) {
    // A view of the line survives in the error only if it is not taken yet.
    const std::string_view line = rest_.substr(0, rest_.find("\r\n"));
    const bool valid = line.size() > 13 && line.starts_with("HTTP/1.1 ") && line[12] == ' ' &&
                       IsDigits(line.substr(9, 3));
    if (!valid) return Fail("no status line");
    std::from_chars(line.data() + 9, line.data() + 12, response.status);
    TakeLine();
    return true;
  }

  bool ReadFields(SentResponse& response) {
    for (;;) {
      const std::string_view line = *TakeLine();
      if (line.empty()) return true;
      const size_t colon = line.find(": ");
      if (colon == line.npos || colon == 0) return Fail("a line that is no field, before what is");
      response.fields.push_back({line.substr(0, colon), line.substr(colon + 2)});
    }
  }

  bool CheckFields(SentResponse& response) {
    const auto count = [&](std::string_view name) {
      int found = 0;
      for (const Field& field : response.fields) found += EqualsIgnoreCase(field.name, name);
      return found;
    };
    const int lengths = count("content-length");
    const int codings = count("transfer-encoding");
    if (lengths + codings > 1) return Fail("more than one framing, before what is");
    const bool bodiless = response.interim() || response.status == 204;
    if (bodiless && lengths + codings > 0) return Fail("framing without a body, before what is");
    if (count("connection") > 1) return Fail("Connection twice, before what is");
    if (!response.interim() && count("date") != 1) return Fail("not one Date, before what is");
    if (lengths == 1 && !IsDigits(*response.Find("content-length"))) {
      return Fail("a length that is no number, before what is");
    }
    response.closes = response.Find("connection").value_or("") == "close";
    return true;
  }

  // False if it is incomplete.
  bool ReadBody(SentResponse& response) {
    const bool to_head = response.Find(kAnswersField).value_or("") == "HEAD";
    if (response.interim() || response.status == 204 || response.status == 304 || to_head) {
      return true;
    }
    if (response.Find("transfer-encoding")) return ReadChunks(response);
    if (!response.Find("content-length")) {
      if (!response.closes) return Fail("a body until the end without close, before what is");
      response.body = rest_;
      rest_ = {};
      return ended_;
    }
    const size_t length = response.length();
    const bool error_to_head =
        response.status >= 400 && response.closes && rest_.empty() && !response.Find(kAnswersField);
    if (error_to_head) return true;
    response.body = rest_.substr(0, length);
    rest_.remove_prefix(response.body.size());
    return response.body.size() == length;
  }

  bool ReadChunks(SentResponse& response) {
    for (;;) {
      const std::optional<std::string_view> line = TakeLine();
      if (!line) return false;
      size_t size = 0;
      const auto [end, error] =
          std::from_chars(line->data(), line->data() + line->size(), size, 16);
      if (error != std::errc() || end != line->data() + line->size()) {
        return Fail("a chunk line that is no size, before what is");
      }
      if (size == 0) return ReadTrailers();
      response.body += rest_.substr(0, size);
      if (rest_.size() < size + 2) {
        rest_ = {};
        return false;
      }
      if (rest_.substr(size, 2) != "\r\n") return Fail("a chunk that does not end, in what is");
      rest_.remove_prefix(size + 2);
    }
  }

  bool ReadTrailers() {
    for (;;) {
      const std::optional<std::string_view> line = TakeLine();
      if (!line) return false;
      if (line->empty()) return true;
      if (line->find(": ") == line->npos) return Fail("a trailer that is none, before what is");
    }
  }

  std::string_view rest_;
  const bool ended_;
  SentResponses result_;
};

}  // namespace

std::optional<std::string_view> SentResponse::Find(std::string_view name) const {
  for (const Field& field : fields) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

size_t SentResponse::length() const {
  const std::string_view value = Find("content-length").value_or("0");
  size_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  return length;
}

SentResponses ReadResponses(std::string_view bytes, bool ended) {
  return Reader(bytes, ended).ReadAll();
}

}  // namespace rotor::http
