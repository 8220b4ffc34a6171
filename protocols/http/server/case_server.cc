#include "protocols/http/server/case_server.h"

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/check.h"
#include "core/base/strings.h"
#include "protocols/http/codec/request_transcript.h"
#include "protocols/http/server/sent_responses.h"

namespace rotor::http {
namespace {

// RequestCase::answers taken apart.
struct Answers {
  std::vector<std::string> settled;
  std::vector<std::string> at_end;
  bool closes = false;
};

Answers Parse(std::string_view text) {
  Answers answers;
  bool settled = false;
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(AsAbsl(text), ' '))) {
    if (word == "open" || word == "close") {
      settled = true;
      answers.closes = word == "close";
    } else {
      (settled ? answers.at_end : answers.settled).emplace_back(word);
    }
  }
  ROTOR_CHECK(settled, "the answers of a row say neither open nor close");
  return answers;
}

// The statuses of `sent` are those wanted; a `100?` may be missing.
bool Fit(const std::vector<std::string>& wanted, const std::vector<SentResponse>& sent) {
  size_t next = 0;
  for (const std::string& want : wanted) {
    const std::string status = want.substr(0, 3);
    const bool here = next < sent.size() && absl::StrCat(sent[next].status) == status;
    if (here) {
      ++next;
    } else if (want.back() != '?') {
      return false;
    }
  }
  return next == sent.size();
}

std::string StatusesOf(const std::vector<SentResponse>& sent) {
  return absl::StrJoin(sent, " ", [](std::string* out, const SentResponse& response) {
    absl::StrAppend(out, response.status, response.complete ? "" : " (cut off)");
  });
}

// How far the bodies of the handler's responses tell the requests of `served`, or what is wrong.
std::string CheckServed(std::string_view served, const std::vector<SentResponse>& sent,
                        bool all_of_it) {
  for (const SentResponse& response : sent) {
    const std::optional<std::string_view> method = response.Find(kAnswersField);
    if (!method) continue;
    const size_t size = response.length();
    const std::string_view want = served.substr(0, size);
    const bool same =
        *method == "HEAD" ? want.starts_with("HEAD ") : want.starts_with(response.body);
    if (!same || (response.complete && want.size() != size)) {
      return absl::StrCat("the handler saw \"", absl::CHexEscape(response.body), "\"");
    }
    served.remove_prefix(want.size());
  }
  if (all_of_it && !served.empty()) {
    return absl::StrCat("the handler did not see \"", absl::CHexEscape(AsAbsl(served)), "\"");
  }
  return "";
}

}  // namespace

void CaseSite::RequestReceived(const Request& request, Reply& reply, Scope&) {
  const std::string said = TranscriptOf(request.head, request.body, request.trailers);
  *bytes_seen_ += said.size();
  const Field method{kAnswersField, request.head.method_text};
  const int status = request.head.method == Method::kConnect ? 405 : 200;
  const absl::Status sent =
      reply.Send({.status = status, .content_type = "text/plain", .fields = {&method, 1}}, said);
  ROTOR_CHECK(sent.ok(), "the response is valid");
}

ServerOptions CaseOptions(const RequestCase& row, const SocketAddress& address) {
  ServerOptions options;
  options.addresses = {address};
  options.limits = LimitsOf(row);
  options.body_bytes_max = kCaseBodyBytesMax;
  return options;
}

std::string Differences(const RequestCase& row, const CaseResult& result) {
  const Answers answers = Parse(row.answers.view);
  const SentResponses settled = ReadResponses(result.settled, result.settled_ended);
  const SentResponses all = ReadResponses(result.all, result.all_ended);
  if (!all.error.empty()) return all.error;
  if (!Fit(answers.settled, settled.responses)) {
    return absl::StrCat("it answered ", StatusesOf(settled.responses));
  }
  if (result.settled_ended != answers.closes) {
    return answers.closes ? "it did not close" : "it closed";
  }
  std::vector<std::string> wanted = answers.settled;
  wanted.insert(wanted.end(), answers.at_end.begin(), answers.at_end.end());
  if (!Fit(wanted, all.responses)) {
    return absl::StrCat("in the end it had answered ", StatusesOf(all.responses));
  }
  if (!result.all_ended) return "it did not end after the client";
  const bool says_close = !all.responses.empty() && all.responses.back().closes;
  if (says_close != (answers.closes || !answers.at_end.empty())) {
    return says_close ? "its last response says close" : "its last response does not say close";
  }
  return CheckServed(row.served.view, all.responses, /*all_of_it=*/true);
}

std::string DifferencesUntilCut(const RequestCase& row, std::string_view received, bool ended) {
  const SentResponses all = ReadResponses(received, ended);
  if (!all.error.empty()) return all.error;
  return CheckServed(row.served.view, all.responses, /*all_of_it=*/false);
}

}  // namespace rotor::http
