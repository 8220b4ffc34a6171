// Nanoseconds per request: taking a head apart, and writing a small response.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>

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

void BM_SmallestRequest(benchmark::State& state) { ParseHeads(state, kSmallest); }
BENCHMARK(BM_SmallestRequest);

void BM_BrowserRequest(benchmark::State& state) { ParseHeads(state, kBrowser); }
BENCHMARK(BM_BrowserRequest);

void BM_HundredFields(benchmark::State& state) { ParseHeads(state, HundredFields()); }
BENCHMARK(BM_HundredFields);

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
