// Nanoseconds per request: taking a head apart, and writing a small response. Of a head, the gate
// and http-parser also apart: BM_Gate... checks lines and meaning, BM_Parser... reads the plain
// head that comes of it, and BM_Raw... is what http-parser would cost if it read the head as
// received.
#include <benchmark/benchmark.h>
#include <http_parser.h>

#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/http/codec/framing_gate.h"
#include "protocols/http/codec/http_date.h"
#include "protocols/http/codec/request_parser.h"
#include "protocols/http/codec/response_writer.h"

namespace rotor::http {
namespace {

// As wrk sends it.
constexpr std::string_view kSmallest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

// Twelve fields, as browsers send them.
constexpr std::string_view kBrowser =
    "GET /articles/2023/06/state-machines.html?utm_source=feed HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/114.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    "\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Referer: https://www.example.org/articles/2023/06/index.html\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=essential; "
    "visited=2023-06-11T10:15:30Z\r\n"
    "\r\n";

std::string HundredFields() {
  std::string head = "GET / HTTP/1.1\r\nHost: www.example.org\r\n";
  for (int i = 1; i < 100; ++i) {
    head += "X-Field-Number-" + std::to_string(i) + ": the value of field " + std::to_string(i);
    head += "\r\n";
  }
  return head + "\r\n";
}

void ParseHeads(benchmark::State& state, std::string_view bytes) {
  RequestScratch scratch;
  RequestParser parser;
  for (auto _ : state) {
    const HeadResult result = parser.ParseHead(bytes, scratch);
    if (result.outcome != HeadResult::Outcome::kHead) state.SkipWithError("no head");
    benchmark::DoNotOptimize(result.head->path.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}

void CheckHeads(benchmark::State& state, std::string_view bytes) {
  const RequestLimits limits;
  std::vector<Field> fields(limits.fields_max);
  for (auto _ : state) {
    LineProgress progress;
    StartLine start_line;
    HeadMeaning meaning;
    const GateResult result = CheckHeadLines(bytes, limits, progress, start_line, fields);
    const Fault fault =
        CheckHeadMeaning(start_line, std::span(fields).subspan(0, progress.fields), meaning);
    if (result.outcome != GateOutcome::kPassed || fault != nullptr) state.SkipWithError("refused");
    benchmark::DoNotOptimize(meaning);
  }
}

void FeedParser(benchmark::State& state, std::string_view bytes) {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  for (auto _ : state) {
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    const size_t taken = http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
    if (taken != bytes.size()) state.SkipWithError("refused");
    benchmark::DoNotOptimize(&parser);
  }
}

void FeedPlainHead(benchmark::State& state, std::string_view bytes) {
  const RequestLimits limits;
  std::vector<Field> fields(limits.fields_max);
  LineProgress progress;
  StartLine start_line;
  HeadMeaning meaning;
  (void)CheckHeadLines(bytes, limits, progress, start_line, fields);
  (void)CheckHeadMeaning(start_line, std::span(fields).subspan(0, progress.fields), meaning);
  FeedParser(state, PlainHead(start_line, meaning).text());
}

void BM_Smallest(benchmark::State& state) { ParseHeads(state, kSmallest); }
void BM_Browser(benchmark::State& state) { ParseHeads(state, kBrowser); }
void BM_HundredFields(benchmark::State& state) { ParseHeads(state, HundredFields()); }
void BM_GateSmallest(benchmark::State& state) { CheckHeads(state, kSmallest); }
void BM_GateBrowser(benchmark::State& state) { CheckHeads(state, kBrowser); }
void BM_GateHundredFields(benchmark::State& state) { CheckHeads(state, HundredFields()); }
void BM_ParserSmallest(benchmark::State& state) { FeedPlainHead(state, kSmallest); }
void BM_ParserBrowser(benchmark::State& state) { FeedPlainHead(state, kBrowser); }
void BM_ParserHundredFields(benchmark::State& state) { FeedPlainHead(state, HundredFields()); }
void BM_RawSmallest(benchmark::State& state) { FeedParser(state, kSmallest); }
void BM_RawBrowser(benchmark::State& state) { FeedParser(state, kBrowser); }
void BM_RawHundredFields(benchmark::State& state) { FeedParser(state, HundredFields()); }
BENCHMARK(BM_Smallest);
BENCHMARK(BM_Browser);
BENCHMARK(BM_HundredFields);
BENCHMARK(BM_GateSmallest);
BENCHMARK(BM_GateBrowser);
BENCHMARK(BM_GateHundredFields);
BENCHMARK(BM_ParserSmallest);
BENCHMARK(BM_ParserBrowser);
BENCHMARK(BM_ParserHundredFields);
BENCHMARK(BM_RawSmallest);
BENCHMARK(BM_RawBrowser);
BENCHMARK(BM_RawHundredFields);

// A POST of four chunks with its body.
void BM_ChunkedRequest(benchmark::State& state) {
  const std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  RequestScratch scratch;
  RequestParser parser;
  for (auto _ : state) {
    size_t at = parser.ParseHead(bytes, scratch).head_size;
    while (parser.body_pending()) at += parser.ParseBody(bytes.substr(at), scratch).consumed;
    if (at != bytes.size()) state.SkipWithError("not the whole request");
  }
}
BENCHMARK(BM_ChunkedRequest);

// Keeps the last response only.
class FixedOutput final : public Output {
 public:
  char* Reserve(size_t) override { return bytes_; }
  void Commit(size_t bytes) override { benchmark::DoNotOptimize(bytes); }

 private:
  char bytes_[4096];
};

void BM_SmallResponse(benchmark::State& state) {
  char date[kHttpDateBytes];
  FormatHttpDate(784111777, date);
  ResponseDefaults defaults;
  if (!defaults.Set(std::string_view(date, sizeof(date)), "Rotor").ok()) std::abort();
  FixedOutput output;
  ResponseWriter writer;
  RequestHead request;
  request.keep_alive = true;
  ResponseHead head;
  head.content_type = "text/plain";
  for (auto _ : state) {
    writer.Begin(request);
    const absl::Status status = writer.Respond(output, defaults, head, "Hello, World!");
    if (!status.ok()) state.SkipWithError("refused");
  }
}
BENCHMARK(BM_SmallResponse);

}  // namespace
}  // namespace rotor::http
