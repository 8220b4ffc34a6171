#include "examples/host/host.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "protocols/dns/codec/text.h"
#include "protocols/dns/resolver/hosts_file.h"

namespace host {

namespace {

using rotor::dns::Answer;
using rotor::dns::RecordData;
using rotor::dns::RecordType;
using Result = absl::StatusOr<std::shared_ptr<const Answer>>;

// All text here is printable ASCII already, but for what the caller typed.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    if (static_cast<unsigned char>(c) < ' ') {
      absl::StrAppendFormat(&quoted, "\\u%04x", c);
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "\"";
}

// What can be said of one type, or of all.
std::string StatusOf(const Result& result) {
  if (!result.ok()) return std::string(absl::StatusCodeToString(result.status().code()));
  switch ((*result)->kind) {
    case Answer::Kind::kRecords:
      return "NOERROR";
    case Answer::Kind::kNoData:
      return "NODATA";
    case Answer::Kind::kNoSuchName:
      return "NXDOMAIN";
  }
  return "";
}

int64_t SecondsLeft(const Answer& answer, rotor::Time now) {
  return std::max<int64_t>(0, absl::ToInt64Seconds(answer.expires - now));
}

void AppendText(const Answer& answer, rotor::Time now, std::string& out) {
  for (const RecordData& record : answer.records) {
    absl::StrAppend(&out, answer.name().ToText(), "\t", SecondsLeft(answer, now), "\t",
                    ToText(record.type()), "\t", ToText(record.encoded()), "\n");
  }
}

void AppendJson(const Answer& answer, rotor::Time now, std::string& out) {
  for (const RecordData& record : answer.records) {
    absl::StrAppend(&out, out.empty() ? "" : ",", "{\"name\":", Quoted(answer.name().ToText()),
                    ",\"ttl\":", SecondsLeft(answer, now),
                    ",\"type\":", Quoted(ToText(record.type())),
                    ",\"data\":", Quoted(ToText(record.encoded())), "}");
  }
}

bool HasRecords(const Result& result) {
  return result.ok() && (*result)->kind == Answer::Kind::kRecords;
}

}  // namespace

absl::StatusOr<Request> MakeRequest(std::string_view name, std::string_view type) {
  Request request;
  request.name = name;
  if (!type.empty()) {
    const std::optional<RecordType> known = rotor::dns::RecordTypeFromText(type);
    if (!known.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("no such type: ", std::string(type)));
    }
    request.types = {*known};
  }
  const absl::StatusOr<rotor::SocketAddress> numeric = rotor::SocketAddress::Ip(name, 0);
  const bool reverse = numeric.ok() && (type.empty() || request.types[0] == RecordType::kPtr);
  if (reverse) {
    request.name = rotor::dns::ReverseName(*numeric).ToText();
    request.types = {RecordType::kPtr};
  } else if (type.empty()) {
    request.types = {RecordType::kA, RecordType::kAaaa};
  }
  return request;
}

absl::StatusOr<rotor::dns::ResolverOptions> MakeOptions(std::string_view server, bool tcp) {
  rotor::dns::ResolverOptions options;
  if (server.empty() && !tcp) return options;
  rotor::dns::ResolvConf conf;
  if (server.empty()) {
    const absl::StatusOr<std::string> text =
        rotor::dns::SystemFiles()->Read(options.resolv_conf, options.file_bytes_max);
    conf = rotor::dns::ParseResolvConf(text.value_or(""));
  } else {
    absl::StatusOr<rotor::SocketAddress> address = rotor::dns::ParseServer(server);
    if (!address.ok()) return address.status();
    conf.servers = {*address};
    conf.edns0 = true;
  }
  conf.use_vc = conf.use_vc || tcp;
  options.config = std::move(conf);
  return options;
}

rotor::Step HostMachine::Start(rotor::Scope& scope) {
  for (const RecordType type : request_.types) {
    lookups_.push_back(resolver_.Ask(request_.name, type, {.timeout = request_.timeout}, scope));
  }
  return rotor::Step::WaitForever();
}

rotor::Step HostMachine::Wakeup(rotor::Scope& scope) {
  if (scope.draining()) return rotor::Step::Done();
  const bool done = std::all_of(lookups_.begin(), lookups_.end(),
                                [](const auto& lookup) { return lookup.done(); });
  if (!done) return rotor::Step::KeepWaiting();
  Conclude(scope.now());
  return rotor::Step::Done();
}

void HostMachine::Conclude(rotor::Time now) {
  std::vector<Result> results;
  for (rotor::dns::RecordLookup& lookup : lookups_) results.push_back(lookup.Take());
  // Of several types one that was found counts for all, then one that nobody could tell.
  const auto found = std::find_if(results.begin(), results.end(), HasRecords);
  const auto failed = std::find_if(results.begin(), results.end(),
                                   [](const Result& result) { return !result.ok(); });
  const Result& verdict = found != results.end()    ? *found
                          : failed != results.end() ? *failed
                                                    : results.front();
  outcome_.exit_code = found != results.end() ? kFound : verdict.ok() ? kNotFound : kFailed;
  std::string records;
  for (const Result& result : results) {
    if (!HasRecords(result)) continue;
    if (request_.json) {
      AppendJson(**result, now, records);
    } else {
      AppendText(**result, now, records);
    }
  }
  const std::string status = StatusOf(verdict);
  if (outcome_.exit_code != kFound) {
    outcome_.err = absl::StrCat("host: ", request_.name, ": ", status, "\n");
  }
  for (const Result& result : results) {
    if (result.ok()) continue;
    absl::StrAppend(&outcome_.err, "host: ", result.status().ToString(), "\n");
  }
  outcome_.out = std::move(records);
  if (!request_.json) return;
  outcome_.out = absl::StrCat("{\"asked\":", Quoted(request_.name), ",\"status\":", Quoted(status),
                              ",\"records\":[", outcome_.out, "]}\n");
}

}  // namespace host
